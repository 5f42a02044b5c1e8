"""How much of the person's surface the video showed."""

import numpy as np

from understudy.formats.canonical import Canonical

SIDES = {"front": (2, 1.0), "back": (2, -1.0), "left": (0, 1.0), "right": (0, -1.0)}
"""Axis and sign of the normals of each side of a person who stands in the T-pose, facing +z."""
FACING = 0.6
"""Least cosine between a face's normal and its side's direction."""


def seen_shares(canonical: Canonical) -> dict[str, float]:
    """Share of the surface that the video showed, by area: of the whole (``body``), and of each of the ``SIDES``."""
    corners = canonical.rest_vertices[canonical.faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(cross, axis=1)
    normals = cross / np.maximum(areas, 1e-12)[:, None]
    size = len(canonical.texture_seen)
    u, v = canonical.vt[canonical.ft].mean(axis=1).T
    rows, columns = (np.clip(place * size, 0, size - 1).astype(int) for place in (1 - v, u))
    seen = canonical.texture_seen[rows, columns] > 0
    chosen = {"body": np.ones(len(areas), bool)}
    chosen |= {name: sign * normals[:, axis] > FACING for name, (axis, sign) in SIDES.items()}
    return {name: float(areas[faces & seen].sum() / max(areas[faces].sum(), 1e-12)) for name, faces in chosen.items()}
