"""The avatar on People-Snapshot by the published protocols: given SMPL poses, their frames for training, theirs for the test.

python -m benchmarks.people_snapshot.protocols FOLDER --body SMPL [--protocol instantavatar|anim-nerf]

FOLDER is a subject as the data set has it (``female-3-casual/`` with camera.pkl, masks.hdf5, reconstructed_poses.hdf5, the
mp4), or as InstantAvatar preprocesses it, or a folder of such. SMPL is the body's file, or a folder with SMPL_MALE and
SMPL_FEMALE (.pkl or .npz).
Poses refined by Anim-NeRF, which the published figures rest on, are used where ``poses/anim_nerf_{train,test}.npz`` lies in the
subject's folder (InstantAvatar's repository has them); they were fitted to the test pictures too. Nothing is downloaded.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image

from benchmarks.people_snapshot.data import Given, Lens, Subject, find_subjects
from benchmarks.people_snapshot.score import MEASURES, Scores, published, score_frames
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.train import train_avatar
from understudy.body.files import load_body
from understudy.body.model import BodyModel
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.masks import write_alpha
from understudy.formats.smpl import BodyTrack
from understudy.importers.parameters import poses_from
from understudy.importers.transfer import body_track, place_poses
from understudy.metrics.lpips import Lpips
from understudy.threads import use_threads
from understudy.video.intrinsics import scale_camera

Split = tuple[int, int, int]
"""First frame, last frame (it counts too) and step, from 0."""

SPLITS: dict[str, tuple[Split, Split]] = {
    "male-3-casual": ((0, 455, 4), (456, 675, 4)),
    "male-4-casual": ((0, 659, 6), (660, 872, 6)),
    "female-3-casual": ((0, 445, 4), (446, 647, 4)),
    "female-4-casual": ((0, 335, 4), (335, 523, 4)),
}
"""Frames of training and test, the same in Anim-NeRF's and InstantAvatar's configurations."""


@dataclass(frozen=True)
class Protocol:
    """How pictures and poses come about; both put the person on white and score the whole picture."""

    size: int | None
    """Width of the pictures, px; None for half of the video's."""
    lens_first: bool
    """Whether lens distortion is removed before the picture is scaled."""
    soft_masks: bool
    """Whether scaled masks keep their soft edges; masks of whole numbers 0 and 1 lose them."""
    own_poses: bool
    """Whether training starts from the data set's own fit rather than from poses refined by Anim-NeRF."""


PROTOCOLS = {
    "instantavatar": Protocol(size=None, lens_first=True, soft_masks=False, own_poses=False),
    "anim-nerf": Protocol(size=512, lens_first=False, soft_masks=True, own_poses=True),
}


class LosslessFrames(Frames):
    """Frames that lie as PNG, so that no second compression enters the figures."""

    def path(self, index: int) -> Path:
        """Image file of frame ``index``."""
        return self.folder / f"{index:06d}.png"


@dataclass(frozen=True)
class Result:
    """Figures of one subject."""

    name: str
    poses: str
    seconds: float
    given: Scores
    refined: Scores


def main(arguments: Sequence[str] | None = None) -> list[Result]:
    """Train, measure and print a table."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    use_threads(options.threads)
    subjects = find_subjects(options.folder)
    chosen = [(subject, splits_of(subject.name, options)) for subject in subjects]
    # a missing body is told before an hour of training
    bodies = [body_of(subject.name, options.body) for subject in subjects]
    lpips = None if options.lpips is None else Lpips.load(options.lpips)
    results = []
    for (subject, splits), body in zip(chosen, bodies, strict=True):
        with TemporaryDirectory() as temporary:
            folder = (options.work or Path(temporary)) / subject.name
            results.append(run_subject(subject, splits, body, folder, options, lpips))
    print_table(results, options)
    return results


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a subject, or a folder of subjects")
    parser.add_argument("--body", type=Path, help="SMPL's file, or a folder with SMPL_MALE and SMPL_FEMALE")
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), default="instantavatar")
    parser.add_argument("--train", type=split, help="START:END:STEP instead of the published frames; END counts too")
    parser.add_argument("--test", type=split, help="the same of the test")
    parser.add_argument("--size", type=int, help="width of the pictures instead of the protocol's, px")
    parser.add_argument("--steps", type=int, default=AvatarConfig().steps)
    parser.add_argument("--minutes", type=float, help="limit of the training")
    parser.add_argument("--gaussians", type=int, default=GaussiansConfig().count)
    parser.add_argument("--refine-steps", type=int, default=60, help="of the poses on each test picture; 0 for none")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--lpips", type=Path, help="folder with AlexNet's weights and LPIPS's own; without it no LPIPS")
    parser.add_argument("--work", type=Path, help="folder to keep the prepared pictures and renders in")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def split(text: str) -> Split:
    """Frames of an option."""
    start, end, step = (int(part) for part in text.split(":"))
    return start, end, step


def splits_of(name: str, options: argparse.Namespace) -> tuple[list[int], list[int]]:
    """Frames of training and test.

    Raises:
        InputError: The subject has no published split, and none is given.
    """
    if name not in SPLITS and (options.train is None or options.test is None):
        raise InputError(f"{name} has no published split (those of {', '.join(SPLITS)} have); give --train and --test.")
    usual = SPLITS.get(name, (options.train, options.test))
    parts = (options.train or usual[0], options.test or usual[1])
    train, test = (list(range(start, end + 1, step)) for start, end, step in parts)
    return train, test


def body_of(name: str, path: Path | None) -> BodyModel:
    """The subject's body.

    Raises:
        InputError: It is not given, not found, or not SMPL.
    """
    if path is None:
        raise InputError("The poses of People-Snapshot are SMPL's: give SMPL's file with --body.")
    if path.is_dir():
        gender = "FEMALE" if name.startswith("female") else "MALE"
        found = [path / f"SMPL_{gender}{suffix}" for suffix in (".pkl", ".npz")]
        file = next((file for file in found if file.is_file()), None)
        if file is None:
            raise InputError(f"{path} has no SMPL_{gender}.pkl or .npz, which {name} needs; give the file with --body.")
        path = file
    return load_body(path, "smpl")


def run_subject(
    subject: Subject,
    splits: tuple[list[int], list[int]],
    body: BodyModel,
    folder: Path,
    options: argparse.Namespace,
    lpips: Lpips | None,
) -> Result:
    """Train on one subject and measure."""
    protocol = PROTOCOLS[options.protocol]
    protocol = replace(protocol, size=options.size or protocol.size)
    frames = prepare(subject, splits, protocol, folder)
    given = [
        subject.poses(which, part, protocol.own_poses) for which, part in zip(("train", "test"), splits, strict=True)
    ]
    track = track_of(given, subject.lens, body, frames)
    config = AvatarConfig(steps=options.steps, minutes=options.minutes, hold_out=0, device=options.device)
    started = time.monotonic()
    canonical = prepare_canonical(frames, folder / "alpha", track, body, CanonicalConfig())
    training = train_avatar(
        frames, folder / "alpha", track, canonical, body, config, options=GaussiansConfig(count=options.gaussians)
    )
    seconds = time.monotonic() - started
    test = list(range(len(splits[0]), len(frames)))
    poses = replace(track, betas=training.poses.betas)
    scores = score_frames(
        training.avatar, poses, frames, folder / "alpha", test, options.refine_steps, lpips, options.device,
        folder / "renders" if options.work else None,
    )  # fmt: skip
    return Result(subject.name, f"{given[0].source}, {given[1].source}", seconds, *scores)


def prepare(subject: Subject, splits: tuple[list[int], list[int]], protocol: Protocol, folder: Path) -> Frames:
    """Write the pictures of training, then those of the test, and their masks, as the protocol makes them."""
    lens = subject.lens
    width = protocol.size or lens.size[0] // 2
    size = (width, round(width * lens.size[1] / lens.size[0]))
    for name in ("frames", "alpha"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    wanted = [*splits[0], *splits[1]]
    place = {frame: [i for i, other in enumerate(wanted) if other == frame] for frame in wanted}
    ordered = sorted(place)
    for frame, (picture, mask) in zip(ordered, subject.pictures(ordered), strict=True):
        rgb, alpha = made(picture, mask, lens, size, protocol)
        for index in place[frame]:
            Image.fromarray(rgb).save(folder / "frames" / f"{index:06d}.png", compress_level=1)
            write_alpha(folder / "alpha", index, alpha)
    return LosslessFrames(
        folder=folder / "frames", fps=30.0, width=size[0], height=size[1], source=subject.name, source_sha256="",
        source_frames=np.array(wanted, np.int64), K=scaled_camera(lens, size), K_source="config",
    )  # fmt: skip


def made(
    picture: np.ndarray, mask: np.ndarray, lens: Lens, size: tuple[int, int], protocol: Protocol
) -> tuple[np.ndarray, np.ndarray]:
    """Picture uint8 [H,W,3] and mask uint8 [H,W] at ``size``, with OpenCV's functions, whose rounding is the protocol's."""
    mask = mask * np.uint8(255) if protocol.soft_masks else mask
    pictures = [np.ascontiguousarray(picture), mask]
    if protocol.lens_first:
        pictures = [cv2.resize(straight(values, lens.K, lens), size) for values in pictures]
    else:
        # the published code scales K as if pixel centres were whole numbers
        K = np.diag([size[0] / lens.size[0], size[1] / lens.size[1], 1.0]) @ lens.K
        pictures = [straight(cv2.resize(values, size), K, lens) for values in pictures]
    rgb, alpha = pictures
    return rgb, alpha if protocol.soft_masks else alpha * np.uint8(255)


def straight(values: np.ndarray, K: np.ndarray, lens: Lens) -> np.ndarray:
    """A picture without lens distortion."""
    return values if lens.distortion is None else cv2.undistort(values, K, lens.distortion)


def scaled_camera(lens: Lens, size: tuple[int, int]) -> np.ndarray:
    """K [3,3] of the scaled pictures, pixel centres at +0.5."""
    K = lens.K.copy()
    K[:2, 2] += 0.5
    return scale_camera(K, lens.size, size)


def track_of(given: Sequence[Given], lens: Lens, body: BodyModel, frames: Frames) -> BodyTrack:
    """Poses of training and test as one track with the training's shape; those of the test are not valid for training."""
    tracks, known = [], []
    for part in given:
        poses = poses_from(part.values, Path(part.source), "smpl").seen_from(
            lens.extrinsic[:3, :3], lens.extrinsic[:3, 3]
        )
        rows = np.arange(len(poses))
        placed = place_poses(poses, rows, body, frames.K, frames.K)
        if tracks:
            placed = replace(placed, betas=tracks[0].betas.astype(np.float64))
        tracks.append(body_track(placed, np.ones(len(rows), bool), body, frames, None))
        known.append(np.full(len(rows), not known))
    joined = {
        name: np.concatenate([getattr(track, name) for track in tracks])
        for name in ("global_orient", "body_pose", "transl", "reprojection_px")
    }
    return replace(tracks[0], **joined, valid=np.concatenate(known))


def print_table(results: Sequence[Result], options: argparse.Namespace) -> None:
    """Ours by subject and on average, and what others published."""
    shown = [name for name in MEASURES if name in results[0].given]
    heads = [f"{MEASURES[name]}, {how}" for how in ("poses as given", "pose refined") for name in shown]
    print(
        f"Protocol {options.protocol}; {options.gaussians} Gaussians, at most {options.steps} steps, white background,"
    )
    print(f"{options.refine_steps} steps of refinement of a test picture's pose, the avatar frozen.\n")
    print("| subject | poses from | training s |" + "".join(f" {head} |" for head in heads))
    print("|---|---|--:|" + "--:|" * len(heads))
    means = (
        {name: float(np.mean([scores[name] for scores in every])) for name in shown}
        for every in ([result.given for result in results], [result.refined for result in results])
    )
    mean = Result("mean", "", float(np.mean([result.seconds for result in results])), *means)
    for result in [*results, mean]:
        values = [scores[name] for scores in (result.given, result.refined) for name in shown]
        cells = "".join(f" {value:.2f} |" if value > 2 else f" {value:.4f} |" for value in values)
        print(f"| {result.name} | {result.poses} | {result.seconds:.0f} |{cells}")
    print(published(options.protocol))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
