"""How well a motion explains what was seen: 2D points, directions of bones, all robust."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.evidence import Evidence
from understudy.fitting.ground import Contacts, ground_energy
from understudy.fitting.motion import Motion, project
from understudy.fitting.pose_prior import shipped_prior
from understudy.fitting.priors import USUAL_HEIGHT, limit_energy, shape_energy, smoothness_energy, stance_energy

REPROJECTION_SIGMA = 0.012
"""Standard deviation of a keypoint, as a share of the person's height."""

DIRECTION_SIGMA = 0.35
"""Standard deviation of the direction (rad) of a bone in the backend's 3D guess."""

GROUND_WEIGHT = 0.3
"""Of standing feet: a shoe is no point, and contacts are found by speed alone."""

ZOOM_SIGMA = 0.15
"""Standard deviation of the logarithm of the focal length, where that is refined."""

HEIGHT_SIGMA = 0.002  # m

POSE_WEIGHT = 0.2
"""Of the prior of poses: neighbouring frames are no independent witnesses."""

BONES = (
    ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"), ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"), ("left_heel", "left_big_toe"), ("right_heel", "right_big_toe"),
    ("left_ear", "nose"), ("right_ear", "nose"), ("left_wrist", "left_index"), ("right_wrist", "right_index"),
)  # fmt: skip
"""Bones whose direction in the 3D guess counts. That of the torso does not: detectors lean it towards the camera, by 10
degrees on synthetic people."""


@dataclass(frozen=True)
class Terms:
    """The energy of a motion given the evidence; every term is in squared standard deviations, summed over frames."""

    evidence: Evidence
    rig: PointRig
    """The evidence's points on the body."""
    size_px: Tensor  # [T]
    """Height of the person in the picture."""
    contacts: Contacts
    smoothness: float
    robustness: float
    """Beyond so many standard deviations a point counts as wrong (Geman-McClure)."""
    height_m: float | None
    guess: float
    """Weight of the 3D guess: it finds the way, but foreshortens."""
    crown_and_sole: tuple[Tensor, Tensor]
    """Template height [2] (m) and shape directions [2,B] of the crown and the sole."""

    def at(self, frames: Tensor) -> "Terms":
        """The energy of some frames only."""
        contacts = Contacts(self.contacts.points, self.contacts.standing[frames])
        return replace(self, evidence=self.evidence.at(frames), size_px=self.size_px[frames], contacts=contacts)

    def energy(self, motion: Motion) -> Tensor:
        """Sum of all terms."""
        points, joints = motion.points(self.rig)
        total = self.reprojection(motion, points) + self.guess * self.directions(points).sum()
        total = total + POSE_WEIGHT * shipped_prior().energy(motion.rotations).sum()
        total = total + limit_energy(motion.rotations) + stance_energy(motion.rotations)
        total = total + self.smoothness * smoothness_energy(motion, joints, self.evidence.fps)
        total = total + len(motion) / 10.0 * (motion.zoom.log() / ZOOM_SIGMA).square()
        total = total + GROUND_WEIGHT * ground_energy(self.contacts, points, self.evidence.fps)
        template, directions = self.crown_and_sole
        height = (template + directions @ motion.betas).diff()[0]
        if self.height_m is None:
            return total + shape_energy(motion.betas, height, len(motion))
        known = len(motion) * ((height - self.height_m) / HEIGHT_SIGMA).square()
        return total + shape_energy(motion.betas, height.new_tensor(USUAL_HEIGHT[0]), len(motion)) + known

    def reprojection(self, motion: Motion, points: Tensor) -> Tensor:
        """Keypoints [T,P,3] against the picture."""
        error = (project(points, motion.camera(self.evidence.K)) - self.evidence.points).square().sum(dim=-1)
        error = error / (self.size_px[:, None] * REPROJECTION_SIGMA).square()
        return (self.evidence.weights * geman_mcclure(error, self.robustness)).sum()

    def directions(self, points: Tensor) -> Tensor:
        """Directions of bones between keypoints [T,P,3] against the backend's 3D guess: which end is nearer, [T]."""
        index = self.evidence.index
        pairs = [(index(a), index(b)) for a, b in BONES if index(a) >= 0 and index(b) >= 0]
        if not pairs:
            return points.new_zeros(len(points))
        start, end = torch.tensor(pairs).T
        weights = torch.minimum(self.evidence.world_weights[:, start], self.evidence.world_weights[:, end])
        guess = _unit(self.evidence.world[:, end] - self.evidence.world[:, start])
        error = (_unit(points[:, end] - points[:, start]) - guess).square().sum(dim=-1)
        return (weights * geman_mcclure(error / DIRECTION_SIGMA**2, 2.0)).sum(dim=1)


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


def reprojection_errors(motion: Motion, evidence: Evidence, rig: PointRig) -> Tensor:
    """Distance in px [T,P] of each keypoint from the body's; NaN where unseen."""
    error = (project(motion.points(rig)[0], motion.camera(evidence.K)) - evidence.points).norm(dim=-1)
    return torch.where(evidence.weights > 0, error, torch.nan)


def _unit(vectors: Tensor) -> Tensor:
    return vectors * (vectors.square().sum(dim=-1, keepdim=True) + 1e-12).rsqrt()
