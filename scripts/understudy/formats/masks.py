"""``alpha/``, ``matte/``, ``trimap/`` and ``parsing/``: one PNG a frame, soft foreground, what is sure, and part labels."""

from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from understudy.errors import InputError
from understudy.files.arrays import again
from understudy.formats.pictures import load_picture

UNKNOWN = 128
"""In a trimap: nobody knows. 255 is surely the person, 0 surely not."""

LABEL_SET_KEY = "label_set"

CIHP = (
    "background", "hat", "hair", "glove", "sunglasses", "upper_clothes", "dress", "coat", "socks", "pants",
    "torso_skin", "scarf", "skirt", "face", "left_arm", "right_arm", "left_leg", "right_leg", "left_shoe", "right_shoe",
)  # fmt: skip
"""CIHP-20, left and right the person's. Label 10 is torso skin here and jumpsuit in LIP."""


def mask_path(folder: str | Path, index: int) -> Path:
    """PNG of frame ``index``."""
    return Path(folder) / f"{index:06d}.png"


def write_alpha(folder: str | Path, index: int, alpha: np.ndarray) -> None:
    """Write a soft mask: float 0..1 or uint8, [H,W]."""
    if alpha.dtype != np.uint8:
        alpha = np.round(np.clip(alpha, 0.0, 1.0) * 255.0).astype(np.uint8)
    Image.fromarray(alpha, mode="L").save(mask_path(folder, index))


def read_alpha(folder: str | Path, index: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """Soft mask of frame ``index`` as uint8 [H,W].

    Raises:
        InputError: The file is missing, damaged, or not of the ``size`` (width, height) that is asked for.
    """
    path = mask_path(folder, index)
    with load_picture(path, path.parent, size) as image:
        return np.array(image.convert("L"))


def write_trimap(folder: str | Path, index: int, person: np.ndarray, unknown: np.ndarray) -> None:
    """Write a trimap: 255 where ``person`` [H,W] bool, 0 elsewhere, but ``UNKNOWN`` where ``unknown`` [H,W] bool."""
    trimap = np.where(unknown, UNKNOWN, np.where(person, 255, 0)).astype(np.uint8)
    Image.fromarray(trimap, mode="L").save(mask_path(folder, index))


def read_trimap(folder: str | Path, index: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """Trimap of frame ``index`` as uint8 [H,W]: 0 background, 128 unknown, 255 person.

    Raises:
        InputError: The file is missing, damaged, holds other values, or is not of the ``size`` (width, height) asked for.
    """
    path = mask_path(folder, index)
    with load_picture(path, path.parent, size) as image:
        trimap = np.array(image.convert("L"))
    if not np.isin(trimap, (0, UNKNOWN, 255)).all():
        raise InputError(f"{path} holds other values than 0, 128 and 255 and is not a trimap; {again(path.parent)}.")
    return trimap


def write_parsing(folder: str | Path, index: int, labels: np.ndarray, label_set: str = "CIHP-20") -> None:
    """Write labels uint8 [H,W] as a palette PNG that names its label set in a text chunk."""
    image = Image.fromarray(labels.astype(np.uint8), mode="P")
    image.putpalette(voc_palette().ravel().tolist())
    text = PngImagePlugin.PngInfo()
    text.add_text(LABEL_SET_KEY, label_set)
    image.save(mask_path(folder, index), pnginfo=text)


def read_parsing(
    folder: str | Path, index: int, size: tuple[int, int] | None = None, label_set: str = "CIHP-20"
) -> np.ndarray:
    """Labels of frame ``index`` as uint8 [H,W], all below 20.

    Raises:
        InputError: The file is missing, not a palette PNG, names another label set, holds larger numbers than labels,
            or is not of the ``size`` (width, height) asked for.
    """
    path = mask_path(folder, index)
    with load_picture(path, path.parent, size) as image:
        found = image.info.get(LABEL_SET_KEY, label_set)
        if image.mode != "P" or found != label_set:
            raise InputError(
                f"{path} holds {image.mode} labels of the set {found}, not palette labels of {label_set}; {again(path.parent)}."
            )
        labels = np.array(image)
    if labels.max() >= len(CIHP):
        raise InputError(
            f"{path} holds the number {labels.max()}, which is not a label of {label_set}; {again(path.parent)}."
        )
    return labels


def voc_palette() -> np.ndarray:
    """The 256 colours [256,3] uint8 that PASCAL VOC and SCHP use for label images.

    Bits 0, 1, 2 of the label go to the top bits of red, green, blue; the next three bits to the next ones down.
    """
    labels = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (labels >> (3 * place + channel)) & 1
            palette[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return palette
