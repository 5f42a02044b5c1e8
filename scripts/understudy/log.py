"""Logging of a stage: everything into its log file, tracebacks included; short lines on the terminal."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from understudy.errors import Stopped, sentence, stoppable
from understudy.streams import give_up, open_streams
from understudy.text import printable

logger = logging.getLogger("understudy")


@contextmanager
def log_to(path: str | Path, stage: str) -> Iterator[None]:
    """Send the library's log and any traceback to ``path``, and end the process with status 1 on an error.

    The terminal gets the same lines, except that bad input (``InputError``), want of memory and a full disk show as
    one sentence, without a traceback, there and in the log. Ctrl-C, SIGTERM and a closed terminal end the process with a
    sentence and their own status when what is unfinished has been removed.

    Args:
        path: The log file.
        stage: Name of the stage, for such sentences.
    """
    what = f"the stage {stage}"
    open_streams()
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        to_file = _LogFile(path, mode="w", encoding="utf-8")
    except OSError as error:
        sys.exit(printable(f"error: {path} cannot be written ({error.strerror}); {what} needs room and rights there."))
    to_file.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    to_terminal = _Terminal(sys.stderr)
    to_terminal.setFormatter(PrintableFormatter("%(message)s"))
    logger.setLevel(logging.INFO)
    logger.addHandler(to_file)
    logger.addHandler(to_terminal)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(to_file)
    try:
        with stoppable():
            yield
    except Stopped as stopped:
        logger.error("error: %s was stopped by %s; run again and it goes on.", what, stopped.name)
        sys.exit(stopped.status)
    except Exception as error:
        told = sentence(error, what)
        if told is None:
            logger.exception("unexpected error, traceback in %s", path)
        else:
            logger.error("error: %s", told)
        sys.exit(1)
    finally:
        logging.getLogger("py.warnings").removeHandler(to_file)
        for handler in (to_file, to_terminal):
            logger.removeHandler(handler)
        to_file.close()


class PrintableFormatter(logging.Formatter):
    """Lines that may hold what files say: nothing in them steers a terminal, and only a record begins at the margin."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines, those after the first one indented."""
        return printable(super().format(record).rstrip("\n")).replace("\n", "\n  ")


class _Terminal(logging.StreamHandler[TextIO]):
    """A terminal that may be closed while its lines still come."""

    def handleError(self, record: logging.LogRecord) -> None:
        if isinstance(sys.exception(), OSError):
            give_up(self.stream)
        else:
            super().handleError(record)


class _LogFile(logging.FileHandler):
    """A log file that does without what a full disk does not take."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()
