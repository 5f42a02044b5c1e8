"""Options of the method ``instant_nvr``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from understudy.avatar.config import MethodConfig, Rate, Weight
from understudy.options import Bounds, Share

Distance = Annotated[float, Bounds(0, 0.3, above=True, unit="m")]


@dataclass(frozen=True)
class InstantNvrConfig(MethodConfig):
    """What a field of hash grids learns, and how fast."""

    training: ClassVar[Mapping[str, Any]] = {"steps": 3000, "levels": ((4, 0.15), (2, 0.35), (1, 0.5)), "lr_betas": 0.0}

    size: Literal["small", "published"] = "small"
    """Of tables and networks: small for CPUs, published as the method's authors have them."""
    samples: Annotated[int, Bounds(4, 1024)] = 16
    """Places on each ray that are looked at."""
    rays: Annotated[int, Bounds(1, 1_000_000)] = 1024
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
    sigma: Distance = 0.01
    """Standard deviation of the distances by which near vertices count in the warp, m; the authors' is 0.075."""
    lr_tables: Rate = 1e-2
    """Learning rate of the hash tables."""
    lr_networks: Rate = 2e-3
    """Learning rate of the networks."""
    lr_latents: Rate = 1e-3
    """Learning rate of the frames' latents; 0 for a look that is the same in all frames."""
    lr_residual: Rate = 1e-3
    """Learning rate of what moves beyond skinning, by place on the skin and time; 0 for none."""
    mse: Weight = 1.0
    """Weight of the squared error beside the absolute one."""
    reg_residual: Weight = 0.1
    """Weight of the length of the moves beyond skinning, m."""
    reg_neighbours: Weight = 10.0
    """Weight of differences, m, between the moves of places on the surface that are within 5 mm."""
    reg_distortion: Weight = 0.1
    """Weight of how far a ray's colours come from different depths, m; ten times as much in the last third."""
