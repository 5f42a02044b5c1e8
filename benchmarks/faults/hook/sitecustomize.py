"""Brings a fault over a stage: Python loads this before a script when its folder is on PYTHONPATH.

UNDERSTUDY_FAULT says what happens to the process: a signal's name, ``GROUP`` (the whole run is killed, as when the power
fails), or ``MEMORY`` (no more than it has, and a little). It happens when the stage has begun to write, or before it names
what it wrote.
"""

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

MORE = 48 << 20
"""Bytes that a stage may still take."""

_fault = os.environ.get("UNDERSTUDY_FAULT", "")
_when = os.environ.get("UNDERSTUDY_FAULT_WHEN", "writing")
_done = threading.Event()


def _strike() -> None:
    if _done.is_set():
        return
    _done.set()
    Path(os.environ["UNDERSTUDY_FAULT_NOTE"]).write_text(str(time.time()))
    if _fault == "GROUP":
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), getattr(signal, _fault))


def _watch(folder: str) -> None:
    """Strike as soon as something unfinished of this process has bytes."""
    mine = f"-{os.getpid()}"
    while not _done.is_set():
        for path in Path(folder).glob(".*"):
            inside = list(path.iterdir()) if path.is_dir() else [path]
            if mine in path.name and any(part.exists() and (part.is_dir() or part.stat().st_size) for part in inside):
                _strike()
        time.sleep(0.0005)


def _hook(event: str, arguments: tuple) -> None:
    if _fault == "MEMORY":
        if event == "open" and isinstance(arguments[0], str) and "/logs/" in f"/{arguments[0]}" and not _done.is_set():
            _done.set()
            held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (held + MORE, held + MORE))
            Path(os.environ["UNDERSTUDY_FAULT_NOTE"]).write_text(str(time.time()))
        return
    if _done.is_set() or event not in ("os.listdir", "os.rename"):
        return
    place = os.path.abspath(arguments[0] if event == "os.listdir" else arguments[1])
    if "/results/" not in place:
        return
    if event == "os.rename" and f"-{os.getpid()}" in os.path.basename(str(arguments[0])):
        _strike()
    elif event == "os.listdir" and _when == "writing":
        threading.Thread(target=_watch, args=(place,), daemon=True).start()


if _fault and any("/.snakemake/scripts/" in f"/{part}" for part in sys.orig_argv):
    sys.addaudithook(_hook)
