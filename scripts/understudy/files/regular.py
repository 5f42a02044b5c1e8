"""Files as they should be: no pipes or devices, and no larger than they may be. Standard library only."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy.errors import InputError


@contextmanager
def regular_file(path: str | Path) -> Iterator[io.BufferedReader]:
    """A file opened for reading, if it is one: a pipe would keep its reader waiting, a device may never end.

    Raises:
        InputError: It is a folder, a pipe, a socket or a device, or a link to one.
        OSError: It is missing or cannot be opened.
    """
    check_regular(path)
    place = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(place, "rb") as file:
        _check_regular(path, os.fstat(place).st_mode)  # what was opened may not be what was looked at
        yield file


def check_regular(path: str | Path) -> None:
    """Refuse what is no file, for readers that open it themselves.

    Raises:
        InputError: It is a folder, a pipe, a socket or a device, or a link to one.
        OSError: It is missing.
    """
    _check_regular(path, os.stat(path).st_mode)


def _check_regular(path: str | Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, a socket or a device"
        raise InputError(f"{path} is {what} and not a file; put a file in its place.")


def read_bytes(path: str | Path, most: int) -> bytes:
    """Content of a regular file that has no more than ``most`` bytes.

    Raises:
        InputError: It is larger, no regular file, or still being written.
        OSError: It is missing or cannot be opened.
    """
    with regular_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise InputError(f"{path} has {size} bytes, and such a file may have {most} at most; give a smaller one.")
        content = file.read(size + 1)
    if len(content) > size:
        raise InputError(f"{path} grew while it was read; try again when it is whole.")
    return content
