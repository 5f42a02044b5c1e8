"""A watch over the memory while a video's headers are read, whose tables may claim more frames than the file has bytes."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy.errors import InputError

MOST_BYTES = 4 << 30
"""Of memory; the table of a day at 60 frames a second takes a tenth of it, and so do pictures of 8K."""

STATM = Path("/proc/self/statm")
"""Pages of memory that the process has; Linux's alone, and macOS keeps to no such limit."""


@contextmanager
def headers_of(path: Path) -> Iterator[None]:
    """Let the process take no more than ``MOST_BYTES`` besides what it has, where the system tells what that is and keeps limits.

    Raises:
        InputError: It wanted more.
    """
    if not STATM.exists():
        yield
        return
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    held = int(STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limit = held + MOST_BYTES
    if before != resource.RLIM_INFINITY:
        limit = min(limit, before)  # whoever runs this may watch already
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    except MemoryError:
        room = f"{(limit - held) / (1 << 30):.1f} GiB of memory"
        raise InputError(
            f"{path} claims more frames or larger ones than fit into {room}; convert it to mp4, or allow more (ulimit -v)."
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
