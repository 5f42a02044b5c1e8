"""Options of meshes of fields."""

from dataclasses import dataclass
from typing import Annotated

from understudy.options import Bounds, Options


@dataclass(frozen=True)
class MeshConfig(Options):
    """Which surface of a field is written, and how finely."""

    frame: Annotated[int, Bounds(0, 1 << 18)] | None = None
    """Frame of the video in whose pose to show it; None for the rest pose, a T."""
    part: str | None = None
    """body, leg, head, left_arm or right_arm of an avatar of instant_nvr; None for all of it."""
    step: Annotated[float, Bounds(0.001, 0.1, unit="m")] = 0.005
    """Distance of the nodes of the lattice that is marched through, m."""
    level: Annotated[float, Bounds(0, 1, above=True)] | None = None
    """Occupancy at the surface; None for instant-nvr's own, 0.1 at rest and 0.2 in a pose."""
