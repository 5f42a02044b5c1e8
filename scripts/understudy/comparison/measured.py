"""What is compared: avatars of one video, with what was measured of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.avatar.config import REFINING, takes_refined
from understudy.errors import InputError
from understudy.formats.metrics import read_metrics

SAME_MM = 0.1
"""Joints that are no farther apart than this are in the same pose."""


@dataclass(frozen=True)
class MeasuredAvatar:
    """One avatar."""

    name: str
    """That it has on the page."""
    archive: AvatarArchive
    metrics: dict[str, Any]
    """``metrics.json``."""
    pictures: Path
    """Folder of its held-out frames beside their truth."""
    megabytes: float
    """Of its file."""


def read_measured(paths: Sequence[str | Path], body: str | Path | None = None) -> list[MeasuredAvatar]:
    """Avatars of one video, each with its ``metrics.json`` and ``held_out`` beside it.

    Each is called as its method; of several of one method, as its folder too.

    Args:
        paths: Files ``avatar.tar``.
        body: The body's own file, for avatars of licensed bodies.

    Raises:
        InputError: There is none, a file is missing, damaged or of another name, or two avatars are not of the same video,
            body and held-out frames.
    """
    if not paths:
        raise InputError("There is no avatar to compare; give the avatar.tar of each.")
    places = [Path(path) for path in paths]
    found = [_read(place, body) for place in places]
    for one, place in zip(found, places, strict=True):
        _check_measured(one, place.parent)
        _check_alike(found[0], one, places[0].parent, place.parent)
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        found = [replace(one, name=f"{one.name} ({place.parent})") for one, place in zip(found, places, strict=True)]
    return found


def _read(path: Path, body: str | Path | None) -> MeasuredAvatar:
    if path.name != "avatar.tar":
        raise InputError(f"{path} is not called avatar.tar, of which the metrics.json beside it is; give that.")
    archive, metrics = load_archive(path, body), read_metrics(path.parent / "metrics.json")
    size = path.stat().st_size / 1e6
    return MeasuredAvatar(archive.avatar.method, archive, metrics, path.parent / "held_out", size)


def poses_of(one: MeasuredAvatar, avatars: Sequence[MeasuredAvatar]) -> str:
    """What an avatar's poses came from, in words.

    Args:
        one: The avatar.
        avatars: All that are compared; poses that it holds are told from those of a Gaussian avatar among them.
    """
    config = {"poses": "fit", **one.archive.info["config"]}
    aligned = (number(config.get("align_steps")) or 0) > 0
    if not takes_refined(one.archive.avatar.method, config):
        return "of the fit, aligned by its own training" if aligned else "of the fit, held"
    if aligned:
        return "of the Gaussian avatar, aligned further"
    refining = [other.archive for other in avatars if other.archive.avatar.method == REFINING]
    elsewhere = refining and all(poses_apart(one.archive, other) > SAME_MM for other in refining)
    return "of a Gaussian avatar that is not here, held" if elsewhere else "of the Gaussian avatar, held"


def number(value: Any) -> float | None:
    """What ``avatar.json`` says of its training, which a stranger may have written: a number of 0 or more, else None."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf
    return value if known else None


def poses_apart(one: AvatarArchive, other: AvatarArchive) -> float:
    """Mean distance of the joints of two avatars over the held-out frames, mm."""
    places = [_joints(archive) for archive in (one, other)]
    return 1000.0 * float((places[0] - places[1]).norm(dim=-1).mean())


def _joints(archive: AvatarArchive) -> torch.Tensor:
    """Joints [T,J,3] in the held-out frames, m."""
    poses, frames = archive.poses, list(archive.held_out)
    values = (poses.global_orient, poses.body_pose, poses.transl)
    with torch.no_grad():
        pose = [torch.from_numpy(np.asarray(value[frames], np.float32)) for value in values]
        return archive.avatar.body.to("cpu")(torch.from_numpy(poses.betas), *pose).joints


def _check_measured(one: MeasuredAvatar, folder: Path) -> None:
    """Refuse an avatar without figures of held-out frames, or with figures of others."""
    measured = one.metrics.get("held_out_frames", [])
    if not measured or "without_pose_refinement" not in one.metrics:
        raise InputError(
            f"{folder}/metrics.json has no figures of held-out frames, without which nothing can be compared;"
            " set avatar.hold_out, for example to 8."
        )
    if not set(measured) <= set(one.archive.held_out):
        raise InputError(
            f"{folder}/metrics.json has figures of frames that {folder}/avatar.tar learned from; measure it again."
        )


def _check_alike(first: MeasuredAvatar, other: MeasuredAvatar, first_folder: Path, folder: Path) -> None:
    """Refuse two avatars of which one has learned or is measured on something else."""
    pairs = {
        "videos": [one.archive.info["source"]["sha256"] for one in (first, other)],
        "frames": [len(one.archive.poses) for one in (first, other)],
        "sizes of the frames": [(one.archive.width, one.archive.height) for one in (first, other)],
        "bodies": [one.archive.info["body"]["sha256"] for one in (first, other)],
        "held-out frames": [one.archive.held_out for one in (first, other)],
        "measured frames": [one.metrics["held_out_frames"] for one in (first, other)],
        "ways of measuring": [one.metrics.get("protocol") for one in (first, other)],
    }
    unlike = next((what for what, (one, another) in pairs.items() if one != another), None)
    if unlike is not None:
        raise InputError(
            f"The avatars of {first_folder} and {folder} have different {unlike}, so their figures cannot be compared;"
            " train and measure both on the same."
        )
