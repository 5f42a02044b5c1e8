"""Anny's bones in motion: SMPL poses spread over them, forward kinematics, feet on the ground.

World axes as in ``data/demo/person.py``: metres, z up, a body at rest faces -y. Every bone turns about its head.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from data.demo.person import Body
from data.demo.t_pose import TO_Z_UP, group_of_bones, t_pose_rotations
from understudy.body.joints import LEG, SIDES, SMPL_JOINTS, SMPL_PARENTS
from understudy.body.model import BodyModel
from understudy.motion.clip import Clip

CLAVICLE_SHARE = 0.18
"""Part of an arm's lift beyond 30 degrees from hanging that its collarbone does."""

LEGS = [(f"{b}.{s}", f"{e}.{s}") for s in "LR" for b, e in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"))]


@dataclass(frozen=True)
class Motion:
    """Turns of all bones over T frames."""

    turns: np.ndarray  # [T,B,3,3] relative to the parent, in the axes of the rest pose
    root: np.ndarray  # [T,3] where the root bone's head is, m
    fps: float

    def __len__(self) -> int:
        return len(self.root)


def bone_transforms(body: Body, motion: Motion) -> np.ndarray:
    """Rest-to-posed transforms [T,B,4,4]."""
    out = np.zeros((*motion.turns.shape[:2], 4, 4))
    out[..., 3, 3] = 1.0
    out[..., :3, :3] = motion.turns
    out[..., :3, 3] = body.heads - np.einsum("tbij,bj->tbi", motion.turns, body.heads)
    for bone, parent in enumerate(body.parents):
        if parent >= 0:
            out[:, bone] = out[:, parent] @ out[:, bone]
    # a root bone's own transform leaves its head in place
    out[..., :3, 3] += (motion.root - body.heads[0])[:, None]
    return out


def spread(body: Body, clip: Clip, model: BodyModel) -> Motion:
    """A motion of SMPL's joints on Anny's bones: neck in three, twists of limbs along them, collarbones with lifted arms."""
    length = len(clip)
    turns = clip.rotvecs.reshape(-1, 3).astype(np.float64)
    local = Rotation.from_rotvec(turns).as_matrix().reshape(length, -1, 3, 3)
    to_t_pose = t_pose_rotations(body)[0]
    world = np.zeros_like(local)
    for joint, parent in enumerate(SMPL_PARENTS):
        world[:, joint] = local[:, joint] if parent < 0 else world[:, parent] @ local[:, joint]
    target = TO_Z_UP @ (world @ to_t_pose) @ TO_Z_UP.T
    turns = np.tile(np.eye(3), (length, len(body.names), 1, 1))
    groups = group_of_bones(body)
    for bone, joint in enumerate(groups):
        parent = body.parents[bone]
        if parent < 0:
            turns[:, bone] = target[:, joint]
        elif groups[parent] != joint:
            turns[:, bone] = np.swapaxes(target[:, groups[parent]], 1, 2) @ target[:, joint]
    _spread_neck(body, turns)
    for side in "LR":
        _lift_collar(body, turns, side)
        _spread_twist(body, turns, f"upperarm01.{side}", f"upperarm02.{side}", f"lowerarm01.{side}")
        _spread_twist(body, turns, f"upperleg01.{side}", f"upperleg02.{side}", f"lowerleg01.{side}")
        _turn_forearm(body, turns, side)
    own = sum(np.linalg.norm(body.head(a) - body.head(b)) for a, b in LEGS)
    rest = (model.J_regressor @ model.v_template).numpy()
    model_legs = sum(
        np.linalg.norm(rest[SMPL_JOINTS.index(f"{s}_{a}")] - rest[SMPL_JOINTS.index(f"{s}_{b}")])
        for s in SIDES
        for a, b in pairwise(LEG)
    )
    root = (rest[0] + clip.transl) @ TO_Z_UP.T * (own / model_legs)
    return Motion(turns, root.astype(np.float64), clip.fps)


def _spread_neck(body: Body, turns: np.ndarray) -> None:
    bones = [body.names.index(f"neck0{i}") for i in (1, 2, 3)]
    third = Rotation.from_matrix(turns[:, bones[0]]).as_rotvec() / 3
    turns[:, bones] = Rotation.from_rotvec(third).as_matrix()[:, None]


def _lift_collar(body: Body, turns: np.ndarray, side: str) -> None:
    collar, shoulder = body.names.index(f"clavicle.{side}"), body.names.index(f"upperarm01.{side}")
    bone = body.head(f"lowerarm01.{side}") - body.head(f"upperarm01.{side}")
    arm = turns[:, collar] @ turns[:, shoulder] @ (bone / np.linalg.norm(bone))
    down = np.array([0.0, 0.0, -1.0])
    lift = np.arccos(np.clip(arm @ down, -1, 1))
    axis = np.cross(down, arm)
    # straight up and straight down have no axis of their own
    axis = axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 0.2)
    share = Rotation.from_rotvec(CLAVICLE_SHARE * np.maximum(lift - np.radians(30), 0)[:, None] * axis).as_matrix()
    moved = share @ turns[:, collar]
    turns[:, shoulder] = np.swapaxes(moved, 1, 2) @ turns[:, collar] @ turns[:, shoulder]
    turns[:, collar] = moved


def _twist(turns: np.ndarray, axis: np.ndarray) -> Rotation:
    """The part [T] of rotations [T,3,3] that turns about ``axis`` [3] (swing-twist decomposition)."""
    quaternions = Rotation.from_matrix(turns).as_quat()
    quaternions *= np.where(quaternions[:, 3:] < 0, -1.0, 1.0)
    along = (quaternions[:, :3] @ axis)[:, None] * axis
    return Rotation.from_quat(np.concatenate([along, quaternions[:, 3:] + 1e-9], axis=1))


def _half(rotation: Rotation) -> np.ndarray:
    return Rotation.from_rotvec(0.5 * rotation.as_rotvec()).as_matrix()


def _spread_twist(body: Body, turns: np.ndarray, first: str, second: str, end: str) -> None:
    """Leave half of a limb's twist to its second bone."""
    axis = body.head(end) - body.head(first)
    upper, lower = body.names.index(first), body.names.index(second)
    half = _half(_twist(turns[:, upper], axis / np.linalg.norm(axis)))
    turns[:, upper] = turns[:, upper] @ np.swapaxes(half, 1, 2)
    turns[:, lower] = half @ turns[:, lower]


def _turn_forearm(body: Body, turns: np.ndarray, side: str) -> None:
    """Let the forearm's second bone do half of the wrist's twist."""
    axis = body.head(f"wrist.{side}") - body.head(f"lowerarm01.{side}")
    wrist, fore = body.names.index(f"wrist.{side}"), body.names.index(f"lowerarm02.{side}")
    half = _half(_twist(turns[:, wrist], axis / np.linalg.norm(axis)))
    turns[:, fore] = turns[:, fore] @ half
    turns[:, wrist] = np.swapaxes(half, 1, 2) @ turns[:, wrist]


def grounded(motion: Motion, lowest: np.ndarray, airborne: bool) -> Motion:
    """The motion with its soles on z = 0, given their least heights [T].

    Args:
        motion: Any motion.
        lowest: Least height of the soles in every frame, m.
        airborne: Whether the person leaves the ground; one shift for the whole clip then.
    """
    if airborne:
        drop = np.full(len(motion), np.percentile(lowest, 10))
    else:
        drop = gaussian_filter1d(lowest, 0.06 * motion.fps, mode="nearest")
    return Motion(motion.turns, motion.root - drop[:, None] * [0, 0, 1.0], motion.fps)


def stance_path(body: Body, turns: np.ndarray, fps: float) -> np.ndarray:
    """Root path [T,3] of a motion in place, such that the lower foot does not slide."""
    transforms = bone_transforms(body, Motion(turns, np.tile(body.heads[0], (len(turns), 1)), fps))
    feet = []
    for side in "LR":
        points = [
            np.einsum("tij,j->ti", transforms[:, b, :3, :3], body.heads[b]) + transforms[:, b, :3, 3]
            for b in (body.names.index(f"foot.{side}"), body.names.index(f"toe2-1.{side}"))
        ]
        feet.append((points[0] + points[1]) / 2)
    left, right = feet
    # both feet count while they change, so that the path has no corner
    share = 1 / (1 + np.exp((left[:, 2] - right[:, 2]) / 0.008))
    middle = (share[1:] + share[:-1])[:, None] / 2
    steps = -(middle * np.diff(left, axis=0) + (1 - middle) * np.diff(right, axis=0))
    steps = gaussian_filter1d(steps, 0.05 * fps, axis=0, mode="nearest")
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    return body.heads[0] + path * [1.0, 1.0, 0.0]
