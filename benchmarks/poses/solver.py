"""Two solvers of the body fit on the same energies from the same starts: L-BFGS, and Levenberg-Marquardt.

    python -m benchmarks.poses.solver results/actor --frames 96 200 2000

The actor's keypoints are played forwards and backwards until there are enough frames. Every run is a process of its own
on one core; its peak memory is above that of the loaded program.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.poses.lbfgs import minimise as lbfgs
from understudy.body.files import load_body
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.config import FittingConfig
from understudy.fitting.curvature import add_outlines, terms_curvature
from understudy.fitting.evidence import Evidence, gather_evidence
from understudy.fitting.fit import FEW_BETAS
from understudy.fitting.ground import find_contacts
from understudy.fitting.initialise import initial_motion
from understudy.fitting.least_squares import Quadratic
from understudy.fitting.least_squares import minimise as levenberg_marquardt
from understudy.fitting.motion import FREE, GROUP, LIMB_GROUPS, Motion, body_height
from understudy.fitting.outline import match, outline_energy, read_outlines, thin_surface
from understudy.fitting.skeleton import Skeleton
from understudy.fitting.terms import Terms, crown_and_sole
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints

Energy = Callable[[Motion], Tensor]
Curvature = Callable[[Skeleton], Quadratic]
Stage = tuple[Energy, Curvature, tuple[int, ...], int]

SOLVERS = ("L-BFGS, 80 steps", "L-BFGS, 400 steps", "Levenberg-Marquardt")


def main() -> None:
    """Print a table for each number of frames."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("actor", type=Path, help="folder with keypoints.npz, frames.json and alpha/")
    parser.add_argument("--body", type=Path, default=Path("models/understudy_body.npz"))
    parser.add_argument("--frames", type=int, nargs="+", default=[96, 200, 2000])
    options = parser.parse_args()
    for length in options.frames:
        print(f"\n{length} frames\n\n| stage | solver | evaluations | seconds | energy a frame | peak MB |")
        print("|---|---|---|---|---|---|")
        for solver in SOLVERS:
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                rows = pool.submit(measure, options.actor, options.body, length, solver).result()
            for stage, evaluations, seconds, energy, peak in rows:
                print(f"| {stage} | {solver} | {evaluations} | {seconds:.2f} | {energy:.3f} | {peak:.0f} |", flush=True)


def measure(actor: Path, body_file: Path, length: int, solver: str) -> list[tuple[str, int, float, float, float]]:
    """Stage, evaluations, seconds, energy a frame and peak MB.

    Each stage starts where Levenberg-Marquardt ended the one before.
    """
    torch.set_num_threads(1)
    body = load_body(body_file)
    evidence, rig, clip = _load(actor, body, length)
    motion = initial_motion(evidence, rig)
    reach = body.shapedirs.square().sum(dim=1).mean(dim=0).sqrt()
    rows = []
    for name in ("global", "full", "silhouettes"):
        energy, curvature, groups, num_betas = _stage(name, motion, evidence, rig, body, actor, clip)

        def model(moved: Motion, curvature: Curvature = curvature, kept: tuple = (groups, num_betas)) -> Quadratic:
            return curvature(Skeleton.of(moved, rig, *kept))

        energy(motion)
        before, started = _peak(), time.perf_counter()
        if solver == "Levenberg-Marquardt":
            solution = levenberg_marquardt(motion, energy, model, groups, num_betas, 20)
        else:
            steps = 400 if "400" in solver else 26 if name == "silhouettes" else 80
            solution = lbfgs(motion, energy, groups, reach[:num_betas], evidence.fps, steps)
        seconds, peak = time.perf_counter() - started, _peak() - before
        rows.append((name, solution.evaluations, seconds, solution.energy / length, peak))
        motion = levenberg_marquardt(motion, energy, model, groups, num_betas, 20).motion
    return rows


def _stage(
    name: str, motion: Motion, evidence: Evidence, rig: PointRig, body: BodyModel, actor: Path, clip: np.ndarray
) -> Stage:
    size_px = evidence.K[1, 1] * body_height(body, motion.betas) / motion.transl[:, 2].clamp(min=0.1)
    config, first = FittingConfig(), name == "global"
    terms = Terms(
        evidence=evidence, rig=rig, size_px=size_px, contacts=find_contacts(evidence, size_px),
        smoothness=config.smoothness, robustness=8.0 if first else 4.0, height_m=None, guess=1.0 if first else 0.1,
        crown_and_sole=crown_and_sole(body),
    )  # fmt: skip
    if first:
        groups = (GROUP["root"], GROUP["spine"], *LIMB_GROUPS)
        return terms.energy, lambda skeleton: terms_curvature(terms, skeleton), groups, FEW_BETAS
    if name == "full":
        return terms.energy, lambda skeleton: terms_curvature(terms, skeleton), FREE, body.num_betas
    chosen = np.unique(np.linspace(0, len(clip) - 1, min(len(clip), config.silhouette_frames)).round().astype(int))
    found = read_outlines(actor / "alpha", clip[chosen].tolist())
    if found is None or len(found.frames) != len(chosen):
        raise SystemExit(f"{actor}: some silhouettes are empty; choose another actor.")
    outlines = type(found)(torch.from_numpy(chosen), found.points, found.normals, found.weights, found.size)
    surface = thin_surface(body)
    matches = match(outlines, surface, motion, evidence.K)

    def energy(moved: Motion) -> Tensor:
        return terms.energy(moved) + outline_energy(
            outlines, matches, surface, moved, evidence.K, size_px, config.clothing
        )

    def curvature(skeleton: Skeleton) -> Quadratic:
        total = terms_curvature(terms, skeleton)
        add_outlines(total, skeleton, outlines, matches, surface, evidence.K, size_px, config.clothing, 1.0)
        return total

    return energy, curvature, FREE, body.num_betas


def _load(actor: Path, body: BodyModel, length: int) -> tuple[Evidence, PointRig, np.ndarray]:
    """Evidence of ``length`` frames played to and fro, its points on the body, and which frame each is."""
    keypoints, frames = Keypoints.load(actor / "keypoints.npz"), Frames.load(actor / "frames.json", actor / "frames")
    evidence = gather_evidence(keypoints, frames, body, FittingConfig().min_confidence)
    clip = np.pad(np.arange(len(evidence)), (0, max(0, length - len(evidence))), mode="reflect")[:length]
    rig = PointRig.of_keypoints(body).at(torch.tensor([body.keypoint_names.index(name) for name in evidence.names]))
    return evidence.at(torch.from_numpy(clip)), rig, clip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
