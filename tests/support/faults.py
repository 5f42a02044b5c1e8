"""Processes that die, disks that are full, and memory that is short, for tests."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.support.paths import SCRIPTS
from understudy.files.marks import MARKER


def python(code, *arguments, **options):
    """A Python process that knows the library."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@contextmanager
def small_disk(folder, size="64k", read_only=False):
    """A folder with a disk of its own; skips the test where nothing can be mounted."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small disk needs the right to mount: {made.stderr.strip()}")
    try:
        if read_only:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def hidden(folder):
    """Unfinished files."""
    return sorted(path.name for path in folder.rglob(".*") if path.name != MARKER)
