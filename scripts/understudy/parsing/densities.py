"""How likely a piece of clothing, skin or hair has a colour: smoothed histograms in CIELAB."""

from functools import cache

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from understudy.matting.colours import CELLS, LEVELS

STEPS = 32
"""Steps of a histogram along each axis."""
BLUR = (1.6, 1.1, 1.1)
"""Standard deviations of the blur along L, a and b, in steps of 3.1, 4 and 4."""
STRANGE = 0.05
"""Share of colours that are none of a thing's own: dirt, noise, whatever shines in."""
GAMUT = 9000.0
"""Voxels of the histogram over which these spread."""
Lights = tuple[tuple[float, float], ...]
SHADES: Lights = (
    (0.4, 0.15),
    (0.5, 0.25),
    (0.6, 0.4),
    (0.7, 0.6),
    (0.8, 0.8),
    (0.9, 1.0),
    (1.0, 1.0),
    (1.12, 0.6),
    (1.25, 0.3),
)
"""Factors of linear light and their weights: one surface in more and in less light."""


def log_density(cell: np.ndarray, lights: Lights = ((1.0, 1.0),)) -> np.ndarray:
    """Logarithm of the density [CELLS] float32, per voxel, of colours like the seen cells ``cell`` [N].

    Args:
        cell: Cells of ``matting.colours``; of none, all colours are as likely.
        lights: Factors of linear light, and their weights, in which the same surface may appear.
    """
    histogram = np.zeros((STEPS, STEPS, STEPS))
    counts = np.bincount(cell, minlength=CELLS).astype(np.float64)
    if counts.any():
        for factor, weight in lights:
            voxel, clear = _voxels(factor)
            histogram.ravel()[:] += weight * np.bincount(voxel, counts * clear, minlength=STEPS**3)
        histogram = gaussian_filter(histogram / histogram.sum(), BLUR, mode="constant")
    share = STRANGE if counts.any() else 1.0
    return np.log((1 - share) * histogram.ravel()[_voxels(1.0)[0]] + share / GAMUT).astype(np.float32)


def trimmed(cell: np.ndarray, share: float) -> np.ndarray:
    """Cells [M] of ``cell`` [N] without the ``share`` that are farthest from where most are."""
    if not len(cell):
        return cell
    likely = log_density(cell)[cell]
    return cell[likely >= np.quantile(likely, share)]


@cache
def cell_colours() -> np.ndarray:
    """CIELAB [CELLS,3] float32 of the middles of the cells: L 0..100, a and b about -128..127."""
    return _lab(_middles())


@cache
def _voxels(factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Voxel [CELLS] of each cell's middle in ``factor`` times the light, and whether it is not burnt out there [CELLS]."""
    lit = _middles() ** 2.2 * factor
    lab = _lab(np.clip(lit, 0.0, 1.0) ** (1 / 2.2))
    place = (
        np.floor((lab + np.array([0.0, 64.0, 64.0])) / np.array([100.0 / STEPS, 4.0, 4.0]))
        .astype(np.int64)
        .clip(0, STEPS - 1)
    )
    return (place[:, 0] * STEPS + place[:, 1]) * STEPS + place[:, 2], (factor <= 1.0) | (lit.min(axis=1) < 0.8)


def _middles() -> np.ndarray:
    """sRGB 0..1 [CELLS,3] of the middles of the cells."""
    steps = np.stack(np.unravel_index(np.arange(CELLS), (LEVELS,) * 3), axis=1)
    return ((steps + 0.5) / LEVELS).astype(np.float32)


def _lab(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb.astype(np.float32)[None], cv2.COLOR_RGB2LAB)[0]
