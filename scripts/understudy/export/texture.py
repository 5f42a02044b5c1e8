"""One texture for the avatar's mesh: what the Gaussians look like from all round, laid out by the body's UV."""

import io
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.splats import need_splats
from understudy.body.joints import BIG_POSE
from understudy.export.rings import ring_cameras, seen_by
from understudy.export.surface import Surface
from understudy.progress import track
from understudy.textures.atlas import make_atlas
from understudy.textures.views import BestViews, Viewer, ViewRules

HEIGHT = 1000
"""px of the person's height in the pictures."""
AROUND = 12
"""Views in a ring."""
RINGS = {5.0: 1.0, -35.0: 0.05, 50.0: 0.05}
"""Elevations of the rings, degrees, and their weights: the video was seen from the side too, and views of one
height agree with each other, even where Gaussians lie a little off the mesh."""
RULES = ViewRules(cos_power=8.0, min_cos=0.25, border=0.004, reference_depth=1e9)
KEPT = 3
"""Best views of a texel, whose weighted median is its colour."""
SURE = 0.03
"""Quality of a texel from which the canonical texture has no part in it."""
QUALITY = 93
"""Of the JPEG file."""


def bake_texture(archive: AvatarArchive, surface: Surface, size: int) -> np.ndarray:
    """Texture [size,size,3] uint8 sRGB of the body's UV layout; row 0 is v = 1.

    Texels that no view shows (armpits, between the fingers) have the canonical texture's colour.
    """
    avatar, body = need_splats(archive.avatar, "the texture"), surface.body
    rotations, transl = body.rotations_of(BIG_POSE), torch.zeros(3)
    with torch.no_grad():
        gaussians = replace(avatar.gaussians(rotations, transl), colors=avatar.albedo(), sh=None)
    vertices = surface.posed(rotations, transl)
    atlas = make_atlas(body.vt, body.ft, size)
    cameras = ring_cameras(gaussians.means.numpy(), HEIGHT, AROUND, list(RINGS))
    viewer = Viewer(atlas, body.faces, len(vertices), cameras[0].K, RULES)
    views = BestViews(len(atlas.texel), KEPT)
    for number, camera in enumerate(track(cameras, "baking the texture")):
        seen = seen_by(camera, gaussians)
        colors = (seen.rgb / seen.alpha.clamp_min(1e-3)[..., None]).clamp(0, 1)
        picture, alpha = (_bytes(values) for values in (colors, seen.alpha))
        texel, weight, color = viewer.look(camera.to_camera(vertices), picture, alpha)
        views.add(texel, weight * list(RINGS.values())[number // AROUND], color)
    own = np.minimum(np.sqrt(views.weights.max(axis=1)) / SURE, 1.0)[:, None]
    row, column = np.divmod(atlas.texel, size)
    enlarged = np.asarray(Image.fromarray(archive.texture).resize((size, size), Image.Resampling.BICUBIC))
    return atlas.image(own * views.median() + (1.0 - own) * enlarged[row, column])


def picture_file(texture: np.ndarray) -> bytes:
    """The texture as a JPEG file."""
    data = io.BytesIO()
    Image.fromarray(texture).save(data, "jpeg", quality=QUALITY, subsampling=0)
    return data.getvalue()


def _bytes(values: torch.Tensor) -> np.ndarray:
    return (values * 255).round().to(torch.uint8).numpy()
