"""What each backend that is installed makes of given videos: one table, to choose by on one's own footage.

python -m benchmarks.backends.compare VIDEO [VIDEO ...] [--start 0] [--stop 4] [--threads 2]
    [--weights STAGE.BACKEND=FILE ...] [--files STAGE.BACKEND=FOLDER ...] [--only STAGE.BACKEND ...]

A backend takes part if its packages are installed and its weights are in models/ or named; one that reads another
program's files if they are named. What the others lack is told below the table.

detected    share of the frames in which the person was found, or has a mask
jitter      keypoints: how far sure points are off the middle of their neighbours in time, median, % of the person's height
swaps       keypoints: steps from frame to frame in which left and right of the body change places
consensus   silhouettes: mean IoU with what more than half of all backends call the person ('-' for fewer than three)
s a frame   wall clock, loading included

Silhouettes are all cut for the keypoints of the first backend that finds the person.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.support.runs import REPOSITORY
from understudy.backends.registry import BACKENDS, check_files, check_packages, find_backend
from understudy.body.joints import ARM, LEG
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.formats.skeleton import INDEX, mirrored
from understudy.keypoints.config import KeypointsConfig
from understudy.keypoints.detect import detect_keypoints
from understudy.metrics.masks import iou
from understudy.silhouettes.config import SilhouettesConfig
from understudy.silhouettes.segment import cut_silhouettes
from understudy.threads import use_threads
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.weights.check import vouched_digest
from understudy.weights.manifest import find_weights, read_manifest

STAGES = ("keypoints", "silhouettes")
SURE = 0.3
"""Least confidence of points that count."""
SIDES = tuple(INDEX[f"left_{part}"] for part in (*ARM, *LEG))
CLEARLY = 2.0
"""A point changes places with its counterpart where that makes its step this many times shorter."""
VOTERS = 3
"""Least number of masks that can outvote one."""


@dataclass(frozen=True)
class Entrant:
    """A backend that can run here."""

    stage: str
    name: str
    weights: Path | None
    files: Path | None
    sha256: str | None
    """Of weights that somebody vouches for."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--start", type=float, default=0.0, help="seconds")
    parser.add_argument(
        "--stop", type=float, default=4.0, help="seconds; all pictures from start to stop are looked at"
    )
    parser.add_argument("--threads", type=int, default=2)
    for option, value in (("weights", "FILE"), ("files", "FOLDER")):
        parser.add_argument(f"--{option}", nargs="*", default=[], metavar=f"STAGE.BACKEND={value}")
    parser.add_argument("--only", nargs="*", default=[], metavar="STAGE.BACKEND")
    options = parser.parse_args()
    use_threads(options.threads)
    given = {
        kind: {key: Path(path) for key, path in map(_pair, getattr(options, kind))} for kind in ("weights", "files")
    }
    known = [f"{stage}.{name}" for stage in STAGES for name in BACKENDS[stage]]
    for who in (*given["weights"], *given["files"], *options.only):
        if who not in known:
            parser.error(f"{who!r} is none of {', '.join(known)}")
    there, absent = entrants(given["weights"], given["files"], options.only)
    failed: dict[str, InputError] = {}
    print("| video | stage | backend | detected | jitter % | swaps | consensus | s a frame |")
    print("|---|---|---|---|---|---|---|---|")
    for video in options.videos:
        with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
            config = FramesConfig(start=options.start, stop=options.stop, max_frames=100_000)
            frames = extract_frames(video, Path(folder, "frames"), Path(folder, "frames.json"), config)
            for line in rows(frames, there, Path(folder), failed):
                print(line, flush=True)
    print()
    for who, reason in {**absent, **failed}.items():
        print(f"- {who}: {reason}")


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def entrants(
    weights: dict[str, Path], files: dict[str, Path], only: list[str]
) -> tuple[list[Entrant], dict[str, InputError]]:
    """Backends of keypoints and silhouettes that can run, and what the others lack."""
    there, absent = [], {}
    manifest = read_manifest(REPOSITORY / "models/manifest.yaml")
    for stage in STAGES:
        for name in BACKENDS[stage]:
            who = f"{stage}.{name}"
            if only and who not in only:
                continue
            usual, file = find_backend(stage, name).weights, weights.get(who)
            try:
                check_packages(stage, name)
                if usual is not None:
                    file = find_weights(manifest, who, usual, file, REPOSITORY)
                check_files(stage, name, file, files.get(who))
            except InputError as error:
                absent[who] = error
                continue
            vouched = vouched_digest(file, manifest, [Path("models"), REPOSITORY / "models"]) if file else None
            there.append(Entrant(stage, name, file, files.get(who), vouched))
    return there, absent


def rows(frames: Frames, there: list[Entrant], folder: Path, failed: dict[str, InputError]) -> Iterator[str]:
    """Lines of the table for one video; what went wrong is put into ``failed``."""
    chosen: Keypoints | None = None
    masks: dict[str, tuple[Path, float]] = {}
    for entrant in there:
        started = time.monotonic()
        head = f"| {frames.source} | {entrant.stage} | {entrant.name}"
        try:
            if entrant.stage == "keypoints":
                keypoints = detect_keypoints(
                    frames, KeypointsConfig(entrant.name), entrant.weights, entrant.files, entrant.sha256
                )
                chosen = chosen or keypoints
                yield f"{head} | {points_figures(keypoints)} | - | {(time.monotonic() - started) / len(frames):.2f} |"
            else:
                if chosen is None:
                    raise InputError("no backend of keypoints took part that finds the person, whose masks are wanted.")
                config = SilhouettesConfig(entrant.name)
                cut_silhouettes(
                    frames, chosen, folder / entrant.name, config, entrant.weights, entrant.files, entrant.sha256
                )
                masks[entrant.name] = folder / entrant.name, (time.monotonic() - started) / len(frames)
        except InputError as error:
            failed[f"{frames.source}, {entrant.stage}.{entrant.name}"] = error
            yield f"{head} | failed | - | - | - | - |"
    detected, agreed = masks_figures(frames, [place for place, _ in masks.values()])
    for (name, (_, seconds)), share, agreement in zip(masks.items(), detected, agreed, strict=True):
        yield f"| {frames.source} | silhouettes | {name} | {share:.0%} | - | - | {agreement} | {seconds:.2f} |"


def points_figures(keypoints: Keypoints) -> str:
    """Share of frames with points of their own, jitter and swaps, as cells."""
    points = keypoints.keypoints
    seen = (points[..., 2] > 0).any(axis=1) & ~keypoints.interpolated
    height = float(np.median((keypoints.bbox[:, 3] - keypoints.bbox[:, 1])[seen]))
    off = np.linalg.norm(points[1:-1, :, :2] - (points[:-2, :, :2] + points[2:, :, :2]) / 2, axis=-1)
    sure = (np.stack([points[:-2], points[1:-1], points[2:]])[..., 2] >= SURE).all(axis=0)
    jitter = f"{100 * np.median(off[sure]) / height:.2f}" if sure.any() else "-"
    return f"{seen.mean():.0%} | {jitter} | {swaps(points)}"


def swaps(points: np.ndarray) -> int:
    """Steps in which most sure limbs' points [T,J,3] come to lie far nearer to where their counterparts were than they were."""
    left, right = np.array(SIDES), mirrored()[list(SIDES)]
    before, after = points[:-1], points[1:]

    def step(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(after[:, a, :2] - before[:, b, :2], axis=-1)

    stay, cross = step(left, left) + step(right, right), step(left, right) + step(right, left)
    sure = (np.stack([before[:, left], before[:, right], after[:, left], after[:, right]])[..., 2] >= SURE).all(axis=0)
    crossed = sure & (stay > CLEARLY * cross)
    return int((crossed.sum(axis=1) * 2 > np.maximum(sure.sum(axis=1), 1)).sum())


def masks_figures(frames: Frames, folders: list[Path]) -> tuple[np.ndarray, list[str]]:
    """Share of frames with a mask, and mean IoU with the consensus as text, of each folder of masks."""
    shown, agreement = np.zeros(len(folders)), np.zeros(len(folders))
    for index in range(len(frames)):
        masks = np.array([read_alpha(folder, index) >= 128 for folder in folders])
        if len(masks):
            shown += masks.any(axis=(1, 2))
            agreement += iou(masks, np.broadcast_to(masks.mean(axis=0) > 0.5, masks.shape))
    texts = [f"{value / len(frames):.3f}" if len(folders) >= VOTERS else "-" for value in agreement]
    return shown / len(frames), texts


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
