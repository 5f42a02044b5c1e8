"""Options of the stage viewer."""

from dataclasses import dataclass

from understudy.motion.limits import LoopSeconds, ShownFps
from understudy.options import Options


@dataclass(frozen=True)
class ViewerConfig(Options):
    """What viewers play."""

    fps: ShownFps = 30.0
    """Frames per second of the motions; the video's own keeps that of the video."""
    source_motion: bool = True
    """Whether the motion of the video itself can be chosen."""
    loop: LoopSeconds | None = None
    """Loop each motion's best cycle for this many seconds; a walk walks on. None: play the motions as they are."""
