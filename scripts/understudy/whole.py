"""Whole files or none: what is written appears under its name when all of it is on the disk. Standard library only."""

import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from understudy.errors import InputError, disk_trouble

STALE_SECONDS = 24 * 3600.0
"""Another machine's unfinished file of this age is nobody's any more."""
FULL = 1 << 16
"""A disk with fewer bytes than this to spare is full: what failed there failed for it."""
HOST = re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:24] or "here"
"""This machine, as names of unfinished files tell it."""


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success flush it to disk and rename it, else remove it.

    The temporary name keeps the suffix of ``path``, since writers choose a format by it. What a killed process left
    behind of the same file is removed.

    Raises:
        InputError: The disk is full, or nothing can be written there.
    """
    path = Path(path)
    temporary = _unfinished(path, path.suffix)
    with _writing(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_litter(path, path.suffix)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, path)
            _flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; on success flush all in it and let it take the place of ``path``, else remove it.

    A folder that was there is moved aside before and removed after, so that ``path`` is never half of anything. What a
    killed process left behind of the same folder is removed.

    Raises:
        InputError: The disk is full, or nothing can be written there.
    """
    path = Path(path)
    temporary, old = _unfinished(path), _unfinished(path.with_name(path.name + ".old"))
    with _scratch(path, temporary):
        yield temporary
        _flush_tree(temporary)
        if path.is_dir():
            os.rename(path, old)
        try:
            os.rename(temporary, path)
        except OSError:
            if old.exists():
                os.rename(old, path)
            raise
        _flush(path.parent)
        _remove(old)


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
        for place in (path, path.with_name(path.name + ".old")):
            _remove_litter(place)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _unfinished(path: Path, suffix: str = "") -> Path:
    """Name of what is being written: hidden, and telling by whom."""
    return path.with_name(f".{_stem(path, suffix)}.{HOST}-{os.getpid()}{suffix}")


def _stem(path: Path, suffix: str) -> str:
    return path.name.removesuffix(suffix) if suffix else path.name


def _remove_litter(path: Path, suffix: str = "") -> None:
    """Remove what processes that are no more left behind of ``path``."""
    pattern = re.compile(rf"\.{re.escape(_stem(path, suffix))}\.(\w+)-(\d+){re.escape(suffix)}")
    for name in os.listdir(path.parent):
        found = pattern.fullmatch(name)
        if found and _is_gone(path.parent / name, found[1], int(found[2])):
            _remove(path.parent / name)


def _remove(place: Path) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


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


def _flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _flush_tree(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for name in names:
            _flush(Path(place, name))
        _flush(Path(place))
