"""Where verbs look for bodies and weights."""

from pathlib import Path

MODELS = Path("models")
FREE_BODY = MODELS / "understudy_body.npz"
REPOSITORY = Path(__file__).parents[3]
"""Where the free body is, whatever the working folder."""


def body_folders(folder: Path) -> list[Path]:
    """Where the body of an actor's folder may be."""
    return [base / MODELS for base in (Path(), folder.parent.parent, REPOSITORY)]


def find_body(body: Path) -> Path:
    """A body's file; the free one of the repository where there is none in the working folder."""
    return REPOSITORY / body if body == FREE_BODY and not body.exists() else body
