"""What only avatars made of Gaussians can do, for exports and pages of such; ``need_splats`` asks for it."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from understudy.avatar.base import Avatar, Posed, Shaped
from understudy.commands import called
from understudy.errors import InputError
from understudy.render.cloud import Gaussians


class PosedSplats(Posed):
    """An avatar that is a cloud of Gaussians, in a shape and a pose."""

    @property
    @abstractmethod
    def cloud(self) -> Gaussians:
        """The Gaussians in this pose, world frame."""


class SplatAvatar(Avatar):
    """An avatar that is a cloud of Gaussians, each of which follows the joints: what exports and pages of such need."""

    face: Tensor  # [N]
    """Face of the body that each Gaussian is fixed to."""
    bary: Tensor  # [N,3]
    """Where on the face, barycentric."""
    light: nn.Parameter  # [TERMS,3]
    """Factors on the colours by direction, as ``gaussians.lighting.shading`` takes them."""

    @abstractmethod
    def gaussians(self, rotations: Tensor, transl: Tensor, shaped: Shaped | None = None) -> Gaussians:
        """The cloud in a pose of rotations [J,3,3] and translation [3] m; in the person's own shape where none is given."""

    @abstractmethod
    def albedo(self) -> Tensor:
        """Colours [N,3] sRGB 0..1 of the Gaussians without the light of a direction: what other programs light themselves."""

    @abstractmethod
    def lift(self, heights: Tensor) -> None:
        """Move the Gaussians along the normals of their faces by ``heights`` [N] m, in the person's own shape."""

    @abstractmethod
    def skinned(self, shaped: Shaped, bones: int) -> "SkinnedGaussians":
        """The Gaussians at rest with ``bones`` joints each."""

    @abstractmethod
    def pose_offsets_of(self, rotations: Tensor) -> Tensor | None:
        """What the body's pose correctives add to the rest means [T,N,3], m, for rotations [T,J,3,3]; None without such."""

    @property
    @abstractmethod
    def beyond_skinning(self) -> str | None:
        """The option by which it has what no file of skinned Gaussians can hold; None where it has nothing such."""


@dataclass(frozen=True)
class SkinnedGaussians:
    """Gaussians in the rest pose, and what moves them.

    A Gaussian's rest mean and corrective go by linear blending of its joints' transforms; its offset, axes and
    normal are turned by the weighted mean of the joints' quaternions on the first joint's side.
    """

    means: np.ndarray  # [N,3] m
    offsets: np.ndarray  # [N,3] m
    quats: np.ndarray  # [N,4] wxyz
    normals: np.ndarray  # [N,3] unit, of the surface, for the light
    scales: np.ndarray  # [N,3] m
    opacities: np.ndarray  # [N] 0..1
    colors: np.ndarray  # [N,3] sRGB 0..1, without the light
    bones: np.ndarray  # [N,BONES] uint8, of the largest weights, the largest first
    weights: np.ndarray  # [N,BONES], rows sum to one
    sh: np.ndarray  # [N,9]
    """Vectors for red, green and blue, whose product with the direction from the camera is added to the colours."""

    def __len__(self) -> int:
        return len(self.means)


def need_splats(avatar: Avatar, what: str) -> SplatAvatar:
    """The avatar, where it is made of Gaussians.

    Raises:
        InputError: It is not, so that there can be no ``what`` until it is baked.
    """
    if not isinstance(avatar, SplatAvatar):
        raise InputError(
            f"An avatar of the method {avatar.method} has no Gaussians, which {what} is made of;"
            f" `{called('understudy')} bake AVATAR OUT` makes some that look like it (the workflow's are in baked.tar)."
            " Colours that change much with the direction of view, and fine half-transparent structure, get lost in that."
        )
    return avatar
