"""How a field on the body's vertices is learned."""

import numpy as np
import torch

from understudy.avatar.base import Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.learner import FieldLearner, moments_of
from understudy.avatar.neural_capture.avatar import CaptureSpace, NeuralCaptureAvatar
from understudy.avatar.neural_capture.config import NeuralCaptureConfig


class NeuralCaptureLearner(FieldLearner):
    """A field that begins as a haze."""

    avatar: NeuralCaptureAvatar
    options: NeuralCaptureConfig

    def __init__(
        self, subject: Subject, config: AvatarConfig, options: NeuralCaptureConfig, device: torch.device
    ) -> None:
        betas, space = np.asarray(subject.poses.betas, np.float32), CaptureSpace.of(options)
        avatar = NeuralCaptureAvatar(subject.body, betas, moments_of(subject), options.size, space, config.seed)
        super().__init__(avatar.to(device), subject, config, options)

    def rates(self) -> dict[str, float]:
        """Learning rates of the avatar's parts by their names."""
        return {"networks": self.options.lr_networks, "codes": self.options.lr_codes}
