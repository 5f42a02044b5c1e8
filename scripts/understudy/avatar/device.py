"""Where training and rendering run."""

import logging
from importlib.util import find_spec

import torch

from understudy.errors import InputError

logger = logging.getLogger(__name__)


def choose_device(name: str) -> torch.device:
    """The device of ``cpu``, ``cuda`` (the present one) or ``auto``."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device is {name!r}; it must be auto, cpu or cuda.")
    found = torch.cuda.is_available() and find_spec("gsplat") is not None
    if name == "cuda" and not found:
        raise InputError("device is cuda, but PyTorch sees no CUDA device or gsplat is missing; use auto or cpu.")
    if name == "auto" and not found:
        logger.info("avatar: working on the CPU (no CUDA device, or gsplat is not installed)")
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def check_gpus(device: str, count: int) -> None:
    """Refuse to train on more GPUs than there are.

    Raises:
        InputError: ``count`` GPUs of ``device`` are not there.
    """
    found = torch.cuda.device_count() if choose_device(device).type == "cuda" else 0
    if found < count:
        raise InputError(f"avatar.gpus is {count}, but {found} can be used; lower it.")
