"""Poses that are refined together with the avatar: small turns and shifts on top of the fitted ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import roma
import torch
from torch import Tensor, nn

from understudy.body.lbs import pose_rotations
from understudy.formats.smpl import BodyTrack


class RefinedPoses(nn.Module):
    """The fitted poses of a track with a correction for each of some frames.

    A correction is a turn of every joint after its fitted rotation, R = R_fit exp(turn), and a shift of the body.
    Each frame has parameters of its own, so that an optimiser leaves the others alone, momentum included.
    """

    global_orient: Tensor
    body_pose: Tensor
    transl: Tensor

    def __init__(self, track: BodyTrack, frames: Sequence[int]) -> None:
        super().__init__()
        self.track = track
        self.frames = list(frames)
        self._row = {frame: row for row, frame in enumerate(self.frames)}
        self.turns = nn.ParameterList([nn.Parameter(torch.zeros(24, 3)) for _ in self.frames])
        self.shifts = nn.ParameterList([nn.Parameter(torch.zeros(3)) for _ in self.frames])
        self.register_buffer("global_orient", torch.as_tensor(track.global_orient, dtype=torch.float32))
        self.register_buffer("body_pose", torch.as_tensor(track.body_pose, dtype=torch.float32))
        self.register_buffer("transl", torch.as_tensor(track.transl, dtype=torch.float32))

    def forward(self, frame: int) -> tuple[Tensor, Tensor]:
        """Rotations [24,3,3] and translation [3] of a frame that is being refined."""
        row = self._row[frame]
        fitted = pose_rotations(self.global_orient[frame, None], self.body_pose[frame, None])[0]
        return fitted @ roma.rotvec_to_rotmat(self.turns[row]), self.transl[frame] + self.shifts[row]

    def prior(self, frame: int) -> tuple[Tensor, Tensor]:
        """Mean squared correction of a frame, and its mean squared distance from its neighbours' mean; rad and m."""
        row = self._row[frame]
        own = torch.cat([self.turns[row].flatten(), self.shifts[row]])
        near = [r for r in (row - 1, row + 1) if 0 <= r < len(self.frames)]
        if not near:
            return own.square().mean(), own.new_zeros(())
        with torch.no_grad():
            mean = torch.stack([torch.cat([self.turns[r].flatten(), self.shifts[r]]) for r in near]).mean(dim=0)
        return own.square().mean(), (own - mean).square().mean()

    @torch.no_grad()
    def refined(self) -> BodyTrack:
        """The whole track, corrected; corrections of frames in between are interpolated linearly over time."""
        if not self.frames:
            return self.track
        turns = _interpolated(self.frames, torch.stack(list(self.turns)).flatten(1).cpu().numpy(), len(self.track))
        shifts = _interpolated(self.frames, torch.stack(list(self.shifts)).cpu().numpy(), len(self.track))
        fitted = pose_rotations(self.global_orient.cpu(), self.body_pose.cpu())
        rotations = fitted @ roma.rotvec_to_rotmat(torch.from_numpy(turns).view(-1, 24, 3))
        global_orient, body_pose = to_axis_angle(rotations)
        return replace(
            self.track,
            global_orient=global_orient.numpy(),
            body_pose=body_pose.numpy(),
            transl=(self.track.transl + shifts).astype(np.float32),
        )


def to_axis_angle(rotations: Tensor) -> tuple[Tensor, Tensor]:
    """``global_orient`` [...,3] and ``body_pose`` [...,69] of rotations [...,24,3,3]."""
    axis_angle = roma.rotmat_to_rotvec(rotations)
    return axis_angle[..., 0, :], axis_angle[..., 1:, :].flatten(-2)


def _interpolated(frames: list[int], values: np.ndarray, length: int) -> np.ndarray:
    """Values [length,D] over all frames from those [n,D] of some, constant beyond the ends."""
    times = np.arange(length)
    columns = [np.interp(times, frames, column) for column in values.T]
    return np.stack(columns, axis=1).astype(np.float32)
