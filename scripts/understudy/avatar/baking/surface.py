"""How far above the body an avatar's surface lies: where Gaussians begin."""

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from understudy.avatar.baking.views import Sight
from understudy.avatar.splats import PosedSplats
from understudy.render.gaussians import Render
from understudy.render.rotations import rotation_matrices

FARTHEST = 0.1
"""m; what is seen farther off belongs to another limb."""
LEAST_COS = 0.7
"""Cosine of the angle between the normal and the direction to the camera; places that are seen more aslant do not count."""
SOLID = 0.9
"""Alpha from which on the drawn depth is that of a surface."""
NEIGHBOURS, ROUNDS = 4, 3
"""Each height is a mean with its nearest ones', so many times over."""


@torch.no_grad()
def heights_in(cloud: PosedSplats, sight: Sight, picture: Render) -> Tensor:
    """Heights [N] m of the drawn surface over new Gaussians, which lie flat on the body; NaN where it is not seen well.

    The mean depth of an opaque pixel stands for that at which it becomes half opaque.
    """
    gaussians, device = cloud.cloud, picture.alpha.device
    K, view = (
        torch.as_tensor(part, dtype=torch.float32, device=device) for part in (sight.camera.K, sight.camera.view)
    )
    points = gaussians.means @ view[:3, :3].T + view[:3, 3]
    normals = rotation_matrices(gaussians.quats)[..., 2] @ view[:3, :3].T
    depth, distance = points[:, 2], points.norm(dim=1)
    places = (points @ K.T)[:, :2] / depth[:, None]
    limits = torch.tensor(sight.camera.size, device=device) - 1
    column, row = torch.minimum(places.floor().long().clamp_min(0), limits).unbind(dim=1)
    cos = -(normals * points).sum(dim=1) / distance
    heights = (depth - picture.depth[row, column]) * distance / depth * cos  # as of a surface parallel to the body's
    seen = (cos > LEAST_COS) & (picture.alpha[row, column] > SOLID) & (heights.abs() < FARTHEST)
    return torch.where(seen, heights, torch.nan)


def settled(heights: Tensor, means: Tensor) -> Tensor:
    """One smooth height [N] of those [M,N] that pictures show; what none shows has its neighbours'.

    Args:
        heights: m, with NaN where a picture does not show the place.
        means: Places [N,3], m.
    """
    found = heights.nanquantile(0.5, dim=0)
    weight = (~found.isnan()).float() + 1e-6
    values = found.nan_to_num(0.0)
    _, near = cKDTree(means.cpu().numpy()).query(means.cpu().numpy(), NEIGHBOURS + 1)
    rows = torch.from_numpy(near.astype(np.int64)).to(values.device)
    for _ in range(ROUNDS):
        values = (values * weight)[rows].sum(dim=1) / weight[rows].sum(dim=1)
        weight = weight[rows].mean(dim=1)
    return values
