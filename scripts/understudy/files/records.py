"""Files that are written among others: each has a record, by which it is known later. Standard library only."""

import fcntl
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from understudy.errors import InputError
from understudy.files.marks import MARKER, is_version, read_marker, read_record, version_of


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
            raise InputError(f"{path} {why_strange(path)}; give another name, or move it away first.")


def why_strange(path: Path) -> str:
    """Why a file that is there is not recorded as it is, to be put after its name."""
    if read_record(path) is not None:
        return "was changed since Understudy wrote it"
    if os.path.isdir(path.parent / MARKER) and not os.access(path.parent / MARKER, os.R_OK | os.X_OK):
        return f"is there already, and you may not read the records in {path.parent / MARKER} of who wrote it"
    return "is there already, and Understudy did not write it"


def is_recorded(path: Path, by_size: bool = False) -> bool:
    """Whether a file is as this program wrote it, by the records of its folder, or empty."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return False
    return status.st_size == 0 or is_version(path, status, read_record(path) or [], by_size)


def record(path: Path, new: Path) -> None:
    """Write down that ``new`` will be at ``path``, before it is moved there.

    Raises:
        InputError: The folder can keep no records.
    """
    _check_records(path.parent)
    records = _records(path.parent)
    # a process may be killed between the two, and either file is ours then
    versions = [version_of(new), *([version_of(path)] if os.path.lexists(path) and is_recorded(path) else [])]
    temporary = records / f".{secrets.token_hex(8)}"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(json.dumps(versions) + "\n")
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(new, temporary)  # who may read the file may read what is known of it
        os.replace(temporary, records / path.name)
        flush(records)
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


def _check_records(folder: Path) -> None:
    """Refuse a folder that was written as a whole, or where something else has the name of the records."""
    place = folder / MARKER
    if not os.path.lexists(place) or (place.is_dir() and not place.is_symlink()):
        return
    marker = read_marker(folder)
    if marker is None:
        raise InputError(
            f"{place} is none of Understudy's, which keeps records of its files there; move it away first."
        )
    raise InputError(f"{folder} holds {marker[0]} and nothing else may be written there; give another folder.")


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
