"""Poses of synthetic people before and after the avatar's training, which aligns them with the pictures.

python -m benchmarks.poses.trained FOLDER [--actors NAME ...]

FOLDER is that of ``benchmarks.poses.truth``, which made the clips; the whole chain runs in FOLDER/trained up to the avatar,
with no option but the names. Training takes minutes an actor.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.support.actors.cast import CAST
from benchmarks.support.actors.clips import is_made, truth_folder, video_path
from benchmarks.support.runs import fresh_run
from benchmarks.support.truth import load_free_body, pose_figures, posed_joints
from understudy.avatar.archive import load_archive
from understudy.files.arrays import read_npz
from understudy.formats.smpl import BodyTrack


def main() -> None:
    """Run the chain, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--actors", nargs="+", choices=[actor.name for actor in CAST])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--figures-only", action="store_true", help="of the avatars that are in the folder")
    options = parser.parse_args()
    body = load_free_body()
    wanted = [actor for actor in CAST if options.actors is None or actor.name in options.actors]
    results = options.folder / "trained/results"
    print("| actor | MPJPE / PA-MPJPE fitted, mm | after training |\n|---|---|---|")
    rows = []
    for actor in wanted:
        if not is_made(actor, options.folder):
            continue
        if not options.figures_only:
            video = {actor.name: video_path(options.folder, actor.name)}
            fresh_run(video, options.cores, options.folder / "trained", ("avatar.tar",))
        archive = results / actor.name / "avatar.tar"
        if not archive.exists():
            continue
        truth = read_npz(truth_folder(options.folder, actor.name) / "truth.npz")
        tracks = BodyTrack.load(results / actor.name / "smpl.npz"), load_archive(archive).poses
        figures = [pose_figures(posed_joints(body, track), truth) for track in tracks]
        rows.append([value for figure in figures for value in (figure.mpjpe, figure.pa_mpjpe)])
        show(actor.name + (" (final look)" if actor.final else ""), rows[-1])
    if len(rows) > 1:
        show("mean", np.mean(rows, axis=0).tolist())


def show(name: str, values: list[float]) -> None:
    """Print one row."""
    print(f"| {name} | {values[0]:.1f} / {values[1]:.1f} | {values[2]:.1f} / {values[3]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
