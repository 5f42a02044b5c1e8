"""Poses that are corrected together with the avatar: a small turn of every joint and a shift on top of the fitted ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import roma
import torch
from torch import Tensor

from understudy.body.lbs import pose_rotations
from understudy.formats.smpl import BodyTrack

NEAR = 4
"""Frames within which corrections are alike."""


@dataclass(frozen=True)
class Correction:
    """On top of a fitted pose: R = R_fit exp(turn), and a shift."""

    turns: Tensor  # [J,3] rad
    shift: Tensor  # [3] m

    @classmethod
    def none(cls, joints: int, device: torch.device | None = None) -> "Correction":
        """That changes nothing of so many joints."""
        return cls(torch.zeros(joints, 3, device=device), torch.zeros(3, device=device))

    def of(self, rotations: Tensor, transl: Tensor) -> tuple[Tensor, Tensor]:
        """The corrected pose of rotations [J,3,3] and translation [3]."""
        return rotations @ roma.rotvec_to_rotmat(self.turns), transl + self.shift


class CorrectedPoses:
    """The fitted poses of a track with a correction for each of some frames."""

    def __init__(self, track: BodyTrack, frames: Sequence[int], device: torch.device) -> None:
        self.track = track
        self.frames = list(frames)
        self._row = {frame: row for row, frame in enumerate(self.frames)}
        orient, pose, transl = (
            torch.as_tensor(values, dtype=torch.float32, device=device)
            for values in (track.global_orient, track.body_pose, track.transl)
        )
        self.rotations, self.transl = pose_rotations(orient, pose), transl
        self.turns = torch.zeros(len(self.frames), track.joints, 3, device=device)
        self.shifts = torch.zeros(len(self.frames), 3, device=device)

    def fitted(self, frame: int) -> tuple[Tensor, Tensor]:
        """Rotations [J,3,3] and translation [3] as they were fitted."""
        return self.rotations[frame], self.transl[frame]

    def correction(self, frame: int) -> Correction:
        """Of a frame that is corrected."""
        row = self._row[frame]
        return Correction(self.turns[row], self.shifts[row])

    def correct(self, frame: int, correction: Correction) -> None:
        """Take another correction of a frame."""
        row = self._row[frame]
        self.turns[row], self.shifts[row] = correction.turns, correction.shift

    def pose(self, frame: int) -> tuple[Tensor, Tensor]:
        """Rotations [J,3,3] and translation [3], corrected."""
        return self.correction(frame).of(*self.fitted(frame))

    def neighbours(self, frame: int) -> Correction | None:
        """Mean correction of the nearest corrected frames before and after; None where none is within ``NEAR`` frames."""
        row = self._row[frame]
        near = [row + side for side in (-1, 1) if 0 <= row + side < len(self.frames)]
        near = [other for other in near if abs(self.frames[other] - frame) <= NEAR]
        if not near:
            return None
        return Correction(self.turns[near].mean(dim=0), self.shifts[near].mean(dim=0))

    def refined(self) -> BodyTrack:
        """The whole track, corrected; corrections of frames in between are interpolated linearly over time."""
        if not self.frames:
            return self.track
        turns = _interpolated(self.frames, self.turns.flatten(1).cpu().numpy(), len(self.track))
        shifts = _interpolated(self.frames, self.shifts.cpu().numpy(), len(self.track))
        rotations = self.rotations.cpu() @ roma.rotvec_to_rotmat(torch.from_numpy(turns).unflatten(1, (-1, 3)))
        axis_angle = roma.rotmat_to_rotvec(rotations)
        return replace(
            self.track,
            global_orient=axis_angle[:, 0].numpy(),
            body_pose=axis_angle[:, 1:].flatten(1).numpy(),
            transl=(self.track.transl + shifts).astype(np.float32),
        )


def _interpolated(frames: list[int], values: np.ndarray, length: int) -> np.ndarray:
    """Values [length,D] over all frames from those [n,D] of some, constant beyond the ends."""
    times = np.arange(length)
    columns = [np.interp(times, frames, column) for column in values.T]
    return np.stack(columns, axis=1).astype(np.float32)
