"""Pictures to an mp4 that every player and browser shows."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream

from understudy.errors import InputError
from understudy.files import whole_file


def write_video(path: str | Path, frames: Iterable[np.ndarray], fps: float, crf: int = 18) -> None:
    """Write an mp4, atomically: H.264, yuv420p, BT.709, limited range; the same pictures give the same bytes.

    Args:
        path: File to write, ``.mp4``.
        frames: sRGB pictures, uint8 [H,W,3], all of one size; taken one at a time. An odd width or height is made
            even by repeating the last column or row.
        fps: Frames per second.
        crf: Quality, 0 (lossless) to 51; 18 looks like the original.

    Raises:
        InputError: There are no frames, they differ in size, or the disk does not take them.
    """
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise InputError(f"there are no frames to write to {path}.")
    rate = Fraction(fps).limit_denominator(1001)
    with whole_file(path) as temporary:
        try:
            options = {"movflags": "+faststart", "fflags": "+bitexact"}
            with av.open(str(temporary), "w", format="mp4", options=options) as container:
                stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf)})
                _describe(stream, first.shape)
                for number, pixels in enumerate(chain([first], rest)):
                    if pixels.shape != first.shape or pixels.dtype != np.uint8:
                        raise InputError(
                            f"frame {number} for {path} is {pixels.dtype} {pixels.shape}, not uint8 {first.shape}."
                        )
                    frame = _to_yuv(pixels)
                    frame.pts = number
                    frame.time_base = 1 / rate
                    container.mux(stream.encode(frame))
                container.mux(stream.encode())
        except (FFmpegError, OSError) as error:
            raise InputError(f"{path} cannot be written ({error}).") from None


def _describe(stream: VideoStream, shape: tuple[int, ...]) -> None:
    height, width = shape[:2]
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
    stream.color_range = ColorRange.MPEG
    stream.colorspace = Colorspace.ITU709
    stream.color_primaries = ColorPrimaries.BT709
    stream.color_trc = ColorTrc.BT709


def _to_yuv(pixels: np.ndarray) -> VideoFrame:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return frame.reformat(
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_trc=ColorTrc.BT709,
        dst_color_primaries=ColorPrimaries.BT709,
        interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
    )
