"""Decoded frames to upright 8-bit sRGB pictures."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from understudy.video.colour import flatten_alpha, gamut_to_srgb, hdr_to_srgb
from understudy.video.crop import Crop, cropped
from understudy.video.pictures import Picture, fit_size

UNSPECIFIED = 2
"""In colour tags (ITU-T H.273)."""

HDR = {int(ColorTrc.SMPTE2084): "pq", int(ColorTrc.ARIB_STD_B67): "hlg"}
WIDE = {
    int(ColorPrimaries.BT2020): "bt2020",
    int(ColorPrimaries.SMPTE431): "p3",
    int(ColorPrimaries.SMPTE432): "p3",
}
MATRIX = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""Matrix coefficients of H.273 to what swscale offers."""

EXACT = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.BITEXACT


class FrameConverter:
    """Makes upright sRGB pictures of the frames of one stream: scaled, colours converted, then turned.

    Pixels that are not square are stretched to square ones. Rotation and flips are those of the container's display
    matrix, to the nearest quarter turn. Colours without tags are taken as BT.709 from 720 lines on, else BT.601, in
    limited range, as players do. Interlaced frames are left as they are.
    """

    def __init__(self, stream: VideoStream, max_size: int, crop: Crop | None = None) -> None:
        """Take what the container says of colours and pixel shape, for frames that do not say it themselves."""
        decoder = stream.codec_context
        self._trc, self._primaries = decoder.color_trc, decoder.color_primaries
        self._matrix, self._range = decoder.colorspace, decoder.color_range
        self._pixel_aspect = float(stream.sample_aspect_ratio or decoder.sample_aspect_ratio or 1) or 1.0
        self._max_size, self._crop = max_size, crop
        self._reformatter = VideoReformatter()
        self._turn: np.ndarray | None = None

    def __call__(self, frame: VideoFrame) -> Picture:
        """The picture of a frame; ``size`` is that of the upright frame with square pixels."""
        if self._turn is None:
            self._turn = display_matrix(frame)
        size = (max(1, round(frame.width * self._pixel_aspect)), frame.height)
        scaled, to_srgb = self._scaled(frame, fit_size(size, self._max_size))
        # cut before colours are converted, which is slow for high dynamic range
        pixels = to_srgb(cropped(turn(scaled, self._turn), self._crop))
        return Picture(np.ascontiguousarray(pixels), size[::-1] if self._turn[0, 0] == 0 else size)

    def _scaled(
        self, frame: VideoFrame, size: tuple[int, int]
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """The picture [H,W,3] at a size, and what makes it sRGB uint8."""
        if frame.format.has_palette or any(component.is_alpha for component in frame.format.components):
            whole = self._reformat(frame, (frame.width, frame.height), "rgba")
            flat = flatten_alpha(whole)  # before scaling, or hidden colours bleed into the edges
            return cv2.resize(flat, size, interpolation=cv2.INTER_AREA), lambda pixels: pixels
        transfer = HDR.get(frame.color_trc if frame.color_trc != UNSPECIFIED else self._trc)
        if transfer:
            return self._reformat(frame, size, "rgb48le"), lambda pixels: hdr_to_srgb(pixels, transfer)
        wide = WIDE.get(frame.color_primaries if frame.color_primaries != UNSPECIFIED else self._primaries)
        pixels = self._reformat(frame, size, "rgb24")
        return pixels, lambda pixels: gamut_to_srgb(pixels, wide) if wide else pixels

    def _reformat(self, frame: VideoFrame, size: tuple[int, int], pixel_format: str) -> np.ndarray:
        tag = frame.colorspace if frame.colorspace != UNSPECIFIED else self._matrix
        guess = Colorspace.ITU709 if max(frame.width, frame.height) >= 1280 or frame.height > 576 else Colorspace.ITU601
        levels = frame.color_range or self._range or ColorRange.MPEG
        if frame.format.is_rgb or frame.format.name.startswith("yuvj"):
            levels = ColorRange.JPEG
        shrinks = size[0] < frame.width
        converted = self._reformatter.reformat(
            frame,
            width=size[0],
            height=size[1],
            format=pixel_format,
            src_colorspace=int(MATRIX.get(tag, guess)),
            src_color_range=int(levels),
            dst_color_range=int(ColorRange.JPEG),
            interpolation=EXACT | (Interpolation.AREA if shrinks else Interpolation.BICUBIC),
        )
        return converted.to_ndarray()


def display_matrix(frame: VideoFrame) -> np.ndarray:
    """How a frame is to be turned, by the container's display matrix: [2,2] of -1, 0 and 1.

    Pixel coordinates (x right, y down) of the shown picture are ``stored @ matrix``, up to a shift.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return np.eye(2, dtype=int)
    stored = np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].astype(np.float64)
    upright = abs(stored[0, 0]) + abs(stored[1, 1]) >= abs(stored[0, 1]) + abs(stored[1, 0])
    quarter = np.eye(2) if upright else 1 - np.eye(2)
    return (np.where(stored < 0, -1, 1) * quarter).astype(int)


def turn(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Picture [H,W,3] turned by a ``display_matrix``, contiguous."""
    if matrix[0, 0] == 0:
        pixels = pixels.transpose(1, 0, 2)
    x_sign, y_sign = matrix.sum(axis=0)
    return np.ascontiguousarray(pixels[::y_sign, ::x_sign])
