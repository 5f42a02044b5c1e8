"""A file that is on its way here: what has come of it, from where, and which process brings it."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from understudy.errors import InputError
from understudy.files.arrays import write_json
from understudy.files.regular import read_bytes

logger = logging.getLogger(__name__)

LONGEST_NOTE = 65536


@dataclass(frozen=True)
class Note:
    """What is known of the whole file."""

    url: str
    mark: str | None
    """ETag or date by which the server can tell whether it still has the same file; None where it names none."""
    total: int | None
    """Bytes; None where the server does not say."""


class Part:
    """The unfinished file ``path`` and, beside it, the note about it. Made by :func:`held_part`.

    Args:
        path: The unfinished file.
        handle: It, open for reading and writing.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self._handle, self._beside = path, handle, path.with_name(f"{path.name}.tag")
        self.size = os.fstat(handle).st_size
        """Bytes that have come."""

    @property
    def noted(self) -> bool:
        """Whether there is a note, be it damaged; what came without one did not come from here."""
        return os.path.lexists(self._beside)

    def note(self) -> Note | None:
        """What was noted, or None."""
        try:
            note = Note(**json.loads(read_bytes(self._beside, LONGEST_NOTE)))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        known = isinstance(note.url, str) and isinstance(note.mark, str | None) and isinstance(note.total, int | None)
        return note if known else None

    def take_note(self, note: Note) -> None:
        """Note what is known of the file."""
        write_json(self._beside, asdict(note))

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            InputError: The disk does not take them.
        """
        with writing(self.path):
            while data:
                count = os.pwrite(self._handle, data, self.size)
                self.size += count
                data = data[count:]

    def clear(self) -> None:
        """Begin anew."""
        os.ftruncate(self._handle, 0)
        self.size = 0
        self._beside.unlink(missing_ok=True)

    def move(self, target: Path) -> None:
        """Put the file in its place, when all of it is on the disk."""
        with writing(target):
            os.fsync(self._handle)
            os.replace(self.path, target)
        self._beside.unlink(missing_ok=True)

    def is_in_place(self) -> bool:
        """Whether ``path`` still is this file, and no other process has moved or removed it."""
        try:
            there, held = os.stat(self.path, follow_symlinks=False), os.fstat(self._handle)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def _remove_if_empty(self) -> None:
        if self.size == 0 and self.is_in_place():
            self._beside.unlink(missing_ok=True)
            self.path.unlink()


@contextmanager
def held_part(path: Path) -> Iterator[Part]:
    """The unfinished file at ``path``, made if need be, for this process alone; while another one has it, this waits.

    The kernel forgets the lock when a process ends, however it ends. An empty file is removed in the end.

    Raises:
        InputError: It cannot be written, is a link, or somebody else's.
    """
    while True:
        with writing(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            _lock(handle, path)
            part = Part(path, handle)
            if part.is_in_place():
                if part.size and not part.noted:
                    raise InputError(f"{path} is there already, and was not begun here; move it away first.")
                try:
                    yield part
                finally:
                    part._remove_if_empty()
                return
        finally:
            os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logger.warning("another process fetches %s; waiting for it", path.name)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        raise InputError(
            f"{path} cannot be locked ({error.strerror}); fetch into a folder of another disk, and move it."
        ) from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in a sentence what the disk refuses."""
    try:
        yield
    except TimeoutError:  # a signal that came meanwhile, and no fault of the disk
        raise
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}; make room or rights there and run again."
        ) from None
