"""Options of the stage parsing."""

from dataclasses import dataclass
from typing import Annotated

from understudy.backends.label_sets import LABEL_SETS
from understudy.backends.registry import PARSING
from understudy.options import Bounds, Choices, Length, Options

Scale = Annotated[float, Bounds(0.25, 4)]


@dataclass(frozen=True)
class ParsingConfig(Options):
    """How parts and clothes are labelled."""

    backend: Annotated[str, Choices(PARSING)] = "body"
    """body: from the fitted body and the video's colours; all others need weights or your own labels: docs/backends.md."""
    label_set: Annotated[str, Choices(LABEL_SETS)] | None = None
    """CIHP-20, LIP-20 or ATR-18: that of your own labels, or of schp's weights, where they do not tell themselves."""
    scales: Annotated[tuple[Scale, ...], Length(1, 20)] = (1.0,)
    """Sizes at which schp looks at the person; its answers' mean counts, and each costs a look."""
    clothing: bool = True
    """Whether the video's colours say what is worn where; false: a shirt on the torso and shoes, limbs bare."""
    sample_frames: Annotated[int, Bounds(1, 10_000)] = 48
    """Colours are learned from at most this many frames, evenly spread."""
