"""Which files and folders may be replaced: those that this program made, and left as they are. Standard library only.

A folder that is written as a whole may take the place of a folder with a marker (``files.marks``), of an empty one, and
of none; a file that of one with a record (``files.records``).
Both give a file's size and checksum: a copy is known again, whatever its time, and the slightest change of a file is seen.
"""

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from understudy.errors import InputError
from understudy.files.marks import MARKER, is_version, read_marker, version_of
from understudy.files.records import check_recorded, is_recorded, why_strange

STAMP = ".snakemake_timestamp"
"""What Snakemake puts into folders."""
INCIDENTAL = frozenset({STAMP, ".DS_Store", "Thumbs.db", "desktop.ini", ".directory", "@eaDir"})
"""What desktops and file servers put into folders of ours as well; nobody misses it."""
NAMED = 3
"""So many names a message gives."""


def mark(folder: Path, holds: str) -> None:
    """Write the marker of a finished folder, which has none yet.

    Args:
        folder: The folder.
        holds: What is in it, as a message would call it, such as "silhouettes".
    """
    files = {name: version_of(folder / name) for name, status in _files(folder).items() if stat.S_ISREG(status.st_mode)}
    with open(folder / MARKER, "x", encoding="utf-8") as file:
        file.write(json.dumps({"holds": holds, "files": files}, sort_keys=True) + "\n")


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
    found = read_marker(folder)
    if found is not None and found[0] != holds:
        raise InputError(f"{name} holds {found[0]}, and {holds} would replace them; {away}.")


def check_ours(output: Path) -> None:
    """Refuse to make a file or folder that is there, made or changed by somebody else.

    Raises:
        InputError: It is.
    """
    if not output.is_dir():
        check_recorded([output])
    elif why := why_not_ours(output):
        raise InputError(f"{output} {why}; move it away first.")


def why_not_ours(output: Path, by_size: bool = False) -> str | None:
    """Why a file or folder that is there is not as this program wrote it, to be put after its name; None if it is.

    A link to a folder is followed; no link to a file is ever written.
    """
    if not output.is_dir():
        return None if is_recorded(output, by_size) else why_strange(output)
    strange = strange_files(output, by_size)
    return f"holds what Understudy did not write, or what was changed since ({_listed(strange)})" if strange else None


def strange_files(folder: Path, by_size: bool = False) -> list[str]:
    """Names of what is in a folder but was not written there by this program, or was changed since; sorted.

    Empty folders count as strange too, but for the one that is asked about.

    Args:
        folder: The folder.
        by_size: Take a file of the right size for the one that was written, without reading it.
    """
    marker = read_marker(folder)
    known = {} if marker is None else marker[1]
    folders = {parent.as_posix() for name in known for parent in PurePosixPath(name).parents}
    return sorted(
        name
        for name, status in _files(folder, marker is not None).items()
        if not (stat.S_ISDIR(status.st_mode) and name in folders)  # emptied by hand, or by a removal that was cut short
        and (name not in known or not is_version(folder / name, status, [known[name]], by_size))
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


def _files(folder: Path, marked: bool = False) -> dict[str, os.stat_result]:
    """Everything in a folder but other folders that hold something, by the path within.

    What is incidental is left out, and, of a folder with a marker that can be read (``marked``), the marker.
    """
    found = {}

    def unreadable(error: OSError) -> None:
        path = Path(error.filename)
        found[path.relative_to(folder).as_posix()] = path.lstat()

    for place, folders, names in os.walk(folder, onerror=unreadable):
        empty = [] if folders or names or place == str(folder) else [Path(place)]
        links = [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        for path in (*empty, *links, *(Path(place, name) for name in names)):
            within = path.relative_to(folder)
            if not _is_incidental(within.parts, marked):
                found[within.as_posix()] = path.lstat()
    if marked:
        found.pop(MARKER, None)
    return found


def _is_incidental(parts: tuple[str, ...], marked: bool) -> bool:
    """Whether nobody misses it: in a folder of ours what desktops leave there, in any folder Snakemake's stamp."""
    if not marked:
        return parts == (STAMP,)
    return any(part in INCIDENTAL or part.startswith("._") for part in parts)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
