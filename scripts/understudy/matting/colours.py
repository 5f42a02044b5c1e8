"""What colours the person and the surroundings have over a whole video, near each part of the body."""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter

from understudy.body.model import PARTS

LEVELS = 32
"""Steps of each channel in a table of colours."""
CELLS = LEVELS**3
SHARED = 0.2
"""How much a part's table takes from that of the whole person, as a share of its own counts."""
REGIONS = (
    ("inside", "hair", "face", "neck"),
    ("torso",),
    ("left_arm", "right_arm"),
    ("left_hand", "right_hand"),
    ("left_leg", "right_leg"),
    ("left_foot", "right_foot"),
)
"""Parts of the body that share a table; left and right wear the same."""


def region_of_part() -> np.ndarray:
    """Index into ``REGIONS`` [parts] int32 of the body's parts, in the order of ``body.model.PARTS``."""
    owner = {part: place for place, parts in enumerate(REGIONS) for part in parts}
    return np.array([owner[part] for part in PARTS], np.int32)


def cells(image: np.ndarray) -> np.ndarray:
    """Cell of the tables that each pixel of an RGB uint8 image [...,3] falls in; int32 [...]."""
    steps = (image >> 3).astype(np.int32)
    return (steps[..., 0] * LEVELS + steps[..., 1]) * LEVELS + steps[..., 2]


@dataclass
class ColourCounts:
    """Histograms of colours, one a region; their size does not depend on the number of frames."""

    counts: np.ndarray = field(default_factory=lambda: np.zeros((len(REGIONS), CELLS), np.float64))

    def add(self, cell: np.ndarray, region: np.ndarray) -> None:
        """Count pixels by their cells [N] and the regions [N] that they belong to."""
        flat = np.bincount(region.astype(np.int64) * CELLS + cell, minlength=self.counts.size)
        self.counts += flat.reshape(self.counts.shape)

    def probabilities(self) -> np.ndarray:
        """Probability of each cell [regions,CELLS] float32, blurred by one cell; rows sum to one, or to zero if empty."""
        everywhere = self.counts.sum(axis=0)
        total = max(everywhere.sum(), 1.0)
        own = self.counts.sum(axis=1, keepdims=True)
        # a region hardly seen falls back on the others
        mixed = self.counts + (SHARED * own + 30.0) * everywhere / total
        mixed = mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-9)
        cube = mixed.astype(np.float32).reshape(-1, LEVELS, LEVELS, LEVELS)
        return gaussian_filter(cube, (0, 1, 1, 1)).reshape(mixed.shape)
