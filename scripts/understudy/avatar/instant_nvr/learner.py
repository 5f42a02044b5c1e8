"""How a field of hash grids is learned."""

from collections.abc import Mapping

import numpy as np
import torch

from understudy.avatar.base import Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.learner import FieldLearner, moments_of
from understudy.avatar.instant_nvr.avatar import InstantNvrAvatar, PartSpace
from understudy.avatar.instant_nvr.config import InstantNvrConfig

LAST_STAGE = 2.0 / 3.0
"""Part of the training after which rays are to be of one depth."""


class InstantNvrLearner(FieldLearner):
    """A field that begins as the body's own inside."""

    avatar: InstantNvrAvatar
    options: InstantNvrConfig

    def __init__(self, subject: Subject, config: AvatarConfig, options: InstantNvrConfig, device: torch.device) -> None:
        poses, space = subject.poses, PartSpace.of(options, prior=True)
        times = torch.tensor(subject.frames) / max(1, len(poses))
        betas = np.asarray(poses.betas, np.float32)
        avatar = InstantNvrAvatar(subject.body, betas, moments_of(subject), times, options.size, space, config.seed)
        super().__init__(avatar.to(device), subject, config, options)

    def rates(self) -> dict[str, float]:
        """Learning rates of the avatar's parts by their names."""
        options = self.options
        return {
            "tables": options.lr_tables,
            "networks": options.lr_networks,
            "latents": options.lr_latents,
            "moves": options.lr_residual,
        }

    def term_weights(self) -> Mapping[str, float]:
        """Weights of the regularizers."""
        late = 10.0 if self.done >= LAST_STAGE else 1.0
        return {
            "residual": self.options.reg_residual,
            "neighbours": self.options.reg_neighbours,
            "distortion": late * self.options.reg_distortion,
        }

    def finish(self) -> InstantNvrAvatar:
        """The avatar as its file will hold it: tables of half the bytes."""
        self.avatar.round_tables()
        return self.avatar
