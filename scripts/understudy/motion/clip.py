"""A motion by itself: SMPL poses over time in a world of its own, y up, ground at y = 0."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation, RotationSpline

from understudy.errors import InputError
from understudy.motion.limits import LEAST_FPS, MOST_FPS, MOST_FRAMES

POSSIBLE = {
    "frames": (1, MOST_FRAMES),
    "frames per second": (LEAST_FPS, MOST_FPS),
    "a turn": (-10.0, 10.0),  # rad; a rotation vector is no longer than half a turn
    "the way from the start": (-1e5, 1e5),  # m; single precision ends in centimetres there
}
"""Least and most of what a motion can have."""


@dataclass(frozen=True)
class Clip:
    """Poses of a body's ``J`` joints over ``T`` frames; the person starts facing about +z.

    Metres and radians, y up, the ground at y = 0.
    """

    global_orient: np.ndarray  # [T,3] axis-angle, about the pelvis
    body_pose: np.ndarray  # [T,3(J-1)] axis-angle
    transl: np.ndarray  # [T,3] m
    fps: float

    def __len__(self) -> int:
        return len(self.transl)

    @classmethod
    def of(cls, rotvecs: np.ndarray, transl: np.ndarray, fps: float) -> "Clip":
        """Of rotation vectors [T,J,3] of the joints relative to their parents and places [T,3], as float32."""
        flat = rotvecs.reshape(len(rotvecs), 3 * rotvecs.shape[1]).astype(np.float32)
        return cls(flat[:, :3], flat[:, 3:], transl.astype(np.float32), float(fps))

    @property
    def rotvecs(self) -> np.ndarray:
        """Rotation vectors [T,J,3] of the joints relative to their parents."""
        pose = np.concatenate([self.global_orient, self.body_pose], axis=1)
        return pose.reshape(len(self), pose.shape[1] // 3, 3)

    def part(self, start: int, stop: int) -> "Clip":
        """Frames ``start`` to ``stop``, the latter not included."""
        return Clip(self.global_orient[start:stop], self.body_pose[start:stop], self.transl[start:stop], self.fps)

    def resampled(self, fps: float, most: int | None = None) -> "Clip":
        """The same motion at another rate: rotations by splines, places by linear interpolation.

        Args:
            fps: Frames per second.
            most: Maximum number of frames; None for all.

        Raises:
            InputError: There would be too many frames at this rate.
        """
        if len(self) < 2 or fps == self.fps:
            return Clip(self.global_orient, self.body_pose, self.transl, fps)
        times = np.arange(len(self)) / self.fps
        count = math.ceil((times[-1] + 1e-9) / (1.0 / fps))
        count = count if most is None else min(count, most)
        if count > MOST_FRAMES:
            raise InputError(
                f"the motion lasts {times[-1]:.0f} s, {count} pictures at {fps:g} per second; {MOST_FRAMES} are possible, "
                "so choose a lower fps or cut it."
            )
        wanted = np.arange(count) * (1.0 / fps)
        poses = self.rotvecs
        turned = np.empty((count, *poses.shape[1:]), np.float32)
        for joint in range(poses.shape[1]):
            turned[:, joint] = RotationSpline(times, Rotation.from_rotvec(poses[:, joint]))(wanted).as_rotvec()
        places = np.stack([np.interp(wanted, times, self.transl[:, axis]) for axis in range(3)], axis=1)
        return Clip.of(turned, places, fps)
