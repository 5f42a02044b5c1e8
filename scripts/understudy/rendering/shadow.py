"""A soft shadow on the ground, which shows where feet stand."""

from dataclasses import replace

import torch

from understudy.avatar.base import Posed
from understudy.avatar.splats import PosedSplats
from understudy.render.camera import Camera
from understudy.render.cloud import Gaussians, splat

DARKEST = 0.4
"""Of the shadow's opacity, right under the feet."""
FADES = 0.35
"""m; what is so high above the ground throws a shadow of 1/e of that."""
SOFT, SPREAD = 0.012, 0.12
"""Standard deviation (m) of a point's shadow at the ground, and what a metre of height adds to it."""
THIN = 1e-3
POINT, COVER = 0.01, 0.9
"""Width (m) and opacity of what throws the shadow of a single point."""


def ground_shadow(posed: Posed, camera: Camera) -> torch.Tensor:
    """Opacity [H,W] of the shadow on the plane y = 0 of the world, under light from all of the sky.

    Each Gaussian, or each point of an avatar that has none, throws a disk straight down, wider and fainter the higher it is.
    """
    cloud = posed.cloud if isinstance(posed, PosedSplats) else _points(posed.extent())
    height = (-cloud.means[:, 1]).clamp_min(0.0)
    wide = cloud.scales.amax(dim=1) + SOFT + SPREAD * height
    thrown = replace(
        cloud,
        means=cloud.means * torch.tensor([1.0, 0.0, 1.0], device=height.device),
        quats=torch.tensor([1.0, 0.0, 0.0, 0.0], device=height.device).expand(len(height), 4),
        scales=torch.stack([wide, torch.full_like(wide, THIN), wide], dim=-1),
        # a disk that spreads over more ground covers less of it
        opacities=cloud.opacities * torch.exp(-height / FADES) * (cloud.scales.amax(dim=1) / wide).square(),
    )
    K, view = (torch.as_tensor(part, dtype=torch.float32, device=height.device) for part in (camera.K, camera.view))
    return splat(thrown, K, camera.size, view).alpha * DARKEST


def _points(points: torch.Tensor) -> Gaussians:
    """Points [N,3] as small balls."""
    one = torch.ones_like(points[:, 0])
    turn = torch.tensor([1.0, 0.0, 0.0, 0.0], device=points.device).expand(len(points), 4)
    return Gaussians(points, turn, torch.full_like(points, POINT), COVER * one, torch.zeros_like(points))
