"""Colours of texels from frames: who sees which texel how well, and the robust mean of the best views."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from understudy.body.part_labels import covered_parts
from understudy.render.mesh import rasterize_mesh, vertex_normals
from understudy.textures.atlas import Atlas

DEPTH_SLACK = 0.005
"""m; how far behind the rendered surface a point still counts as on it, besides what the slope allows."""
DEPTH_STEP = 0.05
"""m; of two surfaces side by side in the picture but this far apart in depth, one may show the other's colour where the
pose is a little off."""
DOUBTFUL = 0.03
"""Factor of the weight of views near an outline, where the background or a nearer limb may shine in, and of views whose
pixel is labelled as something that does not cover the texel's part of the body."""


@dataclass(frozen=True)
class ViewRules:
    """How one view of a texel counts."""

    cos_power: float
    """A view counts by the cosine between its direction and the normal to this power."""
    min_cos: float
    """Views with a smaller cosine are left out."""
    border: float
    """Width of the doubtful band along outlines, as a share of the person's height in the picture."""
    reference_depth: float
    """m; at this distance a view counts fully, farther ones less, by the square."""


@dataclass
class BestViews:
    """The best few colours of every texel so far; its size does not depend on the number of frames."""

    texels: int
    keep: int
    weights: np.ndarray = field(init=False)  # [N,keep] float32, 0 where empty
    colors: np.ndarray = field(init=False)  # [N,keep,3] uint8

    def __post_init__(self) -> None:
        self.weights = np.zeros((self.texels, self.keep), np.float32)
        self.colors = np.zeros((self.texels, self.keep, 3), np.uint8)

    def add(self, texel: np.ndarray, weight: np.ndarray, color: np.ndarray) -> None:
        """Offer one view of each of the texels ``texel`` [M] (no repeats); it replaces the worst if it is better."""
        worst = self.weights[texel].argmin(axis=1)
        better = weight > self.weights[texel, worst]
        place = texel[better], worst[better]
        self.weights[place] = weight[better]
        self.colors[place] = color[better]

    def median(self) -> np.ndarray:
        """Weighted median [N,3] float32 of each channel; zeros where a texel has no view."""
        result = np.zeros((self.texels, 3), np.float32)
        for channel in range(3):
            values = self.colors[..., channel]
            order = values.argsort(axis=1)
            upto = np.take_along_axis(self.weights, order, axis=1).cumsum(axis=1)
            middle = (upto < upto[:, -1:] / 2).sum(axis=1).clip(max=self.keep - 1)
            result[:, channel] = np.take_along_axis(values, np.take_along_axis(order, middle[:, None], 1), 1)[:, 0]
        return result


class Viewer:
    """Looks up the texels of an atlas in pictures of a posed mesh."""

    def __init__(
        self,
        atlas: Atlas,
        faces: np.ndarray,
        vertices: int,
        K: np.ndarray,
        rules: ViewRules,
        parts: np.ndarray | None = None,  # [F] body part of each face; needed where labels are given
    ) -> None:
        self.faces, self.K, self.rules = faces, K, rules
        self.to_texels = atlas.matrix(faces, vertices)
        self.part = None if parts is None else parts[atlas.face]
        self.covers = covered_parts()

    def look(
        self,
        vertices: np.ndarray,  # [V,3] camera frame, m
        image: np.ndarray,  # [H,W,3] uint8
        alpha: np.ndarray,  # [H,W] uint8
        labels: np.ndarray | None = None,  # [H,W] uint8, CIHP-20
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Texels [M] seen in a frame (places in the atlas), the weights of these views [M] and their colours [M,3].

        A texel is seen where it faces the camera, the mesh's own depth agrees and the mask covers it. Where the pixel
        is labelled as something else than what can cover the texel's part of the body, the view counts by ``DOUBTFUL``:
        a hand before the torso colours no torso, however the fit is off.
        """
        height, width = alpha.shape
        points = self.to_texels @ vertices
        normals = self.to_texels @ vertex_normals(vertices, self.faces)
        cosine = -np.einsum("nc,nc->n", normals, points) / np.maximum(
            np.linalg.norm(normals, axis=1) * np.linalg.norm(points, axis=1), 1e-12
        )
        pixels = points @ self.K.T
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = pixels[:, :2] / pixels[:, 2:]
        inside = (points[:, 2] > 0) & (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
        texel = np.flatnonzero(inside & (cosine > self.rules.min_cos))
        z, cosine, pixels = points[texel, 2], cosine[texel], pixels[texel]
        column, row = pixels.astype(np.int64).T

        depth = rasterize_mesh(vertices, self.faces, self.K, (width, height)).depth
        # on a slope the depth changes within the pixel: by at most half its diagonal times the tangent
        slope = z / self.K[0, 0] * np.sqrt(1.0 - np.minimum(cosine, 1.0) ** 2) / cosine
        # every pixel that the bilinear look-up mixes is the person's
        whole = cv2.erode(alpha, np.ones((2, 2), np.uint8), anchor=(0, 0))
        left, top = np.maximum(pixels - 0.5, 0).astype(np.int64).T
        seen = (np.abs(z - depth[row, column]) < DEPTH_SLACK + slope) & (whole[top, left] >= 128)
        texel, z, cosine, pixels, slope, row, column = (
            values[seen] for values in (texel, z, cosine, pixels, slope, row, column)
        )

        band = self._band(depth)
        window = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
        nearer, farther = z - cv2.erode(depth, window)[row, column], cv2.dilate(depth, window)[row, column] - z
        doubtful = np.maximum(nearer, farther) > DEPTH_STEP + 2 * band * slope
        doubtful |= cv2.erode(alpha, window)[row, column] < 128
        if labels is not None and self.part is not None:
            doubtful |= ~self.covers[labels[row, column], self.part[texel]]
        weight = cosine**self.rules.cos_power * np.minimum(1.0, (self.rules.reference_depth / z) ** 2)
        weight *= np.where(doubtful, DOUBTFUL, 1.0)
        # OpenCV has pixel centres at whole numbers
        return texel, weight.astype(np.float32), _bilinear(image, (pixels - 0.5).astype(np.float32))

    def _band(self, depth: np.ndarray) -> int:
        """Width of the doubtful band, whole px."""
        rows = np.flatnonzero(np.isfinite(depth).any(axis=1))
        height = rows[-1] - rows[0] + 1 if len(rows) else 0
        return round(self.rules.border * int(height))


def _bilinear(image: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Colours [M,3] uint8 of ``image`` at ``place`` [M,2] float32 (x, y; pixel centres at whole numbers)."""
    side = 1024  # OpenCV's remap takes maps of up to 32767 a side
    padded = np.zeros((max(1, -(-len(place) // side)) * side, 2), np.float32)
    padded[: len(place)] = place
    grid = padded.reshape(-1, side, 2)
    sampled = cv2.remap(image, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(-1, image.shape[2])[: len(place)]
