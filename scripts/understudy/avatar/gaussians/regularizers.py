"""What keeps Gaussians in order where pictures say nothing."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.gaussians.model import WIDTH, GaussianAvatar
from understudy.avatar.gaussians.rows import take_rows

NEIGHBOURS = 4
LARGEST = 2.0
"""Width above which a Gaussian is pulled back, over that of a new one."""
UNSEEN = 300.0
"""How much more neighbours hold together where the texture was filled in: an outline alone pulls them anywhere."""
LONGEST = 3.0
"""Length over breadth in the surface above which a Gaussian is a needle and is pulled back."""


@dataclass(frozen=True)
class Regularizers:
    """Regularizers of Gaussians: each is a mean over Gaussians of a number without a unit."""

    neighbours: Tensor  # [N,4]
    colors: Tensor  # [N,3]
    """From the texture, sRGB 0..1."""
    unseen: Tensor  # [N]
    """0 where the texture was seen well, 1 where it was filled in."""

    @classmethod
    def of(cls, avatar: GaussianAvatar, colors: np.ndarray, seen: np.ndarray) -> "Regularizers":
        """Set up for an avatar, with the colours [N,3] of its texture and how well they were seen [N], 0..1."""
        with torch.no_grad():
            points = avatar.shaped().means.cpu().numpy()
        _, near = cKDTree(points).query(points, NEIGHBOURS + 1)
        device = avatar.face.device
        return cls(
            torch.from_numpy(near[:, 1:].astype(np.int64)).to(device),
            torch.as_tensor(colors, dtype=torch.float32, device=device),
            1.0 - torch.as_tensor(seen, dtype=torch.float32, device=device),
        )

    def loss(self, avatar: GaussianAvatar, config: GaussiansConfig) -> Tensor:
        """The terms by what ``config`` says that each counts."""
        terms = self.terms(avatar)
        return (
            config.reg_offsets * terms.offsets
            + config.reg_scales * terms.scales
            + config.reg_opacities * terms.opacities
            + config.reg_neighbours * terms.neighbours
            + config.reg_colors * terms.colors
            + config.reg_light * avatar.light.square().sum()
            + config.reg_extras * terms.extras
        )

    def terms(self, avatar: GaussianAvatar) -> "RegularizerTerms":
        """The terms by themselves."""
        offset = avatar.offsets / avatar.spacing[:, None]
        width = avatar.log_scales - (WIDTH * avatar.spacing[:, None]).log()
        needle = (avatar.log_scales[:, 0] - avatar.log_scales[:, 1]).abs() - math.log(LONGEST)
        rgb = avatar.rgb_logits.sigmoid()
        sheen = 0.0 if avatar.sh is None else avatar.sh.square().sum(dim=2)
        shape = torch.cat([offset[:, 2:], width], dim=1)  # tangents of neighbouring faces point anywhere
        apart = (shape - take_rows(shape, self.neighbours).mean(dim=1)).square().mean(dim=1)
        return RegularizerTerms(
            offsets=offset.square().mean(),
            scales=(width - math.log(LARGEST)).relu().square().mean() + needle.relu().square().mean(),
            opacities=(1.0 - avatar.opacity_logits.sigmoid()).mean(),
            neighbours=((1.0 + UNSEEN * self.unseen) * apart).mean(),
            # what shines through from behind must not colour an unseen side either
            colors=(self.unseen[:, None] * ((rgb - self.colors).square() + sheen)).mean(),
            extras=sum((part.square().mean() for part in _extras(avatar)), rgb.new_zeros(())),
        )


class RegularizerTerms(NamedTuple):
    """Regularizers before their weights."""

    offsets: Tensor
    """Squared offsets from the surface, in spacings."""
    scales: Tensor
    """Squared excess of logarithmic width and length."""
    opacities: Tensor
    """Transparency."""
    neighbours: Tensor
    """Squared difference from the neighbours' mean in height over the surface and in size."""
    colors: Tensor
    """Squared difference from the texture, and of view-dependent colour from none, where it was filled in."""
    extras: Tensor
    """Squared size of what the avatar need not have."""


def _extras(avatar: GaussianAvatar) -> Iterator[Tensor]:
    """What is zero where an avatar has nothing beyond the usual."""
    yield from (part for part in (avatar.sh, avatar.weight_logits) if part is not None)
