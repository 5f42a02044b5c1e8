"""Limbs whose bones point towards the camera where they should point away: one picture cannot tell, so both are tried.

Source of the ambiguity: Taylor, Reconstruction of articulated objects from point correspondences in a single uncalibrated
image (CVIU 2000).
"""

import itertools
import logging
from dataclasses import dataclass

import numpy as np
import roma
import torch
from torch import Tensor

from understudy.body.joints import SMPL_JOINTS
from understudy.body.lbs import joint_transforms
from understudy.fitting.curvature import fit_terms
from understudy.fitting.initialise import HINGED, Hinged, hinged_limb
from understudy.fitting.motion import FREE, GROUP, Motion
from understudy.fitting.pose_prior import shipped_prior
from understudy.fitting.priors import LIMIT_SIGMA, beyond_limits
from understudy.fitting.terms import POSE_WEIGHT, Terms
from understudy.fitting.yaw import best_path

logger = logging.getLogger(__name__)

CHOICES = tuple(itertools.product((1.0, -1.0), repeat=2))
"""Signs of the depth of the upper and the lower bone: as they are, and the three others."""

TURN_RATE = 8.0
"""rad/s, standard deviation of a limb's turn from frame to frame."""

MIN_GAIN = 5.0
"""A trial must promise, and then bring, so much less energy: fewer is but another way round in a flat valley."""

FURTHEST = 50.0
"""No step from one choice to another costs more."""


@dataclass(frozen=True)
class Choices:
    """One limb in every choice ``C`` = 4; the first is the present one."""

    groups: tuple[int, int]
    rotations: Tensor  # [C,T,2,3,3] of the upper and the lower joint


def turn_limbs(motion: Motion, terms: Terms, iterations: int) -> Motion:
    """Mirror bones of arms and legs in depth, over the frames where that makes the likelier motion.

    Each limb's likeliest path through the four choices of every frame (by the priors, the 3D guess and the turns in between)
    is the start of a trial, which is kept if it lowers the energy of the whole motion.

    Args:
        motion: A fitted motion.
        terms: Its energy.
        iterations: For each trial.
    """
    with torch.no_grad():
        present = terms.energy(motion).item()
    for limb in HINGED:
        choices = mirrored_limb(motion, terms, limb)
        costs, steps = _costs(motion, terms, choices)
        best = best_path(costs, steps)
        if _sum(costs, steps, 0 * best) - _sum(costs, steps, best) < MIN_GAIN:
            continue
        path = torch.from_numpy(best)
        rotations = motion.rotations.clone()
        rotations[:, list(choices.groups)] = choices.rotations[path, torch.arange(len(motion))]
        trial = Motion(rotations, motion.transl, motion.betas, motion.zoom)
        solution = fit_terms(trial, terms, FREE, 0, iterations)
        if solution.energy < present - MIN_GAIN:
            logger.info(
                "fit: the bones of the %s were mirrored in depth in %d frames", _name(limb), int((path > 0).sum())
            )
            motion, present = solution.motion, solution.energy
    return motion


def mirrored_limb(motion: Motion, terms: Terms, limb: Hinged) -> Choices:
    """One of ``initialise.HINGED`` with its bones as they are and mirrored in depth, along the line of sight."""
    names, axis = limb
    rows = [SMPL_JOINTS.index(name) for name in names]
    _, rest = terms.rig.rest(motion.betas)
    turns = joint_transforms(motion.joint_rotations(), rest, terms.rig.parents)[..., :3, :3]
    joints = motion.points(terms.rig)[1][:, rows]
    base = turns[:, terms.rig.parents[rows[0]]]
    rays = torch.nn.functional.normalize(joints[:, :2], dim=-1)
    bones = joints.diff(dim=1)
    depth = (bones * rays).sum(dim=-1, keepdim=True) * rays
    groups = (GROUP[names[0]], GROUP[names[1]])
    rotations = [motion.rotations[:, list(groups)]]
    for signs in CHOICES[1:]:
        mirrored = bones - (1.0 - torch.tensor(signs)[:, None]) * depth
        rotations.append(torch.stack(hinged_limb(rest[rows].diff(dim=0), mirrored @ base, torch.tensor(axis)), dim=1))
    return Choices(groups, torch.stack(rotations))


def _costs(motion: Motion, terms: Terms, choices: Choices) -> tuple[np.ndarray, np.ndarray]:
    """What each choice costs by itself [T,C] and after each other [T-1,C,C]."""
    own = []
    for turned in choices.rotations:
        rotations = motion.rotations.clone()
        rotations[:, list(choices.groups)] = turned
        beyond = (beyond_limits(rotations) / LIMIT_SIGMA).square().sum(dim=(-1, -2))
        moved = Motion(rotations, motion.transl, motion.betas, motion.zoom)
        guess = terms.directions(moved.points(terms.rig)[0])
        own.append(POSE_WEIGHT * shipped_prior().energy(rotations) + beyond + guess)
    before, after = choices.rotations[:, :-1], choices.rotations[:, 1:]
    angle = roma.rotmat_geodesic_distance(before[:, None].double(), after[None].double())  # [C,C,T-1,2]
    change = (angle * terms.evidence.fps / TURN_RATE).square().sum(dim=-1).clamp(max=FURTHEST)
    return torch.stack(own, dim=1).double().numpy(), change.permute(2, 0, 1).numpy()


def _sum(costs: np.ndarray, steps: np.ndarray, path: np.ndarray) -> float:
    frames = np.arange(len(path))
    return float(costs[frames, path].sum() + steps[frames[:-1], path[:-1], path[1:]].sum())


def _name(limb: Hinged) -> str:
    return limb[0][0].replace("shoulder", "arm").replace("hip", "leg").replace("_", " ")
