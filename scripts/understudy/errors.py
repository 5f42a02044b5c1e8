"""What goes wrong but for faults of the program: bad input, and what the machine refuses. Standard library only."""

import errno
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

NO_MEMORY = re.compile(
    r"can.?t allocate memory|cannot allocate memory|not enough memory|insufficient memory|failed to allocate|bad_alloc"
    r"|can.?t start new thread|unable to allocate|out of memory|failed to map segment",
    re.IGNORECASE,
)
"""How libraries say that there is no memory left, each with an error class of its own."""
NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EFBIG: "no file may be as large (ulimit -f)",
    errno.EMFILE: "too many files are open (ulimit -n)",
}
FULL = 1 << 16
"""A disk with fewer bytes than this to spare is full."""
NO_SPACE = os.strerror(errno.ENOSPC)


class InputError(ValueError):
    """Bad input, a ``ValueError``. The message is one sentence: which file or option, what is wrong, what to do."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C, a closed terminal, or another signal that asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.status = 128 + number
        """What a shell shows of a process that a signal ended."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal raise ``Stopped`` in the main thread, so that what is unfinished is removed.

    A second Ctrl-C or SIGTERM ends the process at once. A signal that was ignored, as nohup has it, stays so.
    """
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]

    def stop(number: int, frame: FrameType | None) -> None:
        for other in numbers:  # of a terminal that closes, both the kernel and the shell tell
            signal.signal(other, signal.SIG_IGN if other == signal.SIGHUP else signal.SIG_DFL)
        raise Stopped(number)

    try:
        before = {number: signal.signal(number, stop) for number in numbers}
    except ValueError:  # not in the main thread, which alone may ask for signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_terminal() -> None:
    """Let a closed terminal be as Ctrl-C for the rest of this process, unless it is ignored, as nohup has it."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGHUP, stop)


def disk_trouble(error: BaseException) -> str | None:
    """What a disk refused, in words; None where the error is about something else."""
    number = error.errno or 0 if isinstance(error, OSError) else 0
    if NO_SPACE in str(error):  # of libraries with errors of their own
        number = errno.ENOSPC
    return NO_ROOM.get(number)


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left."""
    lacking = isinstance(error, OSError) and error.errno == errno.ENOMEM
    known = isinstance(error, (OSError, RuntimeError, ImportError)) or type(error).__module__ in ("cv2", "av.error")
    return isinstance(error, MemoryError) or lacking or (known and NO_MEMORY.search(str(error)) is not None)


def sentence(error: BaseException, what: str) -> str | None:
    """What the user is told of bad input, or of a machine that has no memory or room; None for all else.

    Args:
        error: The error.
        what: What was at work, such as "the stage matting".
    """
    if isinstance(error, InputError):
        return str(error)
    if "cuda" in str(error).lower() and NO_MEMORY.search(str(error)):
        return (
            f"{what} ran out of the GPU's memory; end what else uses it, or give smaller frames.person_height and max_size, "
            "or device cpu."
        )
    if lacks_memory(error):
        return (
            f"{what} ran out of memory; run fewer jobs at once, allow it more (mem_mb, ulimit -v), "
            "or make frames.person_height, max_size or max_frames smaller."
        )
    if isinstance(error, FileNotFoundError) and "No usable temporary directory" in str(error):
        return f"{what} finds no folder for temporary files; make room or rights in /tmp, or set TMPDIR to a folder with both."
    trouble = disk_trouble(error)
    if trouble is not None:
        name = getattr(error, "filename", None)
        place = tempfile.gettempdir()
        if str(name).startswith(place + os.sep) or (name is None and shutil.disk_usage(place).free < FULL):
            return f"{what} cannot write to {place}: {trouble}; make room there, or set TMPDIR to a folder with room."
        return f"{what} cannot write{f' {name}' if name else ''}: {trouble}; make room there and run again."
    return None
