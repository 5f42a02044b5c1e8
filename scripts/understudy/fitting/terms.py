"""How well a motion explains what was seen: 2D points, directions of bones, all robust."""

from dataclasses import dataclass

import torch
from torch import Tensor

from understudy.body.model import BodyModel
from understudy.fitting.evidence import Evidence
from understudy.fitting.motion import Motion, project
from understudy.fitting.priors import USUAL_HEIGHT, limit_energy, shape_energy, smoothness_energy, stance_energy

REPROJECTION_SIGMA = 0.012
"""Standard deviation of a keypoint, as a share of the person's height."""

DIRECTION_SIGMA = 0.35
"""Standard deviation of the direction (rad) of a bone in the backend's 3D guess."""

HEIGHT_SIGMA = 0.002  # m

_BONES = (
    ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"), ("mid_hip", "neck"),
    ("left_hip", "left_shoulder"), ("right_hip", "right_shoulder"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"), ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"), ("left_heel", "left_big_toe"), ("right_heel", "right_big_toe"),
    ("left_ear", "nose"), ("right_ear", "nose"), ("left_wrist", "left_index"), ("right_wrist", "right_index"),
)  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """The energy of a motion given the evidence; every term is in squared standard deviations, summed over frames."""

    evidence: Evidence
    body: BodyModel
    """Best a ``keypoint_body``."""
    size_px: Tensor  # [T]
    """Height of the person in the picture."""
    smoothness: float
    robustness: float
    """Beyond so many standard deviations a point counts as wrong (Geman-McClure)."""
    height_m: float | None
    crown_and_sole: tuple[Tensor, Tensor]
    """Template height [2] (m) and shape directions [2,B] of the crown and the sole."""

    def energy(self, motion: Motion) -> Tensor:
        """Sum of all terms."""
        posed = motion.pose(self.body)
        points = self.body.keypoints(posed.vertices)[:, self.evidence.body_points]
        total = self.reprojection(points) + self.directions(points)
        total = total + limit_energy(motion.rotations) + stance_energy(motion.rotations)
        total = total + self.smoothness * smoothness_energy(motion, posed.joints, self.evidence.fps)
        template, directions = self.crown_and_sole
        height = (template + directions @ motion.betas).diff()[0]
        if self.height_m is None:
            return total + shape_energy(motion.betas, height, len(motion))
        known = len(motion) * ((height - self.height_m) / HEIGHT_SIGMA).square()
        return total + shape_energy(motion.betas, height.new_tensor(USUAL_HEIGHT[0]), len(motion)) + known

    def reprojection(self, points: Tensor) -> Tensor:
        """Keypoints [T,P,3] against the picture."""
        error = (project(points, self.evidence.K) - self.evidence.points).square().sum(dim=-1)
        error = error / (self.size_px[:, None] * REPROJECTION_SIGMA).square()
        return (self.evidence.weights * geman_mcclure(error, self.robustness)).sum()

    def directions(self, points: Tensor) -> Tensor:
        """Directions of bones between keypoints [T,P,3] against the backend's 3D guess: which end is nearer."""
        index = self.evidence.index
        pairs = [(index(a), index(b)) for a, b in _BONES if index(a) >= 0 and index(b) >= 0]
        if not pairs:
            return points.new_zeros(())
        start, end = torch.tensor(pairs).T
        weights = torch.minimum(self.evidence.world_weights[:, start], self.evidence.world_weights[:, end])
        guess = _unit(self.evidence.world[:, end] - self.evidence.world[:, start])
        error = (_unit(points[:, end] - points[:, start]) - guess).square().sum(dim=-1)
        return (weights * geman_mcclure(error / DIRECTION_SIGMA**2, 2.0)).sum()


def geman_mcclure(squared: Tensor, scale: float) -> Tensor:
    """Robust cost of squared residuals: like them while small, never more than ``scale`` squared.

    Source: Geman and McClure, Statistical methods for tomographic image reconstruction (1987).
    """
    return squared / (1.0 + squared / scale**2)


def crown_and_sole(body: BodyModel) -> tuple[Tensor, Tensor]:
    """Template height [2] and shape directions [2,B] of the lowest and the highest vertex of the whole ``body``."""
    height = body.v_template[:, 1]
    ends = torch.stack([height.argmin(), height.argmax()])
    return height[ends], body.shapedirs[ends, 1]


def reprojection_errors(motion: Motion, evidence: Evidence, body: BodyModel) -> Tensor:
    """Distance in px [T,P] of each keypoint from the body's; NaN where unseen."""
    points = body.keypoints(motion.pose(body).vertices)[:, evidence.body_points]
    error = (project(points, evidence.K) - evidence.points).norm(dim=-1)
    return torch.where(evidence.weights > 0, error, torch.nan)


def _unit(vectors: Tensor) -> Tensor:
    return vectors * (vectors.square().sum(dim=-1, keepdim=True) + 1e-12).rsqrt()
