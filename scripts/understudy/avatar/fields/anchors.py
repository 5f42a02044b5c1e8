"""Anchors on a surface: places spread all over it, which points in space move with."""

import numpy as np
from scipy.spatial import cKDTree

SPACING = 0.015
"""Of the anchors, m: hands and face have many more vertices, and every one would cost time."""
OFF_GRID = 0.318309886
"""Where the cubes begin, in sides: no vertex of a body in round numbers lies between two of them."""
MOST_STEPS = 64
"""Anchors along an edge at most."""


def spread_anchors(
    vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Faces [A] and barycentric places [A,3] of anchors, about one in every cube of side ``SPACING``, and their faces.

    The latter as the first place of each anchor [A+1] in a list of faces: those with a place that it is the nearest to.
    """
    face, bary = _lattice(vertices, faces)
    places = np.einsum("nk,nkc->nc", bary, vertices[faces[face]].astype(np.float64))
    _, cube = np.unique(np.floor(places / SPACING + OFF_GRID), axis=0, return_inverse=True)
    cube = cube.reshape(-1)
    means = np.stack([np.bincount(cube, places[:, axis]) for axis in range(3)], axis=1) / np.bincount(cube)[:, None]
    order = np.lexsort((np.linalg.norm(places - means[cube], axis=1), cube))
    chosen = np.sort(order[np.concatenate([[True], np.diff(cube[order]) > 0])])
    _, owner = cKDTree(places[chosen]).query(places)
    pairs = np.unique(np.stack([owner, face]), axis=1)
    starts = np.searchsorted(pairs[0], np.arange(len(chosen) + 1))
    return face[chosen], bary[chosen], (starts.astype(np.int64), pairs[1].astype(np.int32))


def vertex_anchors(
    vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """As ``spread_anchors``, of the vertices [V] that faces [F,3] name, all of them; their faces are those round them."""
    corners = faces.reshape(-1)
    order = np.argsort(corners, kind="stable")
    starts = np.searchsorted(corners[order], np.arange(len(vertices) + 1))
    first = order[starts[:-1]]
    return first // 3, np.eye(3)[first % 3], (starts.astype(np.int64), (order // 3).astype(np.int32))


def _lattice(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Faces [N] and barycentric places [N,3] of their corners and, on large ones, of places ``SPACING`` apart."""
    corners = vertices[faces].astype(np.float64)
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.clip(np.ceil(longest / (2.0 * SPACING)).astype(np.int64), 1, MOST_STEPS)
    face, bary = [], []
    for count in np.unique(steps):
        i, j = (grid.reshape(-1) for grid in np.meshgrid(np.arange(count + 1), np.arange(count + 1)))
        inside = i + j <= count
        each = np.stack([count - i - j, i, j], axis=1)[inside] / count
        these = np.flatnonzero(steps == count)
        face.append(np.repeat(these, len(each)))
        bary.append(np.tile(each, (len(these), 1)))
    return np.concatenate(face), np.concatenate(bary)
