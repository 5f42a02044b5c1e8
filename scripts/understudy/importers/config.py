"""Options of an import."""

from dataclasses import dataclass
from typing import Annotated

from understudy.options import Bounds, Options

MOST_SIDE = 1 << 16
"""Of a picture, px, as in frames.json."""
MOST_FIRST = 10**15
"""Of what numbers a picture: times of day in microseconds are numbers too."""

Side = Annotated[int, Bounds(1, MOST_SIDE, unit="px")]


@dataclass(frozen=True)
class ReadOptions(Options):
    """What a reader cannot know by itself."""

    person: str | None = None
    """Name or number of the person, where there are several; None for the largest one who stays longest."""
    camera: str | None = None
    """Name or number of the camera, where there are several."""
    first: Annotated[int, Bounds(-MOST_FIRST, MOST_FIRST)] | None = None
    """Number of the video's first picture in the files' numbering; for files that only list frames, the picture (counted from
    0) that the first one is of. None to find out, which is 0 for lists."""
    every: Annotated[int, Bounds(1, 1_000_000)] = 1
    """For files that only list frames: they are of every Nth picture."""
    size: tuple[Side, Side] | None = None
    """Width and height of the tracked pictures, px, where neither they nor the files say it."""
    fps: Annotated[float, Bounds(0, above=True)] = 30.0
    """Frames per second, where the files do not say: for how long a person may be lost, and for motions."""
