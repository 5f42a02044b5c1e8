"""Whole files or none: what is written appears under its name when all of it is on the disk. Standard library only."""

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from understudy.errors import FULL, InputError, disk_trouble
from understudy.files.marks import MARKER
from understudy.files.owned import check_replaceable, mark, strange_files
from understudy.files.records import check_recorded, flush, is_recorded, record, recording

STALE_SECONDS = 24 * 3600.0
"""Another machine's unfinished file of this age is nobody's any more."""
HOST = re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:16] + hashlib.sha256(platform.node().encode()).hexdigest()[:8]
"""This machine, as names of unfinished files tell it; names that begin alike stay apart."""


@contextmanager
def atomic_write(path: str | Path, recorded: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success flush it to disk and rename it, else remove it.

    The temporary name keeps the suffix of ``path``, since writers choose a format by it, and cannot be foreseen by who
    shares the folder. A file that was there gives its rights to the new one. What a killed process left behind of the
    same file is removed.

    Args:
        path: The file.
        recorded: Replace a file only where this program wrote it, by the records of the folder (``understudy.files.owned``),
            and record the new one; for what users name, or may put there themselves.

    Raises:
        InputError: The disk is full, nothing can be written there, ``path`` is a folder, a device or the like, or, of a
            recorded file, another one is there.
    """
    path = Path(path)
    temporary = _unfinished(path, path.suffix)
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a plain file, and one is to be written there; give another name.")
    if recorded:
        check_recorded([path])
    with _writing(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_litter(path, path.suffix)
        try:
            yield temporary
            flush(temporary)
            _keep_mode(path, temporary)
            if recorded:
                with recording(path.parent):
                    check_recorded([path], alone=True)  # again, since much time may have passed
                    record(path, temporary)
                    os.replace(temporary, path)
            else:
                os.replace(temporary, path)
            flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path, holds: str) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success flush all in it and let it take the place of ``path``, else remove it.

    A folder that was there is moved aside before and removed after, so that ``path`` is never half of anything; it must
    be empty, or have been written here before and be as it was left (``understudy.files.owned``). A link to a folder stays, and
    what it leads to is replaced. What a killed process left behind of the same folder is removed.

    Args:
        path: The folder.
        holds: What will be in it, as a message would call it, such as "silhouettes".

    Raises:
        InputError: The disk is full, nothing can be written there, or what is there was made by somebody else.
    """
    named, path = path, Path(os.path.realpath(path))
    check_replaceable(path, holds, Path(named))
    temporary, old = _unfinished(path), _unfinished(path.with_name(path.name + ".old"))
    with _scratch(path, temporary):
        yield temporary
        mark(temporary, holds)
        _flush_tree(temporary)
        try:
            if path.is_dir():
                _keep_mode(path, temporary)
                os.rename(path, old)
            check_replaceable(old, holds, Path(named))  # again, since much time may have passed
            os.rename(temporary, path)
        except BaseException:  # a signal that stops the process too
            if old.exists() and not path.exists():
                os.rename(old, path)
            raise
        flush(path.parent)
        _remove(old)


@contextmanager
def atomic_files(folder: str | Path, names: Sequence[str], holds: str) -> Iterator[Path]:
    """Give a temporary folder; on success what is in it goes into ``folder``, beside what is there.

    Args:
        folder: Where to; made where it is not there.
        names: Of the files that may be written; those that are there must be recorded as written here before.
        holds: What they are, such as "exports", for the name of the temporary folder.

    Raises:
        InputError: The disk is full, nothing can be written there, or one is there that somebody else made or changed.
    """
    folder = Path(folder)
    check_recorded(folder / name for name in names)
    with scratch_folder(folder / holds) as temporary:
        yield temporary
        _flush_tree(temporary)
        written = sorted(os.listdir(temporary))
        with recording(folder):
            check_recorded((folder / name for name in written), alone=True)
            for name in written:
                _keep_mode(folder / name, temporary / name)
                record(folder / name, temporary / name)
                os.replace(temporary / name, folder / name)
        flush(folder)


@contextmanager
def scratch_folder(path: str | Path) -> Iterator[Path]:
    """Give a folder for what is needed in between, beside ``path`` and on its disk; it is removed in any case.

    Raises:
        InputError: The disk is full, or nothing can be written there.
    """
    place = Path(path).with_name(Path(path).name + ".scratch")
    folder = _unfinished(place)
    with _scratch(place, folder):
        yield folder


@contextmanager
def _scratch(path: Path, folder: Path) -> Iterator[None]:
    """An empty ``folder`` that is gone in the end, without what killed processes left of ``path``."""
    with _writing(path, folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_litter(path)
        _remove_litter(path.with_name(path.name + ".old"), finished=True)
        folder.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_ours(path: str | Path) -> bool:
    """Remove a file or folder if this program wrote it and it is as it was left, and say whether it is gone.

    It is moved aside first, so that nobody can put anything into it between the look and the removal.
    """
    path = Path(os.path.realpath(path)) if os.path.isdir(path) else Path(path)  # a link to a folder stays
    aside, ours = _unfinished(path.with_name(path.name + ".old")), False
    with nullcontext() if path.is_dir() else recording(path.parent):
        if not path.is_dir() and not is_recorded(path):
            return False
        os.rename(path, aside)
        try:
            ours = not aside.is_dir() or not strange_files(aside)
        finally:
            if not ours:
                os.rename(aside, path)
    if ours:
        _remove(aside)
    return ours


def _unfinished(path: Path, suffix: str = "") -> Path:
    """Name of what is being written: hidden, telling by whom, and with an end that nobody can foresee."""
    return path.with_name(f".{_stem(path, suffix)}.{HOST}-{os.getpid()}-{secrets.token_hex(4)}{suffix}")


def _stem(path: Path, suffix: str) -> str:
    return path.name.removesuffix(suffix) if suffix else path.name


def _remove_litter(path: Path, suffix: str = "", finished: bool = False) -> None:
    """Remove what processes that are no more left behind of ``path``; of folders that were ``finished`` only our own."""
    pattern = re.compile(rf"\.{re.escape(_stem(path, suffix))}\.(\w+)-(\d+)-[0-9a-f]{{8}}{re.escape(suffix)}")
    for name in os.listdir(path.parent):
        found = pattern.fullmatch(name)
        place = path.parent / name
        if found and _is_gone(place, found[1], int(found[2])) and not (finished and strange_files(place)):
            _remove(place)


def _keep_mode(path: Path, temporary: Path) -> None:
    """Give what is new the rights of what it replaces."""
    if path.exists():
        shutil.copymode(path, temporary)


def _remove(place: Path) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if not place.is_dir() or place.is_symlink():
        place.unlink(missing_ok=True)
        return
    with suppress(OSError):  # the marker last: who is killed on the way leaves what is still known as ours
        for name in os.listdir(place):
            inner = place / name
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner, ignore_errors=True)
            elif name != MARKER:
                inner.unlink()
    shutil.rmtree(place, ignore_errors=True)


def _is_gone(place: Path, host: str, pid: int) -> bool:
    """Whether the process that wrote there has ended; of another machine's only a day's silence tells."""
    if host != HOST:
        try:
            return time.time() - place.stat().st_mtime > STALE_SECONDS
        except FileNotFoundError:
            return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def _writing(path: Path, temporary: Path) -> Iterator[None]:
    """Tell in a sentence what the disk refuses; a file that the writer itself cannot find is a fault of the program."""
    try:
        yield
    except (InputError, MemoryError, FileNotFoundError):
        raise
    except Exception as error:
        trouble = disk_trouble(error)
        if trouble is None and isinstance(error, OSError) and _is_part(error.filename, temporary, path):
            trouble = error.strerror
        if trouble is None and _is_of_a_library(error) and _is_full(path.parent):
            trouble = "the disk is full"
        if trouble is None:
            raise
        raise InputError(f"{path} cannot be written: {trouble}; make room or rights there and run again.") from error


def _is_of_a_library(error: Exception) -> bool:
    """Whether an error can be a library's word for a full disk, which Python's TypeError, KeyError and the like never are."""
    return isinstance(error, (OSError, RuntimeError)) or type(error).__module__ != "builtins"


def _is_part(name: Any, temporary: Path, path: Path) -> bool:
    """Whether an error is about what is being written, its folder or one above."""
    if not isinstance(name, (str, Path)):
        return False
    place = Path(name)
    return place == path or temporary in (place, *place.parents) or place in path.parents


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL
    except OSError:
        return False


def _flush_tree(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            flush(Path(place, name))
        flush(Path(place))
