"""Segments where the root was found turned the wrong way: try the opposite, keep what explains the picture better."""

import logging

import numpy as np
import roma
import torch
from torch import Tensor

from understudy.fitting.curvature import fit_terms
from understudy.fitting.initialise import limb_rotations
from understudy.fitting.motion import FREE, GROUP, Motion
from understudy.fitting.terms import Terms, reprojection_errors

logger = logging.getLogger(__name__)

OUTLIER = 0.04
"""Median reprojection error, as a share of the person's height, above which a frame is suspect."""

MARGIN = 0.9
"""The turned motion must bring the energy of its segment below this share."""

ESCAPED = 0.5
"""Below this share of the segment's present energy the trial as it was has left a wrong turn by itself."""

MIN_FRAMES, MAX_SEGMENTS = 2, 12


def turn_back(motion: Motion, terms: Terms, iterations: int) -> Motion:
    """Turn the root by 180 degrees in suspect segments where that lowers the energy.

    The limbs of the turned body start anew from the 3D guess, or as they are where there is none.

    Args:
        motion: A fitted motion.
        terms: Its energy.
        iterations: For each trial.
    """
    with torch.no_grad():
        errors = reprojection_errors(motion, terms.evidence, terms.rig)
    suspect = (errors.nanmedian(dim=1).values > OUTLIER * terms.size_px).numpy()
    for start, end in segments(suspect)[:MAX_SEGMENTS]:
        frames = torch.arange(start, end)
        local = terms.at(frames)
        trials = [motion.at(frames), _turned(motion.at(frames), local)]
        solved = [fit_terms(trial, local, FREE, 0, iterations) for trial in trials]
        with torch.no_grad():
            present = local.energy(trials[0]).item()
        turned = solved[1].energy < MARGIN * solved[0].energy
        best = solved[1] if turned else solved[0]
        if turned or best.energy < ESCAPED * present:  # the solver may find the way round by itself
            logger.info("fit: the person was turned by 180 degrees in frames %d to %d and is put back", start, end - 1)
            rotations, transl = motion.rotations.clone(), motion.transl.clone()
            rotations[frames], transl[frames] = best.motion.rotations, best.motion.transl
            motion = Motion(rotations, transl, motion.betas, motion.zoom)
    return motion


def segments(suspect: np.ndarray) -> list[tuple[int, int]]:
    """Runs (start, end) of at least ``MIN_FRAMES`` true values, longest first; gaps of one or two are bridged."""
    bridged = suspect.copy()
    for gap in (1, 2):
        for start in range(len(suspect) - gap - 1):
            if suspect[start] and suspect[start + gap + 1]:
                bridged[start : start + gap + 1] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bridged.astype(int), [0]])))
    runs = [(int(start), int(end)) for start, end in edges.reshape(-1, 2) if end - start >= MIN_FRAMES]
    return sorted(runs, key=lambda run: run[0] - run[1])


def _turned(motion: Motion, terms: Terms) -> Motion:
    half_turn = roma.rotvec_to_rotmat(torch.tensor([0.0, torch.pi, 0.0]))
    root = motion.rotations[:, GROUP["root"]] @ half_turn
    limbs, weights = limb_rotations(terms.evidence, terms.rig.rest(motion.betas)[0], root)
    known = (weights > 0)[..., None, None]
    rotations: Tensor = torch.where(known, limbs, motion.rotations)
    rotations[:, GROUP["root"]] = root
    return Motion(rotations, motion.transl, motion.betas, motion.zoom)
