"""An avatar in a motion, in the world frame of the pictures: axes of the camera that filmed (y down), as the light fell there."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.avatar.base import Avatar, Posed, Shaped
from understudy.body.joints import A_POSE, pose_of
from understudy.body.lbs import pose_rotations
from understudy.evenly import evenly
from understudy.formats.smpl import BodyTrack
from understudy.motion.clip import Clip

UP = np.array([0.0, -1.0, 0.0])
"""In the frame of a performance."""

TO_WORLD = np.diag([1.0, -1.0, -1.0])
"""From a clip's axes (y up, facing +z) to a performance's: the person faces -z, from where the video was filmed."""

SAMPLES = 48
"""Number of frames of a motion that say how much room it takes."""


Poses = Clip | BodyTrack
"""SMPL parameters over time."""


@dataclass(frozen=True)
class Performance:
    """An avatar of some shape in a row of poses, and the world that it is in.

    That is the world of the camera that filmed, so that light falls as it did there: x right, y down, z away from that
    camera, m. :func:`make_performance`, :func:`in_world_frame` and :func:`a_pose` put the ground at y = 0 and let the
    person face -z.
    """

    avatar: Avatar
    shaped: Shaped
    global_orient: torch.Tensor  # [T,3] axis-angle
    body_pose: torch.Tensor  # [T,3(J-1)]
    transl: torch.Tensor  # [T,3] m

    def __len__(self) -> int:
        return len(self.transl)

    def first(self, count: int) -> "Performance":
        """The first ``count`` frames, or all where there are fewer."""
        return self.part(np.arange(min(count, len(self))))

    def part(self, frames: np.ndarray) -> "Performance":
        """The frames [n] of these numbers."""
        return replace(
            self,
            global_orient=self.global_orient[frames],
            body_pose=self.body_pose[frames],
            transl=self.transl[frames],
        )

    def posed(self, frame: int) -> Posed:
        """The avatar in one frame."""
        rotations = pose_rotations(self.global_orient[frame, None], self.body_pose[frame, None])[0]
        return self.shaped.posed(rotations, self.transl[frame])

    def pelvis(self) -> np.ndarray:
        """Places [T,3] float64 of the pelvis, m."""
        return (self.transl + self.shaped.joints[0]).cpu().numpy().astype(np.float64)

    def rest_height(self) -> float:
        """Height of the avatar in its rest pose, m."""
        rest = self.avatar.body.rest_rotations.to(self.transl.device)
        with torch.no_grad():
            points = self.shaped.posed(rest, torch.zeros_like(self.transl[0])).extent()
        return float(points[:, 1].amax() - points[:, 1].amin())

    def boxes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some frames [n], evenly spread, and the least and the largest coordinates [n,3] of the avatar in them, m."""
        frames = evenly(len(self), SAMPLES)
        with torch.no_grad():
            clouds = [self.posed(int(frame)).extent() for frame in frames]
            ends = [torch.stack([cloud.amin(dim=0), cloud.amax(dim=0)]).cpu().numpy() for cloud in clouds]
        low, high = np.stack(ends, axis=1).astype(np.float64)
        return frames, low, high


def in_camera_frame(avatar: Avatar, poses: Poses, betas: torch.Tensor | None = None) -> Performance:
    """The avatar in poses that are in the frame of a camera already, such as those of its own video.

    Args:
        avatar: Who plays.
        poses: In that camera's frame, as ``AvatarArchive.poses`` are.
        betas: Shape [B], standard deviations; None for the avatar's own.
    """
    device = avatar.device
    with torch.no_grad():
        shaped = avatar.shaped(betas)
    values = (poses.global_orient, poses.body_pose, poses.transl)
    return Performance(
        avatar, shaped, *(torch.as_tensor(value, dtype=torch.float32, device=device) for value in values)
    )


def in_world_frame(avatar: Avatar, clip: Clip, betas: torch.Tensor | None = None) -> Performance:
    """The avatar in a motion, turned from the clip's world (y up, facing +z) into the performance's (y down, facing -z).

    The ground is y = 0 in both.

    Args:
        avatar: Who plays.
        clip: The motion, made for a body of this shape.
        betas: Shape [B], standard deviations; None for the avatar's own.
    """
    act = in_camera_frame(avatar, clip, betas)
    turn = Rotation.from_matrix(TO_WORLD)
    pelvis = act.shaped.joints[0].cpu().numpy()
    transl = (clip.transl + pelvis) @ TO_WORLD.T - pelvis
    orient = (turn * Rotation.from_rotvec(clip.global_orient)).as_rotvec()
    moved = (torch.as_tensor(value, dtype=torch.float32, device=act.transl.device) for value in (orient, transl))
    return replace(act, global_orient=next(moved), transl=next(moved))


def a_pose(avatar: Avatar, betas: torch.Tensor | None = None) -> Performance:
    """One frame of the avatar that stands on the ground, y = 0, with the arms lowered, and faces -z.

    Args:
        avatar: Who stands.
        betas: Shape [B], standard deviations; None for the avatar's own.
    """
    nowhere = np.zeros((1, 3), np.float32)
    act = in_world_frame(avatar, Clip(nowhere, pose_of(avatar.body.joint_names, A_POSE)[None], nowhere, fps=1.0), betas)
    _, _, high = act.boxes()
    lift = torch.tensor([0.0, float(high[0, 1]), 0.0], device=act.transl.device)
    return replace(act, transl=act.transl - lift)
