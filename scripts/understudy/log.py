"""Logging of a stage: everything into its log file, tracebacks included; short lines on the terminal."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy.errors import InputError

logger = logging.getLogger("understudy")


@contextmanager
def log_to(path: str | Path) -> Iterator[None]:
    """Send the library's log and any traceback to ``path``, and end the process with status 1 on an error.

    The terminal gets the same lines, except that bad input (``InputError``) shows as its one sentence,
    without a traceback, there and in the log.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    logger.setLevel(logging.INFO)
    logger.addHandler(to_file)
    logger.addHandler(to_terminal)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(to_file)
    try:
        yield
    except InputError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception:
        logger.exception("unexpected error, traceback in %s", path)
        sys.exit(1)
    finally:
        logging.getLogger("py.warnings").removeHandler(to_file)
        for handler in (to_file, to_terminal):
            logger.removeHandler(handler)
        to_file.close()
