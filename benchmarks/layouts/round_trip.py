"""Data sets of an actor's results, written and read back by our own importers.

python -m benchmarks.layouts.round_trip results/actor [--folder FOLDER] [--body FILE]

Prints a table: layout, time, size, most memory, and after an import of what was written how far the vertices, the camera and
the masks are from those that it was made from. Neural Actor's layout has no importer: its own reader's sum is done here. On the
free body an import fits size and shape anew, which meant another body: there the joints' turns and the pelvis are compared.
"""

import argparse
import json
import logging
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.support.runs import REPOSITORY
from understudy.body.lbs import pose_rotations
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.importers.run import import_tracking
from understudy.layouts.recording import Recording, open_recording
from understudy.layouts.run import LAYOUTS, write_dataset
from understudy.metrics.masks import iou


def main() -> None:
    """Write, read back and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--folder", type=Path, help="folder for the data sets; default a new temporary one")
    parser.add_argument("--body", type=Path, help="the body's file; default the one in models/")
    options = parser.parse_args()
    logging.disable()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="datasets_"))
    recording = open_recording(options.results, options.body, [REPOSITORY / "models"], hold_out=8)
    print(
        f"{len(recording)} frames of {recording.size[0]}x{recording.size[1]}, body {recording.body.name}; in {folder}\n"
    )
    print("| layout | s | MB | peak MB | read back |\n|---|--:|--:|--:|---|")
    for layout in LAYOUTS:
        start = time.perf_counter()
        written = write_dataset(recording, folder / layout, layout)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in written.rglob("*") if path.is_file()) / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        said = skinned_again(recording, written) if layout == "neural-actor" else imported_again(recording, written)
        print(f"| {layout} | {seconds:.1f} | {size:.0f} | {peak:.0f} | {said} |")


def imported_again(recording: Recording, written: Path) -> str:
    """What an import makes of a data set, against the recording."""
    with tempfile.TemporaryDirectory() as name:
        again = Path(name)
        import_tracking(written, again, body=recording.body)
        frames, track = Frames.load(again / "frames.json"), BodyTrack.load(again / "smpl.npz")
        overlaps = [
            iou(read_alpha(again / "alpha", frame) >= 128, recording.alpha(frame) >= 128)
            for frame in range(0, len(recording), 8)
        ]
    K = np.abs(frames.K - recording.track.K).max()
    turned = np.abs(rotations(track) - rotations(recording.track)).max()
    return f"rotations within {turned:.1e}, K within {K:.2f} px, masks' IoU {np.min(overlaps):.4f}"


def rotations(track: BodyTrack) -> np.ndarray:
    """Rotation matrices [T,24,3,3]."""

    return pose_rotations(torch.from_numpy(track.global_orient), torch.from_numpy(track.body_pose)).numpy()


def skinned_again(recording: Recording, written: Path) -> str:
    """Neural Actor's mesh, as its reader poses it, against our own posed body."""
    weights = np.loadtxt(written / "skinning_weight.txt")
    lines = (line.split() for line in (written / "canonical.obj").read_text().splitlines())
    vertices = np.array([line[1:] for line in lines if line[0] == "v"], float)
    rest = np.pad(vertices, ((0, 0), (0, 1)), constant_values=1)
    errors = []
    for frame in range(0, len(recording), 8):
        values = json.loads((written / f"transform/{frame:06d}.json").read_text())
        moves = weights @ np.array(values["joints_RT"]).transpose(2, 0, 1).reshape(-1, 16)
        posed = np.einsum("vab,vb->va", moves.reshape(-1, 4, 4), rest)[:, :3]
        world = posed @ np.array(values["rotation"]) + np.array(values["translation"])
        errors.append(np.linalg.norm(world - recording.vertices(frame), axis=1))
    return f"vertices within {1e3 * np.max(errors):.1f} mm, median {1e3 * np.median(errors):.2f} mm (it has no pose correctives)"


if __name__ == "__main__":
    main()
