"""AlphaPose: ``alphapose-results.json``, and other lists of COCO results by picture."""

from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import read_json
from understudy.importers.config import ReadOptions
from understudy.importers.people import Person, choose_person, number_of
from understudy.importers.possible import whole_numbers
from understudy.importers.skeletons import body_points
from understudy.importers.tracking import Tracking


def read_alphapose(source: Path, options: ReadOptions) -> Tracking:
    """2D keypoints as a list of ``image_id, keypoints, score`` and perhaps ``box`` (x, y, width, height) and ``idx``.

    COCO's 17 points, Halpe's 26 or 136, or COCO-WholeBody's 133. Confidences may exceed 1 and are cut there. Whole
    numbers are taken for pixel centres. Pictures without a person are not in the list, so counting starts at 0.

    Raises:
        InputError: Not such a list, or an unknown skeleton.
    """
    content = read_json(source)
    if not isinstance(content, list) or not content or not all("keypoints" in entry for entry in content):
        raise InputError(f"{source} is not a list of people with image_id and keypoints, as AlphaPose writes it.")
    by_number: dict[int, list[Person]] = {}
    for entry in content:
        values = np.array(entry["keypoints"], np.float64)
        if values.size % 3:
            raise InputError(f"{source} has keypoints that are not triples of x, y, confidence.")
        triples = values.reshape(-1, 3)
        triples[~np.isfinite(triples).all(axis=1)] = 0.0
        triples[:, 2] = np.clip(triples[:, 2], 0.0, 1.0)
        points = body_points(triples, str(source))
        points[:, :2] += np.where(points[:, 2:] > 0, 0.5, 0.0)
        box = np.array(entry["box"], np.float64) if len(entry.get("box", ())) == 4 else None
        if box is not None:
            box = np.concatenate([box[:2], box[:2] + box[2:]])
        name = entry.get("idx")
        name = name[0] if isinstance(name, list) and name else name
        number = _picture(entry.get("image_id", ""), source)
        by_number.setdefault(number, []).append(Person(points, None if name is None else str(name), box))
    numbers = sorted(by_number)
    points_, frames, notes = choose_person(
        numbers, [by_number[number] for number in numbers], options.person, options.fps, source
    )
    return Tracking(backend="alphapose", points=points_, point_frames=frames, first=options.first, notes=notes)


def _picture(image_id: str | float, source: Path) -> int:
    """Number of the picture of an ``image_id``: a number, or a name with one in it."""
    if isinstance(image_id, (int, float)):
        number = int(whole_numbers(image_id, "image_id")[0])
        if number < 0:
            raise InputError(f"{source} has an image_id of {number}; pictures are numbered from 0.")
        return number
    return number_of(str(image_id), source)
