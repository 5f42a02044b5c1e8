"""What verbs say to people: text alone, whatever is in the files that it comes from."""

import io
import logging
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from understudy.log import PrintableFormatter
from understudy.streams import say, tell
from understudy.text import one_line, printable

if TYPE_CHECKING:
    from rich.table import Table


def print_text(text: str) -> None:
    """Write to the terminal what may hold names and words out of files."""
    say(printable(text))


def warn(sentences: Iterable[str]) -> None:
    """Tell what the user should know, each in a line of its own."""
    tell("".join(f"warning: {one_line(text)}\n" for text in sentences))


def print_table(table: "Table") -> None:
    """Print a table as the terminal is."""
    from rich.console import Console

    console = Console()
    with console.capture() as text:
        console.print(table)
    say(text.get())


def prepare_terminal() -> None:
    """Let warnings, logs and tracebacks out as text alone, and names in letters that the terminal lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
    sys.excepthook = _show_fault


def _show_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback, whose words may be a file's too."""
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace))))
