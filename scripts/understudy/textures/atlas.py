"""The UV atlas: which surface point each texel shows, and how images over it are made."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse

from understudy.render.mesh import rasterize_mesh


@dataclass(frozen=True)
class Atlas:
    """Texels of an image over the UV layout whose centres lie inside a face."""

    size: int
    """Side of the image, px; row 0 is v = 1."""
    texel: np.ndarray  # [N] int64
    """Flat index, ``row * size + column``."""
    face: np.ndarray  # [N] int32
    bary: np.ndarray  # [N,3] float32

    def matrix(self, faces: np.ndarray, vertices: int) -> sparse.csr_matrix:
        """Matrix [N,vertices] that takes values at the vertices of ``faces`` [F,3] to the texels' surface points."""
        rows = np.arange(0, 3 * len(self.face) + 1, 3)
        return sparse.csr_matrix((self.bary.ravel(), faces[self.face].ravel(), rows), (len(self.face), vertices))

    def interpolate(self, values: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Values [N,C] at the texels' surface points, from ``values`` [V,C] at the vertices."""
        return self.matrix(faces, len(values)) @ values

    def nearest(self) -> np.ndarray:
        """For each texel of the image [size*size] the atlas's row of the nearest one inside the layout, its own there."""
        outside = np.ones(self.size * self.size, bool)
        outside[self.texel] = False
        row, column = ndimage.distance_transform_edt(
            outside.reshape(self.size, self.size), return_distances=False, return_indices=True
        )
        rows = np.zeros(self.size * self.size, np.int64)
        rows[self.texel] = np.arange(len(self.texel))
        return rows[(row * self.size + column).ravel()]

    def image(self, values: np.ndarray) -> np.ndarray:
        """Image [size,size,C] uint8 of texel values [N,C] in 0..255.

        Every other texel takes the value of the nearest one inside the layout, so that neither bilinear look-ups
        nor smaller copies of the image ever bleed across the islands' borders.
        """
        pixels = np.clip(np.round(values), 0, 255).astype(np.uint8)
        return pixels[self.nearest()].reshape(self.size, self.size, -1)


def make_atlas(vt: np.ndarray, ft: np.ndarray, size: int) -> Atlas:
    """Atlas of ``size`` px of a layout ``vt`` [VT,2], ``ft`` [F,3]; of faces that overlap one has the texel."""
    corners = np.stack([vt[:, 0] * size, (1.0 - vt[:, 1]) * size, np.ones(len(vt))], axis=1)
    layout = rasterize_mesh(corners, ft, np.eye(3), (size, size))
    texel = np.flatnonzero(layout.face.ravel() >= 0)
    return Atlas(size, texel, layout.face.ravel()[texel], layout.bary.reshape(-1, 3)[texel])
