"""Keypoints that OpenPose found already."""

import re
from pathlib import Path

from understudy.backends.external_results import are_of_frames, given_poses, numbers_in, rows_of
from understudy.backends.protocols import Pose
from understudy.formats.frames import Frames
from understudy.importers.config import ReadOptions
from understudy.importers.openpose import read_openpose
from understudy.importers.tracking import Tracking, reading_tracking


class OpenPoseKeypoints:
    """A folder of OpenPose's ``*_keypoints.json``: BODY_25 or its older 18 points, with or without hands and face.

    They may be of our frames (``--image_dir results/{actor}/frames``), in px of these, or of the whole video or folder of
    images, in px of its own.
    """

    name = "openpose"

    def __init__(self, files: Path) -> None:
        self.files = Path(files)

    def read_poses(self, frames: Frames) -> list[Pose | None]:
        """The pose in each of the chosen frames [T], in px of these; None where there is none.

        Raises:
            InputError: Files of another program, of another video, or damaged ones.
        """
        with reading_tracking(self.files, self.name):
            tracking = read_openpose(self.files, ReadOptions(fps=frames.fps))
        numbers = numbers_in(self.files)
        size = (frames.width, frames.height)
        if not (are_of_frames(numbers, frames) and _named_as_frames(self.files) and _fits(tracking, size)):
            size = frames.source_size or size
        return given_poses(tracking, rows_of(tracking.point_frames, numbers, frames), size, frames, self.files)


def _fits(tracking: Tracking, size: tuple[int, int]) -> bool:
    """Whether pictures of this size hold all points: OpenPose finds none outside; images may be called as frames are."""
    if tracking.points is None:
        return True
    seen = tracking.points.keypoints[tracking.points.keypoints[..., 2] > 0]
    return bool((seen[:, :2] <= size).all())


def _named_as_frames(folder: Path) -> bool:
    """Whether files are named after pictures ``000000.jpg``; after a video there is its name and 12 digits."""
    return all(re.fullmatch(r"\d{6}_keypoints", path.stem) for path in folder.glob("*.json"))
