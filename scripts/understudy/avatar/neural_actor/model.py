"""The avatar: Gaussians on the body's surface, moved and shaded by the texture that their pose predicts."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.gaussians.model import Changes, GaussianAvatar
from understudy.avatar.gaussians.posed import GaussianShape, PosedGaussians
from understudy.avatar.gaussians.sampling import Anchors
from understudy.avatar.neural_actor.pose_texture import Design, PoseTexture
from understudy.avatar.neural_actor.unet import WINDOW
from understudy.body.model import BodyModel


class NeuralActorAvatar(GaussianAvatar):
    """Gaussians with moves and shades by the pose.

    Source: Liu et al., Neural Actor (SIGGRAPH Asia 2021), section 3.2; Gaussians read the texture in place of a radiance field.
    """

    method = "neural_actor"

    def __init__(
        self,
        body: BodyModel,
        anchors: Anchors,
        betas: np.ndarray | Tensor,  # [B]
        colors: np.ndarray | Tensor,  # [N,3] sRGB, 0..1
        extras: Collection[str],
        design: Design | None,  # None for nothing beyond skinning
    ) -> None:
        super().__init__(body, anchors, betas, colors, extras)
        self.residual: PoseTexture | None = None
        if design is not None:
            corners = torch.from_numpy(body.vt[body.ft]).to(self.bary)[self.face]
            uv = torch.einsum("nk,nkc->nc", self.bary, corners)
            self.residual = PoseTexture(body, uv, design)
        self.active = True
        """Whether a pose changes anything: not in the first part of a training."""

    def at(self, anchors: Anchors, betas: Tensor) -> "NeuralActorAvatar":
        """A new avatar of the same kind at other anchors, of the shape ``betas`` [B], of which nothing is learned yet."""
        design = None if self.residual is None else self.residual.design
        return NeuralActorAvatar(self.body, anchors, betas, torch.zeros(len(anchors.face), 3), self.extras, design)

    def texture(self, window: Tensor) -> Tensor | None:
        """The texture [1,6,S,S] of a pose, the last of those in ``window`` [3,J,3,3]; None where a pose changes nothing."""
        return None if self.residual is None or not self.active else self.residual(window)

    def read(self, texture: Tensor | None) -> Changes | None:
        """What a texture says of the Gaussians."""
        return None if self.residual is None or texture is None else self.residual.at_points(texture)

    def dynamics(self, rotations: Tensor) -> Changes | None:
        """What a pose of rotations [J,3,3] that is held changes beyond skinning."""
        return self.read(self.texture(held(rotations)))

    def shaped(self, betas: Tensor | None = None) -> "ActorShape":
        """The anchors on the body of ``betas`` [B], by default the person's own."""
        return ActorShape(**vars(super().shaped(betas)))

    @property
    def beyond_skinning(self) -> str | None:
        """The option by which it has what no file of skinned Gaussians can hold; None where it has nothing such."""
        return None if self.residual is None else "lr_residual"


class ActorShape(GaussianShape):
    """The anchors on the shaped body in its rest pose."""

    def posed(self, rotations: Tensor, transl: Tensor) -> "PosedActor":
        """In a pose of rotations [J,3,3] and translation [3] m that is held."""
        return self.posed_after(held(rotations), transl)

    def posed_after(self, window: Tensor, transl: Tensor) -> "PosedActor":
        """In the last of the poses ``window`` [3,J,3,3], which follow each other, and a translation [3] m."""
        avatar = self.avatar
        assert isinstance(avatar, NeuralActorAvatar)
        texture = avatar.texture(window)
        cloud = avatar.skin(window[-1], transl, self, avatar.read(texture))
        return PosedActor(avatar, cloud, self, window[-1], transl, texture)

    def detach(self) -> "ActorShape":
        """The same without gradients."""
        return ActorShape(**vars(super().detach()))


@dataclass(frozen=True)
class PosedActor(PosedGaussians):
    """A cloud that knows its pose and the texture that this predicts."""

    shape: ActorShape
    rotations: Tensor  # [J,3,3]
    transl: Tensor  # [3] m
    texture: Tensor | None  # [1,6,S,S]

    def after(self, before: Tensor) -> "PosedActor":
        """The same pose after others: rotations ``before`` [2,J,3,3], the earliest first."""
        return self.shape.posed_after(torch.cat([before, self.rotations[None]]), self.transl)


def held(rotations: Tensor) -> Tensor:
    """The window [3,J,3,3] of a pose of which no neighbours are known."""
    return rotations.expand(WINDOW, *rotations.shape)
