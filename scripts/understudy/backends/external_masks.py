"""Backends ``files`` of silhouettes and parsing: the user's own masks and labels, scaled to the frames."""

import logging
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from understudy.backends.label_sets import LABEL_SETS, as_cihp, find_label_set
from understudy.backends.picture_matching import VideoPictures, is_video, pictures_of_frames
from understudy.errors import InputError
from understudy.files.pictures import opened_picture
from understudy.formats.frames import Frames
from understudy.formats.masks import LABEL_SET_KEY, voc_palette
from understudy.formats.placed import placed_on

logger = logging.getLogger(__name__)

SAMPLE = 16
"""Pictures, evenly spread, that tell whether masks are 0 and 1 or 0 to 255."""


class GivenMasks:
    """The user's own masks of the person: a folder of pictures or a video, soft or hard, of any size."""

    name = "files"

    def __init__(self, files: Path) -> None:
        self.files = Path(files)
        self.paths: list[Path] | None = None
        self.video: VideoPictures | None = None
        self.of_0_and_1 = False

    def read_mask(self, frames: Frames, index: int) -> np.ndarray:
        """Mask of frame ``index``, uint8 [H,W], 0 to 255.

        White is the person, or opaque in pictures with an alpha channel, or any label but 0 in palette pictures; of
        masks that hold 0 and 1 alone 1 is.

        Raises:
            InputError: Masks are missing, unreadable, or of another shape than the frames.
        """
        if self.paths is None and self.video is None:
            self._open(frames)
        if self.video is not None:
            mask = cv2.cvtColor(self.video.read(index), cv2.COLOR_RGB2GRAY)
            mask = _placed(mask, frames, f"{self.files}, picture {index}")
        else:
            assert self.paths is not None
            mask = _placed(_mask_of(_read(self.paths[index])), frames, str(self.paths[index]))
            if self.of_0_and_1 and mask.max() <= 1:  # pictures that were not looked at may hold more
                mask = mask * np.uint8(255)
        return mask

    def _open(self, frames: Frames) -> None:
        if is_video(self.files):
            self.video = VideoPictures(self.files, frames)
            return
        self.paths = pictures_of_frames(_folder(self.files, "silhouettes"), frames)
        some = {self.paths[place] for place in np.linspace(0, len(self.paths) - 1, SAMPLE).round().astype(int)}
        if max(int(_mask_of(_read(path)).max()) for path in some) <= 1:
            self.of_0_and_1 = True
            logger.info("%s: masks of 0 and 1", self.files)


class GivenLabels:
    """The user's own labels: a folder of index pictures, or of pictures in the colours of PASCAL VOC, of any size."""

    name = "files"

    def __init__(self, files: Path, label_set: str | None = None) -> None:
        """Remember the folder.

        Args:
            files: The folder.
            label_set: The labels' set (``label_sets.LABEL_SETS``), where the pictures do not name it in their text.

        Raises:
            InputError: There is no such label set.
        """
        self.files = Path(files)
        self.label_set = None if label_set is None else find_label_set(label_set, "parsing.label_set")
        self.paths: list[Path] | None = None

    def read_labels(self, frames: Frames, index: int) -> np.ndarray:
        """CIHP-20 labels of frame ``index``, uint8 [H,W].

        Raises:
            InputError: Labels are missing, unreadable, of no or another label set, or of another shape than the frames.
        """
        if self.paths is None:
            self.paths = pictures_of_frames(_folder(self.files, "parsing"), frames)
        path = self.paths[index]
        image = _read(path)
        labels = as_cihp(_labels_of(image, path), self._set_of(image, path), str(path))
        return _placed(labels, frames, str(path), labels=True)

    def _set_of(self, image: Image.Image, path: Path) -> str:
        named = image.info.get(LABEL_SET_KEY)
        if named is None:
            if self.label_set is None:
                raise InputError(
                    f"{path} does not say which labels its numbers are; name their set in parsing.label_set:"
                    f" {', '.join(LABEL_SETS)}."
                )
            return self.label_set
        found = find_label_set(str(named), str(path))
        if self.label_set not in (None, found):
            raise InputError(f"{path} says that its labels are {found}, but parsing.label_set {self.label_set}.")
        return found


def _folder(files: Path, stage: str) -> Path:
    if not files.is_dir():
        raise InputError(f"{stage}.files: {files} is not a folder of pictures; name the folder that holds them.")
    return files


def _read(path: Path) -> Image.Image:
    with opened_picture(path, "a readable picture", "save it again") as image:
        image.load()
    return image


def _mask_of(image: Image.Image) -> np.ndarray:
    """Levels uint8 [h,w] of a mask's picture."""
    if image.mode == "P" and not _is_grey(image):
        return (np.array(image) != 0).astype(np.uint8) * 255
    if image.mode in ("LA", "PA", "RGBA"):
        opaque = np.array(image.getchannel("A"))
        if opaque.min() < 255:
            return opaque
    if image.mode.startswith("I"):  # 16 bit
        return (np.clip(np.array(image), 0, 65535) // 257).astype(np.uint8)
    return np.array(image.convert("L"))


def _is_grey(image: Image.Image) -> bool:
    colours = np.array(image.getpalette()).reshape(-1, 3)
    used = np.unique(np.array(image))
    return bool((colours[used] == colours[used, :1]).all())


def _labels_of(image: Image.Image, path: Path) -> np.ndarray:
    """Numbers uint8 [h,w] of a picture of labels."""
    if image.mode in ("P", "L"):
        return np.array(image)
    if image.mode in ("1", "I", "I;16"):
        numbers = np.array(image).astype(np.int64)
    elif image.mode in ("RGB", "RGBA"):
        colours = np.array(image.convert("RGB")).astype(np.int64) @ (1 << 16, 1 << 8, 1)
        palette = voc_palette().astype(np.int64) @ (1 << 16, 1 << 8, 1)
        order = np.argsort(palette)
        place = np.minimum(np.searchsorted(palette[order], colours), 255)
        numbers = np.where(palette[order][place] == colours, order[place], -1)
    else:
        raise InputError(f"{path} is a picture of the kind {image.mode}; save labels as index or grey PNG of 8 bit.")
    if numbers.min() < 0 or numbers.max() > 255:
        raise InputError(f"{path} holds colours that are not labels; save labels as index or grey PNG of 8 bit.")
    return numbers.astype(np.uint8)


def _placed(values: np.ndarray, frames: Frames, where: str, labels: bool = False) -> np.ndarray:
    """A picture [h,w] of the user's as the frames show it [H,W]."""
    placed = placed_on(frames, values, labels, cv2.INTER_CUBIC)
    if placed is None:
        height, width = values.shape
        raise InputError(
            f"{where} has {width}x{height} px, another shape than the frames' {frames.width}x{frames.height}; give it in"
            " the shape of the frames or of the whole video."
        )
    return placed
