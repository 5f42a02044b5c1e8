"""Poses of the world that exports are in: metres, y up, the person on the ground at y = 0, seen from +z.

The same axes as glTF's, and as those of motions.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.archive import AvatarArchive
from understudy.body.joints import A_POSE, BIG_POSE, pose_of
from understudy.body.lbs import pose_rotations
from understudy.errors import InputError
from understudy.export.surface import Surface
from understudy.motion.clip import Clip
from understudy.motion.source import source_motion

POSES: dict[str, dict[str, tuple[float, float, float]]] = {"a": A_POSE, "t": {}, "big": BIG_POSE}
MOST_DIGITS = 12


def still(archive: AvatarArchive, surface: Surface, pose: str | int) -> Clip:
    """One frame of the avatar on the ground above the origin.

    Args:
        archive: The avatar.
        surface: Its surface, which stands on the ground.
        pose: ``a`` (arms lowered), ``t``, ``big`` (T-pose with the legs apart), or the number of a frame of the video.

    Raises:
        InputError: There is no such pose.
    """
    pose = str(pose)
    if pose.lstrip("-").isdecimal():
        frame = int(pose) if len(pose) < MOST_DIGITS else -1
        if not 0 <= frame < len(archive.poses):
            raise InputError(f"pose {pose[:MOST_DIGITS]}: the avatar's video has frames 0 to {len(archive.poses) - 1}.")
        clip = recorded(archive, surface).part(frame, frame + 1)
    elif pose in POSES:
        body_pose = pose_of(surface.body.joint_names, POSES[pose])
        nowhere = np.zeros((1, 3), np.float32)
        clip = Clip(nowhere, body_pose[None], nowhere, archive.fps)
    else:
        raise InputError(f"pose {pose}: give one of {', '.join(POSES)}, or the number of a frame of the video.")
    rotations, _ = frame_pose(clip, 0)
    low = float(surface.posed(rotations, torch.zeros(3))[:, 1].min())
    place = -surface.joints[0] * [1.0, 0.0, 1.0] - [0.0, low, 0.0]  # the pelvis above the origin
    return replace(clip, transl=place[None].astype(np.float32))


def recorded(archive: AvatarArchive, surface: Surface) -> Clip:
    """The motion of the video itself, in which the avatar's surface stands on the ground."""

    def lowest(clip: Clip) -> np.ndarray:
        return np.array([surface.posed(*frame_pose(clip, frame))[:, 1].min() for frame in range(len(clip))])

    poses = archive.poses
    return source_motion(poses.global_orient, poses.body_pose, poses.transl, surface.joints[0], archive.fps, lowest)


def lift_to_sole(clip: Clip, surface: Surface) -> Clip:
    """A motion whose bare feet stand on the ground, lifted by the thickness of the soles."""
    return replace(clip, transl=(clip.transl + np.array([0.0, surface.sole, 0.0])).astype(np.float32))


def frame_pose(clip: Clip, frame: int) -> tuple[Tensor, Tensor]:
    """Rotations [J,3,3] and translation [3] of a frame."""
    orient, pose, transl = (
        torch.from_numpy(part[frame : frame + 1]) for part in (clip.global_orient, clip.body_pose, clip.transl)
    )
    return pose_rotations(orient, pose)[0], transl[0]
