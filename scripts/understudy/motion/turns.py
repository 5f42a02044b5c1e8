"""Rotations that take bones to where they should point."""

import numpy as np
from scipy.spatial.transform import Rotation


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [...,3] of length one."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _frames(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Right-handed frames [...,3,3] with ``first`` as first column and ``second`` as near the second as can be."""
    first = unit(first)
    second = unit(second - (second * first).sum(axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def aligned(bone: np.ndarray, side: np.ndarray, direction: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Rotations [T,3,3] that turn ``bone`` [3] to ``direction`` [T,3], and ``side`` [3] as near ``towards`` [T,3] as can be."""
    return _frames(direction, towards) @ _frames(bone, side).T


def swung(base: np.ndarray, bone: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """``base`` [T,3,3] turned by the smallest angle so that ``bone`` [3] points to ``direction`` [T,3]."""
    start, end = unit(np.broadcast_to(base, (len(direction), 3, 3)) @ bone), unit(direction)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine[:, 0], (start * end).sum(axis=1))
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-12) * angle[:, None]).as_matrix() @ base


def mean_rotation(rotations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean [3,3] of rotations [T,3,3]."""
    return Rotation.from_matrix(rotations).mean(weights=weights).as_matrix()
