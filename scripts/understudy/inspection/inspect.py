"""A picture for every failure: the worst frames of an actor's results by every measure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from understudy.actor_folder import open_result
from understudy.errors import InputError
from understudy.files.records import check_recorded
from understudy.inspection.avatar_pictures import avatar_pictures
from understudy.inspection.measure import Measure
from understudy.inspection.sheet import write_sheet
from understudy.inspection.worst import measures_of


@dataclass(frozen=True)
class Line:
    """One measure in numbers."""

    title: str
    unit: str
    limit: str
    """What deserves a look, such as ``> 2``."""
    median: float
    worst: float
    beyond: int
    """Number of frames beyond the limit."""
    frames: tuple[int, ...]
    """The worst frames, the worst first."""


@dataclass(frozen=True)
class Inspection:
    """What was found, and where it is drawn."""

    lines: tuple[Line, ...]
    sheet: Path
    notes: tuple[str, ...]
    """What was left out and why, a sentence each."""


def inspect_actor(
    folder: str | Path,
    output: str | Path | None = None,
    count: int = 6,
    body: str | Path | None = None,
    bodies: Iterable[Path] = (),
) -> Inspection:
    """Draw the worst frames of an actor's results, as far as stages have finished, and return what is drawn in numbers.

    Args:
        folder: As ``results/actor``.
        output: The picture to write, .jpg or .png; default ``inspect.jpg`` in the folder.
        count: Frames for each measure.
        body: File of the body that was fitted; None to look for it.
        bodies: Files and folders among which it may be, told by its hash.

    Raises:
        InputError: ``count`` is not positive, ``output`` is no picture or somebody else's, the folder holds nothing to
            look at or damaged files, or ``body`` is another one.
    """
    if count < 1:
        raise InputError(f"count is {count}; at least one frame is needed.")
    result, sheet = open_result(folder, body, bodies), Path(output or Path(folder) / "inspect.jpg")
    check_recorded([sheet])
    avatar = Path(folder) / "avatar.tar"
    if result.metrics is not None and result.body is not None and avatar.is_file():
        result = replace(result, avatar=avatar_pictures(avatar, None if result.body.free else result.body_file))
    measures = measures_of(result)
    if not measures:
        raise InputError(f"{folder} holds only frames, which say nothing by themselves; run the stage keypoints first.")
    write_sheet(sheet, result, measures, count)
    return Inspection(tuple(_line(measure, count) for measure in measures), sheet, result.notes)


def _line(measure: Measure, count: int) -> Line:
    return Line(
        title=measure.title,
        unit=measure.unit,
        limit=f"{'<' if measure.low else '>'} {measure.limit:g}",
        median=float(np.nanmedian(measure.values)),
        worst=float(np.nanmin(measure.values) if measure.low else np.nanmax(measure.values)),
        beyond=int(measure.beyond.sum()),
        frames=tuple(measure.worst(count)),
    )
