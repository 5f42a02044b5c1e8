"""Points of a body as what they are to its joints: exact skinning at a cost that no longer knows of vertices.

A point that is a fixed mixture of skinned vertices moves as the sum over joints of R_j a_j + w_j t_j, where a_j and w_j gather
the mixture's and the skin's weights once. Pose correctives act on the point as a whole, rotated by its blended rotation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel, check_betas


@dataclass(frozen=True)
class PointRig:
    """``P`` points on a body of ``J`` joints. Metres; rest pose as in ``BodyModel``."""

    parents: tuple[int, ...]
    joints: Tensor  # [J,3] of the template
    joints_shapedirs: Tensor  # [J,3,B]
    anchors: Tensor  # [P,J,3], rest places weighted by joint
    anchors_shapedirs: Tensor  # [P,J,3,B]
    weights: Tensor  # [P,J], rows sum to one
    posedirs: Tensor | None  # [P,3,9(J-1)]

    @classmethod
    def of_keypoints(cls, body: BodyModel) -> "PointRig":
        """The body's keypoints."""
        return cls.of(body, body.keypoint_vertices, body.keypoint_weights)

    @classmethod
    def of(cls, body: BodyModel, vertices: Tensor, mixture: Tensor) -> "PointRig":
        """Mixtures ``mixture`` [P,M] of the ``vertices`` [P,M] of a body."""
        shares = mixture[..., None] * body.lbs_weights[vertices]  # [P,M,J]
        posedirs = body.posedirs
        return cls(
            parents=body.parents,
            joints=body.J_regressor @ body.v_template,
            joints_shapedirs=torch.einsum("jv,vcb->jcb", body.J_regressor, body.shapedirs),
            anchors=torch.einsum("pmj,pmc->pjc", shares, body.v_template[vertices]),
            anchors_shapedirs=torch.einsum("pmj,pmcb->pjcb", shares, body.shapedirs[vertices]),
            weights=shares.sum(dim=1),
            posedirs=None if posedirs is None else torch.einsum("pm,pmcf->pcf", mixture, posedirs[vertices]),
        )

    @property
    def num_betas(self) -> int:
        """Number of shape components."""
        return self.joints_shapedirs.shape[-1]

    def at(self, points: Tensor) -> "PointRig":
        """Some of the points only."""
        return PointRig(
            self.parents, self.joints, self.joints_shapedirs, self.anchors[points], self.anchors_shapedirs[points],
            self.weights[points], None if self.posedirs is None else self.posedirs[points],
        )  # fmt: skip

    def rest(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Points [P,3] and joints [J,3] of the rest pose of ``betas`` [B]."""
        check_betas(len(betas), self.num_betas)
        points = (self.anchors + self.anchors_shapedirs[..., : len(betas)] @ betas).sum(dim=1)
        return points, self.joints + self.joints_shapedirs[..., : len(betas)] @ betas

    def posed(
        self,
        betas: Tensor,  # [B]
        rotations: Tensor,  # [T,J,3,3] of each joint relative to its parent
        transl: Tensor,  # [T,3] m
    ) -> tuple[Tensor, Tensor]:
        """Posed points [T,P,3] and joints [T,J,3]."""
        check_betas(len(betas), self.num_betas)
        anchors = self.anchors + self.anchors_shapedirs[..., : len(betas)] @ betas
        joints = self.joints + self.joints_shapedirs[..., : len(betas)] @ betas
        transforms = joint_transforms(rotations, joints, self.parents)
        turn, shift = transforms[..., :3, :3], transforms[..., :3, 3]
        rows = turn.permute(0, 2, 1, 3).flatten(2)  # [T,3,3J]
        points = (rows @ anchors.flatten(1).T).mT + self.weights @ shift
        if self.posedirs is not None:
            feature = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)
            offset = (feature @ self.posedirs.flatten(0, 1).T).unflatten(1, (-1, 3))
            blended = (self.weights @ turn.flatten(2)).unflatten(2, (3, 3))
            points = points + (blended @ offset[..., None])[..., 0]
        posed_joints = (turn @ joints[..., None])[..., 0] + shift
        return points + transl[:, None], posed_joints + transl[:, None]
