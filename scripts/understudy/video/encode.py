"""Pictures through an encoder into a file, one at a time, whole or not at all."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from understudy.errors import InputError
from understudy.files.atomic import atomic_write
from understudy.files.records import check_recorded


def encode(
    path: str | Path,
    frames: Iterable[np.ndarray],  # uint8 [H,W,C], all of one size
    fps: float,
    channels: int,
    container: tuple[str, dict[str, str]],  # name and options
    encoder: tuple[str, str, dict[str, str]],  # name, pixel format and options
    convert: Callable[[np.ndarray], VideoFrame],  # of a picture with even sides
    metadata: dict[str, str] | None = None,  # of the stream
) -> None:
    """Write a video, atomically: BT.709, limited range, sides made even by repeating the last column or row.

    Raises:
        InputError: There are no frames, they differ in size or kind, the disk does not take them, or there is a video that
            was not written here.
    """
    check_recorded([Path(path)])
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise InputError(f"there are no frames to write to {path}.")
    rate = Fraction(fps).limit_denominator(1001)
    expected = (*first.shape[:2], channels)
    height, width = first.shape[:2]
    even = ((0, height % 2), (0, width % 2), (0, 0))
    with atomic_write(path, recorded=True) as temporary:
        try:
            with av.open(str(temporary), "w", format=container[0], options=container[1]) as file:
                name, pixels, options = encoder
                stream = cast(VideoStream, file.add_stream(name, rate=rate, options=options))
                stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, pixels
                stream.color_range, stream.colorspace = ColorRange.MPEG, Colorspace.ITU709
                stream.color_primaries, stream.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
                stream.metadata.update(metadata or {})
                for number, picture in enumerate(chain([first], rest)):
                    if picture.shape != expected or picture.dtype != np.uint8:
                        raise InputError(
                            f"frame {number} for {path} is {picture.dtype} {picture.shape}, not uint8 {expected}."
                        )
                    padded = np.pad(picture, even, mode="edge") if height % 2 or width % 2 else picture
                    frame = convert(np.ascontiguousarray(padded))
                    frame.pts, frame.time_base = number, 1 / rate
                    file.mux(stream.encode(frame))
                file.mux(stream.encode())
        except (MemoryError, BlockingIOError) as error:  # the latter where there is no room for the encoder's threads
            raise MemoryError(str(error)) from error
