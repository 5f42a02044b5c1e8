"""models/manifest.yaml: which weights there are, and where each one's file is."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from understudy.errors import InputError
from understudy.files.regular import read_bytes

MOST_BYTES = 1 << 20


class _WithoutReferences(yaml.SafeLoader):
    """A list needs none, and with references to references a few lines hold more than the memory does."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"it has a reference, *{self.peek_event().anchor}; write it out")
        return super().compose_node(parent, index)


KINDS = {"file": str, "licence": str, "size_mb": int | float | None, "used_by": list}
"""Of an entry's values; all others are text or null."""


@dataclass(frozen=True)
class Weights:
    """One file of weights."""

    file: str
    """Its name in models/."""
    url: str | None
    """Where it can be fetched from without asking anybody; None where one must register, or make it."""
    how: str | None
    """What to do where there is no address: where to register, what to run."""
    sha256: str | None
    """Hex, small letters; None where the publisher gives none: then the user has to vouch for the file."""
    size_mb: float | None
    """About, in millions of bytes."""
    licence: str
    used_by: tuple[str, ...]
    """``<stage>.<backend>`` that takes it."""
    note: str | None = None
    """What else one should know."""
    member: str | None = None
    """The file to take out of the zip that is at the address."""


def read_manifest(path: str | Path) -> dict[str, Weights]:
    """Weights by name.

    Raises:
        InputError: The file is missing or not of this form.
    """
    try:
        content = yaml.load(read_bytes(path, MOST_BYTES), _WithoutReferences)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except InputError:
        raise
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not readable YAML ({str(error).splitlines()[0]}).") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a list of weights by name.")
    return {str(name): _entry(path, str(name), entry) for name, entry in content.items()}


def _entry(path: str | Path, name: str, entry: object) -> Weights:
    known = {field.name for field in fields(Weights)}
    needed = known - {"note", "member"}
    if not isinstance(entry, dict) or not needed <= set(entry) <= known:
        raise InputError(f"{path}, {name}: an entry has {', '.join(sorted(needed))}, and may have member and note.")
    if (entry["url"] is None) == (entry["how"] is None):
        raise InputError(f"{path}, {name}: an entry has an url, or says how to get the file.")
    if Path(str(entry["file"])).name != entry["file"]:
        raise InputError(f"{path}, {name}: file is {entry['file']!r}; it must be a plain name.")
    for key, value in entry.items():
        if not isinstance(value, KINDS.get(key, str | None)):
            raise InputError(f"{path}, {name}: {key} is {str(value)[:100]!r}, which it cannot be.")
    if entry["sha256"] is not None and not re.fullmatch("[0-9a-f]{64}", entry["sha256"]):
        raise InputError(f"{path}, {name}: sha256 is {entry['sha256'][:100]!r}, not 64 digits of 0 to 9 and a to f.")
    if entry["size_mb"] is not None and not 0 < entry["size_mb"] < math.inf:
        raise InputError(f"{path}, {name}: size_mb is {entry['size_mb']}; give about how large the file is, or null.")
    if entry["url"] is not None and not entry["url"].startswith("https://") and entry["sha256"] is None:
        raise InputError(
            f"{path}, {name}: {entry['url']} is not encrypted; name an https address, or the file's sha256."
        )
    return Weights(**{**entry, "used_by": tuple(entry["used_by"])})


def chosen(manifest: Mapping[str, Weights], names: Sequence[str]) -> dict[str, Weights]:
    """Those of the names, or all if there are none.

    Raises:
        InputError: There are none of a name.
    """
    for name in names:
        if name not in manifest:
            raise InputError(f"There are no weights called {name}; there are {', '.join(manifest)}.")
    return {name: manifest[name] for name in names or manifest}


def places(file: str | Path, repository: Path) -> tuple[Path, Path]:
    """Where a file that is named relative to the working folder may be: there, or beside the workflow."""
    return Path(file), repository / file


def find_weights(
    manifest: Mapping[str, Weights], who: str, name: str, given: str | Path | None, repository: Path
) -> Path:
    """The file of a backend's weights.

    Args:
        manifest: Weights by name.
        who: What takes them, for the message.
        name: Of those that are taken if none are given.
        given: A file of the user's choice.
        repository: Folder of the workflow, whose models/ is the second place to look at.

    Raises:
        InputError: It is not there.
    """
    entry = manifest[name]
    file = Path("models", entry.file) if given is None else Path(given)
    for place in places(file, repository):
        if place.exists():
            return place
    if given is not None:
        raise InputError(f"{who} needs its weights, but there is no file {given}.")
    how = f"`understudy models get {name}` fetches it" if entry.url else entry.how
    raise InputError(f"{who} needs its weights in {file}, which is not there; {how}.")
