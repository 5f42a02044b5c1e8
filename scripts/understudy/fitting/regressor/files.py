"""The network's weights on disk: safetensors in half precision, with all that is needed to use them as metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from understudy.errors import InputError
from understudy.files.arrays import check_ranges, reading
from understudy.files.atomic import atomic_write
from understudy.files.regular import check_regular
from understudy.fitting.regressor.features import POINTS
from understudy.fitting.regressor.model import TURNING, NetConfig, PoseNet

FORMAT = "understudy-regressor-1"
MOST_BLOCKS = 64
RANGES = {
    "width": (1, 4096),
    "dilations": (1, 64),
    "num_betas": (0, 1000),
    "step": (1e-3, 1.0),
    "weights": (-1e4, 1e4),
}
"""What numbers of a network may be: channels, steps between taps, shape components, seconds, and all of its weights."""


def save_net(path: str | Path, net: PoseNet, step: float, notes: Mapping[str, str]) -> None:
    """Write a network.

    Args:
        path: The file.
        net: The network.
        step: Seconds between the frames that it was trained on.
        notes: What else to tell, such as licence and seed.
    """
    about = {
        "format": FORMAT,
        "step": repr(step),
        "net": json.dumps(asdict(net.config)),
        "points": json.dumps(POINTS),
        "turning": json.dumps(TURNING),
    }
    weights = {key: value.detach().half().contiguous() for key, value in net.state_dict().items()}
    with atomic_write(path) as temporary:
        save_file(weights, temporary, metadata={**notes, **about})


def load_net(path: str | Path) -> tuple[PoseNet, float]:
    """Read a network and the seconds between frames that it expects.

    Raises:
        InputError: The file is missing, damaged, or for other features than this version makes.
    """
    with reading(path, "a readable safetensors file", "get it again"):
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - no mapping
    ours = {
        "format": FORMAT,
        "points": json.dumps(POINTS),
        "turning": json.dumps(TURNING),
    }
    if any(about.get(key) != value for key, value in ours.items()):
        raise InputError(
            f"{path} is not a pose regressor of this version; train it again with tools/train_regressor.py."
        )
    try:
        config = json.loads(about["net"])
        if len(config["dilations"]) > MOST_BLOCKS:
            raise ValueError(f"{len(config['dilations'])} blocks")
        counts = {key: config[key] for key in ("width", "num_betas")} | dict(enumerate(config["dilations"]))
        if any(type(count) is not int for count in counts.values()):
            raise ValueError("sizes that are not whole numbers")
        step = float(about["step"])
        check_ranges({**config, "step": step}, RANGES)
        with torch.device("meta"):  # the network takes the file's numbers, so a size that is only claimed costs nothing
            net = PoseNet(NetConfig(**{**config, "dilations": tuple(config["dilations"])}))
        net.load_state_dict(weights, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError, RecursionError, OverflowError) as error:
        raise InputError(f"{path} has weights that do not fit its description ({error}); train it again.") from None
    try:
        for value in weights.values():
            check_ranges({"weights": value.numpy()}, RANGES)
    except ValueError as error:
        raise InputError(f"{path} holds impossible numbers ({error}); train it again.") from None
    return net.eval(), step
