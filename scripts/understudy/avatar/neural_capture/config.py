"""Options of the method ``neural_capture``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from understudy.avatar.config import MethodConfig, Rate, Weight
from understudy.options import Bounds, Share

Distance = Annotated[float, Bounds(0, 0.3, above=True, unit="m")]


@dataclass(frozen=True)
class NeuralCaptureConfig(MethodConfig):
    """What a field on the body's vertices learns, and how fast."""

    training: ClassVar[Mapping[str, Any]] = {"steps": 2500, "levels": ((4, 0.15), (2, 0.35), (1, 0.5)), "lr_betas": 0.0}

    size: Literal["small", "published"] = "small"
    """Of the networks: small for CPUs, published as the method's authors have them."""
    samples: Annotated[int, Bounds(4, 1024)] = 12
    """Places on each ray that the coarse field looks at."""
    importance: Annotated[int, Bounds(1, 1024)] = 8
    """Further places where it found something, which the fine field looks at beside those."""
    rays: Annotated[int, Bounds(1, 1_000_000)] = 512
    """Rays of a step, where they are not those of a patch."""
    patch: Annotated[int, Bounds(0, 1024, unit="px")] = 0
    """Side of the square of pixels that a step learns from, px, as D-SSIM needs it; 0 for pixels from anywhere."""
    vgg_weights: str | None = None
    """torchvision's VGG-19 (vgg19-dcbb9e9d.pth), by which squares are compared in place of D-SSIM; None for D-SSIM."""
    head_focus: Share = 0.1
    """Part of the steps' pixels that are chosen on the head."""
    outside: Distance = 0.035
    """How far out of the body something can be seen, m; more for wide clothes."""
    inside: Distance = 0.03
    """How far behind the body's surface a ray is followed, m."""
    longest: Distance = 0.1
    """How long a ray's way in front of that surface is at most, m."""
    reach: Distance = 0.04
    """Places farther than this from all vertices are empty, m."""
    density: Annotated[float, Bounds(0, 1e4, above=True, unit="1/m")] = 50.0
    """Density of what a network's output of one stands for, 1/m; the authors' is 1."""
    lr_networks: Rate = 2e-3
    """Learning rate of the networks."""
    lr_codes: Rate = 2e-2
    """Learning rate of the vertices' codes."""
    mse: Weight = 1.0
    """Weight of the squared error beside the absolute one."""
