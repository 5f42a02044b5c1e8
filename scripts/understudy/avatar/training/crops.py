"""Crops of the person out of frames and masks, read on demand and kept while memory allows."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from understudy.formats.frames import Frames
from understudy.formats.masks import UNKNOWN, read_alpha, read_trimap
from understudy.render.camera import Camera

MARGIN = 0.06
"""Room round the person's box, as a part of its height."""
DOUBTFUL = 25
"""Alpha farther than this from both 0 and 255 is in doubt."""
STRIDE = 8
"""Sides of crops are multiples of this, so that they shrink without a remainder."""


@dataclass(frozen=True)
class Crop:
    """The part of one frame that shows the person, perhaps shrunk."""

    frame: int
    rgb: np.ndarray  # [h,w,3] uint8, times alpha
    alpha: np.ndarray  # [h,w] uint8
    weight: np.ndarray  # [h,w] uint8
    """How much each pixel counts: 255, less where the trimap is unknown, 0 beyond the frame's border."""
    K: np.ndarray  # [3,3] float64 px
    box: tuple[int, int, int, int]
    """x0, y0, x1, y1 in px of the frame; may reach beyond its border."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.alpha.shape[1], self.alpha.shape[0]

    @property
    def camera(self) -> Camera:
        """The camera that saw it, in whose frame the world is."""
        return Camera(self.K, *self.size)

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self.rgb.nbytes + self.alpha.nbytes + self.weight.nbytes

    def tensors(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """``rgb`` [h,w,3] times alpha, ``alpha`` [h,w] and ``weight`` [h,w], all 0..1."""
        rgb, alpha, weight = (
            torch.from_numpy(pixels).to(device).float() / 255.0 for pixels in (self.rgb, self.alpha, self.weight)
        )
        return rgb, alpha, weight


class Crops:
    """Crops of one video by frame and scale.

    Nothing is read before it is asked for. Crops are kept up to ``cache_bytes``, the least recently used go first,
    so memory does not grow with the length of the video.
    """

    def __init__(
        self,
        frames: Frames,
        alpha_folder: Path,
        K: np.ndarray,
        edge_band: float = 0.0,
        cache_bytes: int = 256 << 20,
        trimap_folder: Path | None = None,
        unknown: float = 0.0,
    ) -> None:
        self.frames = frames
        self.alpha_folder = alpha_folder
        self.trimap_folder = trimap_folder
        self.K = np.asarray(K, np.float64)
        self.edge_band = edge_band
        self.unknown = unknown
        self.cache_bytes = cache_bytes
        self._kept: OrderedDict[tuple[int, int], Crop] = OrderedDict()
        self._bytes = 0

    def get(self, frame: int, shrink: int = 1) -> Crop | None:
        """The crop of a frame at ``1/shrink`` of its resolution (1, 2, 4 or 8); None where the mask is empty."""
        key = (frame, shrink)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        whole = self._kept.get((frame, 1)) or self._read(frame)
        if whole is None:
            return None
        crop = _shrunk(whole, shrink)
        self._kept[key] = crop
        self._bytes += crop.nbytes
        while self._bytes > self.cache_bytes and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return crop

    def get_tall(self, frame: int, shrink: int, least: int) -> Crop | None:
        """The crop at ``1/shrink``, or less shrunk where it would be lower than ``least`` px."""
        crop = self.get(frame, shrink)
        while crop is not None and crop.size[1] < least and shrink > 1:
            shrink //= 2
            crop = self.get(frame, shrink)
        return crop

    def _read(self, frame: int) -> Crop | None:
        size = (self.frames.width, self.frames.height)
        alpha = read_alpha(self.alpha_folder, frame, size)
        box = person_box(alpha)
        if box is None:
            return None
        x0, y0, x1, y1 = box
        rgb = self.frames.read(frame)
        height = y1 - y0
        margin = max(4, round(MARGIN * height))
        x0, y0, x1, y1 = x0 - margin, y0 - margin, x1 + margin, y1 + margin
        x1, y1 = x1 + (x0 - x1) % STRIDE, y1 + (y0 - y1) % STRIDE
        weight = _sure(alpha, self.edge_band * height)
        if self.trimap_folder is not None:
            unknown = read_trimap(self.trimap_folder, frame, size) == UNKNOWN
            weight[unknown] = np.minimum(weight[unknown], round(255 * self.unknown))
        premultiplied = (rgb.astype(np.uint16) * alpha[..., None] + 127) // 255
        K = self.K.copy()
        K[:2, 2] -= (x0, y0)
        return Crop(
            frame,
            _cut(premultiplied.astype(np.uint8), (x0, y0, x1, y1)),
            _cut(alpha, (x0, y0, x1, y1)),
            _cut(weight, (x0, y0, x1, y1), beyond=0),
            K,
            (x0, y0, x1, y1),
        )


def person_box(alpha: np.ndarray) -> tuple[int, int, int, int] | None:
    """x0, y0, x1, y1 of the pixels over half foreground, the last ones exclusive; None where there is none."""
    inside = alpha > 127
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _sure(alpha: np.ndarray, band: float) -> np.ndarray:
    """255 where the mask can be trusted, 0 where it is in doubt or within ``band / 2`` px of its outline; uint8 [H,W]."""
    reach = round(band / 2)
    if reach < 1:
        return np.full(alpha.shape, 255, np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside = (alpha > 127).astype(np.uint8)
    # beyond the picture's border the person may go on: the border itself is no outline
    grown = cv2.dilate(inside, disc, borderType=cv2.BORDER_REPLICATE)
    doubtful = grown != cv2.erode(inside, disc, borderType=cv2.BORDER_REPLICATE)
    # away from the outline a half-transparent pixel is the mask's doubt, not the person's
    doubtful |= (alpha > DOUBTFUL) & (alpha < 255 - DOUBTFUL)
    return np.where(doubtful, 0, 255).astype(np.uint8)


def _cut(pixels: np.ndarray, box: tuple[int, int, int, int], beyond: int | None = None) -> np.ndarray:
    """The box out of an image; beyond its border the border's own pixels go on, or else ``beyond``."""
    x0, y0, x1, y1 = box
    rows, columns = np.arange(y0, y1), np.arange(x0, x1)
    cut = pixels[rows.clip(0, len(pixels) - 1)[:, None], columns.clip(0, pixels.shape[1] - 1)]
    if beyond is not None:
        cut[(rows < 0) | (rows >= len(pixels))] = beyond
        cut[:, (columns < 0) | (columns >= pixels.shape[1])] = beyond
    return cut


def _shrunk(crop: Crop, shrink: int) -> Crop:
    """The crop at a part of its resolution, each pixel the mean of those that it covers."""
    if shrink == 1:
        return crop
    width, height = crop.size
    size = (width // shrink, height // shrink)
    rgb, alpha, weight = (
        cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (crop.rgb, crop.alpha, crop.weight)
    )
    K = np.diag([1 / shrink, 1 / shrink, 1.0]) @ crop.K
    return Crop(crop.frame, rgb, alpha, weight, K, crop.box)
