"""A store of recorded motions, and new ones made of their pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

import roma
import torch
from torch import Generator, Tensor

from understudy.fitting.motion import GROUP_OF_JOINT, GROUPS
from understudy.fitting.regressor.model import TURNING, mirrored_turns, orthonormal
from understudy.fitting.regressor.randomness import chosen, paths
from understudy.motion.clip import Clip

BANK_FPS = 30.0
_LONGEST = 600
"""A clip's chance to be drawn grows with its frames up to so many."""

_FIRST_JOINT = [GROUP_OF_JOINT.tolist().index(GROUPS.index(name)) for name in TURNING]
_ARMS = {
    side: [TURNING.index(f"{side}_{part}") for part in ("collar", "shoulder", "elbow", "wrist")]
    for side in ("left", "right")
}
_LEGS = [i for i, name in enumerate(TURNING) if name.split("_")[-1] in ("hip", "knee", "ankle", "foot")]
_HEAD = [TURNING.index("head")]


@dataclass(frozen=True)
class Mixture:
    """How new motions are made of recorded ones; shares are of all clips."""

    speed: tuple[float, float] = (0.6, 1.4)
    """Factors on the speed."""
    other_arms: float = 0.4
    """Arms and head of another recording."""
    made_arms: float = 0.3
    """Each arm: between random poses within its range."""
    standing: float = 0.2
    """Legs and back stand still."""
    turning: float = 0.35
    """A turn in place on top."""
    joint_noise: float = 0.1
    """rad, of every joint, slow."""
    bent: float = 0.12
    """The whole body leans or lies farther than recorded."""


@dataclass(frozen=True)
class Bank:
    """Recorded motions at ``BANK_FPS``, end to end."""

    rotations: Tensor  # [N,G,3,3]
    starts: Tensor  # [C] int64
    lengths: Tensor  # [C] int64

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> "Bank":
        """A bank of clips of any rate, of SMPL's joints."""
        turns = []
        for clip in clips:
            even = clip.resampled(BANK_FPS)
            turns.append(roma.rotvec_to_rotmat(torch.from_numpy(even.rotvecs[:, _FIRST_JOINT])))
        lengths = torch.tensor([len(turn) for turn in turns])
        return cls(torch.cat(turns), lengths.cumsum(0) - lengths, lengths)

    def draw(self, count: int, length: int, step: float, speed: tuple[float, float], generator: Generator) -> Tensor:
        """Pieces [S,T,G,3,3] of random clips at random speed, half of them mirrored; short clips swing to and fro."""
        chance = self.lengths.clamp(max=_LONGEST).double()
        clip = torch.multinomial(chance, count, replacement=True, generator=generator)
        last = (self.lengths[clip] - 1).clamp(min=1).float()[:, None]
        factor = speed[0] * (speed[1] / speed[0]) ** torch.rand(count, 1, generator=generator)
        place = torch.rand(count, 1, generator=generator) * last + factor * step * BANK_FPS * torch.arange(length)
        place = last - (place % (2 * last) - last).abs()
        low = place.long().clamp(max=self.lengths[clip][:, None] - 1)
        high = torch.minimum(low + 1, self.lengths[clip][:, None] - 1)
        share = (place - low)[..., None, None, None]
        first = self.starts[clip][:, None]
        turns = self.rotations[first + low] * (1 - share) + self.rotations[first + high] * share
        turned = mirrored_turns(turns)
        return torch.where(chosen(0.5, count, generator)[:, None, None, None, None], turned, turns)


def make_motions(bank: Bank, count: int, length: int, step: float, config: Mixture, generator: Generator) -> Tensor:
    """New motions [S,T,G,3,3] in a world with y up.

    Args:
        bank: What they are made of.
        count: How many, S.
        length: Frames of each, T.
        step: Seconds between frames.
        config: How.
        generator: Of everything random.
    """
    motion = bank.draw(count, length, step, config.speed, generator)
    other = bank.draw(count, length, step, config.speed, generator)
    borrowed = [*_ARMS["left"], *_ARMS["right"], *_HEAD]
    take = chosen(config.other_arms, count, generator)[:, None, None, None, None]
    motion[:, :, borrowed] = torch.where(take, other[:, :, borrowed], motion[:, :, borrowed])
    still = chosen(config.standing, count, generator)[:, None, None, None, None]
    fixed = [*_LEGS, TURNING.index("spine"), TURNING.index("root")]
    upright = torch.eye(3).expand(count, length, len(fixed), 3, 3)
    motion[:, :, fixed] = torch.where(still, upright, motion[:, :, fixed])
    for side, rows in _ARMS.items():
        made = chosen(config.made_arms, count, generator)[:, None, None, None, None]
        motion[:, :, rows] = torch.where(made, _made_arm(side, count, length, generator), motion[:, :, rows])
    amount = config.joint_noise * torch.randn(count, 1, len(TURNING), 1, generator=generator).abs()
    noise = amount * paths(count, length, (len(TURNING), 3), generator)
    noise[..., TURNING.index("root"), :] = _turns(count, length, step, config, generator)
    order = torch.arange(len(TURNING)) == TURNING.index("root")
    change = roma.rotvec_to_rotmat(noise)
    motion = orthonormal(motion)
    return torch.where(order[:, None, None], change @ motion, motion @ change)


def _made_arm(side: str, count: int, length: int, generator: Generator) -> Tensor:
    """Collar, shoulder, elbow and wrist [S,T,4,3,3] of an arm that wanders within its range."""
    wander = paths(count, length, (4, 3), generator)
    sign = 1.0 if side == "left" else -1.0
    mirror = torch.tensor([1.0, sign, sign])
    vectors = torch.zeros(count, length, 4, 3)
    vectors[:, :, 0] = 0.1 * wander[:, :, 0]
    vectors[:, :, 1] = torch.tensor([0.1, -0.35, -0.65]) + torch.tensor([0.55, 0.6, 0.65]) * wander[:, :, 1]
    vectors[:, :, 2, 0] = 0.35 * wander[:, :, 2, 0]
    vectors[:, :, 2, 1] = -(0.7 + 0.8 * wander[:, :, 2, 1]).clamp(0.0, 2.4)
    vectors[:, :, 3] = 0.25 * wander[:, :, 3]
    return roma.rotvec_to_rotmat(vectors * mirror)


def _turns(count: int, length: int, step: float, config: Mixture, generator: Generator) -> Tensor:
    """Rotation vectors [S,T,3] about world axes, to be applied after the root's own: any yaw, some lean."""
    yaw = (2 * torch.rand(count, 1, generator=generator) - 1) * torch.pi
    rate = 1.6 * torch.randn(count, 1, generator=generator) * chosen(config.turning, count, generator)[:, None]
    yaw = yaw + rate * step * torch.arange(length)
    lean = 0.05 + 0.5 * chosen(config.bent, count, generator)[:, None, None]
    tilt = lean * paths(count, length, (2,), generator)
    upright = roma.rotvec_to_rotmat(torch.stack([0 * yaw, yaw, 0 * yaw], dim=-1))
    leaning = roma.rotvec_to_rotmat(torch.stack([tilt[..., 0], 0 * yaw, tilt[..., 1]], dim=-1))
    return roma.rotmat_to_rotvec(leaning @ upright)
