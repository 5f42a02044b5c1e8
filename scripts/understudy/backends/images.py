"""Cutting and scaling of pictures; px with pixel centres at +0.5 throughout."""

import cv2
import numpy as np


def shrunk(image: np.ndarray, max_size: int) -> np.ndarray:
    """The image with sides of at most ``max_size``, by area averaging."""
    height, width = image.shape[:2]
    factor = max_size / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(image)
    return resized(image, max(1, round(width * factor)), max(1, round(height * factor)))


def resized(image: np.ndarray, width: int, height: int, enlarging: int = cv2.INTER_LINEAR) -> np.ndarray:
    """The image at another size: by area averaging where that is smaller, else by the ``enlarging`` interpolation."""
    smaller = width < image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else enlarging)


def cut(image: np.ndarray, x0: int, y0: int, width: int, height: int) -> np.ndarray:
    """The rectangle [height,width,...] with its top left corner at ``(x0, y0)``, black outside the image."""
    piece = np.zeros((height, width, *image.shape[2:]), image.dtype)
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + width, image.shape[1]), min(y0 + height, image.shape[0])
    if left < right and top < bottom:
        piece[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    return piece


def pasted(mask: np.ndarray, x0: int, y0: int, side: int, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of the square at ``(x0, y0)``, brought to ``side`` px, on an empty image of ``shape``; undoes ``cut``."""
    large = resized(mask, side, side, cv2.INTER_CUBIC)
    return np.clip(cut(large, -x0, -y0, shape[1], shape[0]), 0, 1)


def mask_box(mask: np.ndarray) -> np.ndarray:
    """Box x0 y0 x1 y1 px [4] round the true pixels of ``mask`` [H,W]; zeros without any."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros(4)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
