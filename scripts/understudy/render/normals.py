"""Normals of Gaussians seen as flat disks."""

import torch
from torch import Tensor
from torch.nn import functional


def facing_normals(means: Tensor, quats: Tensor, scales: Tensor, view: Tensor) -> Tensor:
    """Unit normals [N,3] in camera axes: along each Gaussian's shortest axis, towards the camera.

    Args:
        means: Centres [N,3], world frame.
        quats: Rotations [N,4] wxyz, of any length but zero.
        scales: Standard deviations [N,3].
        view: World to camera [4,4].
    """
    w, x, y, z = functional.normalize(quats, dim=-1).unbind(dim=-1)
    axes = torch.stack([
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], dim=-1),
        torch.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)], dim=-1),
        torch.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], dim=-1),
    ], dim=1)  # fmt: skip
    normal = axes[torch.arange(len(axes), device=axes.device), scales.argmin(dim=1)] @ view[:3, :3].T
    seen = means @ view[:3, :3].T + view[:3, 3]
    return torch.where((normal * seen).sum(dim=-1, keepdim=True) > 0, -normal, normal)
