"""What a ray sees of its samples."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Composite:
    """Pixels."""

    rgb: Tensor  # [R,3], premultiplied
    alpha: Tensor  # [R]
    depth: Tensor  # [R] m, mean of what is seen, 0 where nothing is
    weights: Tensor  # [R,S]
    """Share of each sample in the pixel's alpha."""


def composite(alphas: Tensor, rgb: Tensor, depths: Tensor) -> Composite:
    """Samples one behind the other: their alphas [R,S] 0..1, colours [R,S,3] and depths [R,S] m, in order.

    Source: Mildenhall et al., NeRF (ECCV 2020), section 4.
    """
    clear = transmittance(alphas)
    weights = alphas * clear
    alpha = 1.0 - clear[:, -1] * (1.0 - alphas[:, -1])  # their sum, and never above one
    depth = (weights * depths).sum(dim=1) / alpha.clamp_min(1e-10)
    return Composite((weights[..., None] * rgb).sum(dim=1), alpha, depth, weights)


def transmittance(alphas: Tensor) -> Tensor:
    """What is left of the light in front of each sample [R,S]."""
    clear = torch.cumprod(1.0 - alphas[:, :-1], dim=1)
    return torch.cat([torch.ones_like(alphas[:, :1]), clear], dim=1)


def density_alphas(densities: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
    """Alphas [R,S] of densities [R,S] per m over steps [R,S] m of depth.

    ``lengths`` [R] is the way, m, on which the depth grows by 1 m.
    """
    return 1.0 - torch.exp(-densities * steps * lengths[:, None])


def distortion(weights: Tensor, depths: Tensor) -> Tensor:
    """How far apart the depths [R,S] m are of which a ray is made, by weights [R,S]; mean over rays, m.

    Source: Barron et al., Mip-NeRF 360 (CVPR 2022), section 4, the first of its terms.
    """
    between = (depths[:, :, None] - depths[:, None]).abs()
    return (weights[:, :, None] * weights[:, None] * between).sum(dim=(1, 2)).mean()
