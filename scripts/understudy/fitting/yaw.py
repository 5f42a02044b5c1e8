"""The yaw of an upright person from 2D points alone, for keypoints that come without a 3D guess."""

import numpy as np
import roma
import torch
from torch import Tensor

from understudy.fitting.evidence import Evidence

STEPS = 24
_TORSO = ("shoulder", "hip")
_FACING = ("nose", "toe", "heel", "eye", "ear")
_TURN_RATE = 4.0  # rad/s, standard deviation


def upright_yaw(evidence: Evidence, rest: Tensor) -> Tensor:
    """Root rotations [T,3,3] of an upright body: the best path through a fan of yaws (Viterbi).

    Each yaw is scored by how well the rest pose's torso, face and feet, shifted and scaled, explain the picture; steps
    in time cost by their angle. Face and feet tell which side of the profile the person is on.

    Args:
        evidence: What was seen.
        rest: Keypoints of the rest pose [P,3].
    """
    angles = torch.arange(STEPS) * (2 * torch.pi / STEPS)
    up = torch.tensor([torch.pi, 0.0, 0.0])  # y up, facing +z -> y down, facing the camera
    turns = roma.rotvec_to_rotmat(up) @ roma.rotvec_to_rotmat(angles[:, None] * torch.tensor([0.0, 1.0, 0.0]))
    flat = (rest @ turns.mT)[..., :2]  # [A,P,2]
    torso = torch.tensor([any(part in name for part in _TORSO) for name in evidence.names])
    facing = torch.tensor([any(part in name for part in _FACING) for name in evidence.names])
    cost = _misfit(evidence, flat, torso, per_part=False) + 0.5 * _misfit(evidence, flat, facing, per_part=True)
    step = (angles[:, None] - angles[None] + torch.pi) % (2 * torch.pi) - torch.pi
    change = (step * evidence.fps / _TURN_RATE).square().clamp(max=50.0)
    return turns[best_path(cost.double().numpy(), change.double().numpy())]


def _misfit(evidence: Evidence, flat: Tensor, rows: Tensor, per_part: bool) -> Tensor:
    """Squared misfit [T,A] in units of 5 % of the size, of the points in ``rows`` after shift and scale by the torso.

    With ``per_part`` the points are compared relative to the mean of their own part of the body (feet, face).
    """
    weights = evidence.weights * rows
    groups = [rows]
    if per_part:
        feet = torch.tensor(["toe" in name or "heel" in name for name in evidence.names])
        left = torch.tensor(["left" in name for name in evidence.names])
        groups = [rows & feet & left, rows & feet & ~left, rows & ~feet]
    size = (evidence.points * (evidence.weights > 0)[..., None]).amax(dim=1)[:, 1]
    low = torch.where(evidence.weights > 0, evidence.points[..., 1], torch.inf).amin(dim=1)
    scale = ((size - low) / 1.6).clamp(min=1e-3).nan_to_num(1.0, posinf=1.0)  # px a metre
    total = torch.zeros(len(evidence), len(flat))
    for group in groups:
        share = weights * group
        norm = share.sum(dim=1).clamp(min=1e-6)
        seen = evidence.points - ((share[..., None] * evidence.points).sum(dim=1) / norm[:, None])[:, None]
        model = flat[None] - torch.einsum("tp,apc->tac", share / norm[:, None], flat)[:, :, None]
        error = (seen[:, None] / scale[:, None, None, None] - model).square().sum(dim=-1)
        total += (share[:, None] * (error / 0.08**2).clamp(max=25.0)).sum(dim=-1)
    return total


def best_path(cost: np.ndarray, change: np.ndarray) -> np.ndarray:
    """States [T] of the least sum of ``cost`` [T,A] and ``change`` [A,A] or [T-1,A,A] between neighbours (Viterbi)."""
    best, back = cost[0], []
    for now, step in zip(cost[1:], np.broadcast_to(change, (len(cost) - 1, *change.shape[-2:])), strict=True):
        total = best[:, None] + step
        back.append(total.argmin(axis=0))
        best = total.min(axis=0) + now
    path = [int(best.argmin())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return np.array(path[::-1])
