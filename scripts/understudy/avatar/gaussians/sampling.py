"""Where Gaussians sit: well-spaced points on the body's surface, denser where a person looks first."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from understudy.body.model import PARTS
from understudy.render.jit import kernel

DENSITY = {"inside": 0.0, "face": 4.0, "hair": 2.0, "left_hand": 2.0, "right_hand": 2.0}
"""Gaussians per area relative to the rest of the body."""
CANDIDATES = 5
"""Random candidates per point that is wanted; more give a more even spacing."""


@dataclass(frozen=True)
class Anchors:
    """Points fixed to faces of a mesh."""

    face: np.ndarray  # [N] int64
    bary: np.ndarray  # [N,3] float32, sums to one
    spacing: np.ndarray  # [N] float32
    """Typical distance to the neighbours, m."""


def sample_surface(
    vertices: np.ndarray,  # [V,3] m
    faces: np.ndarray,  # [F,3]
    parts: np.ndarray,  # [F] index into PARTS
    count: int,
    seed: int,
) -> Anchors:
    """``count`` well-spaced points on the surface, with the density of ``DENSITY`` and none inside the body.

    Source: dart throwing with a radius per point (Yuksel, Sample Elimination for Generating Poisson Disk Sample Sets,
    2015, discusses it in section 2), the radius found by bisection so that the count comes out.
    """
    random = np.random.default_rng(seed)
    density = np.array([DENSITY.get(part, 1.0) for part in PARTS])[parts]
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 0.5 * np.linalg.norm(normals, axis=1)
    weight = area * density

    # one candidate in each equal step of the summed weight: far more even than independent draws
    total = CANDIDATES * count
    steps = (np.arange(total) + random.random(total)) / total * weight.sum()
    face = np.minimum(np.searchsorted(np.cumsum(weight), steps), len(faces) - 1)
    face = random.permutation(face[density[face] > 0])
    bary = _uniform_bary(random.random((len(face), 2)))
    points = (corners[face] * bary[..., None]).sum(axis=1)
    directions = (normals / np.maximum(2 * area, 1e-20)[:, None])[face]
    stretch = 1 / np.sqrt(density[face])

    radius = np.sqrt(weight.sum() / count)
    kept, radius = _most_even(points, directions, stretch, radius, count)
    return Anchors(
        face[kept].astype(np.int64), bary[kept].astype(np.float32), (radius * stretch[kept]).astype(np.float32)
    )


def _uniform_bary(uniform: np.ndarray) -> np.ndarray:
    """Barycentric coordinates [N,3], even over the triangle, of [N,2] numbers 0..1."""
    root = np.sqrt(uniform[:, 0])
    return np.stack([1 - root, root * (1 - uniform[:, 1]), root * uniform[:, 1]], axis=1)


def _most_even(
    points: np.ndarray, directions: np.ndarray, stretch: np.ndarray, spacing: float, count: int
) -> tuple[np.ndarray, float]:
    """Indices of ``count`` candidates as far apart as they can be, and their mean spacing at stretch one."""
    low, high = 0.4 * spacing, 1.2 * spacing
    first, second = cKDTree(points).query_pairs(high * float(stretch.max()), output_type="ndarray").T
    # the two sides of a thin limb do not crowd each other
    facing = (directions[first] * directions[second]).sum(axis=1) > 0
    first, second = first[facing], second[facing]
    distance = np.linalg.norm(points[first] - points[second], axis=1) / np.minimum(stretch[first], stretch[second])
    start = np.concatenate([[0], np.cumsum(np.bincount(second, minlength=len(points)))])
    order = np.lexsort((first, second))
    earlier, distance = first[order], distance[order]  # query_pairs gives first < second
    for _ in range(12):
        middle = 0.5 * (low + high)
        if _throw_darts(start, earlier, distance, middle).sum() >= count:
            low = middle
        else:
            high = middle
    kept = np.flatnonzero(_throw_darts(start, earlier, distance, low))
    return kept[:count], spacing


@kernel()
def _throw_darts(start: np.ndarray, earlier: np.ndarray, distance: np.ndarray, radius: float) -> np.ndarray:
    """Which candidates stay when each is dropped that has an earlier, kept one within ``radius``."""
    kept = np.ones(len(start) - 1, np.bool_)
    for point in range(len(start) - 1):
        for pair in range(start[point], start[point + 1]):
            if distance[pair] < radius and kept[earlier[pair]]:
                kept[point] = False
                break
    return kept
