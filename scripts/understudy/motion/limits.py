"""How long and how fast a motion can be, as it is read and as it is shown."""

from typing import Annotated

from understudy.options import Bounds

MOST_FRAMES = 500_000
"""Frames of a motion, as its file has them or as they are shown: two hours at 60 per second, more than anybody films."""
LEAST_FPS, MOST_FPS = 0.01, 10_000.0
"""Rates of motions: a pose in 100 s is none any more, and no camera that follows people is faster."""
MOST_LOOP = 3600.0
"""Seconds of a loop: less than an hour."""

ShownFps = Annotated[float, Bounds(LEAST_FPS, 240)]
"""What is shown needs no more pictures per second: no screen has them."""
LoopSeconds = Annotated[float, Bounds(0, MOST_LOOP, above=True, below=True, unit="s")]
