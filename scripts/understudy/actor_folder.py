"""What the finished stages left in one actor's folder."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.body.files import load_body
from understudy.body.model import BodyModel
from understudy.body.posed import check_same_joints
from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import mask_path
from understudy.formats.metrics import read_metrics
from understudy.formats.smpl import BodyTrack


@dataclass(frozen=True)
class Result:
    """What of one actor is there; all of it covers the same ``T`` frames."""

    frames: Frames
    keypoints: Keypoints | None = None
    masks: Path | None = None
    """Folder of the refined masks, or of the coarse ones."""
    track: BodyTrack | None = None
    body: BodyModel | None = None
    """The body of ``track``."""
    body_file: Path | None = None
    """Its file."""
    metrics: Mapping[str, Any] | None = None
    """``metrics.json``."""
    avatar: Callable[[int, np.ndarray, tuple[int, int]], np.ndarray] | None = None
    """Draws the avatar in the pose of a frame, by a camera K [3,3] px, at a width and height px: uint8 RGB [h,w,3]."""
    notes: tuple[str, ...] = ()
    """What is left out and why, a sentence each."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames, px."""
        return self.frames.width, self.frames.height

    def body_height(self) -> float | None:
        """Height of the fitted body from sole to crown, m; None without a body."""
        if self.track is None or self.body is None:
            return None
        heights = self.body.shaped(torch.from_numpy(self.track.betas))[0][:, 1]
        return float(heights.max() - heights.min())


def open_result(folder: str | Path, body: str | Path | None = None, bodies: Iterable[Path] = ()) -> Result:
    """Open an actor's folder as far as the stages have come.

    Args:
        folder: As ``results/actor``.
        body: File of the body that was fitted; None to look for it.
        bodies: Files and folders among which the fitted body may be, told by its hash.

    Raises:
        InputError: It holds no frames, a file is damaged or of another video, or ``body`` is not the one that was fitted.
    """
    folder = Path(folder)
    if not (folder / "frames.json").is_file():
        what = "holds no frames.json" if folder.is_dir() else "is not a folder"
        raise InputError(f"{folder} {what}; give an actor's folder, as results/actor.")
    frames, notes = Frames.load(folder / "frames.json", folder / "frames"), []
    keypoints = Keypoints.load(folder / "keypoints.npz") if (folder / "keypoints.npz").is_file() else None
    track = BodyTrack.load(folder / "smpl.npz") if (folder / "smpl.npz").is_file() else None
    for name, part in (("keypoints.npz", keypoints), ("smpl.npz", track)):
        if part is None:
            notes.append(f"There is no {name} yet.")
        elif len(part) != len(frames):
            raise InputError(
                f"{folder / name} covers {len(part)} frames and the video has {len(frames)}; make it again."
            )
    masks = [folder / name for name in ("matte", "alpha") if mask_path(folder / name, len(frames) - 1).is_file()]
    if not masks:
        notes.append("There are no masks yet.")
    found = None if track is None else _body_of(track, body, bodies, folder / "smpl.npz")
    if track is not None and found is not None:
        check_same_joints(found[0], track)
    if track is not None and found is None:
        notes.append(
            f"The body {track.body_model[0]} that was fitted was not found, so only keypoints and masks are looked at; "
            "give its file with --body."
        )
    metrics = folder / "metrics.json"
    if not metrics.is_file():
        notes.append("There is no metrics.json yet.")
    return Result(
        frames=frames,
        keypoints=keypoints,
        masks=masks[0] if masks else None,
        track=track,
        body=None if found is None else found[0],
        body_file=None if found is None else found[1],
        metrics=read_metrics(metrics) if metrics.is_file() else None,
        notes=tuple(notes),
    )


def _body_of(
    track: BodyTrack, given: str | Path | None, bodies: Iterable[Path], name: Path
) -> tuple[BodyModel, Path] | None:
    """The body of the track and its file: the one given, or the one among ``bodies`` that has its hash."""
    if given is not None:
        body = load_body(given)
        if body.sha256 != track.body_model[1]:
            raise InputError(f"{name} was made with another body ({track.body_model[0]}) than {given}; give that one.")
        return body, Path(given)
    for place in bodies:
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            if path.suffix in (".npz", ".pkl") and path.is_file() and sha256(path) == track.body_model[1]:
                return load_body(path), path
    return None
