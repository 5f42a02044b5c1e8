"""Agreement of mattes over time: frames whose matte leaves the row, and pixels that flicker."""

import cv2
import numpy as np

NEIGHBOURS = 4
"""Frames on either side that a frame's matte is compared with."""
SMALLEST = 32
"""px; motion is not sought in pictures with a shorter side."""


def outliers(areas: np.ndarray, agreed: np.ndarray, tolerance: float, least: float) -> np.ndarray:
    """Frames whose refinement is not to be believed: bool [T].

    They are those in which it changes the area otherwise than in the frames round about without coming nearer to what the body
    lets expect, and those in which it leaves little of the coarse mask.

    Args:
        areas: Of the refined mask, the coarse mask and the projected body [T,3], px; not counted where one is zero.
        agreed: IoU of refined and coarse mask [T].
        tolerance: How far the logarithm of refined over coarse area may be from the median of the frames round about.
        least: Least ``agreed``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        fine, coarse, body = np.where((areas > 0).all(axis=1, keepdims=True), np.log(areas), np.nan).T
        odd = np.abs(_from_usual(fine - coarse)) > tolerance
        no_better = np.abs(_from_usual(fine - body)) >= np.abs(_from_usual(coarse - body))
    return (odd & no_better) | (np.isfinite(fine) & (agreed < least))


def flickering(mask: np.ndarray, image: np.ndarray, others: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Pixels [h,w] bool of a mask on which all other frames agree that they are otherwise.

    The others follow the picture's motion (dense inverse search, Kroeger et al. 2016).

    Args:
        mask: Of the frame, bool [h,w].
        image: Its crop, RGB uint8 [h,w,3].
        others: Mask bool [h,w] and crop uint8 [h,w,3] of neighbouring frames, cut by the same window.
    """
    if not others or min(mask.shape) < SMALLEST:
        return np.zeros(mask.shape, bool)
    disagree = np.ones(mask.shape, bool)
    here = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    for other_mask, other_image in others:
        flow = search.calc(here, cv2.cvtColor(other_image, cv2.COLOR_RGB2GRAY), np.zeros((*mask.shape, 2), np.float32))
        brought = cv2.remap(
            other_mask.astype(np.uint8) * 255,
            columns + flow[..., 0],
            rows + flow[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        disagree &= (brought > 127) != mask
    return disagree


def _from_usual(values: np.ndarray) -> np.ndarray:
    """Differences [T] from the median of the finite values round about; NaN where not finite itself."""
    usual = np.full(len(values), np.nan)
    for i in range(len(values)):
        near = values[max(0, i - NEIGHBOURS) : i + NEIGHBOURS + 1]
        near = near[np.isfinite(near)]
        if len(near):
            usual[i] = np.median(near)
    return values - usual
