"""What an archive of a field may say."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from understudy.files.tables import Numbers, check_table
from understudy.formats.limits import BETAS, LEAST_JOINTS, MOST_BETAS, MOST_FRAMES, MOST_JOINTS, MOST_VERTICES

NET = 1e4
"""Numbers of networks and tables, whose outputs are bounded whatever these are."""
BASE = {
    "betas": Numbers(("B",), np.float32, -BETAS, BETAS),
    "moments": Numbers(("F", "J", 3, 3), np.float32, -1.01, 1.01),
    "outside": Numbers(("V",), np.float32, 0.0, 0.3),
}
"""Of any field's ``weights.safetensors``."""
LENGTHS = {"V": (1, MOST_VERTICES), "B": (1, MOST_BETAS), "F": (1, MOST_FRAMES), "J": (LEAST_JOINTS, MOST_JOINTS)}


def check_base(weights: Mapping[str, np.ndarray], joints: int) -> dict[str, np.ndarray]:
    """Shape and moments of a field on a body with so many joints.

    Raises:
        ValueError: They are missing or not what may be.
    """
    if missing := sorted(set(BASE) - set(weights)):
        raise ValueError(f"{', '.join(missing)} is missing")
    return check_table(weights, BASE, {**LENGTHS, "J": (joints, joints)})


def check_numbers(described: Mapping[str, Any], table: Mapping[str, Numbers]) -> dict[str, Any]:
    """Numbers of ``avatar.json`` that a table names.

    Raises:
        ValueError: One is missing or not what may be.
    """
    if missing := sorted(set(table) - set(described)):
        raise ValueError(f"{', '.join(missing)} is missing")
    checked = check_table({key: np.asarray(described[key]) for key in table}, table, {})
    return {key: value.item() for key, value in checked.items()}


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
