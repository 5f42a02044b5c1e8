"""What an archive of a field may say."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from understudy.body.model import BodyModel
from understudy.files.tables import Numbers, check_table
from understudy.formats.limits import BETAS, LEAST_JOINTS, MOST_BETAS, MOST_FRAMES, MOST_JOINTS

NET = 1e4
"""Numbers of networks and tables, whose outputs are bounded whatever these are."""
BASE = {
    "betas": Numbers(("B",), np.float32, -BETAS, BETAS),
    "moments": Numbers(("F", "J", 3, 3), np.float32, -1.01, 1.01),
}
"""Of any field's ``weights.safetensors``."""
SPACE = {
    "outside": Numbers((), np.float64, 1e-3, 0.3),
    "inside": Numbers((), np.float64, 1e-3, 0.3),
    "longest": Numbers((), np.float64, 1e-3, 0.3),
    "reach": Numbers((), np.float64, 1e-3, 0.3),
    "samples": Numbers((), np.int64, 4, 1024),
}
"""Of any field's ``avatar.json``, which a ``Space`` is made of."""
LENGTHS = {"B": (1, MOST_BETAS), "F": (1, MOST_FRAMES), "J": (LEAST_JOINTS, MOST_JOINTS)}


def read_base(
    weights: Mapping[str, np.ndarray],
    described: Mapping[str, Any],
    body: BodyModel,
    sizes: Collection[str],
    numbers: Mapping[str, Numbers],
) -> tuple[dict[str, np.ndarray], str, dict[str, Any]]:
    """What an avatar must be made with before it can take its weights.

    Args:
        weights: What the archive holds.
        described: What its ``avatar.json`` says under the method's name.
        body: The avatar's.
        sizes: Names that its size may have.
        numbers: What there is to say of where it is looked at.

    Returns:
        Arrays of ``BASE``, the size, and those numbers by name.

    Raises:
        ValueError: Something is missing or not what may be.
    """
    if missing := sorted((set(BASE) - set(weights)) | (set(numbers) - set(described))):
        raise ValueError(f"{', '.join(missing)} is missing")
    joints = len(body.joint_names)
    base = check_table(weights, BASE, {**LENGTHS, "J": (joints, joints)})
    if described.get("size") not in sizes:
        raise ValueError(f"size is none of {', '.join(sizes)}")
    space = check_table({key: np.asarray(described[key]) for key in numbers}, numbers, {})
    return base, described["size"], {key: value.item() for key, value in space.items()}


def load_weights(avatar: nn.Module, weights: Mapping[str, np.ndarray], ranges: Mapping[str, Numbers]) -> None:
    """Take the weights of an avatar of the same shapes.

    Args:
        avatar: Whose state to fill.
        weights: By the names of its state; tables may be of half the bytes.
        ranges: Of the few that have other limits than ``NET``; their shapes do not count.

    Raises:
        ValueError: One is missing, too many, of another shape, or out of its range.
    """
    state = avatar.state_dict()
    if other := sorted(set(state) ^ set(weights)):
        raise ValueError(f"{other[0]} is missing or unknown")
    table = {key: Numbers(tuple(value.shape), np.float32, -NET, NET) for key, value in state.items()}
    # of these the limits alone: how long they are is said by the rest
    table |= {key: replace(limits, shape=table[key].shape) for key, limits in ranges.items()}
    checked = check_table(weights, table, {})
    avatar.load_state_dict({key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in checked.items()})


def load_converted(avatar: nn.Module, taken: Mapping[str, Tensor], own: Collection[str]) -> None:
    """Take what another program has learned.

    Args:
        avatar: Whose state to fill.
        taken: The other's by the names of this state.
        own: Names of what the other has none of.

    Raises:
        ValueError: Something is missing, or is one too many.
        RuntimeError: Something is of another shape.
    """
    state = avatar.state_dict()
    if missing := sorted(set(state) - set(taken) - set(own)):
        raise ValueError(f"{missing[0]} is missing")
    if unknown := sorted(set(taken) - set(state)):
        raise ValueError(f"{unknown[0]} is one too many")
    avatar.load_state_dict(taken, strict=False)
