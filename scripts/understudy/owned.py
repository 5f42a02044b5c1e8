"""Which files and folders may be replaced: those that this program made, and left as they are. Standard library only.

A folder that is written as a whole holds a marker, which says what it holds and lists its files with their sizes.
It may take the place of a folder with such a marker, of an empty one, and of none.
A folder that holds anything else, or a file that changed after the marker was written, stays where it is.
Single files that are written into a folder of the user's are claimed in such a marker too.
A file that is written alone, under a name that the user gives, says itself who made it.
"""

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from understudy.errors import InputError

MARKER = ".understudy"
"""File in a folder that was written as a whole."""
LARGEST_MARKER = 64 << 20
"""Bytes; a million files take fewer."""
SLACK_SECONDS = 2.0
"""Some file systems keep times to two seconds."""
INCIDENTAL = frozenset({MARKER, ".snakemake_timestamp", ".DS_Store", "Thumbs.db", "desktop.ini"})
"""What Snakemake and desktops put into folders; nobody misses it."""
MAKER = "Understudy"
"""What files that are written alone hold near their start or end: a page's generator, a picture's or a video's comment."""
ENDS = 4 << 20
"""Bytes at either end of a file among which that is looked for."""
NAMED = 3
"""So many names a message gives."""


def mark(folder: Path, holds: str) -> None:
    """Write the marker of a finished folder.

    Args:
        folder: The folder.
        holds: What is in it, as a message would call it, such as "silhouettes".
    """
    _write_marker(folder, holds, {name: status.st_size for name, status in _files(folder).items()})


def check_replaceable(folder: Path, holds: str, new: Path | None = None) -> None:
    """Refuse to write a folder in place of something that this program did not make.

    Args:
        folder: What would be replaced; it need not be there.
        holds: What would be written, in the words of ``mark``.
        new: Name that is to be given in the message, where ``folder`` was moved.

    Raises:
        InputError: It is a file, the working folder or one above, holds other things, or what others wrote or changed.
    """
    name = folder if new is None else new
    away = "give the name of a new folder, or move it away first"
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise InputError(f"{name} is a file, and a folder is to be written there; {away}.")
    if folder.resolve() in _working_folders():
        raise InputError(f"{name} is the working folder or one above it and cannot be replaced; give another name.")
    strange = strange_files(folder)
    if strange:
        raise InputError(
            f"{name} holds what Understudy did not write ({_listed(strange)}), which would be lost; {away}."
        )
    found = _read_marker(folder)
    if found is not None and found[0] != holds:
        raise InputError(f"{name} holds {found[0]}, and {holds} would replace them; {away}.")


def strange_files(folder: Path) -> list[str]:
    """Names of what is in a folder but was not written there by this program, or was changed since; sorted.

    Empty folders count as strange too, but for the one that is asked about.
    """
    claimed = _claimed(folder)
    return sorted(name for name in _files(folder) if name not in claimed)


def claim(folder: Path, names: Iterable[str], holds: str) -> None:
    """Write down that these files of a folder were written by this program; earlier claims hold for what did not change."""
    sizes = {name: (folder / name).lstat().st_size for name in {*_claimed(folder), *names}}
    _write_marker(folder, holds, sizes)


def check_claimed(folder: Path, names: Iterable[str]) -> None:
    """Refuse to write files of these names into a folder where somebody else's would be lost.

    Raises:
        InputError: One is there, and was not claimed or was changed since.
    """
    claimed = _claimed(folder)
    strange = [name for name in names if os.path.lexists(folder / name) and name not in claimed]
    if strange:
        raise InputError(
            f"{folder} holds {_listed(strange)}, which Understudy did not write or which was changed since, and which would"
            " be lost; give another folder, or move it away first."
        )


def is_claimed(path: Path) -> bool:
    """Whether this program claimed a file in its folder, and it did not change since."""
    return path.name in _claimed(path.parent)


def check_ours(path: Path) -> None:
    """Refuse to write a file in place of one that does not say that this program made it (``MAKER``).

    Raises:
        InputError: It is another one.
    """
    if not os.path.lexists(path):
        return
    if path.is_file():
        with open(path, "rb") as file:
            start = file.read(ENDS)
            file.seek(max(file.seek(0, os.SEEK_END) - ENDS, 0))
            if not start or MAKER.encode() in start or MAKER.encode() in file.read(ENDS):
                return
    raise InputError(
        f"{path} is there already, and Understudy did not write it; give another name, or move it away first."
    )


def check_apart(outputs: Iterable[str | Path], inputs: Iterable[str | Path | None]) -> None:
    """Refuse outputs that would take the place of what is read for them, or of a folder that holds it.

    Args:
        outputs: Files and folders to be written, there or not.
        inputs: Files and folders that are read; None is passed over.

    Raises:
        InputError: One of the outputs is one of the inputs, or a folder above one.
    """
    read = [Path(os.path.realpath(place)) for place in inputs if place is not None]
    for output in outputs:
        place = Path(os.path.realpath(output))
        for source in read:
            if place == source or place in source.parents or _is_same_file(place, source):
                raise InputError(f"{output} is or holds what is read ({source}) and would be lost; give another name.")


def _working_folders() -> tuple[Path, ...]:
    """The working folder and those above it; none where it was removed."""
    try:
        working = Path.cwd()
    except OSError:
        return ()
    return (working, *working.parents)


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.is_file() and os.path.samefile(one, other)
    except OSError:
        return False


def _claimed(folder: Path) -> set[str]:
    """The files of a folder that its marker lists and that did not change since."""
    marker = _read_marker(folder)
    if marker is None:
        return set()
    latest = (folder / MARKER).stat().st_mtime + SLACK_SECONDS
    found = _files(folder)
    return {
        name
        for name, size in marker[1].items()
        if name in found
        and stat.S_ISREG(found[name].st_mode)
        and found[name].st_size == size
        and found[name].st_mtime <= latest
    }


def _files(folder: Path) -> dict[str, os.stat_result]:
    """Everything in a folder but other folders that hold something, by the path within; what is incidental left out."""
    found = {}

    def unreadable(error: OSError) -> None:
        path = Path(error.filename)
        found[path.relative_to(folder).as_posix()] = path.lstat()

    for place, folders, names in os.walk(folder, onerror=unreadable):
        empty = [] if folders or names or place == str(folder) else [Path(place)]
        links = [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        for path in (*empty, *links, *(Path(place, name) for name in names if name not in INCIDENTAL)):
            found[path.relative_to(folder).as_posix()] = path.lstat()
    return found


def _write_marker(folder: Path, holds: str, sizes: dict[str, int]) -> None:
    content = json.dumps({"holds": holds, "files": sizes}, sort_keys=True) + "\n"
    (folder / MARKER).write_text(content, encoding="utf-8")


def _read_marker(folder: Path) -> tuple[str, dict[str, int]] | None:
    """What a folder's marker says it holds, and the sizes of its files; None where there is none that can be read."""
    path = folder / MARKER
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_MARKER:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        return str(content["holds"]), dict(content["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
