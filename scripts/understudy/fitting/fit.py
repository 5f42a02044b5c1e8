"""The body's motion and shape from keypoints and silhouettes, over all frames at once."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from understudy.backends.body_protocol import BodyFiles
from understudy.backends.registry import find_backend, open_backend
from understudy.body.joints import SMPL_JOINTS, on_joints
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.body.smpl_joints import on_smpl_joints
from understudy.errors import InputError
from understudy.fitting.config import FittingConfig
from understudy.fitting.curvature import add_outlines, fit_terms, terms_curvature
from understudy.fitting.evidence import Evidence, gather_evidence
from understudy.fitting.flips import turn_back
from understudy.fitting.ground import find_contacts
from understudy.fitting.initialise import initial_motion
from understudy.fitting.least_squares import Quadratic, Solution, minimise
from understudy.fitting.limbs import turn_limbs
from understudy.fitting.motion import FREE, GROUP, LIMB_GROUPS, Motion, body_height
from understudy.fitting.outline import Matches, match, outline_energy, read_outlines, thin_surface
from understudy.fitting.regressor.start import lacks_guess, regressed_motion, with_guess
from understudy.fitting.skeleton import Skeleton
from understudy.fitting.terms import Terms, crown_and_sole, reprojection_errors
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack

logger = logging.getLogger(__name__)

MAX_ERROR = 0.15
"""A frame whose mean reprojection error is more than this share of the person's height is not valid."""

FEW_BETAS = 2

LATE_GUESS = 0.2
"""Weight of the 3D guess once it has shown the way."""


def fit_body(
    keypoints: Keypoints,
    frames: Frames,
    alpha_folder: Path,
    body: BodyModel,
    config: FittingConfig,
    regressor: Path | None = None,
    files: Path | None = None,
) -> BodyTrack:
    """Fit shape, pose and place of a body to a whole video, in the camera frame.

    Stages: a first guess in closed form; torso and limbs with a few shape components; everything; segments whose root
    looks turned the wrong way and limbs mirrored in depth; the silhouettes. Energies follow SMPLify (Bogo et al., Keep it
    SMPL, ECCV 2016, section 3), with smoothness over time, joint limits and standing feet. Keypoints
    without a 3D guess get the regressor's, which is the first guess too.

    Args:
        keypoints: 2D points and, if the backend has it, a 3D guess.
        frames: The video, of which only camera, rate and size are used.
        alpha_folder: Soft masks of the person; not opened unless ``config.silhouettes``.
        body: The body model.
        config: How to fit.
        regressor: Weights of the pose regressor, if there is one.
        files: Another program's results, if the backend reads such.

    Returns:
        Shape, and pose and place in every frame: camera frame, metres, radians.

    Raises:
        InputError: No confident keypoints, keypoints of another number of frames, or a regressor that is damaged, or missing
            where it is the backend; or the backend lacks its files.
    """
    if find_backend("fitting", config.backend).reads:
        given: BodyFiles = open_backend("fitting", config.backend, files=files)
        return given.read_track(frames, keypoints, body)
    if config.backend == "regressor" and regressor is None:
        raise InputError("fitting.backend is regressor, but fitting.regressor names no file of weights; name one.")
    if frames.K_source != "default":
        config = replace(config, focal_range=None)
    evidence = gather_evidence(keypoints, frames, body, config.min_confidence)
    joint_names, body = body.joint_names, on_smpl_joints(body)
    rig = PointRig.of_keypoints(body).at(torch.tensor([body.keypoint_names.index(name) for name in evidence.names]))
    started = time.monotonic()
    if regressor is not None and (config.backend == "regressor" or lacks_guess(evidence)):
        motion = regressed_motion(keypoints, frames, evidence, body, rig, regressor)
        evidence = with_guess(evidence, motion, rig)
    else:
        motion = initial_motion(evidence, rig)
    if config.height_m is not None:
        motion = _with_height(motion, body, config.height_m)
    _report("initialise", started, motion, evidence, rig)
    if config.backend == "regressor":
        return _track(motion, evidence, body, rig, joint_names)
    motion = _fit_points(motion, evidence, body, rig, config)
    if config.silhouettes:
        motion = _fit_silhouettes(motion, evidence, body, rig, alpha_folder, config)
    return _track(motion, evidence, body, rig, joint_names)


def _fit_points(motion: Motion, evidence: Evidence, body: BodyModel, rig: PointRig, config: FittingConfig) -> Motion:
    terms = _terms(motion, evidence, body, rig, config, robustness=8.0, guess=1.0)
    started = time.monotonic()
    groups = (GROUP["root"], GROUP["spine"], *LIMB_GROUPS)
    solution = fit_terms(motion, terms, groups, min(FEW_BETAS, body.num_betas), config.iterations, config.focal_range)
    _report("global", started, solution.motion, evidence, rig, solution)
    for name in ("full", "full, again"):
        started = time.monotonic()
        terms = _terms(solution.motion, evidence, body, rig, config, robustness=4.0)
        solution = fit_terms(solution.motion, terms, FREE, body.num_betas, config.iterations, config.focal_range)
        _report(name, started, solution.motion, evidence, rig, solution)
        if name == "full":
            turned = turn_back(solution.motion, terms, config.iterations)
            solution = replace(solution, motion=turn_limbs(turned, terms, config.iterations))
    return solution.motion


def _fit_silhouettes(
    motion: Motion, evidence: Evidence, body: BodyModel, rig: PointRig, alpha_folder: Path, config: FittingConfig
) -> Motion:
    rounds = 3
    seen = np.flatnonzero(evidence.seen.numpy())
    chosen = seen[
        np.unique(np.linspace(0, len(seen) - 1, min(len(seen), config.silhouette_frames)).round().astype(int))
    ]
    outlines = read_outlines(Path(alpha_folder), chosen.tolist())
    if outlines is None:
        logger.warning("no silhouette in %s shows a person, so the body is fitted to keypoints alone", alpha_folder)
        return motion
    surface = thin_surface(body)
    for number in range(1, rounds + 1):
        started = time.monotonic()
        terms = _terms(motion, evidence, body, rig, config, robustness=4.0)
        matches = match(outlines, surface, motion, evidence.K)

        def energy(moved: Motion, terms: Terms = terms, matches: Matches = matches) -> Tensor:
            mask = outline_energy(outlines, matches, surface, moved, evidence.K, terms.size_px, config.clothing)
            return terms.energy(moved) + config.silhouette_weight * mask

        def curvature(moved: Motion, terms: Terms = terms, matches: Matches = matches) -> Quadratic:
            skeleton = Skeleton.of(moved, rig, FREE, body.num_betas, config.focal_range is not None)
            total = terms_curvature(terms, skeleton)
            add_outlines(
                total, skeleton, outlines, matches, surface, evidence.K, terms.size_px, config.clothing,
                config.silhouette_weight,
            )  # fmt: skip
            return total

        solution = minimise(motion, energy, curvature, FREE, body.num_betas, config.iterations, config.focal_range)
        motion = solution.motion
        _report(f"silhouettes {number}/{rounds}", started, motion, evidence, rig, solution)
    return motion


def _terms(
    motion: Motion,
    evidence: Evidence,
    body: BodyModel,
    rig: PointRig,
    config: FittingConfig,
    robustness: float,
    guess: float = LATE_GUESS,
) -> Terms:
    height = body_height(body, motion.betas)
    size_px = motion.camera(evidence.K)[1, 1] * height / motion.transl[:, 2].clamp(min=0.1)
    return Terms(
        evidence=evidence,
        rig=rig,
        size_px=size_px,
        contacts=find_contacts(evidence, size_px),
        smoothness=config.smoothness,
        robustness=robustness,
        height_m=config.height_m,
        guess=guess,
        crown_and_sole=crown_and_sole(body),
    )


def _with_height(motion: Motion, body: BodyModel, height_m: float) -> Motion:
    """The motion of a body of another height: betas of least norm that give it, and the same picture."""
    template, directions = crown_and_sole(body)
    slope = directions[1] - directions[0]
    old = body_height(body, motion.betas)
    betas = (height_m - template.diff()[0]) * slope / slope.square().sum().clamp(min=1e-8)
    return Motion(motion.rotations, motion.transl * height_m / old, betas, motion.zoom)


def _track(
    motion: Motion, evidence: Evidence, body: BodyModel, rig: PointRig, joint_names: tuple[str, ...]
) -> BodyTrack:
    """The motion as poses of the joints ``joint_names``; those that the fit does not know stay at rest."""
    with torch.no_grad():
        errors = reprojection_errors(motion, evidence, rig)
        height = body_height(body, motion.betas)
    mean_error = errors.nanmean(dim=1)
    size = motion.camera(evidence.K)[1, 1] * height / motion.transl[:, 2].clamp(min=0.1)
    valid = evidence.seen & (mean_error < MAX_ERROR * size)
    logger.info(
        "body of %.3f m, focal length times %.2f, reprojection %.1f px (%.1f %% of its height), %d of %d frames valid",
        height, motion.zoom, mean_error[valid].mean(), 100 * (mean_error / size)[valid].mean(), int(valid.sum()), len(valid),
    )  # fmt: skip
    vectors = on_joints(motion.rotvecs().numpy(), SMPL_JOINTS, joint_names)
    return BodyTrack(
        global_orient=vectors[:, 0],
        body_pose=vectors[:, 1:].reshape(len(vectors), -1),
        transl=motion.transl.numpy().astype(np.float32),
        betas=motion.betas.numpy().astype(np.float32),
        K=motion.camera(evidence.K).double().numpy(),
        body_model=(body.name, body.sha256),
        reprojection_px=mean_error.numpy().astype(np.float32),
        valid=valid.numpy(),
    )


def _report(
    stage: str, started: float, motion: Motion, evidence: Evidence, rig: PointRig, solution: Solution | None = None
) -> None:
    with torch.no_grad():
        error = reprojection_errors(motion, evidence, rig).nanmean()
    energy = f"energy {solution.energy / len(motion):.2f} a frame, {solution.evaluations} steps, " if solution else ""
    logger.info("fit, %s: %sreprojection %.1f px, %.1f s", stage, energy, error, time.monotonic() - started)
