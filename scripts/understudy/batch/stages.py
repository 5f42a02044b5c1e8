"""The stages of an actor as a folder of results shows them: what each writes, after which others it comes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One stage, named as its rule."""

    name: str
    files: tuple[str, ...]
    """What it writes, in the actor's folder; it is done when all are there."""
    needs: tuple[str, ...] = ()
    """Files that it reads there, of the stages before it; those of stages further back are there by then."""


STAGES = (
    Stage("frames", ("frames.json",)),
    Stage("keypoints", ("keypoints.npz",), ("frames.json",)),
    Stage("silhouettes", ("alpha",), ("keypoints.npz",)),
    Stage("smpl", ("smpl.npz",), ("alpha",)),
    Stage("matte", ("matte", "trimap"), ("smpl.npz",)),
    Stage("parsing", ("parsing",), ("matte",)),
    Stage("canonical", ("canonical.npz",), ("matte",)),
    Stage("avatar", ("avatar.tar",), ("trimap", "canonical.npz")),
    Stage("evaluate", ("metrics.json",), ("avatar.tar",)),
    Stage("render", ("renders/turntable.mp4",), ("avatar.tar",)),
    Stage("reenactment", ("renders/reenactment.mp4",), ("avatar.tar",)),
    Stage("viewer", ("viewer/index.html",), ("avatar.tar",)),
    Stage("export", ("exports/avatar.glb",), ("avatar.tar",)),
    Stage(
        "report",
        ("report.html",),
        ("parsing", "metrics.json", "renders/turntable.mp4", "renders/reenactment.mp4", "viewer/index.html",
         "exports/avatar.glb"),
    ),
)  # fmt: skip
"""What every actor goes through."""


def stages_of(actor: str, logs: Path) -> tuple[tuple[Stage, Path], ...]:
    """Stages of an actor, each with its log: those that all have, and the motions that were begun."""
    found = [(stage, logs / stage.name / f"{actor}.log") for stage in STAGES]
    for log in sorted((logs / "motion" / actor).glob("*.log")):
        found.append((Stage(f"motion {log.stem}", (f"renders/{log.stem}.mp4",), ("avatar.tar",)), log))
    return tuple(found)
