"""Pictures of a video's frames or of whole pictures of it, brought to the frames."""

import cv2
import numpy as np

from understudy.formats.frames import Frames


def placed_on(
    frames: Frames, picture: np.ndarray, labels: bool = False, enlarging: int = cv2.INTER_LINEAR
) -> np.ndarray | None:
    """A picture [h,w] as the frames show it, [H,W] of their size; None where it has another shape than both.

    Args:
        frames: The frames, whole or cropped.
        picture: Of a frame, or of a whole picture of the video, at any scale.
        labels: Whether its values are numbers of things, between which there is nothing.
        enlarging: How values between pixels are found where it is smaller than the frames.
    """
    placement = frames.placement(picture.shape[1::-1])
    if placement is None:
        return None
    size = (frames.width, frames.height)
    smaller = bool(placement.factors.max() < 1)
    if not placement.shift.any():
        if picture.shape[1::-1] == size:
            return picture
        method = cv2.INTER_NEAREST_EXACT if labels else cv2.INTER_AREA if smaller else enlarging
        return cv2.resize(picture, size, interpolation=method)
    if smaller and not labels:  # by area to near the frames' scale, so that nothing is skipped
        times = np.maximum(np.floor(1.0 / placement.factors), 1.0)
        shrunk = tuple(np.ceil(picture.shape[1::-1] / times).astype(int).tolist())
        scale = np.array(shrunk) / picture.shape[1::-1]
        picture = cv2.resize(picture, shrunk, interpolation=cv2.INTER_AREA)
    else:
        scale = np.ones(2)
    factors = placement.factors / scale
    # OpenCV counts pixel centres at whole numbers
    shift = placement.shift + 0.5 * factors - 0.5
    matrix = np.column_stack([np.diag(factors), shift])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_NEAREST if labels else cv2.INTER_LINEAR)
