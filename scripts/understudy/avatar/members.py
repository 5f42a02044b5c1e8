"""What an ``avatar.tar`` may say: tables of its numbers, and rules for its texts and for the avatar as a whole."""

from typing import Any

import numpy as np
import torch

from understudy.avatar.base import Avatar
from understudy.files.arrays import check_ranges
from understudy.files.tables import Numbers, check_table, check_text, readable
from understudy.formats.frames import check_crop
from understudy.formats.limits import MOST_FRAMES, MOST_PX, RATES, SIZE

LARGEST_INFO = 1 << 24
"""Bytes of ``avatar.json``: texts of many licences, and numbers of all held-out frames."""
POSES = {
    "fps": Numbers((), np.float64, *RATES),
    "width": Numbers((), np.int32, 1, MOST_PX),
    "height": Numbers((), np.int32, 1, MOST_PX),
    "held_out": Numbers(("H",), np.int32, 0, MOST_FRAMES),
    "exposure": Numbers(("T", 3), np.float32, 0.01, 100.0),
}
"""What ``poses.npz`` holds beside what a ``smpl.npz`` does."""
POSES_LENGTHS = {"T": (1, MOST_FRAMES), "H": (0, MOST_FRAMES)}

INFO = {
    "version": Numbers((), np.int64, 1, 1 << 31),
    "config.edge_band": Numbers((), np.float64, 0.0, 1.0),
    "config.unknown": Numbers((), np.float64, 0.0, 1.0),
}
"""Numbers of ``avatar.json`` that are read again."""
SOURCE = {
    "source.size": Numbers((2,), np.int64, 1, MOST_PX),
    "source.crop": Numbers((4,), np.float64, 0, MOST_PX),
}
"""Of the video, where its pictures were cropped."""
LONGEST_NAME, LONGEST_LICENCE, MOST_LICENCES = 1000, 1 << 16, 100

WHOLE = {
    "the avatar's height": (0.1, 2 * SIZE),
    "the avatar's width over its height": (0.0, 3.0),  # with the arms stretched out it is about 1.5
    "a joint": (-SIZE, SIZE),
    "a place of the avatar": (-2 * SIZE, 2 * SIZE),
    "the area of the faces": (1e-3, 1e3),
}
"""Of the avatar in its rest pose, m: a person, or what can be taken for one."""


def check_info(info: dict[str, Any]) -> None:
    """Refuse an ``avatar.json`` in which something is missing or of another kind; make the video's name readable.

    Raises:
        ValueError: There is something.
    """
    source, body, config, _ = (_part(info, key) for key in ("source", "body", "config", "training"))
    _part(info, check_text("method", info.get("method"), LONGEST_NAME))
    source["name"] = check_text("source.name", readable(source.get("name")), LONGEST_NAME)
    check_text("source.sha256", source.get("sha256"), LONGEST_NAME)
    check_text("body.name", body.get("name"), LONGEST_NAME)
    check_text("body.sha256", body.get("sha256"), LONGEST_NAME)
    numbers = {key: info.get(key) for key in ("version",)}
    numbers |= {f"config.{key}": config.get(key) for key in ("edge_band", "unknown")}
    check_table({key: np.asarray(value) for key, value in numbers.items()}, INFO, {})
    if source.get("crop") is not None:
        video = check_table({key: np.asarray(source.get(key.partition(".")[2])) for key in SOURCE}, SOURCE, {})
        check_crop(video["source.crop"], video["source.size"])
    licences = info.get("licences", [])
    if not isinstance(licences, list) or len(licences) > MOST_LICENCES:
        raise ValueError(f"licences is not a list of at most {MOST_LICENCES} texts")
    for number, licence in enumerate(licences, 1):
        check_text(f"licence {number}", licence, LONGEST_LICENCE)


def _part(info: dict[str, Any], key: str) -> dict[str, Any]:
    part = info.get(key)
    if not isinstance(part, dict):
        raise ValueError(f"{key} is missing")
    return part


def check_poses(arrays: dict[str, np.ndarray], frames: int) -> dict[str, np.ndarray]:
    """What the ``poses.npz`` of so many frames holds beside the poses.

    Raises:
        ValueError: It is not what may be.
    """
    taken = check_table(arrays, POSES, {**POSES_LENGTHS, "T": (frames, frames)})
    held_out = taken["held_out"]
    if held_out.max(initial=0) >= frames or len(np.unique(held_out)) < len(held_out):
        raise ValueError("held_out names a frame twice, or one that there is not")
    return taken


@torch.no_grad()
def check_avatar(avatar: Avatar) -> None:
    """Refuse an avatar whose numbers are possible each by itself, but make no person together.

    Raises:
        ValueError: It has no size, or no person's.
    """
    shaped = avatar.shaped()
    corners = avatar.body.shaped(avatar.betas)[0][torch.from_numpy(avatar.body.faces).long()].double()
    areas = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=-1) / 2
    points = shaped.posed(avatar.body.rest_rotations, torch.zeros(3)).extent()
    extent = points.amax(dim=0) - points.amin(dim=0)
    sizes = {
        "the avatar's height": extent[1],
        "the avatar's width over its height": extent.norm() / extent[1],
        "a joint": shaped.joints,
        "a place of the avatar": points,
        "the area of the faces": areas.sum(),
    }
    check_ranges({key: value.numpy() for key, value in sizes.items()}, WHOLE)
