"""Normals of Gaussians seen as flat disks."""

import torch
from torch import Tensor

from understudy.render.rotations import rotation_matrices


def facing_normals(means: Tensor, quats: Tensor, scales: Tensor, view: Tensor) -> Tensor:
    """Unit normals [N,3] in camera axes: along each Gaussian's shortest axis, towards the camera.

    Args:
        means: Centres [N,3], world frame.
        quats: Rotations [N,4] wxyz, of any length but zero.
        scales: Standard deviations [N,3].
        view: World to camera [4,4].
    """
    axes = rotation_matrices(quats)  # in columns
    normal = axes[torch.arange(len(axes), device=axes.device), :, scales.argmin(dim=1)] @ view[:3, :3].T
    seen = means @ view[:3, :3].T + view[:3, 3]
    return torch.where((normal * seen).sum(dim=-1, keepdim=True) > 0, -normal, normal)
