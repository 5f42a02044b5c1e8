"""The method ``instant_nvr``: hash grids in the body's big pose, one for each part of the body."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.base import Avatar, Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.base import FieldMethod
from understudy.avatar.fields.members import BASE, SPACE, load_weights, read_base
from understudy.avatar.instant_nvr.avatar import InstantNvrAvatar, PartSpace
from understudy.avatar.instant_nvr.config import InstantNvrConfig
from understudy.avatar.instant_nvr.learner import InstantNvrLearner
from understudy.avatar.instant_nvr.parts import JOINTS, SIZES
from understudy.body.model import BodyModel
from understudy.files.tables import Numbers
from understudy.formats.limits import SIZE

NUMBERS = {**SPACE, "sigma": Numbers((), np.float64, 1e-4, 0.3), "prior": Numbers((), np.bool_, 0, 1)}
"""Of ``avatar.json``."""


class InstantNvrMethod(FieldMethod):
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

    def restore(
        self, weights: Mapping[str, np.ndarray], described: Mapping[str, Any], body: BodyModel
    ) -> InstantNvrAvatar:
        """The avatar of what an archive holds.

        Raises:
            ValueError: It is not what may be.
        """
        base, size, numbers = read_base(weights, described, body, SIZES, NUMBERS)
        moments = torch.from_numpy(base["moments"])
        times = torch.zeros(len(moments))
        avatar = InstantNvrAvatar(body, base["betas"], moments, times, size, PartSpace(**numbers))
        boxes = {f"fields.{k}.box": Numbers((2, 3), np.float32, -SIZE, SIZE) for k in range(len(JOINTS))}
        times_too = {"times": Numbers(("F",), np.float32, 0.0, 1.0)}
        load_weights(avatar, weights, {**BASE, **boxes, **times_too})
        if not all(bool((field.box[1] > field.box[0]).all()) for field in avatar.part_fields):
            raise ValueError("a part's box is empty")
        return avatar
