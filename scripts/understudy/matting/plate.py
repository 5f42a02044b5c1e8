"""The empty scene behind a person, as far as the video shows it: robust median over frames."""

from dataclasses import dataclass

import numpy as np

from understudy.matting.band import median_plate
from understudy.render import jit

LEAST = 3
"""Looks at a pixel's background below which nothing is known about it."""
NOISE = 2.0
"""Least spread of a pixel's colour, levels of 0..255."""
STILL = 6.0
"""Spread of the whole picture, levels, above which the camera moves and no pixel shows one place of the scene."""
PRIOR_LOOKS = 4.0
"""How many looks the spread of the whole picture counts for in that of a pixel."""


@dataclass(frozen=True, eq=False)
class Plate:
    """The empty scene of a camera that stands still; nothing is known with one that moves."""

    colour: np.ndarray  # [H,W,3] float32, 0..255
    spread: np.ndarray  # [H,W] float32
    """Standard deviation of a pixel's colour over time, levels."""
    known: np.ndarray  # [H,W] bool
    jitter: float
    """Spread of the whole picture: 1 to 5 levels with a camera on a tripod, 10 and more with one in the hand."""


def build_plate(pictures: np.ndarray, free: np.ndarray, threads: int) -> Plate:
    """Median and spread of each pixel over the frames in which it surely shows the background.

    Args:
        pictures: Sampled frames [S,H,W,3] uint8.
        free: Where they surely show background [S,H,W] bool.
        threads: Threads to use.
    """
    shape = pictures.shape[1:3]
    colour, deviation = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    with jit.threads(threads):
        median_plate(pictures, free, colour, deviation)
    looks = np.count_nonzero(free, axis=0)
    often = looks >= max(LEAST, len(pictures) // 4)
    jitter = float(np.percentile(deviation[often], 75)) if often.any() else 255.0
    variance = (looks * deviation**2 + PRIOR_LOOKS * max(jitter, NOISE) ** 2) / (looks + PRIOR_LOOKS)
    known = (looks >= LEAST) & (jitter < STILL)
    return Plate(colour, np.sqrt(variance + NOISE**2 / 2).astype(np.float32), known, jitter)
