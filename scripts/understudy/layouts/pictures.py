"""Pictures of data sets."""

import shutil
from pathlib import Path

import cv2
import numpy as np

from understudy.formats.masks import read_parsing, voc_palette
from understudy.layouts.recording import Recording


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write grey [H,W] or RGB [H,W,3] uint8; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())  # imwrite does not tell when the disk is full


def copy_frame(recording: Recording, frame: int, path: Path) -> None:
    """The frame's own JPEG, byte by byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(recording.frames.path(frame), path)


def write_colour_labels(recording: Recording, frame: int, path: Path) -> None:
    """The frame's CIHP-20 labels as plain RGB of the VOC palette, as Self-Correction-Human-Parsing shows them.

    Not as a palette PNG, which readers unpack in different ways.
    """
    assert recording.parsing is not None
    write_png(path, voc_palette()[read_parsing(recording.parsing, frame)])


def over_white(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The person [H,W,3] uint8 before white."""
    share = alpha[..., None] / 255.0
    return np.round(share * image + (1.0 - share) * 255.0).astype(np.uint8)
