"""A picture on its way from a source to ``frames/``, and the size it is given."""

from typing import NamedTuple

import numpy as np


class Picture(NamedTuple):
    """One upright picture."""

    pixels: np.ndarray
    """sRGB, uint8 [H,W,3], scaled down if need be."""
    size: tuple[int, int]
    """Width and height before scaling, in px."""


def fit_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Width and height of the same shape, neither over ``longest``; never larger than ``size``."""
    factor = min(1.0, longest / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
