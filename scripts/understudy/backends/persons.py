"""Which of several people's masks is the tracked person's."""

import numpy as np

from understudy.backends.boxes import SURE
from understudy.backends.images import mask_box
from understudy.formats.tracks import overlap

LEAST_SHARE = 0.3
"""At least this share of the sure points lies on the person's mask."""


def persons_mask(masks: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The one of the masks [n,H,W] bool that most of the sure points [J,3] lie on, as float32 0..1 [H,W].

    Of masks with as many points the one whose extent fits ``box`` [4] best; zeros if none has ``LEAST_SHARE`` of the points.
    """
    height, width = masks.shape[1:]
    x, y = np.floor(points[:, :2]).astype(int).T
    sure = (points[:, 2] >= SURE) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    if not sure.any() or not len(masks):
        return np.zeros((height, width), np.float32)
    share = masks[:, y[sure], x[sure]].mean(axis=1)
    fit = overlap(np.array(box, float)[None], np.stack([mask_box(mask) for mask in masks]))[0]
    pick = int(np.lexsort((fit, share))[-1])
    if share[pick] < LEAST_SHARE:
        return np.zeros((height, width), np.float32)
    return masks[pick].astype(np.float32)
