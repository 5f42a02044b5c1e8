"""Which of the user's pictures belongs to which frame: by their numbers, or by their order."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.video.capture import open_capture
from understudy.video.sources import VIDEO_SUFFIXES, list_images

MOST_NAMED = 5
"""Missing frames that a message lists."""


def pictures_of_frames(folder: Path, frames: Frames) -> list[Path]:
    """The picture of each frame [T] among those of a folder.

    The numbers at the end of their names are those of the frames, as in our own folders (``000000.png``), or of the
    pictures of the video, from 0 or from 1. Names with other numbers, such as those of a folder of photos, count by
    their order: one for each frame, or one for each picture of the video.

    Raises:
        InputError: There are no pictures, some frames have none, or their number tells nothing.
    """
    paths = list_images(folder)
    if not paths:
        raise InputError(f"{folder} holds no pictures; put one for each frame there, such as 000000.png.")
    numbers = [_number_of(path) for path in paths]
    wanted = _wanted(numbers, frames)
    if wanted is None:
        return [paths[place] for place in _places(len(paths), frames, folder, "pictures")]
    by_number = dict(zip(numbers, paths, strict=True))
    missing = [number for number in wanted if number not in by_number]
    if missing:
        named = ", ".join(f"{number:06d}" for number in missing[:MOST_NAMED])
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise InputError(
            f"{folder} lacks the pictures {named}{more} of the {len(frames)} frames; add them, all black where the"
            " person is not seen."
        )
    return [by_number[number] for number in wanted]


class VideoPictures:
    """A video with a picture for each frame, or for each picture of the frames' own video; read in order."""

    def __init__(self, path: Path, frames: Frames) -> None:
        """Count the video's pictures.

        Raises:
            InputError: It cannot be read, or its number of pictures fits neither.
        """
        self.path = path
        self.places = _places(sum(1 for _ in self._grabbed()), frames, path, "pictures")
        self.pictures = self._grabbed()
        self.at = -1
        self.last: np.ndarray | None = None

    def read(self, index: int) -> np.ndarray:
        """The picture of frame ``index`` as RGB uint8 [h,w,3]."""
        place = self.places[index]
        if place < self.at:
            self.pictures, self.at = self._grabbed(), -1
        while self.at < place:
            reader = next(self.pictures)
            self.at += 1
            if self.at == place:
                self.last = reader.retrieve()[1]
        if self.last is None:
            raise InputError(f"{self.path}: picture {place} cannot be decoded; convert the video again.")
        return self.last[..., ::-1]

    def _grabbed(self) -> Iterator[cv2.VideoCapture]:
        reader = open_capture(self.path)
        try:
            while reader.grab():
                yield reader
        finally:
            reader.release()


def is_video(path: Path) -> bool:
    """Whether a path is that of a video file."""
    return path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES


def _number_of(path: Path) -> int | None:
    found = re.search(r"([0-9]+)$", path.stem)
    return int(found.group(1)) if found else None


def _wanted(numbers: Sequence[int | None], frames: Frames) -> Sequence[int] | None:
    """The number of each frame's picture [T]; None where the order of the pictures has to tell."""
    known = {number for number in numbers if number is not None}
    if len(known) < len(numbers):
        return None  # names without a number, or two with the same
    if known <= set(range(len(frames))):
        return range(len(frames))
    if known == set(range(1, len(known) + 1)):
        return None  # counted from 1, none missing: their order tells
    source = frames.source_frames.tolist()
    # most of what is wanted being there, the rest is missing rather than named otherwise
    return source if 2 * len(known.intersection(source)) > len(source) else None


def _places(count: int, frames: Frames, path: Path, what: str) -> list[int]:
    """Place of each frame's picture [T] among ``count`` in order."""
    if count == len(frames):
        return list(range(count))
    if count > frames.source_frames[-1]:
        return frames.source_frames.tolist()
    raise InputError(
        f"{path} has {count} {what}, but there are {len(frames)} frames, the last one picture"
        f" {frames.source_frames[-1]} of {frames.source}; give one for each frame, or one for each picture of it."
    )
