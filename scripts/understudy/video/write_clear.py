"""Pictures with transparency to a video: VP9 in WebM for web pages, ProRes 4444 in QuickTime for editors."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from understudy.errors import InputError
from understudy.files import whole_file

CODECS = {
    ".webm": ("webm", "libvpx-vp9", "yuva420p", {"crf": "22", "b": "0", "auto-alt-ref": "0", "cpu-used": "4"}),
    ".mov": ("mov", "prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0", "alpha_bits": "8"}),
}
"""Container, encoder, pixels and options by suffix. Transparency in VP9 rules alternative reference frames out."""


def write_clear_video(path: str | Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """Write a ``.webm`` or ``.mov`` with transparency, atomically; BT.709, limited range, straight alpha.

    Args:
        path: File to write.
        frames: sRGB pictures with alpha, uint8 [H,W,4], all of one size; taken one at a time. An odd width or height is
            made even by repeating the last column or row.
        fps: Frames per second.

    Raises:
        InputError: There are no frames, they differ in size, or the disk does not take them.
    """
    container_name, encoder, pixels, options = CODECS[Path(path).suffix.lower()]
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise InputError(f"there are no frames to write to {path}.")
    rate = Fraction(fps).limit_denominator(1001)
    with whole_file(path) as temporary:
        try:
            with av.open(str(temporary), "w", format=container_name, options={"fflags": "+bitexact"}) as container:
                stream = cast(VideoStream, container.add_stream(encoder, rate=rate, options=options))
                height, width = first.shape[:2]
                stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, pixels
                stream.color_range, stream.colorspace = ColorRange.MPEG, Colorspace.ITU709
                stream.color_primaries, stream.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
                stream.metadata["alpha_mode"] = "1"
                for number, picture in enumerate(chain([first], rest)):
                    if picture.shape != first.shape or picture.shape[-1] != 4 or picture.dtype != np.uint8:
                        raise InputError(
                            f"frame {number} for {path} is {picture.dtype} {picture.shape}, not uint8 RGBA."
                        )
                    frame = _to_yuva(picture, pixels)
                    frame.pts, frame.time_base = number, 1 / rate
                    container.mux(stream.encode(frame))
                container.mux(stream.encode())
        except (FFmpegError, OSError) as error:
            raise InputError(f"{path} cannot be written ({error}).") from None


def _to_yuva(picture: np.ndarray, pixels: str) -> VideoFrame:
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgba")
    return frame.reformat(
        format=pixels,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_trc=ColorTrc.BT709,
        dst_color_primaries=ColorPrimaries.BT709,
    )
