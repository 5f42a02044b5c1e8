"""The method ``neural_capture``: a radiance field on the body's vertices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from understudy.avatar.base import Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.base import FieldMethod
from understudy.avatar.fields.members import BASE, SPACE, load_weights, read_base
from understudy.avatar.neural_capture.avatar import CaptureSpace, NeuralCaptureAvatar
from understudy.avatar.neural_capture.config import NeuralCaptureConfig
from understudy.avatar.neural_capture.learner import NeuralCaptureLearner
from understudy.avatar.neural_capture.networks import SIZES
from understudy.body.model import BodyModel
from understudy.files.tables import Numbers

NUMBERS = {
    **SPACE,
    "importance": Numbers((), np.int64, 1, 1024),
    "density": Numbers((), np.float64, 1e-3, 1e4),
}
"""Of ``avatar.json``."""


class NeuralCaptureMethod(FieldMethod):
    """A radiance field on the body's vertices."""

    name = "neural_capture"
    config = NeuralCaptureConfig

    def learner(
        self, subject: Subject, config: AvatarConfig, options: NeuralCaptureConfig, device: torch.device
    ) -> NeuralCaptureLearner:
        """Begin an avatar."""
        return NeuralCaptureLearner(subject, config, options, device)

    def restore(
        self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel
    ) -> NeuralCaptureAvatar:
        """The avatar of what an archive holds.

        Raises:
            ValueError: It is not what may be.
        """
        base, size, numbers = read_base(weights, described, body, SIZES, NUMBERS)
        moments, space = torch.from_numpy(base["moments"]), CaptureSpace(**numbers)
        avatar = NeuralCaptureAvatar(body, base["betas"], moments, size, space)
        load_weights(avatar, weights, BASE)
        return avatar
