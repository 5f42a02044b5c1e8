"""Progress of long loops: a bar on a terminal, a plain line now and then in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO, TypeVar, cast

from understudy.streams import give_up
from understudy.text import one_line

T = TypeVar("T")
logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` while showing how far the loop is.

    Args:
        items: What to go through.
        description: What the loop does, such as ``"detecting keypoints"``.
        total: Number of items; default ``len(items)`` where it has one.
    """
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # type: ignore[arg-type]
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import track as rich_track

        console = Console(file=cast(TextIO, _Terminal(sys.stderr)))
        yield from rich_track(items, escape(one_line(description)), total=total, console=console)
        return
    started = last = time.monotonic()
    count = 0
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            of = f"/{total}" if total else ""
            logger.info("%s: %d%s after %.0f s", description, count, of, now - started)
    logger.info("%s: %d done in %.1f s", description, count, time.monotonic() - started)


class _Terminal:
    """Standard error, which may be closed while the loop goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream  # not sys.stderr: while its bar shows, rich puts something of its own there

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            give_up(self._stream)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            give_up(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
