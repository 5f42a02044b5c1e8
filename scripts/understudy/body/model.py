"""A body of SMPL format: shape space, joints, skinning, keypoints, UV and parts.

World axes are whatever the caller's ``global_orient`` and ``transl`` make them; the rest pose is a T-pose with
y up, facing +z, left at +x, as in SMPL. All lengths in metres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.body.joints import joint_index, pose_of
from understudy.body.lbs import joint_transforms, pose_rotations, skin
from understudy.body.pose_offsets import PoseOffsets
from understudy.errors import InputError

PARTS = (
    "inside", "hair", "face", "neck", "torso", "left_arm", "right_arm", "left_hand", "right_hand",
    "left_leg", "right_leg", "left_foot", "right_foot",
)  # fmt: skip
"""Body parts of faces; ``inside`` is never seen (mouth cavity, tongue)."""


@dataclass(frozen=True)
class BodyOutput:
    """A posed body."""

    vertices: Tensor  # [T,V,3] m
    joints: Tensor  # [T,J,3] m
    transforms: Tensor  # [T,J,4,4]
    """From the rest pose of the shaped body to the posed one, ``transl`` included."""


@dataclass(frozen=True)
class BodyModel:
    """A body model of ``J`` joints, named as in ``body.joints``; :func:`load_body` reads one from a file.

    At rest it stands in a T-pose: metres, y up, facing +z, the left at +x. Components of the shape are in standard deviations.
    """

    name: str
    sha256: str
    free: bool
    """Whether the body's data may be given away inside an avatar."""
    v_template: Tensor  # [V,3]
    shapedirs: Tensor  # [V,3,B]
    posedirs: Tensor | None  # [V,3,9(J-1)]; None for no pose correctives
    J_regressor: Tensor  # [J,V]
    lbs_weights: Tensor  # [V,J]
    joint_names: tuple[str, ...]  # [J], as in ``body.joints``
    parents: tuple[int, ...]  # [J], -1 at the root
    faces: np.ndarray  # [F,3] int32
    vt: np.ndarray  # [VT,2] float32, u right, v up
    ft: np.ndarray  # [F,3] int32
    parts: np.ndarray  # [F] uint8, index into PARTS
    keypoint_names: tuple[str, ...]  # [K]
    keypoint_vertices: Tensor  # [K,M] int64
    keypoint_weights: Tensor  # [K,M], rows sum to one
    licence: str = ""
    """Whose the body is and under which terms it may be given away."""

    @property
    def num_betas(self) -> int:
        """Number of shape components."""
        return self.shapedirs.shape[-1]

    @property
    def rest_rotations(self) -> Tensor:
        """Rotations [J,3,3] of the rest pose."""
        return torch.eye(3).expand(len(self.joint_names), 3, 3)

    def rotations_of(self, turns: Mapping[str, Sequence[float]]) -> Tensor:
        """Rotations [J,3,3] of a pose as ``joints.pose_of`` takes it."""
        return pose_rotations(torch.zeros(1, 3), torch.from_numpy(pose_of(self.joint_names, turns))[None])[0]

    def joint(self, name: str) -> int:
        """Index of a joint, as ``joints.joint_index`` finds it.

        Raises:
            InputError: There is no such joint.
        """
        return joint_index(self.joint_names, name)

    @cached_property
    def pose_offsets(self) -> PoseOffsets | None:
        """``posedirs``, ready to be applied; None where the body has none."""
        return None if self.posedirs is None else PoseOffsets(self.posedirs)

    def to(self, device: torch.device | str) -> "BodyModel":
        """The same body on another device."""
        moved: dict[str, Any] = {
            key: value.to(device) for key, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def shaped(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Rest vertices [...,V,3] and joints [...,J,3], m, of ``betas`` [...,B]; components that are left out are zero.

        Raises:
            InputError: There are more ``betas`` than the body has.
        """
        check_betas(betas.shape[-1], self.num_betas)
        vertices = self.v_template + torch.einsum("vcb,...b->...vc", self.shapedirs[..., : betas.shape[-1]], betas)
        return vertices, torch.einsum("jv,...vc->...jc", self.J_regressor, vertices)

    def __call__(
        self,
        betas: Tensor,  # [B] or [T,B]
        global_orient: Tensor,  # [T,3] axis-angle, about the pelvis
        body_pose: Tensor,  # [T,3(J-1)] axis-angle
        transl: Tensor,  # [T,3] m
    ) -> BodyOutput:
        """The body of a shape in ``T`` poses; ``global_orient`` and ``transl`` decide what its world's axes are."""
        return self.posed(betas, pose_rotations(global_orient, body_pose), transl)

    def posed(
        self,
        betas: Tensor,  # [B] or [T,B]
        rotations: Tensor,  # [T,J,3,3] of each joint relative to its parent
        transl: Tensor,  # [T,3] m
    ) -> BodyOutput:
        """The same, by rotation matrices."""
        rest_vertices, rest_joints = self.shaped(betas)
        transforms = joint_transforms(rotations, rest_joints, self.parents)
        transforms = torch.cat(
            [transforms[..., :3], (transforms[..., 3] + _as_point(transl)[:, None]).unsqueeze(-1)], dim=-1
        )
        if self.pose_offsets is not None:
            rest_vertices = rest_vertices + self.pose_offsets(rotations)
        vertices = skin(rest_vertices, self.lbs_weights, transforms)
        joints = torch.einsum("tjab,tjb->tja", transforms[..., :3, :3], rest_joints.expand(len(transforms), -1, -1))
        return BodyOutput(vertices, joints + transforms[..., :3, 3], transforms)

    def keypoints(self, vertices: Tensor) -> Tensor:
        """Keypoints [T,K,3] of posed ``vertices`` [T,V,3], in the frame of these."""
        return (vertices[:, self.keypoint_vertices] * self.keypoint_weights[..., None]).sum(dim=-2)

    def keypoint_body(self) -> "BodyModel":
        """A body of only those vertices that the keypoints need: many times faster where no surface is wanted.

        The joints ride along as more points, so the shape still moves them; faces, UV and parts are empty.
        """
        used, place = torch.unique(self.keypoint_vertices, return_inverse=True)
        joints_template = self.J_regressor @ self.v_template
        joints_shapedirs = torch.einsum("jv,vcb->jcb", self.J_regressor, self.shapedirs)
        count, joints = len(used), len(joints_template)
        posedirs = self.posedirs
        if posedirs is not None:
            posedirs = torch.cat([posedirs[used], torch.zeros_like(posedirs[:joints])])
        return replace(
            self,
            v_template=torch.cat([self.v_template[used], joints_template]),
            shapedirs=torch.cat([self.shapedirs[used], joints_shapedirs]),
            posedirs=posedirs,
            J_regressor=torch.cat([torch.zeros(joints, count), torch.eye(joints)], dim=1).to(self.J_regressor),
            lbs_weights=torch.cat([self.lbs_weights[used], torch.eye(joints).to(self.lbs_weights)]),
            faces=self.faces[:0],
            ft=self.ft[:0],
            parts=self.parts[:0],
            keypoint_vertices=place,
        )


def check_betas(given: int, known: int) -> None:
    """Refuse more shape components than the ``known`` ones of a body.

    Raises:
        InputError: There are more.
    """
    if given > known:
        raise InputError(f"The body has {known} shape components but {given} betas are given; leave out the rest.")


def _as_point(transl: Tensor) -> Tensor:
    """Homogeneous translation [T,4] with zero last row, to be added to a 4x4's last column."""
    return torch.cat([transl, torch.zeros_like(transl[:, :1])], dim=-1)
