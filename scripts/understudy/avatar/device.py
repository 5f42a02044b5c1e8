"""Where training and rendering run."""

import logging
from importlib.util import find_spec

import torch

from understudy.errors import InputError

logger = logging.getLogger(__name__)


def choose_device(name: str) -> torch.device:
    """The device of ``cpu``, ``cuda`` or ``auto``."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device is {name!r}; it must be auto, cpu or cuda.")
    found = torch.cuda.is_available() and find_spec("gsplat") is not None
    if name == "cuda" and not found:
        raise InputError("device is cuda, but PyTorch sees no CUDA device or gsplat is missing; use auto or cpu.")
    if name == "auto" and not found:
        logger.info("avatar: working on the CPU (no CUDA device, or gsplat is not installed)")
    return torch.device("cuda" if found and name != "cpu" else "cpu")
