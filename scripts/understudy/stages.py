"""The one table of stages: what each is called, what it writes into an actor's folder, after which others it comes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One stage, named as its rule."""

    name: str
    title: str
    """What it does, in a few words for people."""
    files: tuple[str, ...]
    """What it writes, in the actor's folder; it is done when all are there."""
    needs: tuple[str, ...] = ()
    """Files that it reads there, of the stages before it; those of stages further back are there by then."""


STAGES = (
    Stage("frames", "choosing frames", ("frames.json",)),
    Stage("keypoints", "finding the person", ("keypoints.npz",), ("frames.json",)),
    Stage("silhouettes", "first silhouettes", ("alpha",), ("keypoints.npz",)),
    Stage("fitting", "fitting the body", ("smpl.npz",), ("alpha",)),
    Stage("matting", "exact silhouettes", ("matte", "trimap"), ("smpl.npz",)),
    Stage("parsing", "telling clothes apart", ("parsing",), ("matte",)),
    Stage("canonical", "gathering the texture", ("canonical.npz",), ("parsing",)),
    Stage("avatar", "training the avatar", ("avatar.tar",), ("trimap", "canonical.npz")),
    Stage("evaluate", "measuring", ("metrics.json",), ("avatar.tar",)),
    Stage("turntable", "turntable", ("renders/turntable.mp4",), ("avatar.tar",)),
    Stage("reenactment", "re-enactment", ("renders/reenactment.mp4",), ("avatar.tar",)),
    Stage("viewer", "page that plays it", ("viewer/index.html",), ("avatar.tar",)),
    Stage("export", "files for other programs", ("exports/avatar.glb",), ("avatar.tar",)),
    Stage(
        "report", "this page",
        ("report.html",),
        ("metrics.json", "renders/turntable.mp4", "renders/reenactment.mp4", "viewer/index.html", "exports/avatar.glb"),
    ),
)  # fmt: skip
"""What every actor goes through, in order; ``motion`` comes on top for each motion of the configuration."""
BAKING = Stage("baking", "making Gaussians of it", ("baked.tar",), ("avatar.tar",))
"""What comes after ``avatar`` for avatars of methods without Gaussians; exports and the page are made of its file then."""
FILES = tuple(file for stage in STAGES for file in stage.files)
"""All that is made for every actor, in its folder."""


def stages_of(actor: str, logs: Path) -> tuple[tuple[Stage, Path], ...]:
    """Stages of an actor, each with its log: those that all have, the baking, and the motions that were begun."""
    found = [(stage, logs / stage.name / f"{actor}.log") for stage in (*STAGES, BAKING)]
    for log in sorted((logs / "motion" / actor).glob("*.log")):
        found.append((Stage(f"motion {log.stem}", "motion", (f"renders/{log.stem}.mp4",), ("avatar.tar",)), log))
    return tuple(found)
