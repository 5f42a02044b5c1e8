"""How people hold themselves: a mixture of Gaussians over the rotation vectors of the joints, learned from motion capture.

Source: Bogo et al., Keep it SMPL (ECCV 2016), section 3.2, there on SMPL's poses and with the nearest component alone.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.body.joints import SMPL_JOINTS
from understudy.fitting.motion import GROUP, GROUP_OF_JOINT, GROUPS, log_map
from understudy.formats import skeleton

PRIOR_GROUPS = tuple(name for name in GROUPS if name.split("_")[-1] not in ("root", "hands", "foot", "wrist"))
"""What the prior speaks of: motion capture says little of wrists and toes."""

_COLUMNS = [GROUP[name] for name in PRIOR_GROUPS]
_JOINTS_OF_GROUPS = [GROUP_OF_JOINT.tolist().index(group) for group in _COLUMNS]
_OTHER = skeleton.mirrored(PRIOR_GROUPS).tolist()
_MIRROR = torch.tensor([1.0, -1.0, -1.0])

ANYTHING = 0.05
"""Share of a last, wide component: a pose that motion capture never saw is unlikely, not impossible."""


@dataclass(frozen=True)
class PosePrior:
    """A mixture of ``M`` Gaussians in ``D`` = 3 x the number of ``PRIOR_GROUPS`` dimensions."""

    means: Tensor  # [M,D] rad
    whitening: Tensor  # [M,D,D], lower triangular inverses of the covariances' Cholesky factors
    log_weights: Tensor  # [M], with the Gaussians' own normalisation

    def energy(self, rotations: Tensor) -> Tensor:
        """Twice the negative log-likelihood of rotations [T,G,3,3], about 0 at the likeliest component's mean, [T]."""
        away = log_map(rotations[:, _COLUMNS]).flatten(1)[:, None] - self.means
        squared = torch.einsum("mij,tmj->tmi", self.whitening, away).square().sum(dim=-1)
        return -2.0 * torch.logsumexp(self.log_weights - self.log_weights.max() - squared / 2, dim=1)

    def log_likelihood(self, poses: Tensor) -> Tensor:
        """Log density [N] of poses [N,D], rad."""
        squared = torch.einsum("mij,nmj->nmi", self.whitening, poses[:, None] - self.means).square().sum(dim=-1)
        constant = poses.shape[1] / 2 * np.log(2 * np.pi)
        return torch.logsumexp(self.log_weights - squared / 2, dim=1) - constant


@cache
def shipped_prior() -> PosePrior:
    """The prior that comes with the library (``tools/build_pose_prior.py`` makes it)."""
    with files(__package__).joinpath("pose_prior.npz").open("rb") as file, np.load(file) as arrays:
        return prior_of(arrays)


def features_of(body_pose: np.ndarray) -> Tensor:
    """Poses [N,D] of SMPL's ``body_pose`` [N,3(J-1)]."""
    joints = torch.from_numpy(np.ascontiguousarray(body_pose, np.float32)).reshape(len(body_pose), -1, 3)
    return joints[:, [joint - 1 for joint in _JOINTS_OF_GROUPS]].flatten(1)


def mirrored(poses: Tensor) -> Tensor:
    """Poses [N,D] with left and right exchanged."""
    return (poses.unflatten(1, (-1, 3))[:, _OTHER] * _MIRROR).flatten(1)


def learn_prior(poses: Tensor, components: int, apart: float, floor: float, seed: int) -> dict[str, np.ndarray]:
    """Learn the mixture by expectation maximisation.

    Args:
        poses: Of motion capture [N,D], rad; their mirror images are added.
        components: Number of Gaussians beside the wide one.
        apart: Poses nearer to one another than this (rad, Euclidean) count once, so that hours of walking do not
            outvote all else.
        floor: Standard deviation (rad) that every direction has at least.
        seed: Of the order of poses and the first means.

    Returns:
        Arrays of ``pose_prior.npz``: ``weights`` [M], ``means`` [M,D], ``covariances`` [M,D(D+1)/2] (lower triangles).
    """
    generator = torch.Generator().manual_seed(seed)
    everything = torch.cat([poses, mirrored(poses)]).double()
    sample = _apart(everything[torch.randperm(len(everything), generator=generator)], apart)
    least = floor**2 * torch.eye(sample.shape[1], dtype=torch.float64)
    share = _clusters(sample, components, generator)
    for _ in range(100):
        total = share.sum(dim=0) + 1e-9
        weights, means = total / total.sum(), share.T @ sample / total[:, None]
        away = sample[:, None] - means
        covariances = torch.einsum("nm,nmi,nmj->mij", share, away, away) / total[:, None, None] + least
        mixture = _prior(weights, means, covariances)
        squared = torch.einsum("mij,nmj->nmi", mixture.whitening.double(), away).square().sum(dim=-1)
        share = torch.softmax(mixture.log_weights.double() - squared / 2, dim=1)
    wide = 2.0 * torch.cov(sample.T) + 0.09 * torch.eye(sample.shape[1], dtype=torch.float64)
    weights = torch.cat([weights * (1 - ANYTHING), torch.tensor([ANYTHING], dtype=torch.float64)])
    means = torch.cat([means, sample.mean(dim=0, keepdim=True)])
    covariances = torch.cat([covariances, wide[None]])
    rows, columns = torch.tril_indices(*covariances.shape[1:])
    return {
        "weights": weights.float().numpy(),
        "means": means.float().numpy(),
        "covariances": covariances[:, rows, columns].float().numpy(),
        "groups": np.array(PRIOR_GROUPS),
        "joints": np.array([SMPL_JOINTS[joint] for joint in _JOINTS_OF_GROUPS]),
    }


def prior_of(arrays: Any) -> PosePrior:
    """The prior of arrays as ``learn_prior`` gives them."""
    lower = torch.from_numpy(arrays["covariances"]).double()
    size = arrays["means"].shape[1]
    covariances = torch.zeros(len(lower), size, size, dtype=torch.float64)
    rows, columns = torch.tril_indices(size, size)
    covariances[:, rows, columns] = covariances[:, columns, rows] = lower
    return _prior(torch.from_numpy(arrays["weights"]), torch.from_numpy(arrays["means"]), covariances)


def _prior(weights: Tensor, means: Tensor, covariances: Tensor) -> PosePrior:
    factors = torch.linalg.cholesky(covariances)
    whitening = torch.linalg.solve_triangular(factors, torch.eye(means.shape[1], dtype=torch.float64), upper=False)
    log_weights = weights.double().log() - factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    return PosePrior(means.float(), whitening.float(), log_weights.float())


def _apart(poses: Tensor, distance: float) -> Tensor:
    """A subset in which no two poses are nearer than ``distance``, taken in order."""
    kept = poses[:1]
    for chunk in poses[1:].split(256):
        far = chunk[torch.cdist(chunk, kept).amin(dim=1) > distance]
        while len(far):
            kept = torch.cat([kept, far[:1]])
            far = far[(far - far[0]).norm(dim=1) > distance]
    return kept


def _clusters(sample: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """To which of ``count`` clusters each pose belongs, [N,count] of 0 and 1.

    Source: k-means++ (Arthur and Vassilvitskii, SODA 2007) and a few of Lloyd's steps.
    """
    means = sample[torch.randint(len(sample), (1,), generator=generator)]
    while len(means) < count:
        nearest = torch.cdist(sample, means).amin(dim=1).square()
        means = torch.cat([means, sample[torch.multinomial(nearest, 1, generator=generator)]])
    belongs = torch.zeros(len(sample), count, dtype=sample.dtype)
    for _ in range(20):
        belongs = torch.nn.functional.one_hot(torch.cdist(sample, means).argmin(dim=1), count).to(sample)
        total = belongs.sum(dim=0)[:, None]
        means = torch.where(total > 0, belongs.T @ sample / total.clamp(min=1.0), means)
    return belongs
