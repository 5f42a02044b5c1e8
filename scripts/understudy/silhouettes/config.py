"""Options of the stage silhouettes."""

from dataclasses import dataclass
from typing import Annotated

from understudy.backends.registry import SILHOUETTES
from understudy.options import Bounds, Choices, Options


@dataclass(frozen=True)
class SilhouettesConfig(Options):
    """How silhouettes are cut."""

    backend: Annotated[str, Choices(SILHOUETTES)] = "mediapipe"
    """What cuts the silhouettes; all but mediapipe need weights or your own masks: docs/backends.md."""
    margin: Annotated[float, Bounds(1, 100)] = 1.25
    """Nothing outside the person's box grown by this factor is foreground."""
    max_size: Annotated[int, Bounds(128, 8192, unit="px")] = 720
    """Masks are computed on a picture of the person of at most this many px and enlarged from there."""
