"""How Gaussians and the texture that moves and shades them are learned."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.base import Loss, Posed, Subject, View
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.learner import GaussianLearner
from understudy.avatar.gaussians.sampling import Anchors
from understudy.avatar.neural_actor.adversary import Adversary
from understudy.avatar.neural_actor.config import NeuralActorConfig
from understudy.avatar.neural_actor.model import NeuralActorAvatar, PosedActor
from understudy.avatar.neural_actor.pose_texture import Design
from understudy.avatar.neural_actor.texels import joint_turns
from understudy.avatar.neural_actor.textures import TextureReader
from understudy.avatar.neural_actor.unet import WINDOW
from understudy.body.lbs import pose_rotations
from understudy.errors import InputError
from understudy.evenly import evenly

MOST_FILMED = 256
"""Poses of the video that an avatar keeps, evenly spread, to know which others are like none of them."""


class NeuralActorLearner(GaussianLearner):
    """Gaussians first; then what a pose changes as well."""

    avatar: NeuralActorAvatar
    options: NeuralActorConfig

    def __init__(
        self, subject: Subject, config: AvatarConfig, options: NeuralActorConfig, device: torch.device
    ) -> None:
        if options.texture_size % 8:
            raise InputError(f"neural_actor.texture_size is {options.texture_size}; give a multiple of 8.")
        track = subject.poses
        orient, pose = (torch.as_tensor(v, dtype=torch.float32) for v in (track.global_orient, track.body_pose))
        self.turned = pose_rotations(orient, pose)
        frames = np.asarray(subject.frames)
        chosen = evenly(len(frames), MOST_FILMED)
        filmed = joint_turns(self.turned[frames[chosen]])
        self.design = None
        if options.lr_residual > 0:
            self.design = Design(options.predictor, options.texture_size, options.reach, filmed)
        super().__init__(subject, config, options, device)
        self.turned, self.steps = self.turned.to(device), 0
        self.reader: TextureReader | None = None
        self.adversary: Adversary | None = None
        residual = self.avatar.residual
        if residual is not None and max(options.texture, options.adversarial, options.feature_matching) > 0:
            self.reader = TextureReader(self.avatar, residual, float(np.median(track.transl[frames, 2])))
            if max(options.adversarial, options.feature_matching) > 0:
                self.adversary = Adversary(residual)
        self.after_step(0.0)

    def begin(
        self, subject: Subject, anchors: Anchors, colors: np.ndarray, extras: Collection[str]
    ) -> NeuralActorAvatar:
        """The avatar of which nothing is learned yet."""
        return NeuralActorAvatar(subject.body, anchors, subject.poses.betas, colors, extras, self.design)

    def loss(self, posed: Posed, view: View) -> Loss:
        """The photometric loss and the regularizers, of a U-Net at every second step in the motion of the video.

        The others are in a pose that is held, as are those of which no neighbours are known.
        """
        assert isinstance(posed, PosedActor)
        if posed.texture is None:
            return super().loss(posed, view)
        self.steps += 1
        if self.options.predictor == "unet" and self.steps % 2:
            posed = posed.after(self._before(view.frame))
        seen = super().loss(posed, view)
        return replace(seen, total=seen.total + self._texture_loss(posed, view))

    def _texture_loss(self, posed: PosedActor, view: View) -> Tensor:
        """What is asked of the predicted texture itself."""
        assert posed.texture is not None
        options = self.options
        total = options.reg_residual * posed.texture.square().mean()
        if self.reader is None:
            return total
        seen = self.reader.read(posed, view)
        total = total + options.texture * seen.loss()
        if self.adversary is not None:
            adversarial, matching = self.adversary.losses(seen, posed.rotations)
            total = total + options.adversarial * adversarial + options.feature_matching * matching
        return total

    def _before(self, frame: int) -> Tensor:
        """Rotations [2,J,3,3] of the frames before one; the first stands for those before it."""
        return self.turned[[max(0, frame - back) for back in reversed(range(1, WINDOW))]]

    def after_step(self, done: float) -> None:
        """Let the pose change something once the Gaussians stand."""
        super().after_step(done)
        self.avatar.active = done >= self.options.residual_from

    def state(self) -> dict[str, Any]:
        """Whether the predictor is at work, its steps, and the discriminator's state."""
        own = {"active": self.avatar.active, "steps": self.steps}
        return own if self.adversary is None else {**own, "adversary": self.adversary.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as when ``state`` was taken."""
        self.avatar.active, self.steps = state["active"], state["steps"]
        if self.adversary is not None:
            self.adversary.restore(state["adversary"])

    def finish(self) -> NeuralActorAvatar:
        """The avatar without what has faded."""
        left = super().finish()
        assert isinstance(left, NeuralActorAvatar)
        left.active = True
        return left
