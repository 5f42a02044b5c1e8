"""What each part of the avatar and of its training is worth: one at a time left out or added, on frames never seen.

    python -m benchmarks.avatar.ablation results/actor [results/...] [--steps 600] [--gaussians 12000]

Prints a row for each part: PSNR and SSIM on the held-out frames in the poses that training gave and after the pose was aligned
with the frame, PSNR on frames of the training, and seconds. The steps before the avatar must have run.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.support.runs import REPOSITORY
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.train import train_avatar
from understudy.body.files import load_body
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack

PARTS = {
    "everything": {},
    "poses as fitted (no alignment)": {"align_steps": 0},
    "one step of alignment a visit": {"align_steps": 1},
    "shape as fitted": {"lr_betas": 0.0},
    "light the same from all sides": {"lr_light": 0.0},
    "colours the same from all sides": {"lr_sh": 0.0},
    "poses aligned at every visit": {"align_often": 1.0},
    "full resolution from the start": {"levels": ((1, 1.0),)},
    "no D-SSIM": {"dssim": 0.0},
    "no loss of alpha": {"alpha": 0.0},
    "no offsets from the body": {"lr_offsets": 0.0},
    "no regularizers": {
        "reg_offsets": 0.0, "reg_scales": 0.0, "reg_opacities": 0.0, "reg_neighbours": 0.0,
        "reg_colors": 0.0, "reg_betas": 0.0, "reg_light": 0.0, "reg_extras": 0.0,
    },
    "+ corrections of the blend weights": {"lr_weights": 2e-2},
    "+ exposure of each frame": {"exposure": True},
}  # fmt: skip
"""What is left out, or added, and the options that do it."""


def main() -> None:
    """Print a table for every folder of results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+", help="results/NAME, made up to canonical.npz")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--gaussians", type=int, default=12000)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS), help="only these")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config, gaussians = AvatarConfig(steps=options.steps), GaussiansConfig(count=options.gaussians)
    for folder in options.results:
        print(f"\n{folder.name}: {options.steps} steps, {options.gaussians} Gaussians, {options.threads} threads\n")
        print("| | held out: PSNR dB | SSIM | pose aligned: PSNR dB | SSIM | training frames: PSNR dB | seconds |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for part in options.parts:
            print(f"| {part} | {' | '.join(row(folder, *changed(config, gaussians, PARTS[part])))} |", flush=True)


def changed(
    config: AvatarConfig, gaussians: GaussiansConfig, part: dict[str, Any]
) -> tuple[AvatarConfig, GaussiansConfig]:
    """Both with what ``part`` names of each."""
    of_config = {name: value for name, value in part.items() if hasattr(config, name)}
    of_gaussians = {name: value for name, value in part.items() if name not in of_config}
    return replace(config, **of_config), replace(gaussians, **of_gaussians)


def row(folder: Path, config: AvatarConfig, gaussians: GaussiansConfig) -> list[str]:
    """The figures of one training."""
    frames, canonical = Frames.load(folder / "frames.json"), Canonical.load(folder / "canonical.npz")
    track, body = BodyTrack.load(folder / "smpl.npz"), load_body(REPOSITORY / "models/understudy_body.npz")
    started = time.perf_counter()
    training = train_avatar(
        frames, folder / "matte", track, canonical, body, config, folder / "trimap", options=gaussians
    )
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "avatar.tar"
        save_avatar(path, training, canonical, frames)
        figures = evaluate_avatar(
            load_archive(path), frames, folder / "matte", EvaluateConfig(pictures=0), trimap_folder=folder / "trimap"
        )
    given, aligned, seen = (
        figures[name] for name in ("without_pose_refinement", "with_pose_refinement", "reconstruction")
    )
    psnr, ssim = "psnr_person_box_on_white", "ssim_person_box_on_white"
    return [
        *(f"{scores[psnr]['mean']:.2f} | {scores[ssim]['mean']:.4f}" for scores in (given, aligned)),
        f"{seen[psnr]['mean']:.2f}", f"{seconds:.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
