"""Poses that a video does not show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.body.joints import BODY_JOINTS, on_joints, pose_of
from understudy.body.model import BodyModel
from understudy.body.shape_edit import shaped_body
from understudy.formats.smpl import BodyTrack
from understudy.motion.clip import Clip
from understudy.motion.read import named_motions, read_motion

LUNGE: dict[str, tuple[float, float, float]] = {
    "left_hip": (-1.25, 0.0, 0.1), "left_knee": (1.2, 0.0, 0.0),
    "right_hip": (0.55, 0.0, -0.1), "right_knee": (0.35, 0.0, 0.0), "right_ankle": (0.3, 0.0, 0.0),
    "spine1": (0.1, 0.3, 0.0), "neck": (0.0, -0.3, 0.0),
    "left_shoulder": (0.0, 0.0, 0.9), "right_shoulder": (0.0, 0.0, -0.9),
    "left_elbow": (0.0, -0.6, 0.3), "right_elbow": (0.0, 0.6, -0.3),
}  # fmt: skip
"""A deep step forward with raised arms, for ``pose_of``."""


@dataclass(frozen=True)
class NewPose:
    """A pose, and how far it is from all that the video shows."""

    name: str
    clip: Clip
    """Of one frame."""
    degrees: float
    """Turn of a joint, root mean square, to the video's most similar pose."""


def new_poses(body: BodyModel, track: BodyTrack, motions: Sequence[str | Path] = ()) -> list[NewPose]:
    """A lunge with raised arms, and of each motion the pose that is least like any of the video.

    Args:
        body: Who poses, without a shape of their own.
        track: The video's poses and the person's shape.
        motions: Files as ``read_motion`` takes them.

    Raises:
        InputError: A motion cannot be read.
    """
    nowhere = np.zeros((1, 3), np.float32)
    lunge = Clip(nowhere, pose_of(body.joint_names, LUNGE)[None], nowhere, fps=1.0)
    found = [NewPose("A lunge with raised arms", lunge, float(distances(lunge, track, body)[0]))]
    shaped = shaped_body(body, torch.from_numpy(track.betas))
    for name, path in named_motions(motions).items():
        clip = read_motion(path, shaped)
        apart = distances(clip, track, body)
        frame = int(apart.argmax())
        found.append(NewPose(f"{name}, {frame / clip.fps:.1f} s", clip.part(frame, frame + 1), float(apart[frame])))
    return found


def distances(clip: Clip, track: BodyTrack, body: BodyModel) -> np.ndarray:
    """How far [T] the poses of a clip are from the most similar valid one of a track, degrees.

    It is the turn of a joint relative to its parent, root mean square (of chords) over the joints that every body has
    but for the pelvis.
    """
    clips, tracks = _turns(clip.body_pose, body), _turns(track.body_pose[track.valid], body)
    joints = len(BODY_JOINTS) - 1
    # |A - B|^2 = 6 - 2 tr(A'B) of rotations, and 8 sin^2 of half the angle between them
    chords = np.clip(6.0 - 2.0 * (clips @ tracks.T) / joints, 0.0, 8.0).min(axis=1)
    return np.degrees(2.0 * np.arcsin(np.sqrt(chords / 8.0)))


def _turns(body_pose: np.ndarray, body: BodyModel) -> np.ndarray:
    """Rotation matrices [T,9J] of the joints that every body has but for the pelvis."""
    vectors = body_pose.reshape(len(body_pose), -1, 3).astype(np.float64)
    vectors = on_joints(vectors, body.joint_names[1:], BODY_JOINTS[1:])
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(len(vectors), -1)
