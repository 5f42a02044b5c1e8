"""What makes an actor: body, clothes, motion, camera and room."""

from dataclasses import dataclass

from benchmarks.support.actors.figures import Look


@dataclass(frozen=True)
class Shot:
    """How an actor is filmed."""

    size: tuple[int, int]
    """Width and height, px."""
    focal_35: float
    """35-mm equivalent focal length by the diagonal, mm."""
    height: float
    """Of the camera above the floor, m."""
    share: float
    """The person's height in the picture, of the picture's, where the clip is nearest to the camera; less where a wide motion
    would leave the picture."""
    wobble: float = 0.0
    """How shaky the hand that holds the camera is: 1 is an ordinary hand, 0 a tripod."""


@dataclass(frozen=True)
class Actor:
    """One synthetic person and their clip."""

    name: str
    stature: float
    """Barefoot, m."""
    phenotype: dict[str, float]
    """Anny's, 0..1 each; the height follows from ``stature``."""
    look: Look
    motion: str
    """A name of ``moves.MOVES``, or a BVH file."""
    shot: Shot
    room: str
    """A name of ``rooms.ROOMS``."""
    seed: int
    frames: int = 80
    fps: float = 25.0
    start: float = 0.0
    """Second of the BVH file where the clip begins."""
    turn: float = 0.0
    """The motion is turned by this angle about the vertical, degrees: 90 shows the left side first."""
    airborne: bool = False
    """Whether the feet leave the ground."""
    back: float = 2.2
    """Distance of the room's back wall behind the origin, m."""
    final: bool = False
    """Whether the actor is for a final look alone, never for tuning."""

    @property
    def recorded(self) -> bool:
        """Whether the motion is a BVH file."""
        return self.motion.endswith(".bvh")
