"""How Gaussians are learned."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import torch

from understudy.avatar.base import Learner, Loss, Posed, Subject, View
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.gaussians.model import EXTRAS, GaussianAvatar
from understudy.avatar.gaussians.pruning import prune_transparent
from understudy.avatar.gaussians.regularizers import Regularizers
from understudy.avatar.gaussians.sampling import Anchors, sample_surface
from understudy.avatar.gaussians.texture import sample_texture
from understudy.avatar.training.losses import view_loss


class GaussianLearner(Learner):
    """Gaussians that begin on the body's surface in the texture's colours."""

    avatar: GaussianAvatar

    def __init__(self, subject: Subject, config: AvatarConfig, options: GaussiansConfig, device: torch.device) -> None:
        canonical, body = subject.canonical, subject.body
        betas = np.asarray(subject.poses.betas, np.float32)
        self.config, self.options, self.betas = config, options, torch.from_numpy(betas)
        anchors = sample_surface(canonical.rest_vertices, canonical.faces, body.parts, options.count, config.seed)
        extras = [name for name in EXTRAS if options.rates[name] > 0]
        colors, seen = sample_texture(canonical, anchors)
        self.avatar = self.begin(subject, anchors, colors, extras).to(device)
        self.regularizers = Regularizers.of(self.avatar, colors, seen)

    def begin(self, subject: Subject, anchors: Anchors, colors: np.ndarray, extras: Collection[str]) -> GaussianAvatar:
        """The avatar of which nothing is learned yet, with the texture's ``colors`` [N,3] at its anchors."""
        return GaussianAvatar(subject.body, anchors, subject.poses.betas, colors, extras)

    def rates(self) -> dict[str, float]:
        """Learning rates of the avatar's parameters and modules by their names."""
        return self.options.rates

    def loss(self, posed: Posed, view: View) -> Loss:
        """The photometric loss and the regularizers."""
        seen = view_loss(posed, view, self.config.dssim, self.config.alpha)
        return replace(seen, total=seen.total + self.regularizers.loss(self.avatar, self.options))

    def after_step(self, done: float) -> None:
        """Let no Gaussian shrink to a dot."""
        self.avatar.clamp_scales()

    def finish(self) -> GaussianAvatar:
        """The avatar without what has faded, its sizes those at its present shape."""
        self.avatar = prune_transparent(self.avatar, self.betas)
        self.avatar.rebase_to_betas()
        return self.avatar
