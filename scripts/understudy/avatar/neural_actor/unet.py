"""A texture from the normals of poses over the UV layout, by a small U-Net that they modulate.

Sources: Liu et al., Neural Actor (SIGGRAPH Asia 2021), section 3.2, for texture maps from normal maps; Ronneberger et al.,
U-Net (MICCAI 2015); Park et al., Semantic Image Synthesis with Spatially-Adaptive Normalization (CVPR 2019), section 3.1.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.neural_actor.texels import Texels

WINDOW = 3
"""Poses that a texture is predicted from: this one last, and those of the frames before it."""
CHANNELS = 8
"""Of the finest level; coarser ones have twice as many."""
LEVELS = 4
SIDE = 32
"""Of the map of features that says what is where, texels."""


class ModulatedConvolution(nn.Module):
    """Normalized features, scaled and shifted by a condition at each texel, and convolved.

    They are normalized over the channels of one texel: over the map, as in SPADE, a bent knee would change an arm.
    """

    def __init__(self, inputs: int, outputs: int, conditions: int, stride: int = 1) -> None:
        super().__init__()
        self.modulation = nn.Conv2d(conditions, 2 * inputs, 3, padding=1)
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Features [1,outputs,h,w] of ``features`` [1,inputs,H,W] and ``condition`` [1,conditions,H,W]."""
        normalized = features * (features.square().mean(dim=1, keepdim=True) + 1e-4).rsqrt()
        scale, shift = self.modulation(condition).chunk(2, dim=1)
        convolved: Tensor = self.convolution(functional.silu(normalized * (1.0 + scale) + shift))
        return convolved


class UNetPredictor(nn.Module):
    """A U-Net over learned features, modulated by how far the normals are from those at rest."""

    def __init__(self, texels: Texels, outputs: int) -> None:
        """A predictor of ``outputs`` channels that predicts nothing yet."""
        super().__init__()
        self.texels = texels
        conditions, wide = 3 * WINDOW, 2 * CHANNELS
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.features = nn.Parameter(0.3 * torch.randn(1, CHANNELS, SIDE, SIDE))
            self.first = ModulatedConvolution(CHANNELS, CHANNELS, conditions)
            widths = (CHANNELS, *(LEVELS - 1) * (wide,))
            self.down = nn.ModuleList(ModulatedConvolution(a, b, conditions, stride=2) for a, b in pairwise(widths))
            self.up = nn.ModuleList(ModulatedConvolution(wide + a, a, conditions) for a in reversed(widths[:-1]))
            self.last = nn.Conv2d(CHANNELS, outputs, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, window: Tensor) -> Tensor:
        """Texture [1,C,S,S] of a pose, the last of those in ``window`` [3,J,3,3]."""
        normals = torch.cat([self.texels.posed_normals(pose) - self.texels.normals for pose in window], dim=1)
        conditions = [self.texels.image(normals)]
        while len(conditions) < LEVELS:
            conditions.append(functional.avg_pool2d(conditions[-1], 2))
        size = (self.texels.side, self.texels.side)
        features = functional.interpolate(self.features, size, mode="bilinear", align_corners=False)
        kept = [self.first(features, conditions[0])]
        for level, down in enumerate(self.down):
            kept.append(down(kept[-1], conditions[level]))
        features = kept.pop()
        for level, up in zip(reversed(range(LEVELS - 1)), self.up, strict=True):
            beside = kept.pop()
            features = functional.interpolate(features, beside.shape[-2:], mode="bilinear", align_corners=False)
            features = up(torch.cat([features, beside], dim=1), conditions[level])
        texture: Tensor = self.last(functional.silu(features))
        return texture
