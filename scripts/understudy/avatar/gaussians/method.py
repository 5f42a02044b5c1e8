"""The method ``gaussians``: 3D Gaussians on the body's surface."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from understudy.avatar.base import Avatar, Method, Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.gaussians.learner import GaussianLearner
from understudy.avatar.gaussians.members import DESCRIBED, check_cloud, check_weights
from understudy.avatar.gaussians.model import EXTRAS, GaussianAvatar
from understudy.avatar.gaussians.sampling import Anchors
from understudy.body.model import BodyModel
from understudy.files.tables import check_table


class GaussiansMethod(Method):
    """3D Gaussians on the body's surface."""

    name = "gaussians"
    config = GaussiansConfig

    def learner(
        self, subject: Subject, config: AvatarConfig, options: GaussiansConfig, device: torch.device
    ) -> GaussianLearner:
        """Begin an avatar: ``options.count`` Gaussians."""
        return GaussianLearner(subject, config, options, device)

    def describe(self, avatar: Avatar) -> dict[str, Any]:
        """Their number."""
        assert isinstance(avatar, GaussianAvatar)
        return {"count": len(avatar)}

    def restore(
        self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel
    ) -> GaussianAvatar:
        """The avatar of what an archive holds.

        Raises:
            ValueError: It is not what may be.
        """
        check_table({"count": np.asarray(described.get("count"))}, DESCRIBED, {})
        checked = check_weights(dict(weights), described["count"], len(body.joint_names))
        anchors = Anchors(checked["face"], checked["bary"], checked["spacing"])
        extras = [extra for extra in EXTRAS if any(name.split(".")[0] == extra for name in checked)]
        avatar = GaussianAvatar(body, anchors, checked["betas"], np.full((len(anchors.face), 3), 0.5), extras)
        avatar.load_state_dict({name: torch.from_numpy(values) for name, values in checked.items()})
        check_cloud(avatar)
        return avatar
