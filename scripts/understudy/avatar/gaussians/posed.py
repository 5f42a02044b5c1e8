"""The Gaussians of an avatar in a shape, and in a pose."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from understudy.avatar.base import Carriers, Shaped
from understudy.avatar.splats import PosedSplats
from understudy.render.camera import Camera
from understudy.render.cloud import Gaussians, splat
from understudy.render.gaussians import Render

if TYPE_CHECKING:
    from understudy.avatar.gaussians.model import GaussianAvatar


@dataclass(frozen=True)
class GaussianShape(Shaped):
    """The anchors on the shaped body in its rest pose."""

    avatar: "GaussianAvatar"
    means: Tensor  # [N,3] m
    quats: Tensor  # [N,4] wxyz
    size: Tensor  # [N]
    """Side of the anchor's face over that of the avatar's own shape."""
    joints: Tensor  # [J,3] m

    def posed(self, rotations: Tensor, transl: Tensor) -> "PosedGaussians":
        """In a pose of rotations [J,3,3] and translation [3] m."""
        return PosedGaussians(self.avatar, self.avatar.gaussians(rotations, transl, self))

    def detach(self) -> "GaussianShape":
        """The same without gradients."""
        parts = (self.means, self.quats, self.size, self.joints)
        return GaussianShape(self.avatar, *(part.detach() for part in parts))


@dataclass(frozen=True)
class PosedGaussians(PosedSplats):
    """A cloud that draws itself."""

    avatar: "GaussianAvatar"
    gaussians: Gaussians

    @property
    def cloud(self) -> Gaussians:
        """The Gaussians in this pose."""
        return self.gaussians

    def draw(self, camera: Camera, background: Tensor | None = None, normals: bool = False) -> Render:
        """Its picture over ``background`` [3], black by default."""
        return splat(self.gaussians, *self._seen_by(camera), background, normals)

    def extent(self) -> Tensor:
        """The Gaussians' centres [N,3], m."""
        return self.gaussians.means

    def carriers(self, camera: Camera, channels: int) -> Carriers:
        """Each Gaussian is one: what the rasterizer's backward pass sums up over its pixels."""
        handles = torch.zeros(len(self.gaussians), channels, device=self.gaussians.means.device, requires_grad=True)
        drawn = splat(self.gaussians, *self._seen_by(camera), more=handles)
        sums = drawn.rgb[..., 3:]  # zero; pulled back, they are sums over each Gaussian's pixels
        picture = replace(drawn, rgb=drawn.rgb[..., :3])
        return Carriers(
            picture,
            self.gaussians.means,
            lambda: self.avatar.blend_weights().detach(),
            lambda images: torch.autograd.grad(sums, handles, images)[0],
        )

    def _seen_by(self, camera: Camera) -> tuple[Tensor, tuple[int, int], Tensor]:
        K, view = (
            torch.as_tensor(part, dtype=torch.float32, device=self.gaussians.means.device)
            for part in (camera.K, camera.view)
        )
        return K, camera.size, view
