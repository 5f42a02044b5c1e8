"""What a step's results depend on besides its inputs and options: the code that it runs."""

import ast
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "understudy"


def code_digest(script: str | Path, modules: Sequence[str] = ()) -> str:
    """Digest of a script and of all of the library that it reaches by imports.

    Modules are found without running anything, also those imported inside functions or by a name in a string.
    Comments, docstrings and layout do not count. A package's data, such as templates, counts where a module of
    that package is reached that names some of it.

    Args:
        script: Python file in the folder that holds the library.
        modules: What it reaches besides, as ``understudy.a.b``.
    """
    script = Path(script).resolve()
    reached = [script, *reached_modules(script, modules)]
    lines = []
    for path in reached:
        module = _module(path)
        data = _data_digest(path.parent) if module.reads_data else ""
        lines.append(f"{path.relative_to(script.parent)} {module.digest} {data}")
    return _hash("\n".join(lines))


def reached_modules(script: str | Path, modules: Sequence[str] = ()) -> list[Path]:
    """Files of the library that a script, and ``modules`` named as ``understudy.a.b``, reach by imports."""
    script = Path(script).resolve()
    reached: set[Path] = set()
    waiting = [script, *(file for name in modules for file in _files_of(name, script.parent))]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += [file for name in _module(path).imports for file in _files_of(name, script.parent)]
    return sorted(reached - {script})


@dataclass(frozen=True)
class _Module:
    """What counts of a file."""

    digest: str
    imports: frozenset[str]
    """Names in the library."""
    reads_data: bool
    """Whether it names a file or folder beside it that is no module."""


@cache
def _files_of(name: str, root: Path) -> list[Path]:
    """Files that importing ``understudy.a.b``, or ``b`` from ``understudy.a``, runs: those of the packages too."""
    files = []
    place = root
    for part in name.split("."):
        place = place / part
        files += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
    return files


@cache
def _module(path: Path) -> _Module:
    tree = ast.parse(path.read_bytes())
    names, texts = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [each for each in node.body if not _is_text(each)]
    names |= {text for text in texts if re.fullmatch(r"\w+(\.\w+)+", text)}
    imports = frozenset(name for name in names if name.split(".")[0] == PACKAGE)
    return _Module(_hash(ast.dump(tree)), imports, any(entry.name in texts for entry in _data(path.parent)))


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is but a string: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def _data(folder: Path) -> list[Path]:
    """What a package holds besides modules and packages: templates, tables, folders of such."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix != ".py" and not path.name.startswith((".", "__")) and not (path / "__init__.py").exists()
    ]


@cache
def _data_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _data(folder):
        digest.update(f"{path.name}\n".encode())
        digest.update(_data_digest(path).encode() if path.is_dir() else path.read_bytes())
    return digest.hexdigest()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
