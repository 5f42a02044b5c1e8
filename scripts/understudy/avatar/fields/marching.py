"""Pictures of fields without gradients: rays are followed from the front, and no further than they are seen."""

import torch
from torch import Tensor

from understudy.avatar.fields.avatar import FieldAvatar
from understudy.avatar.fields.compositing import Composite, composite
from understudy.avatar.fields.rays import Rays
from understudy.avatar.fields.surface import PosedSurface

BLOCK = 4
"""Samples that are looked at together."""
FADED = 5e-3
"""Light that is left from which on a ray is followed no further."""


@torch.no_grad()
def march(avatar: FieldAvatar, posed: PosedSurface, rays: Rays, depths: Tensor, moment: int) -> Composite:
    """What rays see at depths [R,S] m, in order; the composite has no weights of single samples."""
    rgb, depth = rays.near.new_zeros(len(rays), 3), torch.zeros_like(rays.near)
    left = torch.ones_like(rays.near)
    active = torch.arange(len(rays), device=left.device)
    for some, steps in zip(depths.split(BLOCK, dim=1), rays.steps(depths).split(BLOCK, dim=1), strict=True):
        alphas, colors = avatar.samples(posed, rays.some(active), some[active], steps[active], left[active], moment)
        drawn = composite(alphas, colors, some[active])
        rgb[active] += left[active, None] * drawn.rgb
        depth[active] += left[active] * drawn.alpha * drawn.depth
        left[active] *= 1.0 - drawn.alpha
        active = active[left[active] > FADED]
        if not len(active):
            break
    seen = 1.0 - left
    alpha = torch.where(left > FADED, seen, 1.0)  # nothing shines through what was not followed to its end
    rgb = rgb * (alpha / seen.clamp_min(1e-10))[:, None]
    return Composite(rgb, alpha, depth / seen.clamp_min(1e-10), alpha[:, None])
