"""Options of the stage baking."""

from dataclasses import dataclass
from typing import Annotated

from understudy.avatar.config import Device
from understudy.options import Bounds, Options


@dataclass(frozen=True)
class BakingConfig(Options):
    """How Gaussians are made that look like an avatar of another method."""

    count: Annotated[int, Bounds(100, 1_000_000)] = 20000
    """Number of Gaussians."""
    pictures: Annotated[int, Bounds(8, 2000)] = 72
    """Number of pictures of the avatar that they are learned from, each from another side."""
    poses: Annotated[int, Bounds(1, 2000)] = 24
    """Number of poses in these pictures: two easy ones, then those of the video that are least alike."""
    height: Annotated[int, Bounds(32, 4096, unit="px")] = 384
    """Height of the standing person in them, px."""
    steps: Annotated[int, Bounds(1, 1_000_000)] = 600
    """Training steps, one picture each."""
    seed: Annotated[int, Bounds(0, 2**32 - 1)] = 0
    """Seed of everything random; on a CPU the same seed gives the same Gaussians."""
    device: Device = "auto"
    """cpu, cuda or auto."""
