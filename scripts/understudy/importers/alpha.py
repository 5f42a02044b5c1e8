"""Other programs' masks as ``alpha/``."""

from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.atomic import atomic_folder
from understudy.files.pictures import opened_picture
from understudy.files.safe_arrays import read_npy
from understudy.formats.frames import Frames
from understudy.formats.masks import write_alpha
from understudy.formats.placed import placed_on
from understudy.importers.tracking import Camera
from understudy.progress import track
from understudy.video.intrinsics import Undistorter

MOST_LABELS = 30
"""Pictures without larger values hold labels or 0 and 1, not shades."""


def write_masks(folder: Path, masks: list[Path], frames: Frames, camera: Camera | None) -> None:
    """Write one soft mask a frame: lens distortion removed, scaled to the frames, one picture in memory at a time.

    Args:
        folder: ``alpha/``, replaced as a whole.
        masks: File of each kept frame [T].
        frames: The kept frames.
        camera: Of the tracked pictures; only a lens with distortion matters.

    Raises:
        InputError: A file is damaged or shaped unlike the frames.
    """
    with atomic_folder(folder, "silhouettes") as temporary:
        for index, path in enumerate(track(masks, "importing masks")):
            alpha = read_mask(path)
            height, width = alpha.shape
            if camera is not None and camera.distortion is not None and camera.size == (width, height):
                alpha = Undistorter(camera.K, camera.distortion, camera.size)(alpha)
            placed = placed_on(frames, alpha)
            if placed is None:
                raise InputError(f"{path} is {width}x{height} px, of another shape than the frames.")
            write_alpha(temporary, index, placed)


def read_mask(path: Path) -> np.ndarray:
    """A mask as uint8 [H,W], 255 the person.

    Shades stay soft; of labels, colour-coded parts and masks of 0 and 1 everything but 0 (black) is the person.

    Raises:
        InputError: The file is damaged or no mask.
    """
    if path.suffix == ".npy":
        values = np.asarray(read_npy(path))
        values = values[..., 0] if values.ndim == 3 else values
        if values.ndim != 2 or values.dtype.kind not in "buif":
            raise InputError(f"{path} is not a mask: it holds an array of shape {values.shape}.")
    else:
        with opened_picture(path, "a mask that can be read", "make it again") as image:
            if image.mode in ("P", "1"):
                values = np.array(image) > 0
            elif image.mode == "RGBA":
                values = np.array(image)[..., 3]
            elif image.mode == "RGB":
                colours = np.array(image)
                grey = (colours[..., 0] == colours[..., 1]).all() and (colours[..., 1] == colours[..., 2]).all()
                values = colours[..., 0] if grey else np.asarray(colours.max(axis=-1) > 0)
            else:
                values = np.array(image)
    if values.dtype.kind == "f" and values.max(initial=0) <= 1.0:
        return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    if values.dtype == bool or values.max(initial=0) <= MOST_LABELS:
        return (values > 0).astype(np.uint8) * np.uint8(255)
    if values.max() > 255:  # 16 bit
        return (values // 257).clip(0, 255).astype(np.uint8)
    return values.clip(0, 255).astype(np.uint8)
