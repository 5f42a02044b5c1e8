"""A motion by itself: SMPL poses over time in a world of its own, y up, ground at y = 0."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation, RotationSpline

from understudy.body.model import JOINTS
from understudy.errors import InputError
from understudy.motion.limits import LEAST_FPS, MOST_FPS, MOST_FRAMES

POSSIBLE = {
    "frames": (1, MOST_FRAMES),
    "frames per second": (LEAST_FPS, MOST_FPS),
    "a turn": (-10.0, 10.0),  # rad; a rotation vector is no longer than half a turn
    "the way from the start": (-1e5, 1e5),  # m; single precision ends in centimetres there
}
"""Least and most of what a motion can have."""

_MIRRORED = [JOINTS.index(_other) for _other in (
    name.replace("left", "right") if "left" in name else name.replace("right", "left") for name in JOINTS
)]  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """Poses of SMPL's 24 joints over ``T`` frames; the person starts facing about +z."""

    global_orient: np.ndarray  # [T,3] axis-angle, about the pelvis
    body_pose: np.ndarray  # [T,69] axis-angle
    transl: np.ndarray  # [T,3] m
    fps: float

    def __len__(self) -> int:
        return len(self.transl)

    def part(self, start: int, stop: int) -> "Clip":
        """Frames ``start`` to ``stop``, the latter not included."""
        return Clip(self.global_orient[start:stop], self.body_pose[start:stop], self.transl[start:stop], self.fps)

    def resampled(self, fps: float, most: int | None = None) -> "Clip":
        """The same motion at another rate: rotations by splines on the sphere, places by cubic interpolation.

        Args:
            fps: Frames per second.
            most: Frames that are wanted, from the first on; None for all.

        Raises:
            InputError: So long a motion has more than ``MOST_FRAMES`` at this rate.
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
        poses, turned = self._rotvecs(), np.empty((count, 24, 3), np.float32)
        for joint in range(24):
            turned[:, joint] = RotationSpline(times, Rotation.from_rotvec(poses[:, joint]))(wanted).as_rotvec()
        places = np.stack([np.interp(wanted, times, self.transl[:, axis]) for axis in range(3)], axis=1)
        return _clip(turned, places, fps)

    def mirrored(self) -> "Clip":
        """Left and right swapped, as seen in a mirror at x = 0."""
        flip = np.array([1.0, -1.0, -1.0])
        return _clip(self._rotvecs()[:, _MIRRORED] * flip, self.transl * [-1.0, 1.0, 1.0], self.fps)

    def _rotvecs(self) -> np.ndarray:
        return np.concatenate([self.global_orient[:, None], self.body_pose.reshape(len(self), 23, 3)], axis=1)


def _clip(rotvecs: np.ndarray, transl: np.ndarray, fps: float) -> Clip:
    flat = rotvecs.reshape(len(rotvecs), 72).astype(np.float32)
    return Clip(flat[:, :3], flat[:, 3:], transl.astype(np.float32), float(fps))
