"""What is written down of files that this program wrote: their sizes and checksums. Standard library only.

A folder that is written as a whole holds a marker, a file that says what the folder holds and lists its files.
Where files are written among others, as exports into a folder of the user's, a folder of the marker's name holds a
record of each.
"""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from understudy.files.regular import regular_file
from understudy.text import one_line

MARKER = ".understudy"
"""File in a folder that was written as a whole; folder of records in others."""
LARGEST_MARKER = 64 << 20
"""Bytes; a million files take fewer."""
LONGEST = 100
"""Letters that a message repeats of what a marker says."""

Version = tuple[int, str]
"""A file's size in bytes and its checksum, BLAKE2b of 128 bits in hex."""


def version_of(path: Path) -> Version:
    """Size and checksum of a file."""
    with regular_file(path) as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
        return file.tell(), digest.hexdigest()


def is_version(path: Path, status: os.stat_result, versions: list[Version], by_size: bool) -> bool:
    """Whether a file is one of these; one that cannot be read is none."""
    if not stat.S_ISREG(status.st_mode) or status.st_size not in [size for size, _ in versions]:
        return False
    try:
        return by_size or version_of(path) in versions
    except (OSError, ValueError):
        return False


def read_marker(folder: Path) -> tuple[str, dict[str, Version]] | None:
    """What a folder's marker says it holds, and its files; None where there is none that can be read."""
    try:
        content = _read_json(folder / MARKER)
        return one_line(str(content["holds"])[:LONGEST]), {
            str(name): _as_version(entry) for name, entry in content["files"].items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None


def read_record(path: Path) -> list[Version] | None:
    """What was written at this path, newest first; None where there is no record that can be read."""
    try:
        if not stat.S_ISDIR((path.parent / MARKER).lstat().st_mode):
            return None
        return [_as_version(entry) for entry in _read_json(path.parent / MARKER / path.name)]
    except (OSError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None


def _read_json(path: Path) -> Any:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_MARKER:
        raise ValueError("no plain file of a bearable size")
    return json.loads(path.read_text(encoding="utf-8"))


def _as_version(entry: Any) -> Version:
    size, digest = entry
    return int(size), str(digest)
