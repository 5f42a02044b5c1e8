"""A texture that is linear in the turns of the joints nearby: pose correctives as SMPL has them, learned in texture space.

Source: Loper et al., SMPL (SIGGRAPH Asia 2015), section 3.2, for correctives that are linear in the pose.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.neural_actor.texels import FEATURES, Texels, joint_turns

SIDE = 32
"""Of the maps of coefficients, texels: wrinkles finer than that are not the same in two poses of a short video."""
UNIT = 0.3
"""Turn in which the pose is counted, rad: coefficients learn as fast as a U-Net's weights do."""


class LinearPredictor(nn.Module):
    """A map of coefficients for each number that a texel knows of the pose."""

    mean: Tensor

    def __init__(self, texels: Texels, filmed: Tensor, outputs: int) -> None:
        """A predictor of ``outputs`` channels that predicts nothing yet.

        Args:
            texels: Those of the texture.
            filmed: Turns [P,J-1,3] of the joints in the video, in the mean of which it predicts nothing.
            outputs: Channels of the texture.
        """
        super().__init__()
        self.outputs = outputs
        self.texels = texels
        self.register_buffer("mean", filmed.mean(dim=0), persistent=False)
        self.coefficients = nn.Parameter(torch.zeros(1, FEATURES * outputs, SIDE, SIDE))

    def forward(self, window: Tensor) -> Tensor:
        """Texture [1,C,S,S] of a pose, the last of those in ``window`` [3,J,3,3]."""
        turns = (joint_turns(window[-1]) - self.mean) / UNIT
        known = self.texels.image(self.texels.turns_nearby(turns))
        size = (self.texels.side, self.texels.side)
        by = functional.interpolate(self.coefficients, size, mode="bilinear", align_corners=False)
        return (known[:, :, None] * by.unflatten(1, (FEATURES, self.outputs))).sum(dim=1)
