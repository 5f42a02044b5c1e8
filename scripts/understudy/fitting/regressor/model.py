"""The network: features over time in, rotations, their uncertainty and shape out."""

from dataclasses import dataclass

import roma
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad, silu

from understudy.body.joints import SMPL_JOINTS
from understudy.fitting.motion import GROUP_OF_JOINT, GROUPS
from understudy.fitting.regressor.features import NUM_FEATURES
from understudy.formats.skeleton import mirrored

TURNING = tuple(name for name in GROUPS if name != "hands")
"""What turns, ``G`` of them: ``fitting.motion``'s groups of joints but for the hands, which stay at rest."""

_NUM_SIGMAS = 2 * len(SMPL_JOINTS)
_GROUP_OF_JOINT = [TURNING.index(GROUPS[group]) if GROUPS[group] in TURNING else -1 for group in GROUP_OF_JOINT]
_OTHER = mirrored(TURNING).tolist()


@dataclass(frozen=True)
class NetConfig:
    """Size of the network."""

    width: int = 256
    """Channels."""
    dilations: tuple[int, ...] = (1, 2, 3, 1, 2, 3)
    """Of each block's five taps in time, in steps."""
    num_betas: int = 16
    """Shape components."""


@dataclass(frozen=True)
class Prediction:
    """What the network says of ``S`` clips of ``T`` frames; rotations of the root are in the features' views."""

    rotations: Tensor  # [S,T,G,3,3]
    log_sigma: Tensor  # [S,T,J,2], of SMPL's joints
    """Logarithm of the mean error (m) of each joint relative to the pelvis: across the view and in depth."""
    betas: Tensor  # [S,T,B]


class Block(nn.Module):
    """Mixing in time by five taps a channel, then across channels; what comes in is added."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.taps = nn.Parameter(torch.randn(5, width) * 0.2 + torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0])[:, None])
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        nn.init.zeros_(self.down.bias)
        with torch.no_grad():
            self.down.weight.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """[S,T,C] to [S,T,C]; outside the clip there is nothing."""
        reach = 2 * self.dilation
        wide = pad(self.norm(x), (0, 0, reach, reach))
        length = x.shape[1]
        mixed = sum(tap * wide[:, k * self.dilation : k * self.dilation + length] for k, tap in enumerate(self.taps))
        return x + self.down(silu(self.up(mixed)))


class PoseNet(nn.Module):
    """Convolutions in time over frame-wise features, so clips may have any length.

    Rotations are six numbers each, two columns made orthonormal.
    Source: Zhou et al., On the Continuity of Rotation Representations in Neural Networks (CVPR 2019), section 4.2.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        width, outputs = config.width, 6 * len(TURNING) + _NUM_SIGMAS + config.num_betas
        self.enter = nn.Linear(NUM_FEATURES, 2 * width)
        self.gather = nn.Linear(2 * width, width)
        self.blocks = nn.ModuleList(Block(width, dilation) for dilation in config.dilations)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.leave = nn.Linear(2 * width, outputs)
        with torch.no_grad():
            self.leave.weight.mul_(0.1)
            upright = torch.eye(3).repeat(len(TURNING), 1, 1)
            upright[TURNING.index("root")] = roma.rotvec_to_rotmat(torch.tensor([torch.pi, 0.0, 0.0]))
            start = torch.cat(
                [upright[..., :2].reshape(-1), torch.full((_NUM_SIGMAS,), -2.5), torch.zeros(config.num_betas)]
            )
            self.leave.bias.copy_(start)

    def forward(self, features: Tensor) -> Prediction:
        """Features [S,T,F] to what they mean."""
        x = self.gather(silu(self.enter(features)))
        for block in self.blocks:
            x = block(x)
        x = self.leave(silu(self.widen(self.norm(x)))).float()
        turns, log_sigma, betas = x.split([6 * len(TURNING), _NUM_SIGMAS, self.config.num_betas], dim=-1)
        return Prediction(
            rotations=orthonormal(turns.unflatten(-1, (len(TURNING), 3, 2))),
            log_sigma=log_sigma.unflatten(-1, (-1, 2)).clamp(-7.0, 1.0),
            betas=betas,
        )


def orthonormal(columns: Tensor) -> Tensor:
    """Rotations [...,3,3] of two (or more) columns [...,3,2] by Gram and Schmidt's method."""
    first = normalize(columns[..., 0], dim=-1)
    second = columns[..., 1] - (first * columns[..., 1]).sum(dim=-1, keepdim=True) * first
    second = normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def joint_rotations(rotations: Tensor) -> Tensor:
    """Rotations [...,J,3,3] of SMPL's joints of those [...,G,3,3] of ``TURNING``."""
    still = torch.eye(3).to(rotations).expand(*rotations.shape[:-3], 1, 3, 3)
    return torch.cat([rotations, still], dim=-3)[..., _GROUP_OF_JOINT, :, :]


def mirrored_turns(turns: Tensor) -> Tensor:
    """Rotations [...,G,3,3] with left and right exchanged."""
    flip = torch.tensor([-1.0, 1.0, 1.0]).to(turns)
    return turns[..., _OTHER, :, :] * flip[:, None] * flip
