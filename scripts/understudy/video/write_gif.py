"""Pictures to an animated GIF, for pages and chats that take no video."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from understudy.video.encode import encode

COLOURS = 255
"""Of each picture's own palette; one more is transparent."""
FASTEST = 50
"""Frames per second: a GIF counts in hundredths of a second, and players slow down what is faster."""


def write_gif(path: str | Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """Write a ``.gif`` that loops forever, atomically; pixels are fully opaque or fully transparent.

    Args:
        path: File to write.
        frames: sRGB pictures with alpha, uint8 [H,W,4], all of one size; taken one at a time. An odd width or height is
            made even by repeating the last column or row.
        fps: Frames per second, at most ``FASTEST``.

    Raises:
        InputError: There are no frames, they differ in size, or the disk does not take them.
    """
    encode(path, frames, fps, 4, ("gif", {"loop": "0"}), ("gif", "pal8", {}), _with_palette)


def _with_palette(picture: np.ndarray) -> VideoFrame:
    """A picture uint8 [H,W,4] in the ``COLOURS`` colours that suit it best.

    Dithering would fleck what is plain, and take more room.
    """
    frame = VideoFrame.from_ndarray(picture, format="rgba")
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 100))
    both = graph.add("split")
    palette = graph.add("palettegen", f"max_colors={COLOURS + 1}:stats_mode=single")
    used = graph.add("paletteuse", "new=1:dither=none:alpha_threshold=128")
    end = graph.add("buffersink")
    source.link_to(both)
    both.link_to(used, 0, 0)
    both.link_to(palette, 1, 0)
    palette.link_to(used, 0, 1)
    used.link_to(end)
    graph.configure()
    frame.pts = 0
    source.push(frame)
    source.push(None)
    return cast(VideoFrame, end.pull())
