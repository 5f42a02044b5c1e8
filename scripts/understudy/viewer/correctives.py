"""Pose correctives in a small basis, as a page can play them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.splats import SplatAvatar
from understudy.body.lbs import pose_rotations
from understudy.evenly import evenly
from understudy.rendering.performance import Performance

RANK = 24
"""Directions of the correctives' basis."""
SAMPLES = 256
"""Poses at most from which it is made: its cost is by their square."""
FAINT = 1e-6
"""Directions whose square is less of the largest one's are rounding errors."""
CHUNK = 32
"""Poses whose correctives are in memory at once."""


@dataclass(frozen=True)
class Correctives:
    """Pose correctives as ``bends @ basis``: few directions, and how far each goes in each frame."""

    basis: np.ndarray  # [RANK,N,3], the largest entry of each direction is 1
    bends: list[np.ndarray]  # one [T,RANK] for each act, m


def correctives(avatar: SplatAvatar, count: int, acts: Sequence[Performance]) -> Correctives:
    """The basis that fits the poses of ``acts`` best, in least squares, and their coordinates in it.

    There are ``count`` Gaussians. By the eigenvectors of the sampled poses' products with one another; zeros for a body
    without correctives.
    """
    turns = [pose_rotations(act.global_orient, act.body_pose) for act in acts]
    one = avatar.pose_offsets_of(turns[0][:1])
    if one is None:
        return Correctives(np.zeros((RANK, count, 3), np.float32), [np.zeros((len(act), RANK)) for act in acts])
    together = torch.cat(turns)
    few = evenly(len(together), SAMPLES)
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


def _offsets(avatar: SplatAvatar, rotations: Tensor) -> Tensor:
    """Correctives [T,3N] of poses, m."""
    offsets = avatar.pose_offsets_of(rotations)
    assert offsets is not None
    return offsets.flatten(1)
