"""Options of what shows an avatar."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from understudy.avatar.config import Device, Share
from understudy.body.config import ShapeConfig
from understudy.motion.limits import MOST_FRAMES, LoopSeconds, ShownFps
from understudy.options import Bounds, Options

MOST_SIDE = 8192
"""Of pictures, px: a gigabyte is needed for more."""

Side = Annotated[int, Bounds(2, MOST_SIDE, unit="px")]
"""Encoders take no less than two."""
Layer = Literal["color", "alpha", "depth", "normal"]
PathName = Literal["still", "turntable", "circle", "line", "zoom"]


@dataclass(frozen=True)
class PathConfig(Options):
    """Where the camera is, if none are given."""

    path: PathName | None = None
    """still: one place that sees the whole motion; turntable: once round; circle: a small circle before the person; line: past
    the person, from one side to the other; zoom: from the whole person to head and shoulders. None: still for a motion,
    turntable for a person who stands or is frozen."""
    azimuth: Annotated[float, Bounds(-3600, 3600, unit="degrees")] = 0.0
    """Degrees by which the camera stands towards the person's left; 180 is from behind."""
    elevation: Annotated[float, Bounds(-85, 85, unit="degrees")] = 0.0
    """Degrees by which it looks down."""
    follow: bool | None = None
    """Whether it goes along with the person; None: all paths but still do."""


@dataclass(frozen=True)
class ShowConfig(Options):
    """What is rendered, and how it looks."""

    size: tuple[Side, Side] | None = None
    """Width and height, px; None for those of given cameras, else 540x960, or 960x540 where the motion is wider."""
    fps: ShownFps = 24.0
    """Pictures per second."""
    loop: LoopSeconds | None = None
    """Loop the motion's best cycle for this many seconds; a walk walks on. None: play the motion as it is."""
    freeze: Annotated[float, Bounds(0, 36_000, unit="s")] | None = None
    """Second of the motion at which the person stands frozen while the camera goes on (bullet time): once round, unless
    another path is chosen. None: the motion plays."""
    frames: Annotated[int, Bounds(1, MOST_FRAMES)] | None = None
    """Maximum number of pictures; None for all of the motion."""
    layer: Layer = "color"
    """What is shown. Depth in folders is 16-bit, millimetres."""
    background: str = "white"
    """white, black, grey, transparent (not in .mp4), #rrggbb, an image, a video or a folder of frames; of a re-enactment
    also: video."""
    shadow: bool = False
    """Whether the person throws a soft shadow on the ground."""
    path: PathConfig = field(default_factory=PathConfig)
    """Where the camera is, if none are given."""
    shape: ShapeConfig = field(default_factory=ShapeConfig)
    """What is changed about the person's shape."""
    device: Device = "auto"
    """cpu, cuda or auto."""


@dataclass(frozen=True)
class TurntableConfig(Options):
    """How the turntable looks."""

    frames: Annotated[int, Bounds(1, 100_000)] = 72
    """Pictures of one whole turn."""
    fps: Annotated[float, Bounds(0.01, 240)] = 24.0
    """Pictures per second."""
    width: Annotated[int, Bounds(16, 8192, unit="px")] = 540
    """Width of the pictures, px."""
    height: Annotated[int, Bounds(16, 8192, unit="px")] = 960
    """Height of the pictures, px."""
    background: tuple[Share, Share, Share] = (1.0, 1.0, 1.0)
    """sRGB, 0..1."""
