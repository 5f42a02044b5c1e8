"""OpenPose: a folder of ``*_keypoints.json``."""

from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import read_json
from understudy.importers.config import ReadOptions
from understudy.importers.people import Person, choose_person, number_of
from understudy.importers.skeletons import add_hands_and_face, body_points
from understudy.importers.tracking import Tracking


def read_openpose(source: Path, options: ReadOptions) -> Tracking:
    """2D keypoints of OpenPose (BODY_25 or its older COCO model, with or without hands and face).

    Places are in px of the video with whole numbers at pixel centres, so half a pixel is added. OpenPose writes a file
    for every frame, empty ones too; frames whose file is missing count as frames without the person.

    Raises:
        InputError: No such files, other skeletons, or places that are not in px.
    """
    files = sorted(source.glob("*.json")) if source.is_dir() else [source]
    named = {number_of(path.name, source): path for path in files}
    if not named:
        raise InputError(f"{source} holds no json files; give OpenPose's folder of *_keypoints.json.")
    if len(named) < len(files):
        raise InputError(f"{source} has several files for one frame; give a folder with the json files of one video.")
    numbers = sorted(named)
    people = [_people(named[number]) for number in numbers]
    largest = max((one.points[:, :2].max() for found in people for one in found), default=0.0)
    if 0 < largest <= 2.0:
        raise InputError(f"{source} has places between 0 and 1; run OpenPose with --keypoint_scale 0, which gives px.")
    points, frames, notes = choose_person(numbers, people, options.person, options.fps, source)
    return Tracking(
        backend="openpose", points=points, point_frames=frames, first=options.first, least=numbers[0], notes=notes
    )


def _people(path: Path) -> list[Person]:
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("people"), list):
        raise InputError(f"{path} is not of OpenPose: it has no list of people.")
    return [_person(person, path) for person in content["people"]]


def _person(person: dict[str, Any], path: Path) -> Person:
    body = _triples(person, "pose_keypoints_2d", path)
    if body is None:
        raise InputError(f"{path} has a person without pose_keypoints_2d; run OpenPose with its body model.")
    points = body_points(body, str(path))
    hands = [_triples(person, f"hand_{side}_keypoints_2d", path) for side in ("left", "right")]
    add_hands_and_face(points, hands[0], hands[1], _triples(person, "face_keypoints_2d", path))
    points[..., :2] += np.where(points[..., 2:] > 0, 0.5, 0.0)
    name = person.get("person_id", [-1])
    name = name[0] if isinstance(name, list) and name else name
    return Person(points, str(name))


def _triples(person: dict[str, Any], key: str, path: Path) -> np.ndarray | None:
    values = person.get(key) or []
    try:
        points = np.array(values, np.float64).reshape(-1, 3)
    except ValueError:
        raise InputError(f"{path} has a {key} that is not triples of x, y, confidence.") from None
    points[~np.isfinite(points).all(axis=1) | (points[:, 2] <= 0)] = 0.0
    return points if len(points) else None
