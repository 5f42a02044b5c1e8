"""What an ``avatar.tar`` may say: tables of its numbers, and rules for its texts and for the avatar as a whole."""

from typing import Any

import numpy as np
import torch

from understudy.avatar.lighting import TERMS
from understudy.avatar.model import Avatar
from understudy.avatar.nodes import NODES
from understudy.avatar.residual import FEATURES, HIDDEN, POSE, SIDES
from understudy.files.arrays import check_ranges
from understudy.files.tables import Numbers, check_shares, check_table, check_text, readable
from understudy.formats.limits import (
    BETAS,
    LEAST_JOINTS,
    MOST_BETAS,
    MOST_FACES,
    MOST_FRAMES,
    MOST_JOINTS,
    MOST_PX,
    RATES,
    SIZE,
)

LARGEST_INFO = 1 << 24
"""Bytes of ``avatar.json``: texts of many licences, and numbers of all held-out frames."""
MOST_GAUSSIANS = 1 << 20
"""Fifty times as many as usual; the schema of the options allows a million."""
MOST_CORNERS = 1 << 26
"""Gaussians times shape components: each pair takes 36 bytes of memory."""

LOGITS = 1e4
"""Of opacities and colours; beyond 20 they say nothing more."""
_NET = 1e4
"""Numbers of the network, whose moves and shades are bounded whatever these are."""
WEIGHTS = {
    "face": Numbers(("N",), np.int64, 0, MOST_FACES),
    "bary": Numbers(("N", 3), np.float32, -0.01, 1.01),
    "spacing": Numbers(("N",), np.float32, 1e-6, SIZE),
    "betas": Numbers(("B",), np.float32, -BETAS, BETAS),
    "offsets": Numbers(("N", 3), np.float32, -SIZE, SIZE),
    "log_scales": Numbers(("N", 3), np.float32, -20.0, 1.0),  # up to almost 3 m
    "quats": Numbers(("N", 4), np.float32, -1e3, 1e3),
    "opacity_logits": Numbers(("N",), np.float32, -LOGITS, LOGITS),
    "rgb_logits": Numbers(("N", 3), np.float32, -LOGITS, LOGITS),
    "light": Numbers((TERMS, 3), np.float32, -2.0, 2.0),  # logarithms: some million times brighter from one side
    "sh": Numbers(("N", 3, 3), np.float32, -100.0, 100.0),
    "weight_logits": Numbers((NODES, "J"), np.float32, -30.0, 30.0),  # logarithms
    "residual.first": Numbers((FEATURES * len(SIDES) + POSE, HIDDEN), np.float32, -_NET, _NET),
    "residual.bias": Numbers((HIDDEN,), np.float32, -_NET, _NET),
    "residual.last": Numbers((HIDDEN, 6), np.float32, -_NET, _NET),
    **{
        f"residual.maps.{number}": Numbers((1, FEATURES, side, side), np.float32, -_NET, _NET)
        for number, side in enumerate(SIDES)
    },
}
"""Of ``weights.safetensors``; there may be no ``sh``, ``weight_logits`` and ``residual``."""
WEIGHTS_LENGTHS = {"N": (1, MOST_GAUSSIANS), "B": (1, MOST_BETAS), "J": (LEAST_JOINTS, MOST_JOINTS)}
QUATERNION = (1e-3, 1e4)
"""Length of a Gaussian's quaternion, which need not be one."""

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
    "gaussians": Numbers((), np.int64, 1, MOST_GAUSSIANS),
    "config.edge_band": Numbers((), np.float64, 0.0, 1.0),
    "config.unsure": Numbers((), np.float64, 0.0, 1.0),
}
"""Numbers of ``avatar.json`` that are read again."""
LONGEST_NAME, LONGEST_LICENCE, MOST_LICENCES = 1000, 1 << 16, 100

WHOLE = {
    "the avatar's height": (0.1, 2 * SIZE),
    "the avatar's width over its height": (0.0, 3.0),  # with the arms stretched out it is about 1.5
    "a joint": (-SIZE, SIZE),
    "a Gaussian's place": (-2 * SIZE, 2 * SIZE),
    "the area of the faces": (1e-3, 1e3),
    "the greatest opacity": (0.01, 1.0),
    "the area of all Gaussians": (1e-4, 200.0),  # a hundred times that of a person at most, as pictures take time by it
}
"""Of the avatar in its rest pose, m: a person, or what can be taken for one."""


def check_info(info: dict[str, Any]) -> None:
    """Refuse an ``avatar.json`` in which something is missing or of another kind; make the video's name readable.

    Raises:
        ValueError: There is something.
    """
    source, body, config, _ = (_part(info, key) for key in ("source", "body", "config", "training"))
    source["name"] = check_text("source.name", readable(source.get("name")), LONGEST_NAME)
    check_text("source.sha256", source.get("sha256"), LONGEST_NAME)
    check_text("body.name", body.get("name"), LONGEST_NAME)
    check_text("body.sha256", body.get("sha256"), LONGEST_NAME)
    numbers = {key: info.get(key) for key in ("version", "gaussians")}
    numbers |= {f"config.{key}": config.get(key) for key in ("edge_band", "unsure")}
    check_table({key: np.asarray(value) for key, value in numbers.items()}, INFO, {})
    licences = info.get("licences", [])
    if not isinstance(licences, list) or len(licences) > MOST_LICENCES:
        raise ValueError(f"licences is no list of at most {MOST_LICENCES} texts")
    for number, licence in enumerate(licences, 1):
        check_text(f"licence {number}", licence, LONGEST_LICENCE)


def _part(info: dict[str, Any], key: str) -> dict[str, Any]:
    part = info.get(key)
    if not isinstance(part, dict):
        raise ValueError(f"{key} is missing")
    return part


def check_weights(arrays: dict[str, np.ndarray], gaussians: int, joints: int) -> dict[str, np.ndarray]:
    """The arrays of ``weights.safetensors`` as the types that ``WEIGHTS`` says.

    Args:
        arrays: What the file holds.
        gaussians: How many ``avatar.json`` tells of.
        joints: How many the body has.

    Raises:
        ValueError: They are not what may be.
    """
    missing = [key for key in WEIGHTS if key not in arrays and not key.startswith(("sh", "weight_", "residual"))]
    if missing:
        raise ValueError(f"the weights lack {', '.join(missing)}")
    strange = [key for key in arrays if key not in WEIGHTS]
    if strange:
        raise ValueError(f"the weights hold {strange[0]!a}, which no avatar has")
    taken = check_table(arrays, WEIGHTS, {**WEIGHTS_LENGTHS, "J": (joints, joints)})
    count = len(taken["face"])
    if count != gaussians:
        raise ValueError(f"there are {count} Gaussians, and it tells of {gaussians}")
    if count * len(taken["betas"]) > MOST_CORNERS:
        raise ValueError(f"{count} Gaussians with {len(taken['betas'])} shape components are too many")
    check_shares("bary", taken["bary"], 0.01)
    length = "the length of a quaternion"
    check_ranges({length: np.linalg.norm(taken["quats"].astype(np.float64), axis=1)}, {length: QUATERNION})
    return taken


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
    rest = avatar.rest()
    corners = avatar.body.shaped(avatar.betas)[0][torch.from_numpy(avatar.body.faces).long()].double()
    areas = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=-1) / 2
    posed = avatar.gaussians(avatar.body.rest_rotations, torch.zeros(3), rest)
    extent = posed.means.amax(dim=0) - posed.means.amin(dim=0)
    sizes = {
        "the avatar's height": extent[1],
        "the avatar's width over its height": extent.norm() / extent[1],
        "a joint": rest.joints,
        "a Gaussian's place": posed.means,
        "the area of the faces": areas.sum(),
        "the area of all Gaussians": posed.scales.sort(dim=1).values[:, 1:].double().prod(dim=1).sum(),
        "the greatest opacity": avatar.opacity_logits.sigmoid().max(),
    }
    check_ranges({key: value.numpy() for key, value in sizes.items()}, WHOLE)
