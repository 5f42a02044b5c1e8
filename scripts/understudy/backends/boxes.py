"""The person's box for networks that look at one person in a box: from the region, or better from another backend's points."""

import math

import numpy as np

from understudy.backends.protocols import Region

REGION_GROWTH = 1.25
"""A region's side in lengths of the person."""
SURE = 0.3
"""Points of at least this confidence span the box."""
BOX_MARGIN = 0.08
"""A box round points lacks hair, fingers, soles and clothes: this share of its longer side is added on all sides."""


def box_region(box: np.ndarray) -> Region:
    """The upright region of a person's box x0 y0 x1 y1 px [4]."""
    x0, y0, x1, y1 = (float(value) for value in box)
    return Region((x0 + x1) / 2, (y0 + y1) / 2, REGION_GROWTH * max(x1 - x0, y1 - y0))


def region_box(region: Region) -> np.ndarray:
    """The region without its growth: centre x, y, width and height [4]."""
    side = region.size / REGION_GROWTH
    return np.array([region.x, region.y, side, side])


def quarter_turn(region: Region) -> float:
    """The person's turn, radians clockwise, to whole quarters."""
    return math.pi / 2 * round(region.angle / (math.pi / 2))


def points_box(points: np.ndarray, region: Region, angle: float) -> np.ndarray:
    """Centre x, y in the image, and width and height when turned upright, of the box round the sure points [4].

    Args:
        points: [J,3] px, px, confidence.
        region: What is taken where hardly a point is sure.
        angle: The person's turn, radians clockwise.
    """
    sure = points[points[:, 2] >= SURE, :2]
    if len(sure) < 2:
        return region_box(region)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    upright = sure @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = turn.T @ ((low + high) / 2)
    width, height = high - low + 2 * BOX_MARGIN * (high - low).max()
    return np.array([x, y, width, height])
