"""The one person among those that a program found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import check_ranges
from understudy.formats.tracks import person_picks
from understudy.importers.possible import POSSIBLE
from understudy.importers.skeletons import box_of, used_names
from understudy.importers.tracking import Points

MOST_FRAMES = 1_000_000
"""Nine hours at 30 per second."""
MOST_DIGITS = 15
"""Of a picture's number: a time of day in microseconds has so many."""


@dataclass(frozen=True)
class Person:
    """One person in one picture."""

    points: np.ndarray  # [37,3] our skeleton, px and confidence
    name: str | None = None
    box: np.ndarray | None = None  # [4] x0 y0 x1 y1 px; None for that of the points


def number_of(name: str, path: Path) -> int:
    """The last number in a file's name: that of its frame.

    Raises:
        InputError: There is none.
    """
    digits = re.findall(r"\d+", Path(name).stem.removesuffix("_keypoints"))
    if not digits:
        raise InputError(f"{path}: {name[:80]} has no number in its name, so its frame is not known.")
    if len(digits[-1].lstrip("0")) > MOST_DIGITS:
        raise InputError(f"{path}: {name[:80]} has a number in its name that no frame has.")
    return int(digits[-1])


def choose_person(
    numbers: Sequence[int], people: Sequence[Sequence[Person]], person: str | None, fps: float, where: Path
) -> tuple[Points, np.ndarray, tuple[str, ...]]:
    """Points of the one person, the numbers of their pictures, and sentences for the user.

    Without a name boxes are linked over time, and the largest person who stays longest is taken, as by the keypoints
    stage. A frame's own order of people means nothing: programs give the nearest or the surest one first.

    Args:
        numbers: Number of each picture, rising.
        people: Those in each picture.
        person: Name of the wanted one.
        fps: Frames per second.
        where: The files, for messages.

    Raises:
        InputError: Nobody is there, or nobody of that name.
    """
    boxes = [[box_of(one.points) if one.box is None else one.box for one in found] for found in people]
    check_ranges({"a box": [box for row in boxes for box in row]}, POSSIBLE)
    shown = [[i for i, box in enumerate(row) if (box[2:] > box[:2]).all()] for row in boxes]
    most = max((len(row) for row in shown), default=0)
    if not most:
        raise InputError(f"{where} has no person in any of its {len(people)} frames.")
    check_ranges({"the number of people in a picture": most}, POSSIBLE)
    notes: tuple[str, ...] = ()
    if person is not None:
        picks = np.full(len(people), -1)
        for row, found in enumerate(people):
            picks[row] = next((i for i in shown[row] if found[i].name == person), -1)
        if (picks < 0).all():
            names = sorted({str(one.name) for found in people for one in found})
            raise InputError(
                f"{where} has no person {person[:80]}; there are {', '.join(name[:80] for name in names[:20])}."
            )
    else:
        length = numbers[-1] - numbers[0] + 1
        if length > MOST_FRAMES:
            raise InputError(f"{where} numbers its frames from {numbers[0]} to {numbers[-1]}; no video has so many.")
        placed: list[np.ndarray] = [np.zeros((0, 4))] * length
        for row, number in enumerate(numbers):
            placed[number - numbers[0]] = np.array([boxes[row][i] for i in shown[row]]).reshape(-1, 4)
        chosen = person_picks(placed, fps)
        picks = np.array(
            [
                shown[row][chosen[number - numbers[0]]] if chosen[number - numbers[0]] >= 0 else -1
                for row, number in enumerate(numbers)
            ]
        )
        if most > 1:
            notes = (
                f"{where} has up to {most} people at once; the largest one who stays longest is taken, in "
                f"{(picks >= 0).sum()} frames (option person for another).",
            )
    rows = np.flatnonzero(picks >= 0).tolist()
    keypoints, point_names = used_names(np.stack([people[row][picks[row]].points for row in rows]))
    points = Points(
        keypoints=keypoints,
        names=point_names,
        bbox=np.stack([boxes[row][picks[row]] for row in rows]),
        people=np.array([len(shown[row]) for row in rows]),
    )
    return points, np.array([numbers[row] for row in rows], np.int64), notes
