"""Options of the stage matting."""

from dataclasses import dataclass
from typing import Annotated

from understudy.options import Bounds, Options, Share


@dataclass(frozen=True)
class MattingConfig(Options):
    """How silhouettes are refined."""

    sample_frames: Annotated[int, Bounds(3, 10_000)] = 32
    """Colours and the empty scene are learned from at most this many frames, evenly spread."""
    likeness: Annotated[float, Bounds(0, 1_000_000)] = 2.0
    """Pull of neighbouring pixels of the same colour towards one answer, in log odds."""
    unknown: Annotated[float, Bounds(0, 0.05)] = 0.002
    """Least half width of the unknown band along the outline, as a share of the person's height."""
    doubt: Annotated[float, Bounds(0, 1_000_000)] = 1.0
    """Pixels with log odds within this of zero are unknown."""
    tolerance: Annotated[float, Bounds(0, 1_000_000)] = 0.04
    """A frame keeps its coarse mask if its area changes by this share more than its neighbours', unless towards the body's."""
    agreement: Share = 0.85
    """It also does if refined and coarse mask agree less than this, IoU."""
