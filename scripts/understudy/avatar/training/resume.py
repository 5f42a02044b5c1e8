"""Whether a saved state is one that a training can go on from: a file that was damaged or made up must not end in an avatar."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

UNKNOWN = ("exposures",)
"""Tensors in which NaN stands for what was not measured yet."""


def check_state(state: Mapping[str, Any], like: Mapping[str, Any], parameters: Sequence[Tensor]) -> None:
    """Refuse a state of a training that is not of the shapes of another one's, or holds numbers that are not finite.

    Args:
        state: What was read.
        like: The state of a training of the same input that has just begun; of the optimizer, the groups alone count.
        parameters: What the optimizer moves, in its order.

    Raises:
        ValueError: It is another one's.
    """
    if set(state) != set(like):
        raise ValueError("parts of it are missing")
    for key, value in like.items():
        if key not in ("optimizer", "members", "history"):
            _check_like(key, state[key], value)
    if not state["step"] >= 0 or not 0 <= state["seconds"] < np.inf:
        raise ValueError("step or seconds")
    curves = state["history"]
    if set(curves) != set(like["history"]) or len({len(curve) for curve in curves.values()}) > 1:
        raise ValueError("history")
    if not all(np.isfinite(np.asarray(curve, np.float64)).all() for curve in curves.values()):
        raise ValueError("history is not finite")
    _check_optimizer(state["optimizer"], like["optimizer"], parameters)
    _check_members(state["members"], like["members"])


def _check_like(name: str, value: Any, like: Any) -> None:
    if isinstance(like, Mapping):
        if not isinstance(value, Mapping) or set(value) != set(like):
            raise ValueError(f"{name} has other parts")
        for key in like:
            _check_like(f"{name}.{key}", value[key], like[key])
    elif isinstance(like, Tensor):
        if not isinstance(value, Tensor) or (value.shape, value.dtype) != (like.shape, like.dtype):
            raise ValueError(f"{name} is of another shape")
        known = value[~value.isnan()] if name in UNKNOWN else value
        if not bool(known.isfinite().all()):
            raise ValueError(f"{name} is not finite")
    elif type(value) is not type(like):
        raise ValueError(f"{name} is of another kind")


def _check_optimizer(state: Any, like: Any, parameters: Sequence[Tensor]) -> None:
    """Adam's state; ``like`` has its groups, and nothing of what it learns of the ``parameters``."""
    groups = [[{**group, "lr": 0.0} for group in one["param_groups"]] for one in (state, like)]
    if groups[0] != groups[1]:
        raise ValueError("optimizer has other groups")
    for index, moments in state["state"].items():
        wanted = {"step": torch.zeros(()), "exp_avg": parameters[index], "exp_avg_sq": parameters[index]}
        _check_like(f"optimizer.{index}", moments, wanted)


def _check_members(members: Any, like: Sequence[Mapping[str, Any]]) -> None:
    """What each member of a team has of its own: frames that it has, and a random state."""
    if not isinstance(members, list) or len(members) != len(like):
        raise ValueError("another number of members")
    for own, known in zip(members, like, strict=True):
        if not set(own["order"]) <= set(own["usable"]) <= set(known["usable"]):
            raise ValueError("frames that there are not")
        _check_like("random", own["random"], known["random"])
