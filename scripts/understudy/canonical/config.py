"""Options of the stage canonical."""

from dataclasses import dataclass
from typing import Annotated

from understudy.options import Bounds, Options, Share


@dataclass(frozen=True)
class CanonicalConfig(Options):
    """How the body is textured."""

    texture_size: Annotated[int, Bounds(64, 8192, unit="px")] = 512
    """Side of the texture and normal maps, px."""
    max_frames: Annotated[int, Bounds(1, 1_000_000)] = 60
    """The texture is taken from at most this many frames, evenly spread."""
    views_per_texel: Annotated[int, Bounds(1, 1000)] = 8
    """A texel's colour is the weighted median of this many best views."""
    cos_power: Annotated[float, Bounds(0, 1000)] = 4.0
    """A view counts by the cosine of its angle to the surface's normal to this power."""
    min_cos: Share = 0.25
    """Views at a smaller cosine are left out."""
    border: Share = 0.008
    """Views this near to an outline, as a share of the person's height, count only where there is no better one."""
    mirror: bool = True
    """Fill what was never seen from the other side of the body first."""
