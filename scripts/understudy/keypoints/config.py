"""Options of the stage keypoints."""

from dataclasses import dataclass
from typing import Annotated

from understudy.backends.registry import KEYPOINTS
from understudy.options import Bounds, Choices, Options


@dataclass(frozen=True)
class KeypointsConfig(Options):
    """How keypoints are found."""

    backend: Annotated[str, Choices(KEYPOINTS)] = "mediapipe"
    """What finds the keypoints; all but mediapipe itself need weights or another program's files: docs/backends.md."""
    max_gap_seconds: Annotated[float, Bounds(0, 3600, unit="s")] = 0.5
    """Frames without the person are interpolated in gaps of up to this length."""
    min_height: Annotated[int, Bounds(1, 8192, unit="px")] = 128
    """Least median height of the person, px."""
