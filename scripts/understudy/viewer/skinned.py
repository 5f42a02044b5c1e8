"""The avatar as a page can play it: its Gaussians with few joints each, and pose correctives in a small basis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.model import Avatar, Rest
from understudy.avatar.rotations import product
from understudy.body.lbs import pose_rotations
from understudy.export.splats import albedo, quat_matrices
from understudy.rendering.stage import Performance

BONES = 8
"""Joints of a Gaussian: with fewer, some near the waist and the shoulders would be centimetres off."""
RANK = 24
"""Directions of the correctives' basis."""
SAMPLES = 256
"""Poses at most from which it is made: its cost is by their square."""
FAINT = 1e-6
"""Directions whose square is less of the largest one's are rounding errors."""
CHUNK = 32
"""Poses whose correctives are in memory at once."""


@dataclass(frozen=True)
class Skinned:
    """Gaussians in the rest pose, and what moves them.

    A Gaussian's rest mean and corrective go by linear blending of its joints' transforms; its offset, axes and
    normal are turned by the weighted mean of the joints' quaternions on the first joint's side, as in ``Avatar``.
    """

    means: np.ndarray  # [N,3] m
    offsets: np.ndarray  # [N,3] m
    quats: np.ndarray  # [N,4] wxyz
    normals: np.ndarray  # [N,3] unit, of the surface, for the light
    scales: np.ndarray  # [N,3] m
    opacities: np.ndarray  # [N] 0..1
    colors: np.ndarray  # [N,3] sRGB 0..1, without the light
    bones: np.ndarray  # [N,BONES] uint8, of the largest weights, the largest first
    weights: np.ndarray  # [N,BONES], rows sum to one
    sh: np.ndarray  # [N,9]
    """Vectors for red, green and blue, whose product with the direction from the camera is added to the colours."""

    def __len__(self) -> int:
        return len(self.means)


def skinned(avatar: Avatar, rest: Rest) -> Skinned:
    """The Gaussians on a rest shape, with what is constant folded together."""
    with torch.no_grad():
        frames = torch.from_numpy(quat_matrices(rest.quats.numpy())).float()
        quats = product(rest.quats, torch.nn.functional.normalize(avatar.quats, dim=-1))
        offsets = (frames @ (avatar.offsets * rest.size[:, None])[..., None])[..., 0]
        scales = avatar.log_scales.exp() * rest.size[:, None]
        weights = avatar.blend_weights()
        # the first one's side counts in blending
        first = torch.nn.functional.one_hot(avatar.dominant, weights.shape[1])
        bones = (weights + first).topk(BONES, dim=1).indices
        weights = weights.gather(1, bones)
        weights = weights / weights.sum(dim=1, keepdim=True)
        opacities = avatar.opacity_logits.sigmoid()
        sh = torch.zeros(len(avatar), 3, 3) if avatar.sh is None else avatar.sh
        return Skinned(
            rest.means.numpy(), offsets.numpy(), quats.numpy(), frames[..., 2].numpy(), scales.numpy(), opacities.numpy(),
            albedo(avatar).numpy(), bones.numpy().astype(np.uint8), weights.numpy(), sh.flatten(1).numpy(),
        )  # fmt: skip


@dataclass(frozen=True)
class Correctives:
    """Pose correctives as ``bends @ basis``: few directions, and how far each goes in each frame."""

    basis: np.ndarray  # [RANK,N,3], the largest entry of each direction is 1
    bends: list[np.ndarray]  # one [T,RANK] for each act, m


def correctives(avatar: Avatar, acts: Sequence[Performance]) -> Correctives:
    """The basis that fits the poses of ``acts`` best, in least squares, and their coordinates in it.

    By the eigenvectors of the sampled poses' products with one another; zeros for a body without correctives.
    """
    count = len(avatar)
    if avatar.pose_offsets is None:
        return Correctives(np.zeros((RANK, count, 3), np.float32), [np.zeros((len(act), RANK)) for act in acts])
    turns = [pose_rotations(act.global_orient, act.body_pose) for act in acts]
    together = torch.cat(turns)
    few = np.linspace(0, len(together) - 1, min(len(together), SAMPLES)).round().astype(int)
    with torch.no_grad():
        samples = _offsets(avatar, together[few])
        squares, mixtures = torch.linalg.eigh((samples @ samples.T).double())
        kept = min(RANK, max(1, int((squares > FAINT * squares[-1]).sum())))
        lengths = squares[-kept:].flip(0).clamp_min(1e-16).sqrt()
        axes = (mixtures[:, -kept:].flip(1) / lengths).float().T @ samples  # [kept,3N], orthonormal
        peaks = axes.abs().amax(dim=1).clamp_min(1e-12)
        bends = [
            torch.cat([_offsets(avatar, part) @ axes.T * peaks for part in act.split(CHUNK)]).numpy() for act in turns
        ]
        basis = np.zeros((RANK, count, 3), np.float32)
        basis[:kept] = (axes / peaks[:, None]).view(kept, count, 3).numpy()
    return Correctives(basis, [np.pad(bend, ((0, 0), (0, RANK - kept))) for bend in bends])


def _offsets(avatar: Avatar, rotations: Tensor) -> Tensor:
    """Correctives [T,3N] of poses, m."""
    assert avatar.pose_offsets is not None
    return avatar.pose_offsets(rotations).flatten(1)
