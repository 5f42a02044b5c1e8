"""How near the demo actor's avatar comes to the truth: keypoints, masks, poses, held-out frames, unseen views.

python -m benchmarks.demo.truth [results/actor]                  after `make avatar`
python -m benchmarks.demo.truth [results/actor] --truth-poses    trains anew on the true poses
python -m benchmarks.demo.truth [results/actor] --truth-masks    on the true masks (both: how good the avatar is by itself)
python -m benchmarks.demo.truth [results/actor] --novel-poses    trains anew on the turn alone, measures on the moves after it

The truth is read here and nowhere else. The pipeline guesses the focal length and the person's height, so its world differs from
the true one by about a similarity. Poses are compared with the roots put together (MPJPE) and aligned per frame (PA-MPJPE); the
unseen views are rendered after one similarity for the whole clip, found from the joints.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.demo.true_track import true_track
from benchmarks.demo.views import view_rows
from benchmarks.support.runs import REPOSITORY
from benchmarks.support.truth import (
    Truth,
    detector_acceleration,
    keypoint_percent,
    load_free_body,
    mask_iou,
    pose_figures,
    posed_joints,
    rest_height,
    shape_error,
)
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar
from understudy.avatar.training.train import train_avatar
from understudy.body.model import BodyModel
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.files.arrays import read_json
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.threads import use_threads

TRUTH = REPOSITORY / "data/demo/truth"
NOVEL_FROM = 64
"""The first frame after the turn: from here on the actor waves, leans and lifts a knee."""
NOVEL_STEP = 4
"""Every so many frames of those one is measured."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=REPOSITORY / "results/actor")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of truth and render in the unseen views")
    parser.add_argument("--truth-poses", action="store_true", help="train on the true poses, camera and shape")
    parser.add_argument("--truth-masks", action="store_true", help="train on the true masks")
    parser.add_argument("--novel-poses", action="store_true", help="train on the turn, measure on the moves after it")
    parser.add_argument("--steps", type=int, default=AvatarConfig().steps, help="of such a training")
    parser.add_argument("--threads", type=int, default=2, help="of such a training")
    options = parser.parse_args()
    truth = dict(np.load(TRUTH / "truth.npz"))
    print("| figure | measured |\n|---|---|")
    if options.truth_poses or options.truth_masks or options.novel_poses:
        use_threads(options.threads)
        rows = trained_rows(options, load_free_body(), truth)
    else:
        rows = result_rows(options, truth)
    for name, value in rows:
        print(f"| {name} | {value} |", flush=True)


def result_rows(options: argparse.Namespace, truth: Truth) -> Iterator[tuple[str, str]]:
    """What the workflow made."""
    archive = load_archive(options.results / "avatar.tar")
    track = BodyTrack.load(options.results / "smpl.npz")
    body = load_free_body()
    detected = detector_acceleration(Keypoints.load(options.results / "keypoints.npz"), truth)
    yield "2D keypoints, 12 limb joints", f"{keypoint_percent(options.results, truth):.2f} % of person height"
    yield "mask IoU, detector's", f"{mask_iou(options.results / 'alpha', truth, TRUTH / 'masks'):.3f}"
    yield "mask IoU, refined", f"{mask_iou(options.results / 'matte', truth, TRUTH / 'masks'):.3f}"
    height = rest_height(body, archive.poses.betas)
    yield "height", f"{height:.2f} m (true {float(truth['height_m']):.2f} m)"
    yield "acceleration error of the detector's own 3D limbs", f"{detected:.2f} m/s^2"
    yield from pose_rows("fit", body, track, truth)
    yield from pose_rows("refined by the avatar", body, archive.poses, truth)
    yield from held_out_rows(read_json(options.results / "metrics.json"))
    yield from view_rows(archive, body, truth, options.pictures)


def trained_rows(options: argparse.Namespace, body: BodyModel, truth: Truth) -> Iterator[tuple[str, str]]:
    """An avatar trained here, on true or fitted poses and masks, on all frames or on the turn alone."""
    results = options.results
    alpha, trimap = (TRUTH / "alpha", None) if options.truth_masks else (results / "matte", results / "trimap")
    if options.truth_poses:
        true = true_track(body, truth)
        track = true.track
        yield "distance of the free body from the true mesh", f"{true.distance.mean():.1f} mm"
    else:
        track = BodyTrack.load(results / "smpl.npz")
    frames, config = Frames.load(results / "frames.json"), AvatarConfig(steps=options.steps)
    held_out = held_out_frames(len(frames), config.hold_out)
    if options.truth_poses:  # one camera cannot tell depth: aligned poses would drift away from the truth
        config = replace(config, align_steps=0, lr_betas=0.0)
    known = track
    if options.novel_poses:
        held_out = [frame for frame in range(len(track)) if frame >= NOVEL_FROM]
        known = replace(track, valid=track.valid & (np.arange(len(track)) < NOVEL_FROM))
        config = replace(config, hold_out=0)
    canonical = prepare_canonical(frames, alpha, known, body, CanonicalConfig(), held_out, results / "parsing")
    started = time.monotonic()
    training = train_avatar(frames, alpha, known, canonical, body, config, trimap)
    yield f"training, {config.steps} steps", f"{time.monotonic() - started:.0f} s"
    training = replace(training, held_out=held_out)
    with TemporaryDirectory() as folder:
        save_avatar(Path(folder) / "avatar.tar", training, canonical, frames)
        archive = load_archive(Path(folder) / "avatar.tar")
    if options.novel_poses:  # some frames are enough
        some = known.valid | (track.valid & (np.arange(len(track)) % NOVEL_STEP == 0))
        archive = replace(archive, poses=replace(archive.poses, valid=some))
    metrics = evaluate_avatar(archive, frames, alpha, EvaluateConfig(), None, trimap)
    yield from held_out_rows(metrics)
    yield from pose_rows("refined by the avatar", body, archive.poses, truth)
    yield from view_rows(archive, body, truth, options.pictures)


def pose_rows(name: str, body: BodyModel, track: BodyTrack, truth: Truth) -> list[tuple[str, str]]:
    """Errors of a track's joints and shape."""
    figures = pose_figures(posed_joints(body, track), truth)
    return [
        (f"{name}: MPJPE, roots together", f"{figures.mpjpe:.1f} mm"),
        (f"{name}: PA-MPJPE", f"{figures.pa_mpjpe:.1f} mm"),
        (f"{name}: acceleration error of the limbs", f"{figures.acceleration:.2f} m/s^2"),
        (f"{name}: PVE-T, scale corrected", f"{shape_error(body, track.betas, truth):.1f} mm"),
        (
            f"{name}: frames with a limb's sides exchanged / facing away",
            f"{100 * figures.wrong_limbs:.0f} / {100 * figures.wrong_facing:.0f} %",
        ),
    ]


def held_out_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the evaluate stage found."""
    rows = []
    names = {
        "without_pose_refinement": "held-out frames, without pose refinement",
        "with_pose_refinement": "held-out frames, with pose refinement",
        "reconstruction": "frames of the training",
    }
    for key in (name for name in names if name in metrics):
        means = {name: values["mean"] for name, values in metrics[key].items()}
        for area in ("person box", "full frame"):
            decibels, similarity = (means[f"{name}_{area.replace(' ', '_')}_on_white"] for name in ("psnr", "ssim"))
            rows.append((f"{names[key]}: PSNR / SSIM, {area} on white", f"{decibels:.2f} dB / {similarity:.4f}"))
    return rows


if __name__ == "__main__":
    main()
