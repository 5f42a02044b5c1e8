"""The same picture as ``rasterize``, dense and in plain torch: what the kernels are tested against.

Slow and hungry (every Gaussian on every pixel), but short enough to be checked by reading, in any precision, and
differentiable to everything. Sources: Kerbl et al., 3D Gaussian Splatting (2023); Zwicky et al., EWA Splatting (2001).
"""

import torch
from torch import Tensor

from understudy.render.gaussians import Render
from understudy.render.rotations import rotation_matrices

NEAR, LOW_PASS, MARGIN = 0.1, 0.1, 0.3
ALPHA_MIN, ALPHA_MAX, T_MIN = 1 / 255, 0.99, 1e-4


def rasterize_reference(
    means: Tensor,  # [N,3]
    quats: Tensor,  # [N,4] wxyz
    scales: Tensor,  # [N,3]
    opacities: Tensor,  # [N]
    colors: Tensor,  # [N,C]
    K: Tensor,  # [3,3]
    view: Tensor,  # [4,4]
    size: tuple[int, int],
    background: Tensor | None = None,
    normals: bool = False,
) -> Render:
    """Picture of the Gaussians, as ``rasterize`` draws it."""
    width, height = size
    camera_points = means @ view[:3, :3].T + view[:3, 3]
    front = torch.argsort(camera_points[:, 2].detach(), stable=True)
    front = front[camera_points[front, 2] > NEAR]
    points, opacities, colors = camera_points[front], opacities[front], colors[front]
    turned = view[:3, :3] @ rotation_matrices(quats[front])
    rotated = turned * scales[front][:, None]  # view R S
    spread = jacobians(points, K, size) @ rotated
    covariance = spread @ spread.mT + LOW_PASS * torch.eye(2).to(means)
    centres = (points[:, :2] / points[:, 2:]) * K.diagonal()[:2] + K[:2, 2]

    x, y = torch.meshgrid(torch.arange(width) + 0.5, torch.arange(height) + 0.5, indexing="xy")
    offsets = torch.stack([x, y], dim=-1).to(means) - centres[:, None, None]
    power = 0.5 * torch.einsum("nhwi,nij,nhwj->nhw", offsets, torch.linalg.inv(covariance), offsets)
    alphas = (opacities[:, None, None] * torch.exp(-power)).clamp(max=ALPHA_MAX)
    alphas = torch.where(alphas >= ALPHA_MIN, alphas, 0.0)
    behind = torch.cumprod(1 - alphas, dim=0)
    before = torch.cat([torch.ones_like(behind[:1]), behind[:-1]])
    weights = torch.where(behind >= T_MIN, before * alphas, 0.0)

    rgb = torch.einsum("nhw,nc->hwc", weights, colors)
    alpha = weights.sum(0)
    depth = torch.einsum("nhw,n->hw", weights, points[:, 2]) / alpha.clamp(min=1e-10)
    if background is not None:
        rgb = rgb + (1 - alpha)[..., None] * background
    if not normals:
        return Render(rgb, alpha, depth)
    axis = turned[torch.arange(len(front)), :, scales[front].argmin(dim=1)]
    axis = torch.where((axis * points).sum(dim=1, keepdim=True) > 0, -axis, axis)
    return Render(rgb, alpha, depth, torch.einsum("nhw,nc->hwc", weights, axis))


def jacobians(points: Tensor, K: Tensor, size: tuple[int, int]) -> Tensor:
    """Jacobians [N,2,3] of the pinhole, those of points far outside the picture taken 15 % outside its edge."""
    sides = torch.tensor(size).to(points)
    focal, centre = K.diagonal()[:2], K[:2, 2]
    margin = 0.5 * MARGIN * sides / focal
    ratio = points[:, :2] / points[:, 2:]
    ratio = ratio.clamp(min=-centre / focal - margin, max=(sides - centre) / focal + margin)
    columns = torch.diag_embed(focal / points[:, 2:])
    return torch.cat([columns, (-focal * ratio / points[:, 2:]).unsqueeze(-1)], dim=-1)
