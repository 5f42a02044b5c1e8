"""A simple UV atlas for bodies that come without one: charts seen from six sides, packed on shelves."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

GUTTER = 0.004
"""Empty space between charts, in units of the atlas."""
MOST_GUTTER = 0.25
"""The same where charts are thousands, times the root of their number: else no scale would make room for all."""

_SIDES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
_RIGHT = np.array([[0, 0, -1], [0, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0], [-1, 0, 0]], float)
"""What is rightwards on a chart seen from each side, so that no chart is mirrored."""


def unwrap(vertices: np.ndarray, faces: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """UV coordinates for a mesh: faces that look the same way and hang together become one chart, projected flat.

    Vertices on the border of two charts are there once for each. Faces of one chart all turn towards its side, so a chart
    of a body's part does not fold over itself.

    Args:
        vertices: Rest vertices [V,3], limbs along the axes (a T-pose), m.
        faces: Corners [F,3].
        parts: Part [F] of each face; no chart spans two parts.

    Returns:
        vt [VT,2] float32 in 0..1, u right, v up, and ft [F,3] int32.
    """
    pairs = _neighbours(faces)
    side = _sides(vertices, faces, pairs)
    key = side * 256 + parts.astype(np.int64)
    same = pairs[key[pairs[:, 0]] == key[pairs[:, 1]]]
    graph = coo_matrix((np.ones(len(same)), (same[:, 0], same[:, 1])), shape=(len(faces),) * 2)
    charts, chart = connected_components(graph, directed=False)

    corners = np.stack([np.repeat(chart, 3), faces.reshape(-1)], axis=1)
    unique, first, ft = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    points, looks = vertices[unique[:, 1]], np.repeat(side, 3)[first]
    up = np.cross(_SIDES, _RIGHT)
    flat = np.stack([(points * _RIGHT[looks]).sum(axis=1), (points * up[looks]).sum(axis=1)], axis=1)
    low = np.full((charts, 2), np.inf)
    high = np.full((charts, 2), -np.inf)
    np.minimum.at(low, unique[:, 0], flat)
    np.maximum.at(high, unique[:, 0], flat)
    offset, scale = _pack(high - low)
    vt = (flat - low[unique[:, 0]]) * scale + offset[unique[:, 0]]
    return vt.astype(np.float32), ft.reshape(-1, 3).astype(np.int32)


def _neighbours(faces: np.ndarray) -> np.ndarray:
    """Pairs [E,2] of faces that share an edge."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    owner = np.repeat(np.arange(len(faces)), 3)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    shared = np.flatnonzero((edges[1:] == edges[:-1]).all(axis=1))
    return np.stack([owner[shared], owner[shared + 1]], axis=1)


def _sides(vertices: np.ndarray, faces: np.ndarray, pairs: np.ndarray, rounds: int = 8) -> np.ndarray:
    """Side [F] each face is seen from, smoothed over neighbours so that charts are few, never seen at a sharp angle."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    facing = normals @ _SIDES.T
    score = facing
    for _ in range(rounds):
        votes = np.eye(len(_SIDES))[np.where(facing > 0.3, score, -np.inf).argmax(axis=1)]
        around = np.zeros_like(votes)
        np.add.at(around, pairs[:, 0], votes[pairs[:, 1]])
        np.add.at(around, pairs[:, 1], votes[pairs[:, 0]])
        score = facing + 0.5 * around
    return np.where(facing > 0.3, score, -np.inf).argmax(axis=1)


def _pack(sizes: np.ndarray) -> tuple[np.ndarray, float]:
    """Lower left corners [C,2] of rectangles [C,2] set side by side on shelves in the unit square, and the scale used."""
    order = np.argsort(-sizes[:, 1], kind="stable")
    scale = 1.0 / np.sqrt(max(sizes.prod(axis=1).sum(), 1e-12))
    gutter = min(GUTTER, MOST_GUTTER / np.sqrt(len(sizes)))
    while True:
        corners, height = _shelves(sizes[order] * scale, gutter)
        if height <= 1.0:
            offset = np.empty_like(corners)
            offset[order] = corners
            return offset, float(scale)
        scale *= 0.97


def _shelves(sizes: np.ndarray, gutter: float) -> tuple[np.ndarray, float]:
    """Corners of rectangles, tallest first, on shelves of width one, and the height they take (inf if one is too wide)."""
    corners = np.zeros_like(sizes)
    right, bottom, shelf = gutter, gutter, 0.0
    if sizes[:, 0].max() + 2 * gutter > 1.0:
        return corners, np.inf
    for index, (width, height) in enumerate(sizes):
        if right + width + gutter > 1.0:
            right, bottom, shelf = gutter, bottom + shelf + gutter, 0.0
        corners[index] = right, bottom
        right, shelf = right + width + gutter, max(shelf, height)
    return corners, bottom + shelf + gutter
