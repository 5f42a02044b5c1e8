"""The method ``neural_capture``: a radiance field on the body's vertices."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from understudy.avatar.base import Avatar, Method, Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.members import BASE, check_base, check_numbers, load_weights
from understudy.avatar.neural_capture.avatar import NeuralCaptureAvatar, Space
from understudy.avatar.neural_capture.config import NeuralCaptureConfig
from understudy.avatar.neural_capture.learner import NeuralCaptureLearner
from understudy.avatar.neural_capture.networks import SIZES
from understudy.body.model import BodyModel
from understudy.files.tables import Numbers

SPACE = {
    "samples": Numbers((), np.int64, 4, 1024),
    "importance": Numbers((), np.int64, 1, 1024),
    "outside": Numbers((), np.float64, 1e-3, 0.3),
    "inside": Numbers((), np.float64, 1e-3, 0.3),
    "longest": Numbers((), np.float64, 1e-3, 0.3),
    "reach": Numbers((), np.float64, 1e-3, 0.3),
    "density": Numbers((), np.float64, 1e-3, 1e4),
}
"""Of ``avatar.json``."""


class NeuralCaptureMethod(Method):
    """A radiance field on the body's vertices."""

    name = "neural_capture"
    config = NeuralCaptureConfig

    def learner(
        self, subject: Subject, config: AvatarConfig, options: NeuralCaptureConfig, device: torch.device
    ) -> NeuralCaptureLearner:
        """Begin an avatar."""
        return NeuralCaptureLearner(subject, config, options, device)

    def describe(self, avatar: Avatar) -> dict[str, Any]:
        """Its size, and where it is looked at."""
        assert isinstance(avatar, NeuralCaptureAvatar)
        return {"size": avatar.size, **asdict(avatar.space)}

    def restore(
        self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel
    ) -> NeuralCaptureAvatar:
        """The avatar of what an archive holds.

        Raises:
            ValueError: It is not what may be.
        """
        base = check_base(weights, len(body.joint_names))
        if described.get("size") not in SIZES:
            raise ValueError(f"size is none of {', '.join(SIZES)}")
        space = Space(**check_numbers(described, SPACE))
        avatar = NeuralCaptureAvatar(body, base["betas"], torch.from_numpy(base["moments"]), described["size"], space)
        load_weights(avatar, weights, BASE)
        return avatar
