"""Another program's results of one video on the chosen frames, for stages that read them in place of doing the work."""

import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np

from understudy.backends.protocols import Pose
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.skeleton import INDEX, KEYPOINTS
from understudy.importers.people import number_of
from understudy.importers.place import placed_keypoints, placement_of, rows_of_frames
from understudy.importers.tracking import Camera, Tracking

logger = logging.getLogger(__name__)


def numbers_in(folder: Path) -> set[int]:
    """Numbers of the json files in a folder and in those below it."""
    return {number_of(path.name, folder) for path in folder.rglob("*.json")}


def are_of_frames(numbers: Collection[int], frames: Frames) -> bool:
    """Whether results of these numbers are of our frames, one of each from 0 or from 1, rather than of the video's pictures."""
    count = len(frames)
    return len(numbers) == count and min(numbers) in (0, 1) and max(numbers) - min(numbers) == count - 1


def rows_of(found: np.ndarray, numbers: Collection[int], frames: Frames) -> np.ndarray:
    """Row [T] of the results whose numbers are ``found`` for each frame, -1 for none.

    Args:
        found: Number of each result.
        numbers: Those of all files, also of files without the person: of our frames where there is one for each, else of
            the video's pictures from 0, or from 1 where there is no 0.
        frames: The chosen frames.
    """
    indices = np.asarray(found, np.int64) - int(min(numbers, default=0) == 1)
    wanted = np.arange(len(frames)) if are_of_frames(numbers, frames) else frames.source_frames
    return rows_of_frames(indices, wanted)


def given_poses(
    tracking: Tracking, rows: np.ndarray, size: tuple[int, int], frames: Frames, where: Path
) -> list[Pose | None]:
    """The person's pose in each frame [T], in px of the frames; None where the program did not find them.

    Args:
        tracking: With points.
        rows: Row of the points for each frame, -1 for none [T].
        size: Width and height of the pictures that the points are for.
        frames: The chosen frames.
        where: The files, for messages.

    Raises:
        InputError: There are no points, or none of these frames, or they are of pictures of another shape.
    """
    if tracking.points is None:
        raise InputError(f"{where} holds no keypoints; give {tracking.backend}'s results of this video.")
    refuse_lens(tracking, where)
    for note in tracking.notes:
        logger.info("%s", note)
    placement = placement_of(size, frames, str(where))
    found = placed_keypoints(tracking.points, rows, frames, placement, None, tracking.backend)
    places = [INDEX[name] for name in found.names]
    poses: list[Pose | None] = []
    for row, points in zip(rows, found.keypoints, strict=True):
        whole = np.zeros((len(KEYPOINTS), 3), np.float32)
        whole[places] = points
        poses.append(Pose(whole, np.zeros_like(whole)) if row >= 0 else None)
    return poses


def refuse_lens(tracking: Tracking, where: Path) -> None:
    """Refuse results for pictures of a lens with distortion, which the frames no longer have.

    Raises:
        InputError: They are.
    """
    if isinstance(tracking.camera, Camera) and tracking.camera.distortion is not None:
        raise InputError(
            f"{where} has a lens with distortion in its intri.yml, which the frames do not have; bring it in by"
            " `understudy import`, or run the program on the frames."
        )
