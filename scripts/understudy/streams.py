"""Standard input, output and error that are closed, full, or have nobody at the other end. Standard library only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


class OutputLost(Exception):
    """Standard output cannot be written; the message says why."""


def open_streams() -> None:
    """Put the null device where a standard stream is closed.

    Else the next file that is opened gets its number, and what libraries say there gets into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


@contextmanager
def printing() -> Iterator[None]:
    """Print, and hand on what was printed.

    Raises:
        OutputLost: It is not taken; nothing more is sent there, so that Python does not fail on it in the end.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        give_up(sys.stdout)
        raise OutputLost(error.strerror) from error


def say(text: str) -> None:
    """Print to standard output.

    Raises:
        OutputLost: It cannot be written.
    """
    with printing():
        sys.stdout.write(text)


def tell(text: str) -> None:
    """Write to standard error, or nowhere if that is gone, as a terminal that was closed."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        give_up(sys.stderr)


def give_up(stream: TextIO) -> None:
    """Let the null device take what a stream still holds, and all that comes."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
