"""What does the pose-dependent texture of neural_actor do in poses that were never filmed?

    python -m benchmarks.novel_poses.block results/actor [results/...] [--steps 800] [--gaussians 10000]

The first 70 % of a clip's frames are learned, by the texture of the canonical body too; the block after them is measured, every
third frame. It starts from the poses that a finished avatar of the whole clip has there (``avatar.tar``), as poses of a tracker
are no part of the question, and each avatar aligns them with the frames itself. Prints a row for each design.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.support.runs import REPOSITORY
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar
from understudy.avatar.neural_actor.config import NeuralActorConfig
from understudy.avatar.training.train import train_avatar
from understudy.body.files import load_body
from understudy.body.model import BodyModel
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack

LEARNED = 0.7
"""Part of the frames, from the first on."""
EVERY = 3
"""Of the block's frames that are measured."""
DESIGNS: dict[str, dict[str, Any]] = {
    "nothing beyond skinning": {"lr_residual": 0.0},
    "linear": {},
    "linear, never fading": {"reach": 0.0},
    "linear, fading twice as soon": {"reach": 0.25},
    "linear, from the start": {"residual_from": 0.0},
    "linear, L1 of the texture": {"texture": 0.2},
    "U-Net": {"predictor": "unet"},
    "U-Net, L1 of the texture": {"predictor": "unet", "texture": 0.2},
    "U-Net, adversarial": {"predictor": "unet", "texture": 0.2, "adversarial": 0.002, "feature_matching": 0.02},
}
"""Options of neural_actor by what they are called in the table."""


@dataclass(frozen=True)
class Clip:
    """A clip and the block of it that is held out."""

    folder: Path
    frames: Frames
    track: BodyTrack
    """As fitted; valid in the frames that are learned alone."""
    canonical: Canonical
    """Of the frames that are learned."""
    body: BodyModel
    block: list[int]
    whole: BodyTrack
    """Poses of a finished avatar of the whole clip."""

    @classmethod
    def of(cls, folder: Path) -> "Clip":
        """The clip of finished results."""
        frames, track = Frames.load(folder / "frames.json"), BodyTrack.load(folder / "smpl.npz")
        body, count = load_body(REPOSITORY / "models/understudy_body.npz"), len(frames)
        later = np.arange(count) >= round(LEARNED * count)
        canonical = prepare_canonical(
            frames, folder / "matte", track, body, CanonicalConfig(), np.flatnonzero(later).tolist(), folder / "parsing"
        )
        block = [frame for frame in np.flatnonzero(later & track.valid).tolist()[::EVERY]]
        learned = replace(track, valid=track.valid & ~later)
        return cls(folder, frames, learned, canonical, body, block, load_archive(folder / "avatar.tar").poses)


def main() -> None:
    """Print a table for every folder of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+", help="results/NAME with a finished avatar.tar")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--gaussians", type=int, default=10000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=list(DESIGNS), help="only these")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = AvatarConfig(method="neural_actor", steps=options.steps, hold_out=0)
    for folder in options.results:
        clip = Clip.of(folder)
        print(f"\n{folder.name}: {options.steps} steps, {options.gaussians} Gaussians, {options.threads} threads\n")
        print(
            "| | block, pose aligned: PSNR dB | SSIM | inside the silhouette: PSNR dB | learned frames: PSNR dB | seconds |"
        )
        print("|---|--:|--:|--:|--:|--:|", flush=True)
        for name in options.designs:
            design = NeuralActorConfig(count=options.gaussians, **DESIGNS[name])
            print(f"| {name} | {' | '.join(row(clip, config, design))} |", flush=True)


def row(clip: Clip, config: AvatarConfig, design: NeuralActorConfig) -> list[str]:
    """The figures of one training."""
    matte, trimap = clip.folder / "matte", clip.folder / "trimap"
    started = time.perf_counter()
    training = train_avatar(clip.frames, matte, clip.track, clip.canonical, clip.body, config, trimap, options=design)
    seconds = time.perf_counter() - started
    poses = training.poses
    for name in ("global_orient", "body_pose", "transl"):
        getattr(poses, name)[clip.block] = getattr(clip.whole, name)[clip.block]
    valid = poses.valid.copy()
    valid[clip.block] = True
    training = replace(training, poses=replace(poses, valid=valid), held_out=clip.block)
    with tempfile.TemporaryDirectory() as name:
        save_avatar(Path(name) / "avatar.tar", training, clip.canonical, clip.frames)
        archive = load_archive(Path(name) / "avatar.tar")
        measured = EvaluateConfig(refine_steps=4, reconstruction=6, pictures=0, device="cpu")
        figures = evaluate_avatar(archive, clip.frames, matte, measured, trimap_folder=trimap)
    aligned, seen = figures["with_pose_refinement"], figures["reconstruction"]
    psnr, ssim, inside = "psnr_person_box_on_white", "ssim_person_box_on_white", "psnr_where_mask_is_sure"
    return [
        f"{aligned[psnr]['mean']:.2f}", f"{aligned[ssim]['mean']:.4f}", f"{aligned[inside]['mean']:.2f}",
        f"{seen[psnr]['mean']:.2f}", f"{seconds:.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
