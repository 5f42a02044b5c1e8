"""What the fit looks for: rotations of groups of joints, translation and shape over all frames at once."""

from dataclasses import dataclass, field

import roma
import torch
from torch import Tensor

from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig

GROUPS = (
    "root", "left_hip", "right_hip", "spine", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_foot", "right_foot", "head", "left_collar", "right_collar", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "hands",
)  # fmt: skip
"""Joints that turn alike share one rotation: spine1 to spine3, neck and head. The hands' own joints stay at rest.

The fit sees any body on SMPL's ``J`` joints (``body.smpl_joints``), so fingers, jaw and eyes stay at rest too.
"""

GROUP = {name: index for index, name in enumerate(GROUPS)}
FREE = tuple(GROUP[name] for name in GROUPS if name != "hands")
LIMB_GROUPS = tuple(GROUP[name] for name in GROUPS if name.split("_")[-1] in ("hip", "knee", "shoulder", "elbow"))

_SHARED = {
    "pelvis": "root", "spine1": "spine", "spine2": "spine", "spine3": "spine", "neck": "head",
    "left_hand": "hands", "right_hand": "hands",
}  # fmt: skip
GROUP_OF_JOINT = torch.tensor([GROUP[_SHARED.get(name, name)] for name in SMPL_JOINTS])
"""Group [J] of each joint."""


@dataclass(frozen=True)
class Motion:
    """One person's motion over ``T`` frames, in the camera frame."""

    rotations: Tensor  # [T,G,3,3]
    """Of each group relative to its parent; the root's relative to the camera."""
    transl: Tensor  # [T,3] m
    betas: Tensor  # [B]
    zoom: Tensor = field(default_factory=lambda: torch.ones(()))
    """Factor on the camera's focal length."""

    def __len__(self) -> int:
        return len(self.transl)

    def joint_rotations(self) -> Tensor:
        """Rotations [T,J,3,3] of all joints."""
        return self.rotations[:, GROUP_OF_JOINT.to(self.rotations.device)]

    def points(self, rig: PointRig) -> tuple[Tensor, Tensor]:
        """Points [T,P,3] of a rig and joints [T,J,3] in every frame, m."""
        return rig.posed(self.betas, self.joint_rotations(), self.transl)

    def at(self, frames: Tensor) -> "Motion":
        """The motion of some frames only."""
        return Motion(self.rotations[frames], self.transl[frames], self.betas, self.zoom)

    def detach(self) -> "Motion":
        """The same numbers without their history, rotations put back onto SO(3) in double precision."""
        exact = roma.special_procrustes(self.rotations.detach().double()).to(self.rotations.dtype)
        return Motion(exact, self.transl.detach(), self.betas.detach(), self.zoom.detach())

    def camera(self, K: Tensor) -> Tensor:
        """The camera [3,3] with this motion's focal length."""
        return torch.cat([K[:, :2] * self.zoom, K[:, 2:]], dim=1)

    def rotvecs(self) -> Tensor:
        """Rotation vectors [T,J,3] of all joints."""
        return roma.rotmat_to_rotvec(self.joint_rotations().double()).float()


def log_map(rotations: Tensor) -> Tensor:
    """Rotation vectors [...,3]; the gradient is finite everywhere, and true away from half turns."""
    skew = torch.stack(
        [
            rotations[..., 2, 1] - rotations[..., 1, 2],
            rotations[..., 0, 2] - rotations[..., 2, 0],
            rotations[..., 1, 0] - rotations[..., 0, 1],
        ],
        dim=-1,
    )
    sine = (skew.square().sum(dim=-1) + 1e-12).sqrt() / 2
    cosine = (rotations.diagonal(dim1=-2, dim2=-1).sum(dim=-1) - 1) / 2
    return skew * (torch.atan2(sine, cosine) / (2 * sine)).unsqueeze(-1)


def project(points: Tensor, K: Tensor) -> Tensor:
    """Pixels [...,2] of camera points [...,3]; points at or behind the camera go to its near plane of 5 cm."""
    depth = points[..., 2:].clamp(min=0.05)
    homogeneous = torch.cat([points[..., :2] / depth, torch.ones_like(depth)], dim=-1)
    return homogeneous @ K[:2].T


def body_height(body: BodyModel, betas: Tensor) -> Tensor:
    """Height (m) of the rest pose from sole to crown, differentiable in ``betas``; needs the whole body."""
    height = body.shaped(betas)[0][:, 1]
    return height.max() - height.min()
