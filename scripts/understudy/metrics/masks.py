"""How well two masks agree."""

import numpy as np

from understudy.errors import InputError


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boolean masks [...,H,W], per mask [...]; 1 where both are empty.

    Raises:
        InputError: The masks differ in shape or are not boolean.
    """
    _check(first, second)
    union = (first | second).sum(axis=(-1, -2))
    shared = (first & second).sum(axis=(-1, -2))
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def inside(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Share of ``part`` that lies in ``whole``, boolean masks [...,H,W], per mask [...]; 1 where ``part`` is empty.

    Raises:
        InputError: The masks differ in shape or are not boolean.
    """
    _check(part, whole)
    area = part.sum(axis=(-1, -2))
    return np.where(area > 0, (part & whole).sum(axis=(-1, -2)) / np.maximum(area, 1), 1.0)


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise InputError(f"Masks of {first.shape} and {second.shape} cannot be compared; give two of one size.")
    if first.dtype != bool or second.dtype != bool:
        raise InputError(f"Masks must be boolean, not {first.dtype} and {second.dtype}; compare them with a threshold.")
