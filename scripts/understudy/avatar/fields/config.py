"""Options of all fields, and of their meshes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from understudy.avatar.config import MethodConfig, Rate, Weight
from understudy.options import Bounds, Options, Share

Distance = Annotated[float, Bounds(0, 0.3, above=True, unit="m")]
Samples = Annotated[int, Bounds(4, 1024)]
Rays = Annotated[int, Bounds(1, 1_000_000)]


@dataclass(frozen=True)
class FieldConfig(MethodConfig):
    """How large a field is, where it is looked at, and what a step learns from."""

    training: ClassVar[Mapping[str, Any]] = {"steps": 3000, "levels": ((4, 0.15), (2, 0.35), (1, 0.5)), "lr_betas": 0.0}

    size: Literal["small", "published"] = "small"
    """Of tables and networks: small for CPUs, published as the method's authors have them."""
    samples: Samples = 16
    """Places on each ray that are looked at."""
    rays: Rays = 1024
    """Rays of a step, where they are not those of a patch."""
    patch: Annotated[int, Bounds(0, 1024, unit="px")] = 0
    """Side of the square of pixels that a step learns from, px, as D-SSIM needs it; 0 for pixels from anywhere."""
    vgg_weights: str | None = None
    """torchvision's VGG-19 (vgg19-dcbb9e9d.pth), by which squares are compared in place of D-SSIM; None for D-SSIM."""
    head_focus: Share = 0.2
    """Part of the steps' pixels that are chosen on the head."""
    outside: Distance = 0.035
    """How far out of the body something can be seen, m; more for wide clothes."""
    inside: Distance = 0.03
    """How far behind the body's surface a ray is followed, m."""
    longest: Distance = 0.1
    """How long a ray's way in front of that surface is at most, m."""
    reach: Distance = 0.05
    """Places farther than this from the body are empty, m."""
    lr_networks: Rate = 2e-3
    """Learning rate of the networks."""
    mse: Weight = 1.0
    """Weight of the squared error beside the absolute one."""


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
