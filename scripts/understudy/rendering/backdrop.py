"""What is behind the person: nothing, a colour, an image, or pictures one after another."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from understudy.errors import InputError
from understudy.rendering.footage import open_footage
from understudy.video.images import read_image
from understudy.video.sources import IMAGE_SUFFIXES

_COLOURS = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0), "grey": (0.5, 0.5, 0.5), "gray": (0.5, 0.5, 0.5)}
LARGEST = 8192
"""Images are read at up to so many px a side."""


@dataclass
class Backdrop:
    """Filled by a colour, or by pictures that are scaled until they cover all and cut at the sides or top."""

    colour: np.ndarray | None = None  # [3] sRGB, 0..1
    still: np.ndarray | None = None  # [H,W,3] uint8
    moving: Iterator[np.ndarray] | None = None
    """Of uint8 [H,W,3]; the last one stays."""
    _shown: tuple[int, np.ndarray] | None = field(default=None, init=False)

    @property
    def transparent(self) -> bool:
        """Whether there is nothing."""
        return self.colour is None and self.still is None and self.moving is None

    def pixels(self, number: int, size: tuple[int, int]) -> np.ndarray | None:
        """sRGB [H,W,3] or [3] in 0..1 behind picture ``number``, asked for in order; None where it is transparent."""
        if self.colour is not None:
            return self.colour
        if self.moving is not None:
            while self._shown is None or self._shown[0] < number:
                following = next(self.moving, None)
                if following is None:
                    break
                self._shown = (0 if self._shown is None else self._shown[0] + 1, following)
            if self._shown is not None:
                self.still = self._shown[1]
        return None if self.still is None else cover(self.still, size).astype(np.float32) / 255


def open_backdrop(name: str | Path, fps: float | None = None) -> Backdrop:
    """The backdrop of an option.

    Args:
        name: ``white``, ``black``, ``grey``, ``transparent``, ``#rgb`` or ``#rrggbb``; an image; a video or a folder of frames.
        fps: Pictures per second that a video is taken at; None for its own.

    Raises:
        InputError: It is none of these, or cannot be read.
    """
    text = str(name).strip()
    if text == "transparent":
        return Backdrop()
    if text in _COLOURS:
        return Backdrop(colour=np.array(_COLOURS[text]))
    if text.startswith("#"):
        if not re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text):
            raise InputError(f"background is {text}; a colour is #rgb or #rrggbb in hexadecimal digits.")
        digits = text[1:] if len(text) == 7 else "".join(2 * digit for digit in text[1:])
        return Backdrop(colour=np.array([int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]))
    path = Path(text)
    if not path.exists():
        raise InputError(
            f"background is {text}, which is not a file, nor white, black, transparent or a colour as #rrggbb."
        )
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return Backdrop(still=read_image(path, LARGEST).pixels)
    return Backdrop(moving=open_footage(path, fps=fps).pictures(LARGEST))


def hex_colour(colour: Sequence[float]) -> str:
    """``#rrggbb`` of sRGB [3] in 0..1."""
    return "#" + "".join(f"{round(255 * value):02x}" for value in colour)


def cover(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image [H,W,3] scaled to cover ``size`` (width, height) and cut to its middle."""
    width, height = size
    factor = max(width / pixels.shape[1], height / pixels.shape[0])
    large = (max(width, round(pixels.shape[1] * factor)), max(height, round(pixels.shape[0] * factor)))
    if large != (pixels.shape[1], pixels.shape[0]):
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, large, interpolation=method)
    left, top = (large[0] - width) // 2, (large[1] - height) // 2
    return pixels[top : top + height, left : left + width]
