"""Learn the prior of poses from motion capture: ``python tools/build_pose_prior.py FOLDER_OF_BVH_FILES``.

Writes numbers alone (means and covariances); a clip of any rig that ``understudy.motion.retarget`` knows will do.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro

from understudy.body.files import load_body
from understudy.body.smpl_joints import on_smpl_joints
from understudy.files.arrays import write_npz
from understudy.fitting.pose_prior import features_of, learn_prior, prior_of
from understudy.motion.retarget import bvh_clip

logger = logging.getLogger("understudy")
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Arguments:
    """What to learn from and how."""

    motions: Annotated[Path, tyro.conf.Positional]
    """Folder of BVH files, searched with its subfolders."""
    out: Path = HERE / "understudy/fitting/pose_prior.npz"
    """File to write."""
    body: Path = HERE.parent / "models/understudy_body.npz"
    """Body whose joints the motions are put on."""
    components: int = 12
    """Number of Gaussians."""
    apart: float = 0.6
    """Poses nearer than this (rad over all joints) count once."""
    floor: float = 0.1
    """Least standard deviation, rad."""
    fps: float = 15.0
    """Rate the motions are taken at."""
    keep_out: tuple[str, ...] = ("002_01", "002_05", "005_02", "005_06", "005_13", "005_19", "006_10")
    """Clips that are never learned from, for the report: those that the benchmarks' actors perform."""
    seed: int = 0
    """Of everything random."""


def main() -> None:
    """Learn, report on clips that were kept out beside a single Gaussian, and write."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments = tyro.cli(Arguments, description=__doc__)
    body = on_smpl_joints(load_body(arguments.body))
    clips = {path.stem: bvh_clip(path, body) for path in sorted(arguments.motions.rglob("*.bvh"))}
    poses = {name: features_of(clip.resampled(arguments.fps).body_pose) for name, clip in clips.items()}
    known = [clip for name, clip in poses.items() if name not in arguments.keep_out]
    unknown = [clip for name, clip in poses.items() if name in arguments.keep_out]
    if not known:
        raise SystemExit(f"error: there is no BVH file to learn from in {arguments.motions}.")
    arrays = {}
    for components in (1, arguments.components):
        arrays = learn_prior(torch.cat(known), components, arguments.apart, arguments.floor, arguments.seed)
        if unknown:
            likelihood = prior_of(arrays).log_likelihood(torch.cat(unknown))
            logger.info(
                "%d Gaussians: log-likelihood of %d poses kept out %.2f, of the worst in a hundred %.1f",
                components, len(likelihood), likelihood.mean(), np.percentile(likelihood, 1),
            )  # fmt: skip
    write_npz(arguments.out, arrays)
    logger.info("%s from %d poses", arguments.out, sum(map(len, known)))


if __name__ == "__main__":
    main()
