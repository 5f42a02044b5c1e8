"""Triangle surfaces of the demo actor: normals, cutting along a level line, smoothing, subdivision, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass
class Piece:
    """One textured, skinned surface at rest."""

    name: str
    vertices: np.ndarray
    """[V,3]"""
    faces: np.ndarray
    """[F,3]"""
    uv: np.ndarray
    """[F,3,2]"""
    weights: np.ndarray
    """[V,B]"""
    base: np.ndarray
    """[V,3] the point of the skin below each vertex (the vertex itself for skin): what textures are painted by."""


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals [V,3]."""
    corner = vertices[faces]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normal = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normal, faces[:, k], face)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


def clip(faces: np.ndarray, uv: np.ndarray, field: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Keep where field > 0; triangles on the border are cut along field = 0.

    faces [F,3], uv [F,3,2], field [V], values [V,C] -> faces, uv and values of the part, unused vertices dropped.
    """
    inside = field[faces] > 0
    count = inside.sum(1)
    new_faces, new_uv = [faces[count == 3]], [uv[count == 3]]
    extra: list[np.ndarray] = []
    made: dict[tuple[int, int], int] = {}

    def cross(a: int, b: int) -> tuple[int, float]:
        key = (min(a, b), max(a, b))
        lo, hi = key
        t = field[lo] / (field[lo] - field[hi])
        if key not in made:
            made[key] = len(values) + len(extra)
            extra.append(values[lo] + t * (values[hi] - values[lo]))
        return made[key], float(t if a == lo else 1 - t)

    for f in np.flatnonzero((count == 1) | (count == 2)):
        polygon: list[tuple[int, np.ndarray]] = []
        for k in range(3):
            a, b = int(faces[f, k]), int(faces[f, (k + 1) % 3])
            if inside[f, k]:
                polygon.append((a, uv[f, k]))
            if inside[f, k] != inside[f, (k + 1) % 3]:
                vertex, t = cross(a, b)
                polygon.append((vertex, uv[f, k] + t * (uv[f, (k + 1) % 3] - uv[f, k])))
        for k in range(1, len(polygon) - 1):
            new_faces.append(np.array([[polygon[0][0], polygon[k][0], polygon[k + 1][0]]]))
            new_uv.append(np.array([[polygon[0][1], polygon[k][1], polygon[k + 1][1]]]))
    all_faces = np.concatenate(new_faces)
    all_values = np.concatenate([values, np.array(extra).reshape(-1, values.shape[1])])
    used, compact = np.unique(all_faces, return_inverse=True)
    return compact.reshape(-1, 3), np.concatenate(new_uv), all_values[used]


def averaging(faces: np.ndarray, count: int) -> sp.csr_matrix:
    """Row-stochastic matrix that replaces a vertex by its neighbours' mean; border vertices see only the border."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    matrix = sp.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    both = matrix + matrix.T
    border_edges = both.multiply(both == 1).tocsr()
    border = np.asarray(border_edges.sum(1)).ravel() > 0
    both.data[:] = 1
    rows = sp.diags(border.astype(float)) @ border_edges + sp.diags((~border).astype(float)) @ both
    return sp.diags(1 / np.maximum(np.asarray(rows.sum(1)).ravel(), 1)) @ rows


def subdivide(piece: Piece, rounds: int) -> Piece:
    """Split every triangle in four, at the edges' midpoints."""
    for _ in range(rounds):
        edges = np.sort(np.concatenate([piece.faces[:, [0, 1]], piece.faces[:, [1, 2]], piece.faces[:, [2, 0]]]), 1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        a, b, c = index.reshape(3, -1) + len(piece.vertices)
        i, j, k = piece.faces.T
        p, q, r = piece.uv.transpose(1, 0, 2)
        pq, qr, rp = (p + q) / 2, (q + r) / 2, (r + p) / 2

        def middle(x: np.ndarray, pairs: np.ndarray = unique) -> np.ndarray:
            return np.concatenate([x, (x[pairs[:, 0]] + x[pairs[:, 1]]) / 2])

        piece = Piece(
            piece.name,
            middle(piece.vertices),
            np.concatenate([np.stack(t, 1) for t in ((i, a, c), (a, j, b), (c, b, k), (a, b, c))]),
            np.concatenate([np.stack(t, 1) for t in ((p, pq, rp), (pq, q, qr), (rp, qr, r), (pq, qr, rp))]),
            middle(piece.weights),
            middle(piece.base),
        )
    return piece


def folds(p: np.ndarray, seed: int, count: int, low: float, high: float, flat: float) -> np.ndarray:
    """Smooth noise in [-1,1] at points [...,3]: a sum of waves; flat < 1 stretches it along z."""
    rng = np.random.default_rng(seed)
    total = np.zeros(p.shape[:-1])
    for _ in range(count):
        direction = rng.normal(size=3) * [1, 1, flat]
        direction *= 2 * np.pi * rng.uniform(low, high) / np.linalg.norm(direction)
        total += np.sin(p @ direction + rng.uniform(0, 2 * np.pi))
    return total / count * 1.6
