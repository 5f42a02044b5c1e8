"""Write docs/api.md from the docstrings of what ``import understudy`` offers: ``python tools/write_api.py``.

Reads the library's sources, and imports only the classes of options.
"""

import argparse
import ast
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from inspect import formatannotation
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from types import NoneType
from typing import Any, get_args, get_type_hints

import understudy
from understudy.options import Options, alternatives, options_of, parts_of

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "scripts/understudy"
PAGE = "docs/api.md"
BASES_OF_OPTIONS = {"Options", "MethodConfig"}
WIDTH = 118
"""Characters of a line of prose."""
LONGEST_SIGNATURE = 100
"""Characters of a signature on one line."""
HEADER = """# What `import understudy` offers

Written by `python tools/write_api.py` from the docstrings in `scripts/understudy/`; change those, not this page.

    import understudy
    archive = understudy.load_archive("results/anna/avatar.tar")
    understudy.render_motion(archive, "walk.mp4", understudy.ShowConfig(), motion="walk.bvh")

Each name is looked up when it is first asked for, so that a script loads only the libraries it needs.
[examples/](../examples) has short programs that run.
Options are keyword arguments of their class, as in `AvatarConfig(steps=300)`.
Bad input raises [`InputError`](#inputerror).

Axes, rotations and pixels are those of [conventions.md](conventions.md), files those of [formats.md](formats.md).
`[T,3]` is the shape of an array: T frames, J joints, B components of the shape, K keypoints, V vertices, F faces,
H rows and W columns.
"""
GROUPS = {
    "Read and train an avatar": (
        "load_archive", "load_avatar", "train_avatar", "save_avatar", "evaluate_avatar", "bake_gaussians", "save_archive",
        "find_method", "training_config", "refined_poses", "read_measured", "write_comparison",
        "AvatarConfig", "GaussiansConfig", "InstantNvrConfig", "NeuralActorConfig", "NeuralCaptureConfig",
        "EvaluateConfig", "BakingConfig", "AvatarArchive", "Avatar", "Training", "MeasuredAvatar", "ComparisonConfig",
    ),
    "Render": (
        "render_motion", "footage_of", "render_reenactment", "ShowConfig", "PathConfig", "ShapeConfig",
        "render_performance", "a_pose", "make_performance", "in_world_frame", "in_camera_frame", "look_at", "read_cameras",
        "Camera", "Performance", "Picture",
    ),
    "Export": ("export_avatar", "ExportConfig", "open_recording", "write_dataset"),
    "Fit": (
        "person_finder", "extract_frames", "detect_keypoints", "cut_silhouettes", "load_body", "fit_body", "refine_mattes",
        "label_parts", "prepare_canonical", "import_tracking",
        "FramesConfig", "KeypointsConfig", "SilhouettesConfig", "FittingConfig", "MattingConfig", "ParsingConfig",
        "CanonicalConfig", "ReadOptions", "Frames", "Keypoints", "BodyTrack", "Canonical", "BodyModel", "Imported",
    ),
    "Motions": ("read_motion", "Clip"),
    "View": ("write_page", "LiveView", "ViewerConfig"),
    "Errors": ("InputError",),
}  # fmt: skip
"""What a user does to the names for it, in the page's order."""
NAMES = {name for names in GROUPS.values() for name in names}


@dataclass(frozen=True)
class Source:
    """A module as it is written."""

    path: Path
    body: list[ast.stmt]
    comments: dict[int, str]
    """Line to the comment on it, which gives shapes and units."""


@dataclass(frozen=True)
class Docstring:
    """What is said of a function or a class; each part but the text is on one line."""

    text: str
    arguments: dict[str, str]
    returns: str
    errors: dict[str, str]


@dataclass(frozen=True)
class Field:
    """A field of a class, or a parameter of a function."""

    name: str
    kind: str
    default: str
    """Empty where there is none."""
    shape: str
    """Shape and unit, or what an option may be."""
    sentence: str


def main() -> None:
    """Write the page if it is out of step, or only say that it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where the page is out of step")
    check = parser.parse_args().check
    try:
        text = generate_page(read_public())
    except ValueError as error:
        sys.exit(f"error: {error}")
    page = ROOT / PAGE
    if page.exists() and page.read_text() == text:
        return
    if check:
        sys.exit(f"error: {PAGE} is not what the docstrings say; run `python tools/write_api.py`.")
    page.write_text(text)


def generate_page(public: Mapping[str, str]) -> str:
    """The text of the page.

    Args:
        public: Name of what the package offers to the module that it comes from.

    Raises:
        ValueError: It has a name that is in no group, or a group has one that it has not.
    """
    if missing := sorted(set(public) - NAMES):
        raise ValueError(f"understudy offers {missing[0]}; add it to a group in tools/write_api.py.")
    if unknown := sorted(NAMES - set(public)):
        raise ValueError(f"understudy does not offer {unknown[0]}; take it out of its group in tools/write_api.py.")
    contents = [f"[{group}](#{as_anchor(group)}): {', '.join(map(as_code, names))}" for group, names in GROUPS.items()]
    blocks = [HEADER.strip(), as_list(contents)]
    for group, names in GROUPS.items():
        blocks.append(f"## {group}")
        for name in names:
            blocks += describe(name, read_source(f"{public[name].replace('.', '/')}.py"))
    return "\n\n".join(block for block in blocks if block) + "\n"


def read_public() -> dict[str, str]:
    """Name of what the package offers to the module that it comes from."""
    table: dict[str, str] = ast.literal_eval(find("PUBLIC", read_source("__init__.py")).value)
    return table


def read_source(path: str) -> Source:
    """A module of the library by its path from there."""
    with tokenize.open(LIBRARY / path) as file:
        comments = [token for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
    body = ast.parse((LIBRARY / path).read_text()).body
    return Source(Path(path), body, {comment.start[0]: comment.string.lstrip("# ") for comment in comments})


def find(name: str, source: Source) -> Any:
    """The statement at the top of a module that defines a name."""
    for node in source.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if name == getattr(node, "name", None) or name in map(ast.unparse, targets):
            return node
    raise ValueError(f"{source.path} does not define {name}, though understudy.PUBLIC says so; correct that.")


def read_docstring(node: ast.FunctionDef | ast.ClassDef) -> Docstring:
    """The docstring of a function or a class, in its parts."""
    text, *parts = re.split(r"^(Args|Returns|Raises):\n", ast.get_docstring(node) or "", flags=re.MULTILINE)
    part = dict(zip(parts[::2], parts[1::2], strict=True))
    return Docstring(
        text.strip(), named(part.get("Args", "")), one_line(part.get("Returns", "")), named(part.get("Raises", ""))
    )


def named(part: str) -> dict[str, str]:
    """Each name in a part of a docstring to what is said of it."""
    _, *items = re.split(r"^    (\w+): ", part, flags=re.MULTILINE)
    return dict(zip(items[::2], map(one_line, items[1::2]), strict=True))


def fields_of(node: ast.ClassDef, source: Source) -> list[Field]:
    """The fields of a class, in order, each with the string under it."""
    fields = []
    for each, text in pairwise([*node.body, ast.Pass()]):
        if isinstance(each, ast.AnnAssign):
            name, kind = ast.unparse(each.target), as_type(each.annotation, source)
            default = as_default(each.value) if each.value else ""
            sentence = one_line(ast.literal_eval(text.value)) if isinstance(text, ast.Expr) else ""
            fields.append(Field(name, kind, default, source.comments.get(each.end_lineno or 0, ""), sentence))
    return fields


def options_in(group: type[Options]) -> list[Field]:
    """The fields of a class of options, in order."""
    kinds, fields = get_type_hints(group), []
    for option in options_of(group):
        made = isinstance(option.default, Options)
        default = f"{type(option.default).__name__}()" if made else repr(option.default).replace("'", '"')
        default = "" if option.default is MISSING else default
        limits = ", ".join(dict.fromkeys(limits_of(option.kind)))
        fields.append(Field(option.name, name_of(kinds[option.name]), default, limits, option.sentence))
    return fields


def limits_of(kind: Any) -> Iterator[str]:
    """What values of a type must be, in words."""
    base, limits = parts_of(kind)
    yield from map(str, limits)
    for part in get_args(base):
        yield from limits_of(part)


def name_of(kind: Any) -> str:
    """A type as it is written, without the modules of its names."""
    names = ["None" if each is NoneType else formatannotation(each) for each in alternatives(kind)]
    return re.sub(r"(?:\w+\.)+(?=[A-Z])", "", " | ".join(names)).replace("'", '"')


def parameters_of(node: ast.FunctionDef, source: Source) -> list[Field]:
    """The parameters of a function, in order, each with its sentence in the docstring."""
    sentences, given = read_docstring(node).arguments, node.args.args
    defaults = [""] * (len(given) - len(node.args.defaults)) + [as_default(each) for each in node.args.defaults]
    lines = [node.lineno, *(each.lineno for each in given)]
    fields = []
    for each, default in zip(given, defaults, strict=True):
        kind = as_type(each.annotation, source) if each.annotation else ""
        shape = source.comments.get(each.lineno, "") if lines.count(each.lineno) == 1 else ""
        fields.append(Field(each.arg, kind, default, shape, sentences.get(each.arg, "")))
    return [field for field in fields if field.name not in ("self", "cls")]


def describe(name: str, source: Source) -> Iterator[str]:
    """Blocks of Markdown about a function or a class; some may be empty."""
    node = find(name, source)
    methods = methods_of(node) if isinstance(node, ast.ClassDef) else []
    calls = [node] if isinstance(node, ast.FunctionDef) else [each for each in methods if each.name == "__init__"]
    yield f"### {name}"
    yield from (f"```python\n{signature(name, call, source, LONGEST_SIGNATURE)}\n```" for call in calls)
    yield as_prose(read_docstring(node).text)
    yield as_list(text for call in calls for text in details(call, source))
    if isinstance(node, ast.ClassDef):
        yield as_list(errors_of(node))
        is_options = not BASES_OF_OPTIONS.isdisjoint(map(ast.unparse, node.bases))
        yield as_table(options_in(getattr(understudy, name)) if is_options else fields_of(node, source))
        if others := [each for each in methods if each not in calls]:
            yield "Methods and properties:"
            yield "\n".join(describe_method(each, name, source) for each in others)
    yield f"In [{source.path}](../scripts/understudy/{source.path})."


def methods_of(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """The methods and properties of a class, but for private ones and those that it says nothing of."""
    said = [each for each in node.body if isinstance(each, ast.FunctionDef) and ast.get_docstring(each)]
    return [each for each in said if each.name in ("__init__", "__call__") or not each.name.startswith("_")]


def describe_method(node: ast.FunctionDef, owner: str, source: Source) -> str:
    """An item of a list about a method or property of a class, with a list below it of what there is to say more."""
    marks = {ast.unparse(mark) for mark in node.decorator_list}
    call = signature(f"{owner}.{node.name}" if "classmethod" in marks else node.name, node, source, sys.maxsize)
    if marks & {"property", "cached_property"}:
        call = call.replace("() -> ", ": ")
    item = as_list([f"`{call}`: {as_markdown(one_line(read_docstring(node).text))}"])
    return "\n".join([item, *(as_list([more], indent="  ") for more in details(node, source))])


def signature(name: str, node: ast.FunctionDef, source: Source, width: int) -> str:
    """How a function is called; each parameter on a line of its own where one line were longer than ``width``."""
    parameters = []
    for field in parameters_of(node, source):
        kind, default = field.kind and f": {field.kind}", field.default and f" = {field.default}"
        parameters.append(f"{field.name}{kind}{default}")
    result = f" -> {as_type(node.returns, source)}" if node.returns and node.name != "__init__" else ""
    line = f"{name}({', '.join(parameters)}){result}"
    lines = "".join(f"    {parameter},\n" for parameter in parameters)
    return line if len(line) <= width else f"{name}(\n{lines}){result}"


def details(node: ast.FunctionDef, source: Source) -> Iterator[str]:
    """What is said of a function's parameters, result and errors."""
    for field in parameters_of(node, source):
        if said := "; ".join(filter(None, map(as_markdown, [field.shape, field.sentence]))):
            yield f"`{field.name}`: {said}"
    if returns := read_docstring(node).returns:
        yield f"Returns: {as_markdown(returns)}"
    yield from errors_of(node)


def errors_of(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """What is said of the errors that a function or a class raises."""
    errors = read_docstring(node).errors.items()
    return (f"Raises {as_code(error)}: {as_markdown(text)}" for error, text in errors)


def as_type(node: ast.expr, source: Source) -> str:
    """A type as it is written; what it stands for, where the module gives it a name of its own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    given = (
        each
        for each in source.body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == ast.unparse(node)
    )
    return ast.unparse(next((each.value for each in given), node)).replace("'", '"')


def as_default(node: ast.expr) -> str:
    """A default as it is written; what a factory makes, for ``field(default_factory=...)``."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "field":
        factory = next(each.value for each in node.keywords if each.arg == "default_factory")
        return ast.unparse(factory.body) if isinstance(factory, ast.Lambda) else f"{ast.unparse(factory)}()"
    return ast.unparse(node).replace("'", '"')


def as_prose(text: str) -> str:
    """Paragraphs, a sentence a line."""
    paragraphs = (re.split(r"(?<=\.) (?=[A-Z`])", one_line(each)) for each in text.split("\n\n"))
    return "\n\n".join("\n".join(fill(as_markdown(each), WIDTH) for each in sentences) for sentences in paragraphs)


def as_list(items: Iterable[str], indent: str = "") -> str:
    """A list."""
    return "\n".join(
        fill(item, WIDTH, initial_indent=f"{indent}- ", subsequent_indent=f"{indent}  ", break_on_hyphens=False)
        for item in items
    )


def as_table(fields: list[Field]) -> str:
    """A table of fields, with their defaults where any has one."""
    shown = any(field.default for field in fields)
    rows = ["| field | type | default | |\n|---|---|---|---|" if shown else "| field | type | |\n|---|---|---|"]
    for field in fields:
        default = [as_code(field.default) if field.default else ""] if shown else []
        kind = f"{as_code(field.kind)} {as_markdown(field.shape)}".strip()
        cells = [f"`{field.name}`", kind, *default, as_markdown(field.sentence)]
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) if fields else ""


def as_markdown(text: str) -> str:
    """A docstring's sentences: code in single backticks, names and pages as links, all else as it stands."""
    parts = re.split(r"(?::\w+:`|``)(.+?)`{1,2}", text)
    prose = [re.sub(r"docs/(\w+\.md)", r"[\1](\1)", re.sub(r"([*<])", r"\\\1", part)) for part in parts[::2]]
    return "".join(a + b for a, b in zip(prose, [*map(as_code, parts[1::2]), ""], strict=True))


def as_code(text: str) -> str:
    """Code; a link where it is a name of the page."""
    return f"[`{text}`](#{as_anchor(text)})" if text in NAMES else f"`{text}`"


def as_anchor(heading: str) -> str:
    """The address of a heading within the page."""
    return heading.lower().replace(" ", "-")


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


if __name__ == "__main__":
    main()
