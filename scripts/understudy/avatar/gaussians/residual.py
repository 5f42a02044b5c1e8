"""What a pose changes beyond skinning: small moves and shades of the surface, by a small network.

Features on the surface, stored in texture space, meet the rotations of the joints nearby; what is far away cannot be
mistaken for a cause, so a few hundred frames are enough to learn from.

Sources: Liu et al., Neural Actor (SIGGRAPH Asia 2021), section 3.2, for features in texture space; Geng et al., Learning Neural
Volumetric Representations of Dynamic Humans in Minutes (CVPR 2023), section 3.2, for a residual over (u, v); Saito et al.,
SCANimate (CVPR 2021), section 3.3, for the pose as the joints nearby see it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.render.rotations import from_matrix

FEATURES = 8
SIDES = (16, 64)
"""Of the maps of features, texels."""
HIDDEN = 32
FARTHEST = 0.03
"""Greatest move along each axis, m."""
POSE = 9
"""Numbers that a point knows of the pose: turns of its own joint, of the one before and of those after."""


class PoseResidual(nn.Module):
    """Moves and shades of points on the surface by the pose."""

    uv: Tensor
    near: Tensor

    def __init__(self, uv: Tensor, weights: Tensor, parents: tuple[int, ...]) -> None:
        """For points at ``uv`` [N,2] that move with the joints by ``weights`` [N,J]; it changes nothing yet."""
        super().__init__()
        before = torch.zeros(len(parents), len(parents)).to(weights)
        before[range(1, len(parents)), parents[1:]] = 1.0  # row: joint, column: the one before it
        after = before.T / before.sum(dim=0).clamp_min(1.0)[:, None]
        mixtures = [weights, weights @ before, weights @ after]
        self.register_buffer("uv", uv, persistent=False)
        # the root's turn is where the camera stands, not a pose
        self.register_buffer("near", torch.stack(mixtures)[..., 1:].contiguous(), persistent=False)
        generator = torch.Generator().manual_seed(0)
        maps = [0.1 * torch.randn(1, FEATURES, side, side, generator=generator) for side in SIDES]
        self.maps = nn.ParameterList([nn.Parameter(values) for values in maps])
        inputs = FEATURES * len(SIDES) + POSE
        self.first = nn.Parameter(torch.randn(inputs, HIDDEN, generator=generator) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(HIDDEN))
        self.last = nn.Parameter(torch.zeros(HIDDEN, 6))

    def forward(self, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """Moves [N,3] m, in the points' own frames, and factors on colours [N,3], of rotations [J,3,3]."""
        quats = from_matrix(rotations[1:])
        turns = 2.0 * quats[:, 1:] * torch.where(quats[:, :1] < 0, -1.0, 1.0)  # no seam but at half a turn
        pose = torch.cat([mixture @ turns for mixture in self.near], dim=1)
        grid = (2.0 * self.uv - 1.0)[None, None]
        features = [functional.grid_sample(m, grid, align_corners=False, padding_mode="border") for m in self.maps]
        known = torch.cat([*(f[0, :, 0].mT for f in features), pose], dim=1)
        out = functional.silu(known @ self.first + self.bias) @ self.last
        return FARTHEST * out[:, :3].tanh(), out[:, 3:].clamp(-1.0, 1.0).exp()
