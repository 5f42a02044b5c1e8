"""Real videos with no option but their name, from the file to the report.

python -m benchmarks.real_videos.quality VIDEO [VIDEO ...] [--cores 2] [--folder FOLDER]

Prints, per video: frames, mean reprojection error, share of the body inside the mask and IoU of the two over all frames, PSNR on
held-out frames, seconds. Look at FOLDER/results/*/report.html too: a figure does not show everything.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.support.runs import REPOSITORY, Run, fresh_run
from understudy.body.files import load_body
from understudy.body.posed import posed_vertices
from understudy.files.arrays import read_json
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.metrics.masks import inside, iou
from understudy.render.mesh import silhouette


def main() -> None:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="working folder; default a new temporary one")
    options = parser.parse_args()
    videos = {video.stem: video for video in options.videos}
    run = fresh_run(videos, options.cores, options.folder)
    print(
        "| video | frames | reprojection px (% of height) | body in mask | IoU | held-out PSNR / pose refined | stages, s |"
    )
    print("|---|---|---|---|---|---|---|")
    for actor in videos:
        print(row(run, actor))
    print(f"\nreports in {run.folder / 'results'}")


def row(run: Run, actor: str) -> str:
    """One line of the table."""
    results = run.results(actor)
    frames, track = Frames.load(results / "frames.json"), BodyTrack.load(results / "smpl.npz")
    body = load_body(REPOSITORY / "models/understudy_body.npz")
    within, overlap, heights = [], [], []
    for frame in np.flatnonzero(track.valid).tolist():
        covered = silhouette(posed_vertices(body, track, frame), body.faces, track.K, (frames.width, frames.height))
        mask = read_alpha(results / "matte", frame) >= 128
        within.append(inside(covered, mask))
        overlap.append(iou(covered, mask))
        heights.append(np.ptp(np.flatnonzero(mask.any(axis=1))) if mask.any() else np.nan)
    metrics = read_json(results / "metrics.json")
    plain, refined = (
        metrics[key]["psnr_person_box_on_white"]["mean"] for key in ("without_pose_refinement", "with_pose_refinement")
    )
    error = np.nanmean(track.reprojection_px)
    seconds = sum(cost.seconds for cost in run.costs(actor).values())
    return (
        f"| {actor} | {len(frames)} | {error:.1f} ({100 * error / np.nanmedian(heights):.1f}) | {np.mean(within):.3f}"
        f" | {np.mean(overlap):.3f} | {plain:.2f} / {refined:.2f} dB | {seconds:.0f} |"
    )


if __name__ == "__main__":
    main()
