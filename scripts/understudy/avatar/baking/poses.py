"""Poses that show all of an avatar, and how it moves."""

from dataclasses import dataclass

import numpy as np
import roma
import torch
from torch import Tensor

from understudy.body.joints import A_POSE, BIG_POSE
from understudy.body.lbs import pose_rotations
from understudy.body.model import BodyModel
from understudy.formats.smpl import BodyTrack

EASY = (A_POSE, BIG_POSE)
"""Poses in which nothing hides much of the rest."""
GOLDEN = (5**0.5 - 1) / 2
"""Turns by multiples of it are spread evenly over the circle, however many there are."""


@dataclass(frozen=True)
class Pose:
    """A pose in the video's world."""

    rotations: Tensor  # [J,3,3]
    transl: Tensor  # [3] m


def choose_poses(body: BodyModel, track: BodyTrack, count: int, device: torch.device) -> list[Pose]:
    """At most ``count`` poses: easy ones, then those of the video that are least alike, the most unlike first.

    The easy ones stand where the middle frame has the person. Each pose is turned about the camera's vertical by another
    angle: were the person always seen from the front, light from there could not be told from paint.
    """
    frames = np.flatnonzero(track.valid) if track.valid.any() else np.arange(len(track))
    orient, pose, transl = (
        torch.as_tensor(values[frames], dtype=torch.float32)
        for values in (track.global_orient, track.body_pose, track.transl)
    )
    rotations, middle = pose_rotations(orient, pose), len(frames) // 2
    easy = torch.stack([body.rotations_of(turns) for turns in EASY])
    easy[:, 0] = rotations[middle, 0]
    # the root's turn is where the camera stands, not a pose
    rows = far_apart(rotations[:, 1:].flatten(1), easy[:, 1:].flatten(1), count - len(easy))
    chosen = torch.cat([easy, rotations[rows]])[:count]
    places = transl[[middle] * len(easy) + rows][:count]
    angles = 2.0 * torch.pi * GOLDEN * torch.arange(len(chosen))
    chosen[:, 0] = roma.rotvec_to_rotmat(angles[:, None] * torch.tensor([0.0, 1.0, 0.0])) @ chosen[:, 0]
    return [Pose(*each) for each in zip(chosen.to(device), places.to(device), strict=True)]


def far_apart(features: Tensor, known: Tensor, count: int) -> list[int]:
    """At most ``count`` rows of ``features`` [N,D], each the farthest from ``known`` [M,D] and from those before it."""
    distance, rows = torch.cdist(features, known).amin(dim=1), []
    for _ in range(min(count, len(features))):
        rows.append(int(distance.argmax()))
        distance = torch.minimum(distance, (features - features[rows[-1]]).norm(dim=1))
        distance[rows] = -1.0
    return rows
