"""Which part of a video's pictures to keep: a crop round the person, at the source's resolution where that pays."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from understudy.formats.tracks import crowd_note, person_picks
from understudy.video.pictures import Picture, fit_size

logger = logging.getLogger(__name__)

LOOK_SIZE = 720
"""Longest side of the pictures that people are looked for in, px."""
AROUND = 0.15
"""Room to leave on each side of the boxes, in parts of their height: networks look that far, and matting learns the scene."""
WORTH = 0.7
"""A crop that has more of the picture than this saves too little: all of it is kept."""
TALL = 0.9
"""Quantile over frames of the person's height that counts: they may come near for a moment."""
OFTEN = 0.5
"""Least share of the frames in which the person is found: where they are in the others is anybody's guess."""
TOGETHER = 64
"""Pictures held at once while people are looked for."""

FindPeople = Callable[[np.ndarray], list[np.ndarray]]
"""Boxes x0 y0 x1 y1 px [4] of all people in an RGB picture uint8 [H,W,3]."""


@dataclass(frozen=True)
class Crop:
    """A part of the upright pictures, and how large it is kept."""

    scaled_size: tuple[int, int]
    """Width and height to which pictures are scaled before the part is cut out, px."""
    corner: tuple[int, int]
    """Its upper left corner, px of the scaled pictures."""
    size: tuple[int, int]
    """Its width and height, px."""

    @property
    def is_whole(self) -> bool:
        """Whether it leaves nothing out."""
        return self.size == self.scaled_size

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """The part of a scaled picture [H,W,C]."""
        (x, y), (width, height) = self.corner, self.size
        return pixels[y : y + height, x : x + width]


def uncropped(size: tuple[int, int], longest: int) -> Crop:
    """All of pictures of ``size`` (width, height), with sides of at most ``longest`` px."""
    kept = fit_size(size, longest)
    return Crop(kept, (0, 0), kept)


def cropped(pixels: np.ndarray, crop: Crop | None) -> np.ndarray:
    """A scaled picture [H,W,C], or the part of it that a crop of such pictures shows."""
    return pixels if crop is None or pixels.shape[1::-1] != crop.scaled_size else crop.of(pixels)


def find_boxes(pictures: Iterable[Picture], find_people: FindPeople, threads: int) -> list[np.ndarray]:
    """Boxes [n,4] of all people in each picture, 0..1 of its sides."""

    def look(picture: Picture) -> np.ndarray:
        height, width = picture.pixels.shape[:2]
        return np.array(find_people(picture.pixels), float).reshape(-1, 4) / (width, height, width, height)

    boxes: list[np.ndarray] = []
    waiting = iter(pictures)
    with ThreadPoolExecutor(threads) as pool:
        while some := list(islice(waiting, TOGETHER)):
            boxes += pool.map(look, some)
    return boxes


def choose_crop(boxes: list[np.ndarray], fps: float, size: tuple[int, int], person_height: int, max_size: int) -> Crop:
    """The crop round the person whom the video is about.

    Args:
        boxes: [n,4] of all people in each frame, 0..1 of the picture's sides.
        fps: Frames per second.
        size: Width and height of the pictures, px.
        person_height: Largest height of the person in the crop, px.
        max_size: Longest side of what is kept where all of the picture is, and half that of a crop, px.

    Returns:
        The crop; all of the picture where the person is not found often enough, or takes most of it.
    """
    boxes = [of * np.tile(size, 2) for of in boxes]
    people = np.array([len(of) for of in boxes])
    if people.max(initial=0) > 1:
        logger.info("%s", crowd_note(people))
    picks = person_picks(boxes, fps)
    found = np.array([of[pick] for of, pick in zip(boxes, picks, strict=True) if pick >= 0]).reshape(-1, 4)
    if len(found) < OFTEN * len(boxes):
        logger.info("whole pictures are kept: the person was found in only %d of %d frames", len(found), len(boxes))
        return uncropped(size, max_size)
    tall = float(np.quantile(found[:, 3] - found[:, 1], TALL))
    low = np.clip(found[:, :2].min(axis=0) - AROUND * tall, 0, size)
    high = np.clip(found[:, 2:].max(axis=0) + AROUND * tall, 0, size)
    if np.prod(high - low) > WORTH * np.prod(size):
        return uncropped(size, max_size)
    scale = min(1.0, person_height / tall, (2 * max_size - 1) / float((high - low).max()))
    scaled_size = fit_size(size, max(1, int(scale * max(size))))
    factor = np.array(scaled_size) / size
    x0, y0 = np.floor(low * factor).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(high * factor).astype(int), scaled_size).tolist()
    return Crop(scaled_size, (x0, y0), (x1 - x0, y1 - y0))
