"""Pictures with transparency to a video: VP9 in WebM for web pages, ProRes 4444 in QuickTime for editors."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from understudy.video.encode import encode

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
    container, encoder, pixels, options = CODECS[Path(path).suffix.lower()]
    encode(
        path, frames, fps, 4, (container, {"fflags": "+bitexact"}), (encoder, pixels, options),
        partial(_to_yuva, pixels), {"alpha_mode": "1"},
    )  # fmt: skip


def _to_yuva(pixels: str, picture: np.ndarray) -> VideoFrame:
    return VideoFrame.from_ndarray(picture, format="rgba").reformat(
        format=pixels,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_trc=ColorTrc.BT709,
        dst_color_primaries=ColorPrimaries.BT709,
    )
