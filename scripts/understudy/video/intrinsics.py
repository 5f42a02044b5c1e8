"""The camera of a video: where its intrinsics come from, and lens distortion."""

from collections.abc import Sequence

import cv2
import numpy as np

DIAGONAL_35MM = float(np.hypot(36.0, 24.0))
"""Diagonal of a 35-mm film frame in mm, 43.27."""

PHONE_FOCAL_35MM = 26.0
"""35-mm equivalent focal length of the main camera of a usual phone, in mm."""


def focal_from_35mm(focal_35mm: float, width: int, height: int) -> float:
    """Focal length in px of a picture whose 35-mm equivalent focal length in mm is known.

    Equivalence is by the diagonal (CIPA DCG-001; Exif ``FocalLengthIn35mmFilm``): the picture's diagonal sees the
    angle that the 43.27 mm of a film frame's diagonal see. By width, a 4:3 picture would differ by 4 %.
    """
    return focal_35mm / DIAGONAL_35MM * float(np.hypot(width, height))


def camera_matrix(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Pinhole matrix K, float64 [3,3]."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def centred_camera(focal_px: float, width: int, height: int) -> np.ndarray:
    """K with its principal point in the middle of the picture, which is (width/2, height/2) with centres at +0.5."""
    return camera_matrix(focal_px, focal_px, width / 2, height / 2)


def scale_camera(K: np.ndarray, size: tuple[int, int], new_size: tuple[int, int]) -> np.ndarray:
    """K after resizing a picture from ``size`` to ``new_size`` (width, height).

    With pixel centres at +0.5 the picture's corner is the origin before and after, so both rows only scale.
    """
    factors = np.array([new_size[0] / size[0], new_size[1] / size[1], 1.0])
    return factors[:, None] * K


class Undistorter:
    """Removes lens distortion from pictures; the undistorted picture has the same K and size.

    OpenCV counts pixel centres at whole numbers, half a pixel from ours, so its principal point is ours less 0.5.
    Places that the lens did not see become black.
    """

    def __init__(self, K: np.ndarray, distortion: Sequence[float], size: tuple[int, int]) -> None:
        """Prepare the maps.

        Args:
            K: Camera of the picture, pixel centres at +0.5, [3,3].
            distortion: OpenCV's k1, k2, p1, p2, k3 (free of units, so independent of the picture's size).
            size: Width and height of the picture in px.
        """
        camera = K.copy()
        camera[:2, 2] -= 0.5
        self._maps = cv2.initUndistortRectifyMap(
            camera, np.asarray(distortion, np.float64), np.eye(3), camera, size, cv2.CV_16SC2
        )

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Undistorted copy of a uint8 RGB picture [H,W,3]."""
        return cv2.remap(pixels, *self._maps, interpolation=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
