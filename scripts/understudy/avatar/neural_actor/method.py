"""The method ``neural_actor``: Gaussians that a pose moves and shades through a predicted texture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from understudy.avatar.base import Avatar, Method, Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.members import DESCRIBED, check_cloud, check_weights
from understudy.avatar.gaussians.model import EXTRAS
from understudy.avatar.gaussians.sampling import Anchors
from understudy.avatar.neural_actor.config import NeuralActorConfig
from understudy.avatar.neural_actor.learner import NeuralActorLearner
from understudy.avatar.neural_actor.members import described_design, residual_table
from understudy.avatar.neural_actor.model import NeuralActorAvatar
from understudy.body.model import BodyModel
from understudy.files.tables import check_table


class NeuralActorMethod(Method):
    """Gaussians that a pose moves and shades through a predicted texture."""

    name = "neural_actor"
    config = NeuralActorConfig

    def learner(
        self, subject: Subject, config: AvatarConfig, options: NeuralActorConfig, device: torch.device
    ) -> NeuralActorLearner:
        """Begin an avatar: ``options.count`` Gaussians.

        Raises:
            InputError: The size of the texture is no multiple of 8.
        """
        return NeuralActorLearner(subject, config, options, device)

    def describe(self, avatar: Avatar) -> dict[str, Any]:
        """The number of Gaussians, and what the texture is made by; no predictor where a pose changes nothing."""
        assert isinstance(avatar, NeuralActorAvatar)
        described: dict[str, Any] = {"count": len(avatar), "predictor": None}
        if avatar.residual is not None:
            design = avatar.residual.design
            described |= {"predictor": design.predictor, "texture_size": design.side, "reach": design.reach}
        return described

    def restore(
        self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel
    ) -> NeuralActorAvatar:
        """The avatar of what an archive holds.

        Raises:
            ValueError: It is not what may be.
        """
        check_table({"count": np.asarray(described.get("count"))}, DESCRIBED, {})
        design = described_design(described, weights, len(body.joint_names))
        more = {} if design is None else residual_table(design, body)
        checked = check_weights(dict(weights), described["count"], len(body.joint_names), more)
        anchors = Anchors(checked["face"], checked["bary"], checked["spacing"])
        extras = [extra for extra in EXTRAS if extra in checked]
        grey = np.full((len(anchors.face), 3), 0.5)
        avatar = NeuralActorAvatar(body, anchors, checked["betas"], grey, extras, design)
        avatar.load_state_dict({name: torch.from_numpy(values) for name, values in checked.items()})
        check_cloud(avatar)
        return avatar
