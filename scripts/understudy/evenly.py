"""A few of many, evenly spread."""

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """At most ``most`` of the numbers from 0 to ``count - 1``, in order and evenly spread from the first to the last."""
    return np.unique(np.linspace(0, count - 1, max(0, min(count, most))).round().astype(int))
