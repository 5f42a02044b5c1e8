"""Which way is up, by how people keep their balance."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.joints import SIDES, joint_index

_SEGMENTS = (
    ("pelvis", "neck", 0.497), ("neck", "head", 0.081),
    *((f"{side}_{start}", f"{side}_{stop}", mass) for side in SIDES for start, stop, mass in (
        ("shoulder", "elbow", 0.028), ("elbow", "wrist", 0.016), ("wrist", "hand", 0.006),
        ("hip", "knee", 0.100), ("knee", "ankle", 0.0465), ("ankle", "foot", 0.0145),
    )),
)  # fmt: skip
"""Ends of the body's segments, and their parts of its mass.

Source: Winter, Biomechanics and Motor Control of Human Movement (4th ed., 2009), table 4.1, after Dempster.
"""

FARTHEST = 25.0
"""Degrees; who leans farther on average does not stand or walk, and nothing is known of what is up."""
LIFTED = 0.05
"""m; who lifts a foot by twice so much stands on the other."""
ROUNDS = 8


def balanced_up(joints: np.ndarray, names: Sequence[str]) -> np.ndarray | None:
    """The direction [3] from the feet to the centre of mass over a motion, which is up on average for who stands or walks.

    Args:
        joints: A body's joints [T,J,3], y about up.
        names: Their names [J].

    Returns:
        A unit vector, or None where it is farther than ``FARTHEST`` from y.
    """
    ends = [(joint_index(names, start), joint_index(names, stop), share) for start, stop, share in _SEGMENTS]
    mass = sum(share * (joints[:, start] + joints[:, stop]) / 2 for start, stop, share in ends)
    feet = joints[:, [joint_index(names, f"{side}_{name}") for side in SIDES for name in ("ankle", "foot")]]
    middles = (feet[:, ::2] + feet[:, 1::2]) / 2
    up = _unit(np.mean(mass - middles.mean(axis=1), axis=0))
    for _ in range(ROUNDS):
        # the foot that is lower bears the weight; which one that is depends on what is up
        height = middles @ up
        weight = 1 / (1 + np.exp((height - height.mean(axis=1, keepdims=True)) / LIFTED))
        support = (middles * weight[..., None]).sum(axis=1) / weight.sum(axis=1, keepdims=True)
        up = _unit(np.mean(mass - support, axis=0))
    return up if up[1] > np.cos(np.radians(FARTHEST)) else None


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def upright_turn(up: np.ndarray) -> Rotation:
    """The smallest turn that takes ``up`` [3] to y."""
    axis = np.cross(up, [0.0, 1.0, 0.0])
    sine = np.linalg.norm(axis)
    return Rotation.from_rotvec(axis / max(sine, 1e-12) * np.arctan2(sine, up[1]))
