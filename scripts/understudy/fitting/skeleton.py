"""How points of a posed body move with rotations, translation, shape and focal length: derivatives in closed form.

Points turn about a joint with the share of their skin's weights that it carries, as a whole: exact where one joint
carries all of it, and near enough elsewhere for curvature, which decides only how fast the fit converges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from understudy.body.rig import PointRig
from understudy.fitting.least_squares import Quadratic
from understudy.fitting.motion import GROUP_OF_JOINT, Motion


@dataclass(frozen=True)
class Skeleton:
    """A posed skeleton and what moves it. Places are relative to ``transl``, m."""

    motion: Motion
    groups: tuple[int, ...]  # those that may turn, G of them
    turn: Tensor  # [T,J,3,3]
    joints: Tensor  # [T,J,3]
    joints_by_shape: Tensor  # [T,J,3,B]
    shift: Tensor  # [T,J,3], of the transforms of the rest pose
    shift_by_shape: Tensor  # [T,J,3,B]
    below: Tensor  # [J,J], 1 where the column's joint is the row's or hangs on it
    turning: tuple[int, ...]
    """The joints that may turn: the first of each group, then all others."""
    zooms: bool
    """Whether the focal length may change."""

    @classmethod
    def of(
        cls, motion: Motion, rig: PointRig, groups: Sequence[int], num_betas: int, zooms: bool = False
    ) -> "Skeleton":
        """The skeleton of a ``motion`` whose ``groups`` and leading ``num_betas`` shape components may change."""
        rotations = motion.joint_rotations()
        rest = rig.joints + rig.joints_shapedirs[..., : len(motion.betas)] @ motion.betas
        slope = rig.joints_shapedirs[..., :num_betas]
        turn, joints = [rotations[:, 0]], [rest[0].expand(len(motion), -1)]
        by_shape, below = [slope[0].expand(len(motion), -1, -1)], torch.eye(len(rig.parents))
        for joint, parent in enumerate(rig.parents[1:], start=1):
            joints.append(joints[parent] + turn[parent] @ (rest[joint] - rest[parent]))
            by_shape.append(by_shape[parent] + turn[parent] @ (slope[joint] - slope[parent]))
            turn.append(turn[parent] @ rotations[:, joint])
        for joint in range(len(rig.parents) - 1, 0, -1):
            below[rig.parents[joint]] += below[joint]
        turns, places, places_by_shape = torch.stack(turn, 1), torch.stack(joints, 1), torch.stack(by_shape, 1)
        return cls(
            motion=motion,
            groups=tuple(groups),
            turn=turns,
            joints=places,
            joints_by_shape=places_by_shape,
            shift=places - (turns @ rest[..., None])[..., 0],
            shift_by_shape=places_by_shape - turns @ slope,
            below=below,
            turning=_turning(groups),
            zooms=zooms,
        )

    def __len__(self) -> int:
        return len(self.motion)

    @property
    def num_betas(self) -> int:
        """Number of shape components that may change."""
        return self.shift_by_shape.shape[-1]

    def at(self, frames: Tensor) -> "Skeleton":
        """The skeleton of some frames only."""
        return Skeleton(
            self.motion.at(frames), self.groups, self.turn[frames], self.joints[frames], self.joints_by_shape[frames],
            self.shift[frames], self.shift_by_shape[frames], self.below, self.turning, self.zooms,
        )  # fmt: skip

    def quadratic(self) -> Quadratic:
        """No curvature yet, of the right size."""
        return Quadratic.zeros(len(self), len(self.groups), self.num_betas + self.zooms)

    def points(self, rig: PointRig) -> Tensor:
        """Points [T,P,3] of a rig, relative to ``transl``; without pose correctives."""
        anchors = rig.anchors + rig.anchors_shapedirs[..., : len(self.motion.betas)] @ self.motion.betas
        rows = self.turn.permute(0, 2, 1, 3).flatten(2)
        return (rows @ anchors.flatten(1).T).mT + rig.weights @ self.shift

    def rows(self, points: Tensor, carried: Tensor, directions: Tensor) -> Tensor:
        """Derivatives [T,N,n] of the places of points along directions by the frames' unknowns.

        A turn by w about a joint at c moves a point at p by w x (p - c): along a by w . ((p - c) x a).

        Args:
            points: Relative to ``transl`` [T,N,3].
            carried: Share of each point that moves with each joint [N,J] or [T,N,J].
            directions: Any vectors [T,N,3].
        """
        order, num_groups = self.turning, len(self.groups)
        turn = self.turn[:, order].mT
        about = torch.cat([turn, -turn @ skew(self.joints[:, order])], dim=-1).flatten(1, 2)  # [T,joints*3,6]
        wrench = torch.cat([torch.linalg.cross(points, directions), directions], dim=-1)
        torque = (wrench @ about.mT).unflatten(2, (-1, 3))
        torque *= carried[..., order, None]
        rows = torque.new_empty(*points.shape[:2], 3 * num_groups + 3)
        turns = rows[..., :-3].unflatten(2, (num_groups, 3))
        turns.copy_(torque[:, :, :num_groups])
        for place, joint in enumerate(order[num_groups:], start=num_groups):
            turns[:, :, self.groups.index(int(GROUP_OF_JOINT[joint]))] += torque[:, :, place]
        rows[..., -3:] = directions
        return rows

    def point_rows(self, rig: PointRig, points: Tensor, which: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives [T,N,n] and [T,N,S] of points of a rig along directions.

        Args:
            rig: The points' rig.
            points: From ``points`` [T,P,3].
            which: Points wanted [N] or [T,N].
            directions: Any vectors [T,N,3].
        """
        weights = rig.weights[which]
        index = which.expand(len(self), -1)[..., None].expand(-1, -1, 3)
        places = torch.gather(points, 1, index)
        rows = self.rows(places, weights @ self.below.T, directions)
        slope = rig.anchors_shapedirs[..., : self.num_betas].sum(dim=1)[which]  # of the rest pose
        blended = (weights @ self.turn.flatten(2)).unflatten(2, (3, 3))
        inward = (directions[..., None, :] @ blended)[..., 0, :]
        spread = (weights[..., None] * directions[..., None, :]).flatten(2)  # [T,N,3J]
        by_shape = (inward[..., None, :] @ slope)[..., 0, :] + spread @ self.shift_by_shape.flatten(1, 2)
        return rows, self._shared(by_shape, directions)

    def joint_rows(self) -> tuple[Tensor, Tensor]:
        """Derivatives [T,3J,n] and [T,3J,S] of the joints' x, y and z."""
        places = self.joints.repeat_interleave(3, dim=1)
        axes = torch.eye(3).repeat(self.joints.shape[1], 1).expand(len(self), -1, -1)
        carried = self.below.T.repeat_interleave(3, dim=0)
        return self.rows(places, carried, axes), self._shared(self.joints_by_shape.flatten(1, 2), axes)

    def transl_rows(self) -> tuple[Tensor, Tensor]:
        """Derivatives [T,3,n] and [T,3,S] of the translation."""
        axes = torch.eye(3).expand(len(self), -1, -1)
        rows = torch.cat([torch.zeros(len(self), 3, 3 * len(self.groups)), axes], dim=-1)
        return rows, self._shared(torch.zeros(len(self), 3, self.num_betas), axes)

    def _shared(self, by_shape: Tensor, directions: Tensor) -> Tensor:
        if not self.zooms:
            return by_shape
        return torch.cat([by_shape, directions[..., 2:] * self.motion.transl[:, None, 2:]], dim=-1)


def skew(vectors: Tensor) -> Tensor:
    """Matrices [...,3,3] of the cross product with vectors [...,3]."""
    x, y, z = vectors.unbind(dim=-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))


def _turning(groups: Sequence[int]) -> tuple[int, ...]:
    owner = GROUP_OF_JOINT.tolist()
    first = [owner.index(group) for group in groups]
    return (*first, *(joint for joint, group in enumerate(owner) if group in groups and joint not in first))
