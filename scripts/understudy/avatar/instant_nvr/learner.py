"""How a field of hash grids is learned."""

from collections.abc import Mapping

import numpy as np
import torch

from understudy.avatar.base import Subject
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.learner import FieldLearner, Sampling, moments_of
from understudy.avatar.instant_nvr.avatar import InstantNvrAvatar, Space
from understudy.avatar.instant_nvr.config import InstantNvrConfig

LAST_STAGE = 2.0 / 3.0
"""Part of the training after which rays are to be of one depth."""


class InstantNvrLearner(FieldLearner):
    """A field that begins as the body's own inside."""

    avatar: InstantNvrAvatar

    def __init__(self, subject: Subject, config: AvatarConfig, options: InstantNvrConfig, device: torch.device) -> None:
        poses, frames = subject.poses, list(subject.frames)
        space = Space(
            options.samples, options.outside, options.inside, options.longest, options.reach, options.sigma, True
        )
        times = torch.tensor(frames) / max(1, len(poses))
        betas = np.asarray(poses.betas, np.float32)
        avatar = InstantNvrAvatar(subject.body, betas, moments_of(subject), times, options.size, space, config.seed).to(
            device
        )
        super().__init__(
            avatar, subject, config, Sampling(options.rays, options.patch, options.head_focus, options.vgg_weights)
        )
        self.options = options

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

    def squared(self) -> float:
        """Weight of the squared error."""
        return self.options.mse

    def finish(self) -> InstantNvrAvatar:
        """The avatar as its file will hold it: tables of half the bytes."""
        self.avatar.round_tables()
        return self.avatar
