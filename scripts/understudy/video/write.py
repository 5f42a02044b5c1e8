"""Pictures to an mp4 that every player and browser shows."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from understudy.video.encode import encode


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
    container = ("mp4", {"movflags": "+faststart", "fflags": "+bitexact"})
    encode(path, frames, fps, 3, container, ("libx264", "yuv420p", {"crf": str(crf)}), _to_yuv)


def _to_yuv(pixels: np.ndarray) -> VideoFrame:
    return VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_trc=ColorTrc.BT709,
        dst_color_primaries=ColorPrimaries.BT709,
        interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
    )
