"""A normal map for the mesh: the relief of clothes and hair that Gaussians show and the mesh is too coarse or too smooth for."""

import numpy as np
import torch
from scipy import ndimage

from understudy.avatar.splats import SplatAvatar
from understudy.body.joints import BIG_POSE
from understudy.body.model import PARTS
from understudy.export.cubes import DENSE, STEP, solid_density
from understudy.export.seams import unwrapped
from understudy.export.splats import posed_splats
from understudy.export.surface import Surface
from understudy.render.mesh import vertex_normals
from understudy.textures.atlas import make_atlas

BLUR = 1.5
"""Standard deviation of the density's smoothing, cubes of ``cubes.STEP``: between the folds of clothes and single Gaussians."""
STEEP = (0.25, 0.5)
"""Slope of the smoothed density, over that of an edge, from which it tells a direction at all, and surely."""
LEANING = (0.3, 0.6)
"""Cosine between its direction and the mesh's normal from which it counts, and fully."""
PLAIN = tuple(PARTS.index(part) for part in ("inside", "left_hand", "right_hand"))
"""Parts whose Gaussians melt together."""


def bake_normals(avatar: SplatAvatar, surface: Surface, size: int) -> np.ndarray:
    """Tangent-space normal map [size,size,3] uint8 of the body's UV layout: red along u, green along v upwards; row 0 is v = 1.

    The normals are those of the density that marching cubes find the surface of, smoothed and looked up on the mesh. Where
    it tells no direction or one far from the mesh's own (between fingers, in the mouth), the map is flat.
    """
    body = surface.body
    rotations, transl = body.rotations_of(BIG_POSE), torch.zeros(3)
    vertices = surface.posed(rotations, transl)
    mesh, atlas = unwrapped(body), make_atlas(body.vt, body.ft, size)
    normals = vertex_normals(vertices, body.faces)
    tangents = mesh.tangents(vertices, normals)
    to_texels = atlas.matrix(mesh.faces, len(mesh.vertex))
    normal, tangent = (_unit(to_texels @ values) for values in (normals[mesh.vertex], tangents[:, :3]))
    tangent = _unit(tangent - (tangent * normal).sum(axis=1, keepdims=True) * normal)
    side = np.where(to_texels @ tangents[:, 3] < 0, -1.0, 1.0)[:, None]

    solid, origin = solid_density(posed_splats(avatar, rotations, transl))
    places = ((to_texels @ vertices[mesh.vertex] - origin) / STEP).T
    slopes = (ndimage.gaussian_filter(solid, BLUR, order) for order in np.eye(3, dtype=int))
    outward = -np.stack([ndimage.map_coordinates(slope, places, order=1) for slope in slopes], axis=1)
    edge = 2 * DENSE / (np.sqrt(2 * np.pi) * BLUR)
    steepness = np.linalg.norm(outward, axis=1, keepdims=True) / edge
    relief = _unit(outward)
    cosine = (relief * normal).sum(axis=1, keepdims=True)
    sure = _ramp(steepness, STEEP) * _ramp(cosine, LEANING)
    sure[np.isin(body.parts[atlas.face], PLAIN)] = 0.0
    relief = _unit(sure * relief + (1 - sure) * normal)
    frame = np.stack([tangent, side * np.cross(normal, tangent), normal], axis=1)
    values = np.einsum("nac,nc->na", frame, relief)
    return atlas.image((values / 2 + 0.5) * 255)


def _ramp(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """From 0 at the first end to 1 at the second."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
