"""Write all that envs/pins.toml decides: ``python tools/write_envs.py``.

These are envs/*.yaml, requirements*.txt and, in pyproject.toml, the extras and what builds the checkout.
Standard library only, so that any Python 3.11 runs it.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "envs/pins.toml"
HEADER = f"# Written from {SOURCE} by `python tools/write_envs.py`; change that file, not this one.\n"
LISTS = ("shared", "envs", "extras", "requirements")
"""Tables of lists of packages; each list may name those before it."""
EXTRAS = "[project.optional-dependencies]\n"


def main() -> None:
    """Write what is out of step, or only say what is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where a file is out of step")
    check = parser.parse_args().check
    try:
        files = generate_files(ROOT)
    except tomllib.TOMLDecodeError as error:
        sys.exit(f"error: {SOURCE} is not TOML: {error}.")
    except ValueError as error:
        sys.exit(f"error: {error}")
    if unknown := sorted({path.name for path in (ROOT / "envs").glob("*.yaml")} - {Path(name).name for name in files}):
        sys.exit(f"error: {SOURCE} has no environment for envs/{unknown[0]}; add it there, or delete the file.")
    stale = [name for name, text in files.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text]
    if check and stale:
        sys.exit(f"error: {', '.join(stale)}: not what {SOURCE} says; run `python tools/write_envs.py`.")
    for name in stale:
        (ROOT / name).write_text(files[name])


def generate_files(root: Path) -> dict[str, str]:
    """The text of every file that is written, by its path from ``root``.

    Raises:
        ValueError: envs/pins.toml is not TOML or contradicts itself, or pyproject.toml has no section of extras.
    """
    content = tomllib.loads((root / SOURCE).read_text())
    pins = read_pins(content)
    files = {f"envs/{name}.yaml": as_environment(content["conda"], pins[name]) for name in content["envs"]}
    for name in content["requirements"]:
        file = "requirements.txt" if name == "run" else f"requirements-{name}.txt"
        files[file] = HEADER + "".join(f"{pin}\n" for pin in pins[name])
    extras = {name: pins[name] for name in sorted([*content["envs"], *content["extras"]])}
    setuptools = f"setuptools=={content['versions']['setuptools']}"
    return files | {"pyproject.toml": with_pins((root / "pyproject.toml").read_text(), extras, setuptools)}


def read_pins(content: dict[str, Any]) -> dict[str, list[str]]:
    """The pins of every list by its name, ``NAME==VERSION`` each, sorted by package.

    Raises:
        ValueError: A list names what is neither a package nor a list before it, two lists have one name, or a package is
            in no list.
    """
    versions = content["versions"]
    packages: dict[str, set[str]] = {}
    for name, entries in ((name, entries) for table in LISTS for name, entries in content[table].items()):
        if name in packages:
            raise ValueError(f"{SOURCE} has two lists called {name}; give one of them another name.")
        named: set[str] = set()
        for entry in entries:
            if entry.startswith("+") and entry[1:] in packages:
                named |= packages[entry[1:]]
            elif entry in versions:
                named.add(entry)
            else:
                raise ValueError(f"{SOURCE}: {entry} of {name} is not a list before it and has no version; add either.")
        packages[name] = named
    if unused := sorted(set(versions).difference(*packages.values())):
        raise ValueError(f"{SOURCE} has a version of {unused[0]}, which is in no list; add it to one, or take it out.")
    return {name: [f"{each}=={versions[each]}" for each in sorted(named)] for name, named in packages.items()}


def as_environment(conda: dict[str, str], pins: Iterable[str]) -> str:
    """An env file of conda's, all but Python and pip installed by pip."""
    lines = ["channels:", "  - conda-forge", "  - nodefaults", "dependencies:"]
    lines += [f"  - {name}={version}" for name, version in conda.items()]
    return HEADER + "\n".join([*lines, "  - pip:", *(f"      - {pin}" for pin in pins)]) + "\n"


def with_pins(project: str, extras: dict[str, list[str]], setuptools: str) -> str:
    """pyproject.toml with these extras, built by this setuptools.

    Raises:
        ValueError: It has no section of extras.
    """
    before, title, after = project.partition(EXTRAS)
    if not title:
        raise ValueError(f"pyproject.toml has no line {EXTRAS.strip()}; write it where the extras are to stand.")
    lists = "".join(
        f"{name} = [\n" + "".join(f'    "{pin}",\n' for pin in pins) + "]\n" for name, pins in extras.items()
    )
    project = before + title + HEADER + lists + after[after.index("\n[") :]
    return re.sub(r'^requires = \["setuptools==.*"\]', f'requires = ["{setuptools}"]', project, flags=re.M)


if __name__ == "__main__":
    main()
