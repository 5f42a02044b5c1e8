"""Quaternions (w, x, y, z), differentiable and in any precision, and their blending in skinning."""

import roma
import torch
from torch import Tensor


def rotation_matrices(quats: Tensor) -> Tensor:
    """Rotations [N,3,3] of quaternions [N,4] wxyz of any length."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product [...,4]: the rotation ``b`` followed by ``a``."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        dim=-1,
    )


def from_matrix(rotations: Tensor) -> Tensor:
    """Quaternions [...,4] of rotation matrices [...,3,3]."""
    return roma.rotmat_to_unitquat(rotations).roll(1, dims=-1)


def blend(
    quats: Tensor,  # [J,4] rotation of each joint
    weights: Tensor,  # [N,J], rows sum to one
    dominant: Tensor,  # [N] the joint of the largest weight
) -> Tensor:
    """Weighted mean rotations [N,4], unit length.

    Each joint's quaternion is first turned to the half-space of the dominant joint's, since q and -q are one rotation.
    The mean stays a rotation, so skinned Gaussians are never sheared, and unlike projecting the blended matrix it
    needs no singular value decomposition, whose gradient breaks down where two singular values meet.
    Source: Gramkow, On Averaging Rotations (2001), section 3.
    """
    signs = torch.where(quats @ quats.T < 0, -1.0, 1.0)[dominant]
    return torch.nn.functional.normalize((weights * signs) @ quats, dim=-1)


def turned(quats: Tensor, vectors: Tensor) -> Tensor:
    """Vectors [...,3] turned by unit quaternions [...,4]."""
    w, axis = quats[..., :1], quats[..., 1:]
    across = 2.0 * torch.linalg.cross(axis, vectors)
    return vectors + w * across + torch.linalg.cross(axis, across)
