"""Where training and rendering run."""

import logging
from importlib.util import find_spec

import torch

from understudy.avatar.registry import WITH_GAUSSIANS
from understudy.errors import InputError

logger = logging.getLogger(__name__)


def choose_device(name: str, method: str = "gaussians") -> torch.device:
    """The device of ``cpu``, ``cuda`` (the present one) or ``auto``, for avatars of a method."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"device is {name!r}; it must be auto, cpu or cuda.")
    gsplat = method not in WITH_GAUSSIANS or find_spec("gsplat") is not None
    found = torch.cuda.is_available() and gsplat
    if name == "cuda" and not found:
        raise InputError("device is cuda, but PyTorch sees no CUDA device or gsplat is missing; use auto or cpu.")
    if name == "auto" and not found:
        logger.info("avatar: working on the CPU (%s)", "no CUDA device" if gsplat else "gsplat is not installed")
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def check_gpus(device: str, count: int, method: str = "gaussians") -> None:
    """Refuse to train an avatar of a method on more GPUs than there are.

    Raises:
        InputError: ``count`` GPUs of ``device`` are not there.
    """
    found = torch.cuda.device_count() if choose_device(device, method).type == "cuda" else 0
    if found < count:
        raise InputError(f"avatar.gpus is {count}, but {found} can be used; lower it.")
