"""Which files and folders may be replaced: those that this program made, and left as they are. Standard library only.

A folder that is written as a whole holds a marker, a file that says what the folder holds and lists its files.
It may take the place of a folder with such a marker, of an empty one, and of none.
Where files are written among others, as exports into a folder of the user's, a folder of the marker's name holds a
record of each.
Both give a file's size and checksum: a copy is known again, whatever its time, and the slightest change of a file is seen.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from understudy.errors import InputError
from understudy.files.regular import regular_file
from understudy.text import one_line

MARKER = ".understudy"
"""File in a folder that was written as a whole; folder of records in others."""
LARGEST_MARKER = 64 << 20
"""Bytes; a million files take fewer."""
STAMP = ".snakemake_timestamp"
"""What Snakemake puts into folders."""
INCIDENTAL = frozenset({STAMP, ".DS_Store", "Thumbs.db", "desktop.ini", ".directory", "@eaDir"})
"""What desktops and file servers put into folders of ours as well; nobody misses it."""
LONGEST = 100
"""Letters that a message repeats of what a marker says."""
NAMED = 3
"""So many names a message gives."""

Version = tuple[int, str]
"""A file's size in bytes and its checksum, BLAKE2b of 128 bits in hex."""


def mark(folder: Path, holds: str) -> None:
    """Write the marker of a finished folder, which has none yet.

    Args:
        folder: The folder.
        holds: What is in it, as a message would call it, such as "silhouettes".
    """
    files = {name: _version(folder / name) for name, status in _files(folder).items() if stat.S_ISREG(status.st_mode)}
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
    found = _read_marker(folder)
    if found is not None and found[0] != holds:
        raise InputError(f"{name} holds {found[0]}, and {holds} would replace them; {away}.")


def check_ours(output: Path) -> None:
    """Refuse to make a file or folder that is there, made or changed by somebody else.

    Raises:
        InputError: It is.
    """
    if not output.is_dir():
        check_recorded([output])
    elif strange := strange_files(output):
        raise InputError(
            f"{output} holds what Understudy did not write, or what was changed since ({_listed(strange)}); move it away first."
        )


def strange_files(folder: Path, by_size: bool = False) -> list[str]:
    """Names of what is in a folder but was not written there by this program, or was changed since; sorted.

    Empty folders count as strange too, but for the one that is asked about.

    Args:
        folder: The folder.
        by_size: Take a file of the right size for the one that was written, without reading it.
    """
    marker = _read_marker(folder)
    known = {} if marker is None else marker[1]
    folders = {parent.as_posix() for name in known for parent in PurePosixPath(name).parents}
    return sorted(
        name
        for name, status in _files(folder, marker is not None).items()
        if not (stat.S_ISDIR(status.st_mode) and name in folders)  # emptied by hand, or by a removal that was cut short
        and (name not in known or not _is_version(folder / name, status, [known[name]], by_size))
    )


def check_recorded(paths: Iterable[Path], alone: bool = False) -> None:
    """Refuse to write files in place of others that have no record, or were changed since; empty ones are no loss.

    Args:
        paths: The files.
        alone: Within ``recording`` of their folder.

    Raises:
        InputError: One is there, or its folder can keep no records.
    """
    for path in paths:
        _check_records(path.parent)
        with nullcontext() if alone or not (path.parent / MARKER).is_dir() else recording(path.parent):
            strange = os.path.lexists(path) and not is_recorded(path)
        if strange:
            raise InputError(f"{path} {_why_strange(path)}; give another name, or move it away first.")


def _why_strange(path: Path) -> str:
    if _read_record(path) is not None:
        return "was changed since Understudy wrote it"
    if os.path.isdir(path.parent / MARKER) and not os.access(path.parent / MARKER, os.R_OK | os.X_OK):
        return f"is there already, and you may not read the records in {path.parent / MARKER} of who wrote it"
    return "is there already, and Understudy did not write it"


def is_recorded(path: Path, by_size: bool = False) -> bool:
    """Whether a file is as this program wrote it, by the records of its folder, or empty."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return False
    return status.st_size == 0 or _is_version(path, status, _read_record(path) or [], by_size)


def record(path: Path, new: Path) -> None:
    """Write down that ``new`` will be at ``path``, before it is moved there.

    Raises:
        InputError: The folder can keep no records.
    """
    _check_records(path.parent)
    records = _records(path.parent)
    # a process may be killed between the two, and either file is ours then
    versions = [_version(new), *([_version(path)] if os.path.lexists(path) and is_recorded(path) else [])]
    temporary = records / f".{secrets.token_hex(8)}"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(json.dumps(versions) + "\n")
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(new, temporary)  # who may read the file may read what is known of it
        os.replace(temporary, records / path.name)
        _flush(records)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def recording(folder: Path) -> Iterator[None]:
    """Alone among processes that write recorded files into a folder, as far as its file system knows of locks.

    Raises:
        InputError: The folder can keep no records.
    """
    _check_records(folder)
    place = os.open(_records(folder), os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _records(folder: Path) -> Path:
    """The folder of records, made where there is none, for the same people as the folder."""
    records = folder / MARKER
    if not records.is_dir():
        records.mkdir(exist_ok=True)
        shutil.copymode(folder, records)
    return records


def _flush(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


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


def _version(path: Path) -> Version:
    with regular_file(path) as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
        return file.tell(), digest.hexdigest()


def _is_version(path: Path, status: os.stat_result, versions: list[Version], by_size: bool) -> bool:
    """Whether a file is one of these; one that cannot be read is none."""
    if not stat.S_ISREG(status.st_mode) or status.st_size not in [size for size, _ in versions]:
        return False
    try:
        return by_size or _version(path) in versions
    except (OSError, ValueError):
        return False


def _read_marker(folder: Path) -> tuple[str, dict[str, Version]] | None:
    """What a folder's marker says it holds, and its files; None where there is none that can be read."""
    try:
        content = _read_json(folder / MARKER)
        return one_line(str(content["holds"])[:LONGEST]), {
            str(name): _as_version(entry) for name, entry in content["files"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None


def _read_record(path: Path) -> list[Version] | None:
    """What was written at this path, newest first; None where there is no record that can be read."""
    try:
        if not stat.S_ISDIR((path.parent / MARKER).lstat().st_mode):
            return None
        return [_as_version(entry) for entry in _read_json(path.parent / MARKER / path.name)]
    except (OSError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None


def _read_json(path: Path) -> Any:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_MARKER:
        raise ValueError("no plain file of a bearable size")
    return json.loads(path.read_text(encoding="utf-8"))


def _as_version(entry: Any) -> Version:
    size, digest = entry
    return int(size), str(digest)


def _check_records(folder: Path) -> None:
    """Refuse a folder that was written as a whole, or where something else has the name of the records."""
    place = folder / MARKER
    if not os.path.lexists(place) or (place.is_dir() and not place.is_symlink()):
        return
    marker = _read_marker(folder)
    if marker is None:
        raise InputError(
            f"{place} is none of Understudy's, which keeps records of its files there; move it away first."
        )
    raise InputError(f"{folder} holds {marker[0]} and nothing else may be written there; give another folder.")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
