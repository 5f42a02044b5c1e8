"""Rasterization of triangle meshes: which face each pixel shows, where on it, how far; silhouettes and shaded pictures."""

from dataclasses import dataclass

import numba
import numpy as np

from understudy.errors import InputError
from understudy.render import jit
from understudy.render.numba_mesh import blend_corners, fill

NEAR = 0.05
"""Triangles with a corner nearer than this (m) are not drawn."""


@dataclass(frozen=True, eq=False)
class MeshRender:
    """What each pixel's centre shows."""

    face: np.ndarray  # [H,W] int32
    """Index of the nearest face, -1 where there is none."""
    bary: np.ndarray  # [H,W,3] float32
    """Perspective-correct barycentric coordinates on that face; zeros where there is none."""
    depth: np.ndarray  # [H,W] float32
    """Depth along the camera's z, m; infinity where there is no face."""

    def interpolate(self, values: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Values [V,C] of the vertices on the picture [H,W,C], zeros where there is no face."""
        picture = np.zeros((*self.face.shape, values.shape[1]), np.float32)
        faces, values = np.ascontiguousarray(faces, np.int32), np.ascontiguousarray(values, np.float32)
        with jit.threads(numba.get_num_threads()):
            blend_corners(self.face, self.bary, faces, values, picture)
        return picture


def rasterize_mesh(
    vertices: np.ndarray,  # [V,3] m, camera frame
    faces: np.ndarray,  # [F,3] int
    K: np.ndarray,  # [3,3] px
    size: tuple[int, int],  # (width, height) px
    cull: bool = False,
) -> MeshRender:
    """Picture of a mesh by z-buffer.

    Triangles reaching nearer than 0.05 m, or with a corner that is not finite, are left out; ``cull`` also leaves out
    those seen from behind (outward normals by the right-hand rule). The result does not depend on the number of threads.

    Raises:
        InputError: Arrays of wrong shape, or faces that name vertices which are not there.
    """
    vertices, faces = np.asarray(vertices, np.float64), np.ascontiguousarray(faces, np.int32)
    width, height = size
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise InputError(f"A mesh needs vertices [V,3] and faces [F,3], not {vertices.shape} and {faces.shape}.")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise InputError(f"The faces name vertices up to {faces.max()} of a mesh of {len(vertices)}; correct the mesh.")
    if min(size) < 1:
        raise InputError(f"A picture of {width}x{height} px cannot be rendered; give a size of at least 1x1.")
    homogeneous = vertices @ np.asarray(K, np.float64).T
    # a vertex too near or broken stands aside at z = 1, its triangles are not drawn
    seen = np.isfinite(vertices).all(axis=1) & (vertices[:, 2] > NEAR)
    inverse_z = 1 / np.where(seen, vertices[:, 2], 1.0)
    pixels = np.where(seen[:, None], homogeneous[:, :2] * inverse_z[:, None], 0.0)
    drawn = seen[faces].all(axis=1)
    if cull:
        (ax, ay), (bx, by), (cx, cy) = pixels[faces].transpose(1, 2, 0)
        drawn &= (bx - ax) * (cy - ay) < (by - ay) * (cx - ax)  # y points down on the picture
    face = np.full((height, width), -1, np.int32)
    bary = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    with jit.threads(numba.get_num_threads()):
        fill(pixels, inverse_z, faces, drawn, face, bary, depth)
    return MeshRender(face, bary, depth)


def silhouette(vertices: np.ndarray, faces: np.ndarray, K: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where the mesh covers pixels' centres [H,W] bool; arguments and errors as of ``rasterize_mesh``."""
    return rasterize_mesh(vertices, faces, K, size).face >= 0


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals [V,3] float32, outward by the right-hand rule: the faces' normals weighted by their areas.

    A vertex of no face has a zero normal.
    """
    a, b, c = np.asarray(vertices, np.float64)[faces].transpose(1, 0, 2)
    doubled_areas = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    sums = np.stack(
        [np.bincount(faces.reshape(-1), doubled_areas[:, i], minlength=len(vertices)) for i in range(3)], axis=1
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0).astype(np.float32)


def shade(
    render: MeshRender,
    faces: np.ndarray,  # [F,3]
    normals: np.ndarray,  # [V,3] unit, camera frame
    background: np.ndarray | None = None,  # [H,W,3] uint8 RGB, white by default
    color: tuple[float, float, float] = (0.75, 0.78, 0.85),  # RGB 0..1
    opacity: float = 1.0,
) -> np.ndarray:
    """The mesh as a matt surface lit from beside the camera, over the background: uint8 RGB [H,W,3]."""
    light = np.array([-0.3, -0.4, -0.87], np.float32)
    brightness = 0.25 + 0.75 * np.clip(render.interpolate(normals, faces) @ light, 0, 1)
    picture = np.full((*render.face.shape, 3), 255, np.uint8) if background is None else background.copy()
    shown = render.face >= 0
    surface = 255 * brightness[shown, None] * np.array(color, np.float32)
    picture[shown] = np.round((1 - opacity) * picture[shown] + opacity * surface).clip(0, 255)
    return picture
