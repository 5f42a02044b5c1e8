"""Cameras in YAML as OpenCV writes it (``intri.yml``): matrices by name.

Read by what such files hold and not by a reader of all that YAML may be: nothing refers to anything, nothing is
nested, and time and memory grow with the file.
"""

import math
import re
from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import reading
from understudy.files.regular import read_bytes

KIND = "a camera file of OpenCV", "calibrate again"
MOST_BYTES = 1 << 22

COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.MULTILINE)
KEY = re.compile(r"""^(["']?)([^\s"':#%-][^"':\n]*)\1:(?=\s)""", re.MULTILINE)
"""At the beginning of a line; what follows, up to the next one, is its value."""
ENTRIES = re.compile(r"\s*-[ \t]+([^\s].*)")
"""A line of a list that has no brackets."""
TYPES = {"u": "u1", "c": "i1", "w": "u2", "s": "i2", "i": "i4", "f": "f4", "d": "f8"}


class Calibration:
    """A file of cameras."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            InputError: It is missing, too large, or no text.
        """
        self.path = path
        with reading(path, *KIND):
            text = COMMENT.sub("", read_bytes(path, MOST_BYTES).decode("utf-8", errors="replace"))
        keys = list(KEY.finditer(text))
        ends = [key.start() for key in keys[1:]] + [len(text)]
        self._values = {key[2]: text[key.end() : end] for key, end in zip(keys, ends, strict=True)}

    def names(self) -> list[str]:
        """The cameras that ``names`` lists, else those that have a matrix ``K_<name>``."""
        listed = _entries(self._values.get("names", ""))
        # digits without quotes are a number, which has lost its leading zeros
        if listed and not any(entry.isdigit() for entry in listed):
            return list(dict.fromkeys(entry.strip("\"'") for entry in listed))
        return [key.removeprefix("K_") for key in self._values if key.startswith("K_")]

    def matrix(self, key: str) -> np.ndarray | None:
        """A matrix [rows,cols], or [rows,cols,channels] where it has several; None if there is none of this name.

        Raises:
            InputError: It is no matrix, or holds other numbers than it says or any that is not finite.
        """
        if key not in self._values:
            return None
        with reading(self.path, *KIND):
            matrix = _matrix(self._values[key], key)
        if not np.isfinite(matrix).all():
            raise InputError(f"{self.path} has numbers in {key} that are not finite.")
        return matrix


def _matrix(text: str, key: str) -> np.ndarray:
    rows, cols, kind = (_value(text, name) for name in ("rows", "cols", "dt"))
    data = re.search(r"\bdata\s*:", text)
    found = re.fullmatch(r"[\"']?([0-9]?)([ucwsifd])[\"']?", kind)
    if data is None or found is None or not (rows.isdigit() and cols.isdigit()):
        raise ValueError(f"{key} lacks rows, cols, dt or data")
    shape = (int(rows[:9]), int(cols[:9]), *([int(found[1])] if found[1] not in ("", "1") else []))
    values = [float(entry) for entry in _entries(text[data.end() :])]
    if len(values) != math.prod(shape):
        raise ValueError(f"{key} has {len(values)} numbers for {'x'.join(map(str, shape))}")
    return np.array(values).reshape(shape).astype(TYPES[found[2]])


def _value(text: str, name: str) -> str:
    found = re.search(rf"\b{name}\s*:\s*([^\s,}}]*)", text)
    return found[1] if found else ""


def _entries(text: str) -> list[str]:
    """Entries of a list, in brackets or a line each."""
    text = text.lstrip()
    if text.startswith("["):
        inside, closed, _ = text[1:].partition("]")
        entries = [entry.strip() for entry in inside.split(",")] if closed else []
        return [entry for entry in entries if entry]
    entries, place = [], 0
    while line := ENTRIES.match(text, place):
        entries.append(line[1].strip())
        place = line.end()
    return entries
