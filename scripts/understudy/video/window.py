"""Which part of a video's pictures to keep: a window round the person, at the source's resolution where that pays."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from understudy.formats.tracks import link, main_picks
from understudy.video.pictures import Picture, fit_size

LOOK_SIZE = 720
"""Longest side of the pictures that people are looked for in, px."""
AROUND = 0.1
"""Room to leave on each side of the boxes, in parts of their height: matting learns the scene from it."""
WORTH = 0.7
"""A window that has more of the whole picture than this saves too little: all of it is kept."""
TALL = 0.9
"""Quantile over frames of the person's height that counts: they may come near for a moment."""
TOGETHER = 64
"""Pictures held at once while people are looked for."""

FindPeople = Callable[[np.ndarray], list[np.ndarray]]
"""Boxes x0 y0 x1 y1 px [4] of all people in an RGB picture uint8 [H,W,3]."""


@dataclass(frozen=True)
class Window:
    """A part of the upright pictures, and how large it is kept."""

    whole: tuple[int, int]
    """Width and height of the pictures as they are scaled before the part is cut out, px."""
    scale: float
    """By which they are scaled; at most 1."""
    corner: tuple[int, int]
    """Upper left corner, px of the scaled pictures."""
    size: tuple[int, int]
    """Width and height, px."""

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """The part of a scaled picture [H,W,3]."""
        (x, y), (width, height) = self.corner, self.size
        return pixels[y : y + height, x : x + width]


def whole(size: tuple[int, int], longest: int) -> Window:
    """All of pictures of ``size`` (width, height), with sides of at most ``longest`` px."""
    kept = fit_size(size, longest)
    return Window(kept, max(kept) / max(size), (0, 0), kept)


def find_boxes(
    pictures: Iterable[Picture], find_people: FindPeople, threads: int
) -> tuple[list[np.ndarray], tuple[int, int] | None]:
    """Boxes [n,4] of all people in each picture, in px before scaling, and that size; None for no pictures."""
    size: tuple[int, int] | None = None

    def look(picture: Picture) -> np.ndarray:
        factor = picture.size[0] / picture.pixels.shape[1]
        return np.array(find_people(picture.pixels), float).reshape(-1, 4) * factor

    boxes: list[np.ndarray] = []
    with ThreadPoolExecutor(threads) as pool:
        waiting = iter(pictures)
        while some := list(islice(waiting, TOGETHER)):
            size = some[0].size
            boxes += pool.map(look, some)
    return boxes, size


def choose_window(
    boxes: list[np.ndarray], fps: float, size: tuple[int, int], person_height: int, longest: int
) -> Window:
    """The window round the person whom the video is about.

    Args:
        boxes: [n,4] px of all people in each frame.
        fps: Frames per second.
        size: Width and height of the pictures, px.
        person_height: Largest height of the person in what is kept, px.
        longest: Longest side of what is kept, px.

    Returns:
        The window; all of the picture where nobody is found, or where the person takes most of it.
    """
    picks = main_picks(link(boxes, fps), len(boxes))
    found = np.array([of[pick] for of, pick in zip(boxes, picks, strict=True) if pick >= 0]).reshape(-1, 4)
    if not len(found):
        return whole(size, longest)
    tall = float(np.quantile(found[:, 3] - found[:, 1], TALL))
    scale = min(1.0, person_height / tall)
    low = np.clip(found[:, :2].min(axis=0) - AROUND * tall, 0, size)
    high = np.clip(found[:, 2:].max(axis=0) + AROUND * tall, 0, size)
    if np.prod(high - low) > WORTH * np.prod(size):
        return whole(size, min(longest, round(scale * max(size))))
    scale = min(scale, longest / float((high - low).max()))
    kept = fit_size(size, round(scale * max(size)))
    factor = np.array(kept) / size
    x0, y0 = np.floor(low * factor).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(high * factor).astype(int), kept).tolist()
    return Window(kept, max(kept) / max(size), (x0, y0), (x1 - x0, y1 - y0))
