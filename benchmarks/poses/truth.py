"""Keypoints, silhouettes, poses and shape on synthetic people of many kinds, against their truth.

python -m benchmarks.poses.truth FOLDER --motions DIR

Clips and truth are made in FOLDER where they are missing, which needs the package anny; the workflow runs there up to
the poses. Recorded motions are BVH files in DIR, or in an archive cmu_bvh.tar.xz there; actors whose motion is missing
are left out. Two actors are for a final look alone (--final): nothing is ever tuned on them.
"""

import argparse
import importlib.util
import logging
from pathlib import Path

import numpy as np

from benchmarks.support.actors.actor import Actor
from benchmarks.support.actors.cast import CAST
from benchmarks.support.actors.clips import find_motion, is_made, make_clip, truth_folder, video_path
from benchmarks.support.runs import Run, fresh_run
from benchmarks.support.truth import (
    detector_acceleration,
    keypoint_percent,
    load_free_body,
    mask_iou,
    pose_figures,
    posed_joints,
    rest_height,
    shape_error,
)
from understudy.body.model import BodyModel
from understudy.files.arrays import read_npz
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack

COLUMNS = (
    ("keypoints, % of height", "{:.2f}"),
    ("mask IoU", "{:.3f}"),
    ("matte IoU", "{:.3f}"),
    ("MPJPE mm", "{:.1f}"),
    ("PA-MPJPE mm", "{:.1f}"),
    ("acceleration m/s²", "{:.2f}"),
    ("detector's", "{:.2f}"),
    ("PVE-T mm", "{:.1f}"),
    ("height off, cm", "{:+.1f}"),
    ("sides exchanged, % of frames", "{:.0f}"),
    ("facing away, % of frames", "{:.0f}"),
    ("fit s", "{:.1f}"),
)


def main() -> None:
    """Make what is missing, run, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="gets data/videos, truth and results")
    parser.add_argument("--motions", type=Path, default=Path("data/motions"), help="folder of BVH files")
    parser.add_argument("--actors", nargs="+", choices=[actor.name for actor in CAST], help="only these")
    parser.add_argument("--final", action="store_true", help="also the actors that are for a final look alone")
    parser.add_argument("--make-only", action="store_true", help="make the clips, run nothing")
    parser.add_argument("--figures-only", action="store_true", help="of the results that are in the folder")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wanted = [actor for actor in CAST if (not actor.final or options.final or actor.name in (options.actors or ()))]
    wanted = [actor for actor in wanted if options.actors is None or actor.name in options.actors]
    if options.figures_only:
        present = [actor for actor in wanted if (options.folder / "results" / actor.name / "smpl.npz").exists()]
        run = Run(options.folder, 0.0)
    else:
        present = [actor for actor in wanted if make(actor, options.folder, options.motions)]
        if options.make_only or not present:
            return
        videos = {actor.name: video_path(options.folder, actor.name) for actor in present}
        whole = options.folder / "whole.yaml"
        whole.write_text("frames: {crop: false, max_size: 2048}\n")  # as the truth is
        run = fresh_run(videos, options.cores, options.folder, ("smpl.npz", "matte"), whole)
    report(present, run)


def make(actor: Actor, folder: Path, motions: Path) -> bool:
    """Make an actor's clip and truth unless they are there; False, and a sentence, where that is impossible."""
    if is_made(actor, folder):
        return True
    motion = find_motion(actor.motion, motions) if actor.recorded else None
    if actor.recorded and motion is None:
        print(f"{actor.name} is left out: {motions} has no {actor.motion}.")
        return False
    if importlib.util.find_spec("anny") is None:
        print(f"{actor.name} is left out: its clip is not in {folder}, and making it needs the package anny.")
        return False
    make_clip(actor, folder, motion, load_free_body())
    return True


def report(actors: list[Actor], run: Run) -> None:
    """Print the table."""
    body = load_free_body()
    print("| actor | " + " | ".join(name for name, _ in COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    rows = []
    for actor in actors:
        rows.append(figures(actor, run, body))
        print(line(actor.name + (" (final look)" if actor.final else ""), rows[-1]))
    if len(rows) > 1:
        print(line("mean", [float(np.nanmean(c)) if np.isfinite(c).any() else np.nan for c in np.array(rows).T]))


def figures(actor: Actor, run: Run, body: BodyModel) -> list[float]:
    """One row of the table."""
    results, truth_at = run.results(actor.name), truth_folder(run.folder, actor.name)
    truth = read_npz(truth_at / "truth.npz")
    track = BodyTrack.load(results / "smpl.npz")
    pose = pose_figures(posed_joints(body, track), truth)
    fitting = run.costs(actor.name).get("fitting")
    return [
        keypoint_percent(results, truth),
        mask_iou(results / "alpha", truth, truth_at / "masks"),
        mask_iou(results / "matte", truth, truth_at / "masks"),
        pose.mpjpe,
        pose.pa_mpjpe,
        pose.acceleration,
        detector_acceleration(Keypoints.load(results / "keypoints.npz"), truth),
        shape_error(body, track.betas, truth),
        100 * (rest_height(body, track.betas) - float(truth["height_m"])),
        100 * pose.wrong_limbs,
        100 * pose.wrong_facing,
        fitting.seconds if fitting else float("nan"),
    ]


def line(name: str, values: list[float]) -> str:
    """A row as text; a dash where there is nothing."""
    cells = [form.format(v) if np.isfinite(v) else "-" for (_, form), v in zip(COLUMNS, values, strict=True)]
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
