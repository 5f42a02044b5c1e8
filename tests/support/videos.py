"""Tiny videos made up for tests, whose every frame says its number by its colour."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

LEVELS = 6
"""Grey levels between one number and the next."""


def numbered(count: int, width: int = 64, height: int = 48, first: int = 0) -> list[np.ndarray]:
    """Grey pictures whose level is their number times ``LEVELS``."""
    return [np.full((height, width, 3), (first + i) * LEVELS, np.uint8) for i in range(count)]


def number_of(pixels: np.ndarray) -> int:
    """The number that a picture of ``numbered`` shows in its middle."""
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : -height // 4, width // 4 : -width // 4]
    return round(float(middle.mean()) / LEVELS)


def make_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    rate: int | Fraction = 30,
    times: Sequence[int] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    matrix: int = Colorspace.ITU709,
    full_range: bool = False,
    tags: dict[str, int] | None = None,
    rotation: dict | None = None,
    pixel_aspect: Fraction | None = None,
    metadata: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a video of uint8 RGB(A) pictures, or of uint16 RGB ones.

    Args:
        path: The file; its suffix says the container.
        pictures: [H,W,3] or [H,W,4], all of one size.
        rate: Frames per second.
        times: Time of each frame in ms, for a variable rate.
        codec: Encoder.
        pix_fmt: Pixel format of the video.
        matrix: Colour matrix to encode with, and to tag unless ``tags`` has ``colorspace``.
        full_range: Whether to encode in full range, tagged.
        tags: Other attributes of the codec, such as ``color_trc``.
        rotation: Arguments of ``set_display_rotation``.
        pixel_aspect: Shape of the pixels.
        metadata: Of the container.
        options: Of the encoder.
        container_options: Of the muxer.
    """
    levels = ColorRange.JPEG if full_range else ColorRange.MPEG
    with av.open(str(path), "w", options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = None
        for number, pixels in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=options or {})
                stream.width, stream.height, stream.pix_fmt = pixels.shape[1], pixels.shape[0], pix_fmt
                stream.codec_context.time_base = Fraction(1, 1000) if times else 1 / Fraction(rate)
                if "yuv" in pix_fmt:
                    for tag, value in {"colorspace": matrix, "color_range": levels, **(tags or {})}.items():
                        setattr(stream.codec_context, tag, value)
                if rotation:
                    stream.set_display_rotation(**rotation)
                if pixel_aspect:
                    stream.codec_context.sample_aspect_ratio = pixel_aspect
            layout = "rgb48le" if pixels.dtype == np.uint16 else "rgba" if pixels.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), layout)
            if pix_fmt != layout:
                frame = frame.reformat(
                    format=pix_fmt,
                    dst_colorspace=matrix,
                    src_color_range=ColorRange.JPEG,
                    dst_color_range=levels if "yuv" in pix_fmt else ColorRange.JPEG,
                    interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
                )
            frame.pts = times[number] if times else number
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
