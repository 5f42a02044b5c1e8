"""Tables of what the arrays of a file may be: each format has one, and its reader checks all arrays by it.

A limit is what the world allows, wide enough for every honest file. It keeps the numbers of any other from asking for
endless time or memory further on, and from ending in a result that is none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.files.arrays import check_ranges

Limit = float | tuple[float, ...]
"""Of all numbers of an array, or of each of its last axis (of a matrix: of each entry, row by row)."""
Lengths = Mapping[str, tuple[int, int]]
"""The least and the largest that a length may be, by its name."""

UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Characters that no text has, or that cannot be written down."""


@dataclass(frozen=True)
class Numbers:
    """What one array may be."""

    shape: tuple[int | str, ...]
    """Lengths of the axes; one with a name is the same wherever the name stands."""
    type: type[np.generic]
    """As which it is taken; whole numbers may have been stored as any that hold no fraction."""
    least: Limit
    most: Limit | str
    """A name for a place in an axis of that length: it is below it."""
    unknown: bool = False
    """Whether NaN stands for what is not known."""


def check_table(
    arrays: Mapping[str, np.ndarray], table: Mapping[str, Numbers], lengths: Lengths
) -> dict[str, np.ndarray]:
    """The arrays that are in the table, as the types that it names; those that are absent are passed over.

    Args:
        arrays: What a file holds.
        table: What its arrays may be.
        lengths: What the lengths may be that have names.

    Raises:
        ValueError: One is none of numbers, or of another shape or range.
    """
    known: dict[str, int] = {}
    present = [key for key in table if key in arrays]
    for key in present:
        _check_shape(key, np.asarray(arrays[key]), table[key], lengths, known)
    return {key: _taken(key, np.asarray(arrays[key]), table[key], known) for key in present}


def check_text(name: str, value: Any, longest: int) -> str:
    """A text, as such.

    Raises:
        ValueError: It is something else, longer than ``longest``, or holds characters that no text has.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind == "U" and value.shape == ():
        value = value.item()
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    if len(value) > longest:
        raise ValueError(f"{name} has {len(value)} characters, more than {longest}")
    if strange := UNREADABLE.search(value):
        raise ValueError(f"{name} holds the character {strange[0]!a}")
    return value


def readable(value: Any) -> Any:
    """A file's own name, which may hold any character, with those replaced that no text has; all else as it is."""
    return UNREADABLE.sub("?", value) if isinstance(value, str) else value


def check_names(name: str, values: np.ndarray, longest: int = 100) -> tuple[str, ...]:
    """Names [n] that differ from each other.

    Raises:
        ValueError: They do not, or are no text.
    """
    if values.ndim != 1 or values.dtype.kind != "U":
        raise ValueError(f"{name} is {values.dtype} of shape {values.shape}, not a list of names")
    names = tuple(check_text(name, value, longest) for value in values.tolist())
    if len(set(names)) < len(names):
        raise ValueError(f"{name} holds a name twice")
    return names


def check_shares(name: str, weights: np.ndarray, slack: float) -> None:
    """Refuse weights [...,n] whose rows do not sum to one.

    Raises:
        ValueError: A row does not.
    """
    sums = weights.sum(axis=-1, dtype=np.float64)
    check_ranges({f"the sum of {name}": sums}, {f"the sum of {name}": (1 - slack, 1 + slack)})


def _check_shape(key: str, array: np.ndarray, wanted: Numbers, lengths: Lengths, known: dict[str, int]) -> None:
    kinds = "biuf" if wanted.type is np.bool_ else "iuf"
    if array.dtype.kind not in kinds:
        raise ValueError(f"{key} is {array.dtype}, not numbers")
    fits = array.ndim == len(wanted.shape)
    for length, axis in zip(array.shape, wanted.shape, strict=False):
        fits &= length == (known.setdefault(axis, length) if isinstance(axis, str) else axis)
    if not fits:
        shape = ", ".join(str(known.get(axis, axis) if isinstance(axis, str) else axis) for axis in wanted.shape)
        raise ValueError(f"{key} is {array.dtype} of shape {array.shape}, not of ({shape})")
    for axis in wanted.shape:
        if isinstance(axis, str):
            least, most = lengths[axis]
            if not least <= known[axis] <= most:
                raise ValueError(f"{key} has the length {known[axis]}, and may have {least} to {most}")


def _taken(key: str, array: np.ndarray, wanted: Numbers, known: Mapping[str, int]) -> np.ndarray:
    """The array, when its numbers are in range, as the type that is wanted."""
    least = wanted.least
    most = known[wanted.most] - 1 if isinstance(wanted.most, str) else wanted.most
    numbers = array[~np.isnan(array)] if wanted.unknown and array.dtype.kind == "f" else array
    if isinstance(least, tuple) and isinstance(most, tuple):
        columns = np.moveaxis(numbers.reshape(-1, len(least)), 1, 0)
        for column, ends in zip(columns, zip(least, most, strict=True), strict=True):
            check_ranges({key: column}, {key: ends})
    else:
        check_ranges({key: numbers}, {key: (least, most)})  # type: ignore[dict-item]
    if not issubclass(wanted.type, np.floating) and numbers.dtype.kind == "f" and (numbers != np.rint(numbers)).any():
        raise ValueError(f"{key} holds fractions, and may hold whole numbers")
    return np.require(array, wanted.type, "C")
