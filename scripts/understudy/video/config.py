"""Options of the stage frames."""

import math
from dataclasses import dataclass
from typing import Annotated

from understudy.errors import InputError
from understudy.options import Bounds, Options

MIN_FRAMES = 9
"""Fewer frames do not show a body in motion."""

Focal = Annotated[float, Bounds(-1e7, 1e7)]
Coefficient = Annotated[float, Bounds(-1000, 1000)]


@dataclass(frozen=True)
class FramesConfig(Options):
    """Which frames to keep and what is known of the camera.

    Intrinsics are those of the whole upright picture, as players and OpenCV show it, before it is cut and scaled.
    """

    start: Annotated[float, Bounds(0, 1_000_000, unit="s")] = 0.0
    """Seconds from the beginning of the video to the first kept frame."""
    stop: Annotated[float, Bounds(0, 1_000_000, above=True, unit="s")] | None = None
    """Second of the video before which to end; None for its end."""
    step: Annotated[int, Bounds(1, 1_000_000)] = 1
    """Keep every Nth frame."""
    max_frames: Annotated[int, Bounds(MIN_FRAMES, 1_000_000)] = 300
    """Maximum number of frames; a longer clip is thinned evenly, by a larger step."""
    crop: bool = True
    """Crop the frames to the person where that leaves out at least 30 % of the picture, at the video's own resolution."""
    person_height: Annotated[int, Bounds(128, 8192, unit="px")] = 900
    """Largest height of the person in cropped frames in px, as a detector sees it, which is up to a third more than it is."""
    max_size: Annotated[int, Bounds(128, 8192, unit="px")] = 960
    """Longest side of the kept frames in px, and half that of cropped ones; larger ones are scaled down."""
    fps: Annotated[float, Bounds(0.01, 10_000)] | None = None
    """Frames per second of a folder of images (default 30); a video knows its own."""
    focal_px: Annotated[float, Bounds(1, 1e7, unit="px")] | None = None
    """Focal length in px; the principal point is then the picture's middle."""
    focal_35mm: Annotated[float, Bounds(0.1, 1e5, unit="mm")] | None = None
    """35-mm equivalent focal length in mm, by the diagonal."""
    K: tuple[Focal, Focal, Focal, Focal] | None = None
    """fx, fy, cx, cy in px, pixel centres at +0.5."""
    distortion: tuple[Coefficient, Coefficient, Coefficient, Coefficient, Coefficient] | None = None
    """Lens distortion k1, k2, p1, p2, k3 as OpenCV has them; it is removed from the frames."""

    def __post_init__(self) -> None:
        for name, length, what in (("K", 4, "fx, fy, cx, cy"), ("distortion", 5, "k1, k2, p1, p2, k3")):
            value = getattr(self, name)
            if value is not None and (len(value) != length or not all(map(math.isfinite, value))):
                raise InputError(f"frames.{name} is {list(value)}; it must be the {length} numbers {what}.")
        super().__post_init__()
        if self.stop is not None and not self.stop > self.start:
            raise InputError(f"frames.stop is {self.stop} s; it must be later than frames.start, {self.start} s.")
        if self.K is not None and not min(self.K[:2]) > 0:
            raise InputError(f"frames.K is {list(self.K)}; its focal lengths fx and fy must be more than 0.")
        given = [name for name in ("K", "focal_px", "focal_35mm") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InputError(f"frames.{given[0]} and frames.{given[1]} are both given; keep one of them.")
