"""Gaussians that training has faded out go."""

import torch
from torch import Tensor

from understudy.avatar.gaussians.model import PER_GAUSSIAN, GaussianAvatar
from understudy.avatar.gaussians.sampling import Anchors

FAINT = 0.05
"""Opacity up to which a Gaussian goes."""


def prune_transparent(avatar: GaussianAvatar, betas: Tensor) -> GaussianAvatar:
    """The avatar without what has faded.

    Args:
        avatar: The whole one.
        betas: Shape [B] at which its Gaussians have the size that is stored.
    """
    seen = (avatar.opacity_logits.sigmoid() > FAINT).nonzero()[:, 0].cpu()
    if len(seen) in (0, len(avatar)):
        return avatar
    whole = avatar.anchors()
    anchors = Anchors(*(values[seen.numpy()] for values in (whole.face, whole.bary, whole.spacing)))
    left = avatar.at(anchors, betas)
    with torch.no_grad():
        for name, parameter in avatar.named_parameters():
            learned = parameter.detach().cpu()
            left.get_parameter(name).copy_(learned[seen] if name in PER_GAUSSIAN else learned)
    return left.to(avatar.device)
