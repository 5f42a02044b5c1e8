"""What bodies do without being seen: joint limits, a usual stance, smooth motion, usual shape.

The limits are the ranges of motion of physiology textbooks, rounded and widened a little, written as components of the
rotation vector of an SMPL joint (axes of the T-pose: x left, y up, z forward). No motion data stands behind them.
"""

import roma
import torch
from torch import Tensor

from understudy.fitting.motion import GROUPS, Motion, log_map

# left side; the right side is the mirror image, with y and z reversed: (x, y, z) ranges in degrees
_LIMITS = {
    "hip": ((-140, 35), (-50, 50), (-35, 70)),
    "knee": ((-2, 155), (-12, 12), (-8, 8)),
    "ankle": ((-35, 55), (-25, 25), (-25, 25)),
    "foot": ((-50, 25), (-4, 4), (-4, 4)),
    "spine": ((-12, 35), (-17, 17), (-13, 13)),
    "head": ((-30, 30), (-42, 42), (-22, 22)),
    "collar": ((-8, 8), (-25, 12), (-10, 30)),
    "shoulder": ((-100, 100), (-135, 50), (-105, 105)),
    "elbow": ((-70, 70), (-155, 2), (-10, 10)),
    "wrist": ((-25, 25), (-35, 35), (-80, 80)),
}  # fmt: skip

# usual stance (rotation vector, degrees, left side) and how far from it people commonly are (degrees)
_STANCE = {
    "hip": ((0, 0, 3), 45), "knee": ((0, 0, 0), 45), "ankle": ((0, 0, 0), 20), "foot": ((0, 0, 0), 6),
    "spine": ((0, 0, 0), 10), "head": ((0, 0, 0), 15), "collar": ((0, 0, 0), 8), "shoulder": ((0, 0, -60), 60),
    "elbow": ((0, -15, 0), 50), "wrist": ((0, 0, 0), 20), "hands": ((0, 0, 0), 5),
}  # fmt: skip

LIMIT_SIGMA = torch.deg2rad(torch.tensor(4.0))
"""Going so far beyond a limit costs as much as one standard deviation of anything else."""

ROTATION_ACCELERATION = 50.0  # rad/s^2, standard deviation: cuts off above some 6 Hz
ROTATION_VELOCITY = 8.0  # rad/s
JOINT_ACCELERATION = 20.0  # m/s^2
ROOT_ACCELERATION = (6.0, 6.0, 2.5)  # m/s^2 in camera x, y, z: depth is the noisy one
ROOT_VELOCITY = 3.0  # m/s

USUAL_HEIGHT = (1.70, 0.03)  # m, mean of adults and how far to trust it


def _mirror(rotvec: Tensor) -> Tensor:
    """Rotation vectors of the right side as if they were of the left."""
    sign = torch.ones(len(GROUPS), 3)
    sign[[i for i, name in enumerate(GROUPS) if name.startswith("right_")], 1:] = -1.0
    return rotvec * sign.to(rotvec)


_KINDS = [name.split("_")[-1] for name in GROUPS]
_RANGE = torch.deg2rad(torch.tensor([_LIMITS.get(kind, ((-180, 180),) * 3) for kind in _KINDS], dtype=torch.float32))
_STANCE_ROTVEC = _mirror(torch.deg2rad(torch.tensor([_STANCE.get(kind, ((0, 0, 0), 0))[0] for kind in _KINDS]).float()))
STANCE_SIGMA = torch.deg2rad(torch.tensor([_STANCE.get(kind, ((0, 0, 0), torch.inf))[1] for kind in _KINDS]).float())
STANCE = roma.rotvec_to_rotmat(_STANCE_ROTVEC)
"""The usual stance [G,3,3]: upright, arms down and away from the sides."""


def beyond_limits(rotations: Tensor) -> Tensor:
    """How far (radians, 0 inside) rotations [T,G,3,3] leave the joints' ranges, per component: [T,G,3]."""
    rotvec = _mirror(log_map(rotations))
    low, high = _RANGE.to(rotvec).unbind(dim=-1)
    return torch.relu(rotvec - high) + torch.relu(low - rotvec)


def limit_energy(rotations: Tensor) -> Tensor:
    """Soft joint limits, summed over frames."""
    return (beyond_limits(rotations) / LIMIT_SIGMA).square().sum()


def stance_energy(rotations: Tensor) -> Tensor:
    """Weak pull to the usual stance, strong for spine, collars and toes, summed over frames."""
    distance = (rotations - STANCE.to(rotations)).square().sum(dim=(-1, -2)) / 2
    return (distance / STANCE_SIGMA.to(rotations).square()).sum()


def smoothness_energy(motion: Motion, joints: Tensor, fps: float) -> Tensor:
    """Smooth motion in physical units, so the same at every frame rate.

    Rotations are compared as matrices (Frobenius distance over sqrt 2, the angle for small steps): a turn through
    +-180 degrees is as smooth as any other.

    Args:
        motion: Over ``T`` frames.
        joints: Posed joints [T,J,3], m.
        fps: Frames a second.
    """
    rotations, transl = motion.rotations[:, :-1], motion.transl
    energy = transl.new_zeros(())
    if len(motion) > 1:
        turn = (rotations[1:] - rotations[:-1]) * (fps / ROTATION_VELOCITY)
        step = (transl[1:] - transl[:-1]) * (fps / ROOT_VELOCITY)
        energy = energy + 0.1 * (turn.square().sum() / 2 + step.square().sum())
    if len(motion) > 2:
        turn = _second_difference(rotations) * (fps**2 / ROTATION_ACCELERATION)
        step = _second_difference(transl) * (fps**2 / transl.new_tensor(ROOT_ACCELERATION))
        swing = _second_difference(joints) * (fps**2 / JOINT_ACCELERATION)
        energy = energy + turn.square().sum() / 2 + step.square().sum() + 0.3 * swing.square().sum()
    return energy


def shape_energy(betas: Tensor, height: Tensor, length: int) -> Tensor:
    """People near the mean are common: |betas|^2 and a usual height (m), which one camera can hardly tell.

    It grows slowly with the number of frames, since errors of neighbouring frames are much the same.
    """
    return (betas.square().sum() + ((height - USUAL_HEIGHT[0]) / USUAL_HEIGHT[1]).square()) * (1.0 + length / 10.0)


def _second_difference(values: Tensor) -> Tensor:
    return values[2:] - 2 * values[1:-1] + values[:-2]
