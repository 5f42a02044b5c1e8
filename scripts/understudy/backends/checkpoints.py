"""Weights out of published checkpoints, without running what such a file may say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from understudy.errors import InputError
from understudy.files.arrays import reading
from understudy.files.safe_arrays import read_pickle
from understudy.files.safe_torch import load_torch

WRAPPERS = ("state_dict", "model")
"""Under these names checkpoints hold their weights if they hold more."""
PARALLEL = "module."
"""What training on several GPUs writes before every name."""
COUNTER = "num_batches_tracked"
"""Counts training steps; older checkpoints lack it, and nothing here needs it."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a torch checkpoint (pth, pt), or of a pickle of numpy arrays as detectron2 publishes them (pkl).

    Raises:
        InputError: The file is missing or damaged, or holds other things than containers, numbers and tensors.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights.")
    with reading(path, "a file of weights that can be read safely", "get it again"):
        content: Any = _of_arrays(path) if path.suffix == ".pkl" else load_torch(path)
    for name in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds no weights by name; get it again.")
    values = {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in content.items()
    }
    return {str(name).removeprefix(PARALLEL): value for name, value in values.items() if isinstance(value, Tensor)}


def _of_arrays(path: Path) -> Any:
    try:
        return read_pickle(path)
    except InputError as error:  # which tells of trackings what to do
        raise ValueError(str(error)) from None


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into a network, all of them or none.

    Raises:
        InputError: A weight is missing, has another shape, or there is one that the network has no place for.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in weights and not name.endswith(COUNTER)]
    unknown = [name for name in weights if name not in own]
    if missing or unknown:
        first = f"it lacks {missing[0]}" if missing else f"{unknown[0]} has no place in it"
        raise InputError(
            f"{path} is not a checkpoint of {type(network).__name__}: {first}"
            f" ({len(missing)} missing, {len(unknown)} unknown); give the file that docs/backends.md names."
        )
    for name, value in weights.items():
        if value.shape != own[name].shape:
            shapes = " but ".join(f"{list(one.shape)}" for one in (value, own[name]))
            raise InputError(
                f"{path}: {name} has the shape {shapes} is needed; give the file that docs/backends.md names."
            )
    network.load_state_dict({**own, **weights})
