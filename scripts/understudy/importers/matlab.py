"""Matrices of numbers out of MATLAB 5 files.

SciPy's reader believes what a file says of itself and can be made to crash by it; this one reads real matrices and nothing else.
Source: MathWorks, MAT-File Format (level 5).
"""

import math
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from understudy.files.arrays import reading
from understudy.files.regular import read_bytes

MOST_BYTES = 1 << 28
"""That a file may have, its compressed elements may unfold to, and its matrices may take, each."""
NUMBER_BYTES = 8
HEADER = 128
MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Types of stored numbers."""
MATRIX_PARTS = 4
"""Flags, shape, name and numbers."""
FIRST_NUMERIC, COMPLEX = 6, 0x0800
"""Classes of matrices from this one on are numbers; and the flag of those with an imaginary part."""


def read_matlab(path: Path) -> dict[str, np.ndarray]:
    """The real matrices of a file by name, as float64; all else in it is passed over.

    Raises:
        InputError: There is no such file, or it is damaged or of another version.
    """
    with reading(path, "a MATLAB 5 file that can be read", "save it with scipy.io.savemat or as MATLAB 5"):
        data = read_bytes(path, MOST_BYTES)
        if data[126:128] not in (b"IM", b"MI"):
            raise ValueError("no header of MATLAB 5")
        order = "<" if data[126:128] == b"IM" else ">"
        return dict(_matrices(data[HEADER:], order))


def _matrices(data: bytes, order: str) -> Iterator[tuple[str, np.ndarray]]:
    unfolded = taken = 0
    for kind, content in _elements(data, order):
        if kind == COMPRESSED:
            inside = zlib.decompressobj().decompress(content, MOST_BYTES - unfolded)
            unfolded += len(inside)
            if unfolded >= MOST_BYTES:
                raise ValueError(f"it unfolds to more than {MOST_BYTES} bytes")
            kind, content = next(_elements(inside, order), (0, b""))
        if kind == MATRIX:
            for name, values in _matrix(content, order):
                taken += NUMBER_BYTES * values.size
                if taken > MOST_BYTES:
                    raise ValueError(f"its matrices take more than {MOST_BYTES} bytes")
                with np.errstate(invalid="ignore"):
                    yield name, values.astype(np.float64)


def _matrix(content: bytes, order: str) -> Iterator[tuple[str, np.ndarray]]:
    """Name and numbers of a real matrix."""
    parts = list(islice(_elements(content, order), MATRIX_PARTS))
    flags = struct.unpack(f"{order}I", parts[0][1][:4])[0]
    if flags & 0xFF < FIRST_NUMERIC or flags & COMPLEX:
        return
    shape = np.frombuffer(parts[1][1], f"{order}i4").tolist()
    kind, numbers = parts[3]
    values = np.frombuffer(numbers, f"{order}{NUMBERS[kind]}")
    if min(shape) < 0 or math.prod(shape) != len(values):
        raise ValueError(f"a matrix of shape {shape} with {len(values)} numbers")
    yield parts[2][1].decode("ascii"), values.reshape(shape, order="F")


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and content of each element; small ones share their first eight bytes with their type."""
    place = 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(f"{order}II", data, place)
        if kind >> 16:
            kind, length, start = kind & 0xFFFF, kind >> 16, place + 4
            step = 8
        else:
            start = place + 8
            step = 8 + length + (0 if kind == COMPRESSED else -length % 8)
        if start + length > len(data):
            raise ValueError("it is cut short")
        yield kind, data[start : start + length]
        place += step
