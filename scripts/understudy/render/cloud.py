"""A cloud of 3D Gaussians in space, and its picture."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from understudy.render.gaussians import Render, rasterize


@dataclass(frozen=True)
class Gaussians:
    """A cloud of Gaussians in space."""

    means: Tensor  # [N,3] m
    quats: Tensor  # [N,4] wxyz
    scales: Tensor  # [N,3] m
    opacities: Tensor  # [N] 0..1
    colors: Tensor  # [N,3] sRGB, 0..1, above in bright light
    sh: Tensor | None = None  # [N,3,3]
    """Vectors for red, green and blue, whose product with the direction from the camera is added to the colours."""

    def __len__(self) -> int:
        return len(self.means)

    def seen_from(self, eye: Tensor) -> Tensor:
        """Colours [N,3] as a camera at ``eye`` [3] sees them."""
        if self.sh is None:
            return self.colors
        sight = functional.normalize(self.means - eye, dim=-1)
        return self.colors + (self.sh @ sight[..., None])[..., 0]


def splat(
    gaussians: Gaussians,
    K: Tensor,  # [3,3] px
    size: tuple[int, int],  # (width, height)
    view: Tensor | None = None,  # [4,4] world to camera
    background: Tensor | None = None,  # [3]
    normals: bool = False,
    more: Tensor | None = None,  # [N,D]
) -> Render:
    """Rasterize a cloud, with ``more`` behind its colours."""
    view = torch.eye(4).to(gaussians.means) if view is None else view
    colors = gaussians.seen_from(-view[:3, :3].T @ view[:3, 3])
    if more is not None:
        colors = torch.cat([colors, more], dim=1)
        background = None if background is None else functional.pad(background, (0, more.shape[1]))
    return rasterize(
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        colors,
        K,
        view,
        size,
        background,
        normals,
    )
