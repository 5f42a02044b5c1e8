"""HRNet for poses (Sun et al., Deep High-Resolution Representation Learning for Human Pose Estimation, CVPR 2019).

Modules are named so that the published checkpoints ``pose_hrnet_w{32,48}_{256x192,384x288}.pth`` load as they are.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

STEM = 64
"""Channels after the stem."""
EXPANSION = 4
"""A bottleneck gives this many times its inner channels."""
BLOCKS = 4
"""Blocks in each branch between two exchanges."""
MODULES = (1, 4, 3)
"""Exchange modules in the stages of two, three and four branches."""
STRIDE = 4
"""Px of the input per px of the heatmaps."""


class PoseHRNet(nn.Module):
    """Heatmaps of a person's keypoints from a crop around them.

    Args:
        width: Channels of the branch of highest resolution: 32 or 48.
        joints: Number of heatmaps.
    """

    def __init__(self, width: int = 48, joints: int = 17) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(3, STEM, 3, 2), nn.BatchNorm2d(STEM)
        self.conv2, self.bn2 = _conv(STEM, STEM, 3, 2), nn.BatchNorm2d(STEM)
        wide = STEM * EXPANSION
        self.layer1 = nn.Sequential(*(_Bottleneck(STEM if index == 0 else wide, STEM) for index in range(BLOCKS)))
        channels = [width * 2**branch for branch in range(4)]
        self.transition1 = nn.ModuleList([_step(wide, channels[0], 1), nn.Sequential(_step(wide, channels[1], 2))])
        self.stage2 = nn.Sequential(*(_Exchange(channels[:2]) for _ in range(MODULES[0])))
        self.transition2 = _new_branch(channels[:3])
        self.stage3 = nn.Sequential(*(_Exchange(channels[:3]) for _ in range(MODULES[1])))
        self.transition3 = _new_branch(channels)
        # the last module feeds nothing but the branch of highest resolution
        self.stage4 = nn.Sequential(*(_Exchange(channels, 4 if i < MODULES[2] - 1 else 1) for i in range(MODULES[2])))
        self.final_layer = nn.Conv2d(width, joints, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps [N,joints,H/4,W/4] of images [N,3,H,W]; H and W are multiples of 32."""
        x = torch.relu(self.bn1(self.conv1(images)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = self.layer1(x)
        branches = self.stage2([step(x) for step in self.transition1])
        for transition, stage in ((self.transition2, self.stage3), (self.transition3, self.stage4)):
            added = transition[-1](branches[-1])
            branches = stage([*branches, added])
        return self.final_layer(branches[0])


class _Basic(nn.Module):
    """Two 3x3 convolutions round which the input passes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(channels, channels, 3), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = _conv(channels, channels, 3), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + x)


class _Bottleneck(nn.Module):
    """A 3x3 convolution of few channels between two of 1x1."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        outer = inner * EXPANSION
        self.conv1, self.bn1 = _conv(channels, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = _conv(inner, inner, 3), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = _conv(inner, outer, 1), nn.BatchNorm2d(outer)
        self.downsample: nn.Module = nn.Identity()
        if channels != outer:
            self.downsample = nn.Sequential(_conv(channels, outer, 1), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class _Exchange(nn.Module):
    """Branches of halving resolution, each by itself first, then each the sum of all.

    Args:
        channels: Of each branch, the highest resolution first.
        outputs: How many branches come out; all by default.
    """

    def __init__(self, channels: list[int], outputs: int | None = None) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(_Basic(count) for _ in range(BLOCKS))) for count in channels)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_way(channels, start, end) for start in range(len(channels)))
            for end in range(outputs or len(channels))
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        done = [branch(x) for branch, x in zip(self.branches, branches, strict=True)]
        fused = []
        for ways in self.fuse_layers:
            parts = [way(x) for way, x in zip(ways, done, strict=True)]  # type: ignore[call-overload]
            fused.append(torch.relu(torch.stack(parts).sum(dim=0)))
        return fused


def _way(channels: list[int], start: int, end: int) -> nn.Module:
    """From branch ``start`` to the resolution and channels of branch ``end``."""
    if start == end:
        return nn.Identity()
    if start > end:
        enlarge = nn.Upsample(scale_factor=2 ** (start - end), mode="nearest")
        return nn.Sequential(_conv(channels[start], channels[end], 1), nn.BatchNorm2d(channels[end]), enlarge)
    counts = [channels[start]] * (end - start) + [channels[end]]
    halvings = [_step(before, after, 2) for before, after in pairwise(counts)]
    del halvings[-1][-1]  # the sum of all comes before the last rectifier
    return nn.Sequential(*halvings)


def _new_branch(channels: list[int]) -> nn.ModuleList:
    """The branches that are there as they are, and one more from the last of them."""
    kept = [nn.Identity() for _ in channels[:-1]]
    return nn.ModuleList([*kept, nn.Sequential(_step(channels[-2], channels[-1], 2))])


def _step(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(_conv(before, after, 3, stride), nn.BatchNorm2d(after), nn.ReLU())


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
