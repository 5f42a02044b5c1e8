"""Colours of anchors out of the canonical texture."""

import numpy as np
from scipy.ndimage import map_coordinates

from understudy.avatar.gaussians.sampling import Anchors
from understudy.formats.canonical import Canonical


def sample_texture(canonical: Canonical, anchors: Anchors) -> tuple[np.ndarray, np.ndarray]:
    """Colour [N,3] sRGB 0..1 of the texture at the anchors and how well it was seen there [N] 0..1."""
    uv = (canonical.vt[canonical.ft[anchors.face]] * anchors.bary[..., None]).sum(axis=1)
    side = np.array(canonical.texture.shape[:2])
    places = np.stack([(1.0 - uv[:, 1]) * side[0], uv[:, 0] * side[1]]) - 0.5  # texel centres at +0.5
    layers = [canonical.texture[..., channel] for channel in range(3)] + [canonical.texture_seen]
    values = [map_coordinates(layer.astype(np.float32), places, order=1, mode="nearest") / 255.0 for layer in layers]
    return np.stack(values[:3], axis=1), values[3]
