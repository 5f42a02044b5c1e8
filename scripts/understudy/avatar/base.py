"""The contract between a method of avatars and all that trains, draws, measures, exports or shows one.

An :class:`Avatar` with a shape is a :class:`Shaped`, in a pose it is a :class:`Posed`, and that draws itself. A method that is
trained brings a :class:`Learner`, and a :class:`Method` to make both from options or from an archive.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from understudy.avatar.config import AvatarConfig
from understudy.body.lbs import pose_rotations
from understudy.body.model import BodyModel
from understudy.formats.canonical import Canonical
from understudy.formats.smpl import BodyTrack
from understudy.options import Options
from understudy.render.camera import Camera
from understudy.render.gaussians import Render


@dataclass(frozen=True)
class Carriers:
    """What a picture is made of, and which joints move it: what aligning a pose with a picture needs to know."""

    picture: Render
    points: Tensor  # [N,3] m, world frame
    blend_weights: Callable[[], Tensor]
    """Gives the weights [N,J] of the joints that the points follow."""
    gather: Callable[[Tensor], Tensor]
    """Gives sums [N,C] over the picture's pixels of values [H,W,C], each times the point's share in the pixel's colour."""


class Posed(ABC):
    """An avatar in a shape and a pose."""

    @abstractmethod
    def draw(self, camera: Camera, background: Tensor | None = None, normals: bool = False) -> Render:
        """Its picture, differentiable to what it learns.

        Args:
            camera: In the world frame.
            background: Colour [3] behind it, sRGB 0..1; black by default.
            normals: Whether to draw normals as well; a method that has none leaves them out.
        """

    @abstractmethod
    def extent(self) -> Tensor:
        """Points [N,3] of it, m, world frame, none of which is far from what is seen: they say how much room it takes."""

    @abstractmethod
    def carriers(self, camera: Camera, channels: int) -> Carriers:
        """Its picture over black, and what is in it; ``gather`` takes values of so many ``channels``, once."""


class Shaped(ABC):
    """An avatar in a shape; reuse it while the shape stays."""

    joints: Tensor  # [J,3] m, rest pose

    @abstractmethod
    def posed(self, rotations: Tensor, transl: Tensor) -> Posed:
        """In a pose.

        Args:
            rotations: Of each joint relative to its parent [J,3,3]; the root's about the pelvis, in the world frame.
            transl: Translation [3], m.
        """

    @abstractmethod
    def detach(self) -> "Shaped":
        """The same without gradients to the shape."""


class Avatar(nn.Module, ABC):
    """What was learned about one person, on a body that poses it.

    Its state holds nothing of the body itself.
    """

    method: ClassVar[str]
    """Name of the method, as in ``registry.METHODS``."""
    body: BodyModel
    betas: nn.Parameter  # [B]

    @abstractmethod
    def shaped(self, betas: Tensor | None = None) -> Shaped:
        """In the shape of ``betas`` [B], by default the person's own."""

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.betas.device

    def render(
        self,
        global_orient: Tensor,  # [3] axis-angle, about the pelvis
        body_pose: Tensor,  # [3(J-1)] axis-angle
        transl: Tensor,  # [3] m
        camera: Camera,
        betas: Tensor | None = None,  # [B], the person's own by default
        background: Tensor | None = None,  # [3], black by default
    ) -> Render:
        """Picture of the avatar in a pose: rgb [H,W,3] over the background, alpha [H,W], depth [H,W]."""
        rotations = pose_rotations(global_orient[None], body_pose[None])[0]
        return self.shaped(betas).posed(rotations, transl).draw(camera, background)


@dataclass(frozen=True)
class Subject:
    """What is known of a person before an avatar is learned."""

    canonical: Canonical
    """Where colours start and stay where nothing is seen."""
    body: BodyModel
    poses: BodyTrack
    """Of all frames of the video, with the fitted shape."""
    frames: tuple[int, ...]
    """Those that are learned from, in order."""


@dataclass(frozen=True)
class View:
    """A picture that one step learns from."""

    frame: int
    """Of the video."""
    camera: Camera
    rgb: Tensor  # [H,W,3] 0..1, as the avatar without exposure would have it, times alpha
    alpha: Tensor  # [H,W] 0..1
    weight: Tensor  # [H,W] 0..1
    """How much each pixel counts."""
    background: Tensor  # [3]
    """What to put behind both the avatar and the person."""

    @property
    def over_background(self) -> Tensor:
        """The person over the background [H,W,3]."""
        return self.rgb + (1.0 - self.alpha)[..., None] * self.background


@dataclass(frozen=True)
class Loss:
    """What one view came to."""

    total: Tensor  # scalar, with gradients
    photometric: Tensor  # scalar
    """The part of ``total`` that is of the picture, for the curves."""
    mse: Tensor  # scalar
    """Mean squared error of the colours over the background."""
    picture: Render
    """What was drawn, over black."""
    view: View
    """Of what it is the picture: the whole view or a part of it."""


class Learner(ABC):
    """How a method learns an avatar from one view after the other."""

    avatar: Avatar

    @abstractmethod
    def rates(self) -> dict[str, float]:
        """Learning rates of what is learned but for ``betas``; 0 is not learned.

        By names of the avatar's parameters, modules and lists of parameters.
        """

    @abstractmethod
    def loss(self, posed: Posed, view: View) -> Loss:
        """How unlike its view the posed avatar is, with the method's own regularizers."""

    def after_step(self, done: float) -> None:
        """Whatever keeps the parameters within their bounds, with ``done`` of the training over; they keep their shapes."""
        return

    def state(self) -> dict[str, Any]:
        """What changes beside the avatar's parameters: tensors, numbers, text, lists and dicts of them."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as when ``state`` was taken."""
        return

    @abstractmethod
    def finish(self) -> Avatar:
        """The avatar as it is kept, when all steps are done."""


class Method(ABC):
    """A method of avatars: how one is begun, described and read again."""

    name: ClassVar[str]
    config: ClassVar[type[Options]]
    """Class of the options in the configuration's section of the method's name."""

    @abstractmethod
    def learner(
        self,
        subject: Subject,
        config: AvatarConfig,
        options: Any,
        device: torch.device,
    ) -> Learner:
        """Begin an avatar.

        Args:
            subject: Whom it is to show.
            config: How any avatar is trained.
            options: The method's own, of its class ``config``.
            device: Where to learn it.
        """

    def weights(self, avatar: Avatar) -> dict[str, Tensor]:
        """What ``restore`` needs of the avatar, by name."""
        return {key: value.detach().cpu().contiguous() for key, value in avatar.state_dict().items()}

    @abstractmethod
    def describe(self, avatar: Avatar) -> dict[str, Any]:
        """What ``avatar.json`` says of the avatar under the method's name: numbers and texts."""

    @abstractmethod
    def restore(self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel) -> Avatar:
        """The avatar of what ``weights`` and ``describe`` gave.

        Raises:
            ValueError: Something is missing, of another kind or out of its range; a stranger may have made the file.
        """
