"""A body's mesh with a vertex for every place in the UV layout, as graphics programs have it."""

from dataclasses import dataclass

import numpy as np

from understudy.body.model import BodyModel


@dataclass(frozen=True)
class Unwrapped:
    """A vertex on a seam of the UV layout has several places in it, and becomes several vertices."""

    vertex: np.ndarray  # [P]
    """The body's vertex of each."""
    uv: np.ndarray  # [P,2], v up
    faces: np.ndarray  # [F,3] into these vertices

    def tangents(self, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Tangents [P,4] float32 of a mesh of ``vertices`` [V,3] with unit ``normals`` [V,3], as glTF defines them.

        A unit vector along which u grows, square to the normal, and 1 or -1: the bitangent, along which v grows upwards,
        is so many times the normal x the tangent.
        """
        corners, places = vertices[self.vertex][self.faces].astype(np.float64), self.uv[self.faces].astype(np.float64)
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        (u1, v1), (u2, v2) = (places[:, 1] - places[:, 0]).T, (places[:, 2] - places[:, 0]).T
        area = u1 * v2 - u2 * v1
        # times the area in the layout, so that large faces weigh more and those without area nothing
        along_u = np.sign(area)[:, None] * (v2[:, None] * first - v1[:, None] * second)
        side = np.bincount(self.faces.ravel(), np.repeat(area, 3), len(self.vertex))
        total = np.stack(
            [np.bincount(self.faces.ravel(), np.repeat(part, 3), len(self.vertex)) for part in along_u.T], axis=1
        )
        normal = normals[self.vertex].astype(np.float64)
        total -= (total * normal).sum(axis=1, keepdims=True) * normal
        length = np.linalg.norm(total, axis=1, keepdims=True)
        # a vertex without a direction takes any one
        other = np.cross(normal, np.eye(3)[np.abs(normal).argmin(axis=1)])
        other /= np.maximum(np.linalg.norm(other, axis=1, keepdims=True), 1e-12)
        tangent = np.where(length > 1e-12, total / np.maximum(length, 1e-12), other)
        return np.concatenate([tangent, np.where(side < 0, -1.0, 1.0)[:, None]], axis=1).astype(np.float32)


def unwrapped(body: BodyModel) -> Unwrapped:
    """The body's mesh, cut along the seams of its UV layout."""
    corners = np.stack([body.faces.ravel(), body.ft.ravel()], axis=1)
    pairs, index = np.unique(corners, axis=0, return_inverse=True)
    return Unwrapped(pairs[:, 0], body.vt[pairs[:, 1]], index.reshape(body.faces.shape))
