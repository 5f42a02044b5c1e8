"""Maps of single frames: the part of the texture that a picture shows, and the normals of the posed surface."""

from dataclasses import dataclass

import numpy as np

from understudy.render.mesh import vertex_normals
from understudy.textures.atlas import Atlas
from understudy.textures.views import Viewer

SURE = 0.2
"""Quality of a texel from which its own colour counts fully: seen at less than 63 degrees and away from outlines."""


@dataclass(frozen=True)
class PartialTexture:
    """The texels that one picture shows."""

    texel: np.ndarray  # [M] int64
    """Places in the atlas, none twice."""
    color: np.ndarray  # [M,3] uint8
    share: np.ndarray  # [M] float32 0..1
    """How much each colour counts: 1 where it is sure."""


def partial_texture(
    viewer: Viewer,
    vertices: np.ndarray,  # [V,3] m, camera frame
    image: np.ndarray,  # [H,W,3] uint8
    alpha: np.ndarray,  # [H,W] uint8
) -> PartialTexture:
    """What a picture shows of the surface of the posed body ``vertices``."""
    texel, weight, color = viewer.look(vertices, image, alpha)
    return PartialTexture(texel, color, np.minimum(np.sqrt(weight) / SURE, 1.0))


def texel_normals(atlas: Atlas, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals [N,3] of the surface at the atlas's texels, in the frame of ``vertices`` [V,3]."""
    normals = atlas.interpolate(vertex_normals(vertices, faces), faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
