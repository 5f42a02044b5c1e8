"""Nearest surface points."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.layouts.nearest import nearest_surface_points


def brute_force_distance(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Distance [N] by trying every face and, on each, its plane, its edges and its corners."""
    best = np.full(len(points), np.inf)
    for a, b, c in vertices[faces].astype(np.float64):
        normal = np.cross(b - a, c - a)
        inside = np.ones(len(points), bool)
        for start, end in ((a, b), (b, c), (c, a)):
            inside &= (points - start) @ np.cross(normal, end - start) >= 0
            along = np.clip((points - start) @ (end - start) / max((end - start) @ (end - start), 1e-30), 0, 1)
            best = np.minimum(best, np.linalg.norm(points - start - along[:, None] * (end - start), axis=1))
        if normal @ normal > 1e-20:
            height = np.abs((points - a) @ normal) / np.linalg.norm(normal)
            best = np.where(inside, np.minimum(best, height), best)
    return best


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.floats(0.01, 100.0))
def test_nearest_points_agree_with_brute_force(seed, count, size):
    random = np.random.default_rng(seed)
    vertices = random.normal(size=(30, 3)) * size
    faces = random.integers(0, 30, (count, 3))  # some have no area
    points = random.normal(size=(50, 3)) * 2 * size
    found = nearest_surface_points(points, vertices, faces)
    assert np.allclose(found.distance, brute_force_distance(points, vertices, faces), atol=1e-6 * size)
    feet = found.interpolate(vertices, faces)
    assert np.allclose(np.linalg.norm(feet - points, axis=1), found.distance, atol=1e-9 * size)
    assert (found.bary >= 0).all() and np.allclose(found.bary.sum(axis=1), 1)
