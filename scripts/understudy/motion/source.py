"""The motion of a video itself, in the world that motions are in."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.motion.clip import Clip

STANDING = 5.0
"""Percentile of a motion's lowest points that is its ground: a few frames may press the feet into it."""


def source_motion(
    global_orient: np.ndarray,  # [T,3] axis-angle
    body_pose: np.ndarray,  # [T,3(J-1)] axis-angle
    transl: np.ndarray,  # [T,3] m
    pelvis: np.ndarray,  # [3] m, of the shaped body at rest
    fps: float,
    lowest: Callable[[Clip], np.ndarray],
) -> Clip:
    """Poses in a camera's frame as a motion on the ground, y up, which starts above the origin.

    The camera's vertical is taken as the world's.

    Args:
        global_orient: The root's turns about the pelvis, camera frame.
        body_pose: The other joints'.
        transl: Translations, camera frame.
        pelvis: About which the root turns.
        fps: Frames per second.
        lowest: Gives the heights [n] of the person's lowest points in frames of a motion, m.
    """
    turn = Rotation.from_rotvec([np.pi, 0.0, 0.0])  # the camera's y points down
    root = turn * Rotation.from_rotvec(global_orient)
    way = turn.apply(transl + pelvis)
    places = way - way[0] * [1.0, 0.0, 1.0] - pelvis
    clip = Clip(
        root.as_rotvec().astype(np.float32), body_pose.astype(np.float32), places.astype(np.float32), float(fps)
    )
    up = np.array([0.0, np.percentile(lowest(clip), STANDING), 0.0])
    return replace(clip, transl=(clip.transl - up).astype(np.float32))
