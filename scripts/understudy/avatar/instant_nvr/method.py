"""The method ``instant_nvr``: hash grids in the body's big pose, one for each part of the body."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.base import Avatar, Method, Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.members import BASE, check_base, check_numbers, load_weights
from understudy.avatar.instant_nvr.avatar import InstantNvrAvatar, Space
from understudy.avatar.instant_nvr.config import InstantNvrConfig
from understudy.avatar.instant_nvr.learner import InstantNvrLearner
from understudy.avatar.instant_nvr.parts import JOINTS, SIZES
from understudy.body.model import BodyModel
from understudy.files.tables import Numbers
from understudy.formats.limits import SIZE

SPACE = {
    "samples": Numbers((), np.int64, 4, 1024),
    "outside": Numbers((), np.float64, 1e-3, 0.3),
    "inside": Numbers((), np.float64, 1e-3, 0.3),
    "longest": Numbers((), np.float64, 1e-3, 0.3),
    "reach": Numbers((), np.float64, 1e-3, 0.3),
    "sigma": Numbers((), np.float64, 1e-4, 0.3),
    "prior": Numbers((), np.bool_, 0, 1),
}
"""Of ``avatar.json``."""


class InstantNvrMethod(Method):
    """Hash grids in the body's big pose, one for each part of the body."""

    name = "instant_nvr"
    config = InstantNvrConfig

    def learner(
        self, subject: Subject, config: AvatarConfig, options: InstantNvrConfig, device: torch.device
    ) -> InstantNvrLearner:
        """Begin an avatar: what is inside the body is occupied."""
        return InstantNvrLearner(subject, config, options, device)

    def weights(self, avatar: Avatar) -> dict[str, Tensor]:
        """Its state, tables in half the bytes, as which ``finish`` has rounded them."""
        state = super().weights(avatar)
        return {key: value.half() if key.endswith("grid.table") else value for key, value in state.items()}

    def describe(self, avatar: Avatar) -> dict[str, Any]:
        """Its size, and where it is looked at."""
        assert isinstance(avatar, InstantNvrAvatar)
        return {"size": avatar.size, **asdict(avatar.space)}

    def restore(
        self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel
    ) -> InstantNvrAvatar:
        """The avatar of what an archive holds.

        Raises:
            ValueError: It is not what may be.
        """
        base = check_base(weights, len(body.joint_names))
        if described.get("size") not in SIZES:
            raise ValueError(f"size is none of {', '.join(SIZES)}")
        space = Space(**check_numbers(described, SPACE))
        moments = torch.from_numpy(base["moments"])
        times = torch.zeros(len(moments))
        avatar = InstantNvrAvatar(body, base["betas"], moments, times, described["size"], space)
        boxes = {f"fields.{k}.box": Numbers((2, 3), np.float32, -SIZE, SIZE) for k in range(len(JOINTS))}
        times_too = {"times": Numbers(("F",), np.float32, 0.0, 1.0)}
        load_weights(avatar, weights, {**BASE, **boxes, **times_too})
        if not all(bool((field.box[1] > field.box[0]).all()) for field in avatar.part_fields):
            raise ValueError("a part's box is empty")
        return avatar
