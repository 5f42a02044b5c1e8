"""A regressed motion as the start of the fit and as its 3D guess, where the keypoints come without one."""

import logging
from dataclasses import replace
from pathlib import Path

import torch

from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.evidence import Evidence
from understudy.fitting.initialise import place
from understudy.fitting.motion import GROUP_OF_JOINT, GROUPS, Motion
from understudy.fitting.regressor.regress import regress
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints

logger = logging.getLogger(__name__)

MIN_GUESSED = 0.5
"""Least share of seen frames with a 3D guess of the backend for that guess to be the one that counts."""

_FIRST_JOINT = [GROUP_OF_JOINT.tolist().index(group) for group in range(len(GROUPS))]


def lacks_guess(evidence: Evidence) -> bool:
    """Whether too few frames have a 3D guess of the keypoints' backend."""
    guessed = (evidence.world_weights > 0).any(dim=1)[evidence.seen]
    return float(guessed.float().mean()) < MIN_GUESSED


def regressed_motion(
    keypoints: Keypoints, frames: Frames, evidence: Evidence, body: BodyModel, rig: PointRig, weights: Path
) -> Motion:
    """The motion of the regressed rotations and shape, placed by least squares of the reprojection.

    Args:
        keypoints: The keypoints.
        frames: Their frames.
        evidence: What the fit takes from both.
        body: The body.
        rig: The evidence's points on it.
        weights: File of the network.

    Raises:
        InputError: See ``regress``.
    """
    regressed = regress(keypoints, frames, body, weights)
    logger.info(
        "the regressor expects its joints to be off by %.0f mm", 1e3 * regressed.sigma[evidence.seen, 1:].mean()
    )
    rotations = regressed.rotations[:, _FIRST_JOINT]
    still = Motion(rotations, torch.zeros(len(evidence), 3), regressed.betas)
    return Motion(rotations, place(evidence, still.points(rig)[0]), regressed.betas)


def with_guess(evidence: Evidence, motion: Motion, rig: PointRig) -> Evidence:
    """The evidence with the points of a motion as its 3D guess, in every frame."""
    with torch.no_grad():
        points = motion.points(rig)[0] - motion.transl[:, None]
    return replace(evidence, world=points, world_weights=evidence.weights)
