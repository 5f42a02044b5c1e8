"""How a field on the body's vertices is learned."""

from collections.abc import Mapping

import numpy as np
import torch

from understudy.avatar.base import Avatar, Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.learner import FieldLearner, Sampling, moments_of
from understudy.avatar.neural_capture.avatar import NeuralCaptureAvatar, Space
from understudy.avatar.neural_capture.config import NeuralCaptureConfig


class NeuralCaptureLearner(FieldLearner):
    """A field that begins as a haze."""

    avatar: NeuralCaptureAvatar

    def __init__(
        self, subject: Subject, config: AvatarConfig, options: NeuralCaptureConfig, device: torch.device
    ) -> None:
        space = Space(
            options.samples, options.importance, options.outside, options.inside, options.longest, options.reach,
            options.density,
        )  # fmt: skip
        betas = np.asarray(subject.poses.betas, np.float32)
        avatar = NeuralCaptureAvatar(subject.body, betas, moments_of(subject), options.size, space, config.seed)
        sampling = Sampling(options.rays, options.patch, options.head_focus, options.vgg_weights)
        super().__init__(avatar.to(device), subject, config, sampling)
        self.options = options

    def rates(self) -> dict[str, float]:
        """Learning rates of the avatar's parts by their names."""
        return {"networks": self.options.lr_networks, "codes": self.options.lr_codes}

    def term_weights(self) -> Mapping[str, float]:
        """None: the field has no terms of its own."""
        return {}

    def squared(self) -> float:
        """Weight of the squared error."""
        return self.options.mse

    def finish(self) -> Avatar:
        """The avatar as it is."""
        return self.avatar
