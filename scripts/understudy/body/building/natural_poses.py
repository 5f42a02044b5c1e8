"""Poses drawn at random from the natural ranges of a person's joints, for what must hold in rare poses too."""

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.joints import SMPL_JOINTS

SHARE = 0.5
"""How often a joint is turned at all."""

RANGES = {
    "collar": ((-10, 10), (-15, 15), (-8, 28)),
    "elbow": ((-45, 45), (-145, 0), (0, 0)),
    "wrist": ((-70, 70), (-25, 25), (-65, 65)),
    "hip": ((-120, 30), (-40, 40), (-20, 55)),
    "knee": ((0, 140), (-8, 8), (0, 0)),
    "ankle": ((-30, 45), (-20, 20), (-15, 15)),
    "foot": ((-40, 15), (0, 0), (0, 0)),
    "spine1": ((-12, 32), (-16, 16), (-13, 13)),
    "spine2": ((-12, 32), (-16, 16), (-13, 13)),
    "spine3": ((-12, 32), (-16, 16), (-13, 13)),
    "neck": ((-28, 30), (-38, 38), (-20, 20)),
    "head": ((-28, 30), (-38, 38), (-20, 20)),
}
"""Turns about x, y and z of the T-pose, degrees, for the left side: x last for arms, z last for the rest."""

LIFT, ASIDE, TWIST = (0, 175), (-35, 115), (-70, 70)
"""The upper arm: lift from hanging, azimuth from the side (90 is in front), twist, degrees."""


def arm_turn(lift: float, aside: float, twist: float = 0.0) -> np.ndarray:
    """Rotation vector [3] of the left shoulder that points the arm, degrees as ``LIFT``, ``ASIDE`` and ``TWIST``."""
    lift, aside, twist = np.radians([lift, aside, twist])
    to = np.array([np.sin(lift) * np.cos(aside), -np.cos(lift), np.sin(lift) * np.sin(aside)])
    axis = np.cross([1.0, 0.0, 0.0], to)
    sine = np.linalg.norm(axis)
    swing = Rotation.from_rotvec(axis / max(sine, 1e-9) * np.arctan2(sine, to[0]))
    return (swing * Rotation.from_rotvec([twist, 0.0, 0.0])).as_rotvec()


def natural_poses(count: int, seed: int) -> np.ndarray:
    """Poses [count,3(J-1)], axis-angle: every joint left alone or turned anywhere within its range."""
    random = np.random.default_rng(seed)
    poses = np.zeros((count, len(SMPL_JOINTS), 3))
    for joint, name in enumerate(SMPL_JOINTS):
        stem = name.removeprefix("left_").removeprefix("right_")
        if stem == "shoulder":
            drawn = [arm_turn(*(random.uniform(*limits) for limits in (LIFT, ASIDE, TWIST))) for _ in range(count)]
        elif stem in RANGES:
            angles = np.stack([random.uniform(*limits, count) for limits in RANGES[stem]], axis=1)
            order = "zyx" if stem in ("elbow", "wrist", "collar") else "xyz"
            drawn = Rotation.from_euler(
                order, angles[:, ["xyz".index(axis) for axis in order]], degrees=True
            ).as_rotvec()
        else:
            continue
        mirror = np.array([1.0, -1.0, -1.0]) if name.startswith("right") else 1.0
        poses[:, joint] = np.where(random.random((count, 1)) < SHARE, drawn, 0.0) * mirror
    return poses[:, 1:].reshape(count, -1)
