"""Pieces of a mask: which belong to the tracked person."""

import cv2
import numpy as np

from understudy.formats.skeleton import BONES

SURE = 0.3
"""Points of at least this confidence place the skeleton."""


def draw_skeleton(points: np.ndarray, shape: tuple[int, ...], sure: float = SURE) -> np.ndarray:
    """Bones between points [J,3] (px, px, confidence) of confidence ``sure`` as lines on a bool image of ``shape``."""
    image = np.zeros(shape[:2], np.uint8)
    for a, b in BONES:
        if min(points[a, 2], points[b, 2]) >= sure:
            # lines may start far outside; cv2 takes whole numbers of pixel centres
            start, end = np.round(points[[a, b], :2] - 0.5).astype(int).tolist()
            cv2.line(image, start, end, (1,), 3)
    return image.astype(bool)


def keep_touching(soft: np.ndarray, skeleton: np.ndarray) -> np.ndarray:
    """The parts of a soft mask [H,W] whose core (> 0.5) touches ``skeleton`` [H,W] bool.

    Soft pixels belong to the nearest core, so that a removed blob takes its border along.
    """
    core = (soft > 0.5).astype(np.uint8)
    count, parts = cv2.connectedComponents(core, connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(parts[skeleton])] = True
    keep[0] = False
    if not keep.any():
        return np.zeros_like(soft)
    if keep[1:].all():
        return soft
    return np.where(keep[of_nearest(parts, core > 0)], soft, np.float32(0))


def of_nearest(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Labels [H,W] where they are ``known`` [H,W] bool, elsewhere that of the nearest known pixel; zeros if none is."""
    if not known.any():
        return np.zeros_like(labels)
    nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    # OpenCV numbers the zero pixels, here the known ones, in an order of its own from 1
    label_of = np.zeros(int(nearest.max()) + 1, labels.dtype)
    label_of[nearest[known]] = labels[known]
    return label_of[nearest]


def without_specks(mask: np.ndarray, coarse: np.ndarray, least: float) -> np.ndarray:
    """A mask [H,W] bool without islands and holes of under ``least`` px, and without islands that ``coarse`` [H,W] lacks."""
    result = mask.copy()
    for value in (True, False):
        count, parts, stats, _ = cv2.connectedComponentsWithStats((result == value).astype(np.uint8), connectivity=4)
        remove = stats[:, cv2.CC_STAT_AREA] < least
        if value:
            supported = np.zeros(count, bool)
            supported[np.unique(parts[coarse & result])] = True
            remove |= ~supported
        remove[0] = False  # the other value's pixels
        result[remove[parts]] = not value
    return result
