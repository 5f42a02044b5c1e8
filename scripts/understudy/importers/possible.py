"""What the numbers of another program's tracking can be, whatever its format: all results are held against one table."""

from typing import Any

import numpy as np

from understudy.importers.config import MOST_FIRST, MOST_SIDE

POSSIBLE: dict[str, tuple[float, float]] = {
    "the number of poses": (1, 500_000),  # two hours at 60 per second
    "an angle": (-1e4, 1e4),  # rad; not every program wraps them
    "a translation": (-1e7, 1e7),  # m, or mm before they are turned into m; of a map's origin too
    "betas": (-100.0, 100.0),  # standard deviations; nobody is beyond 10, but what a failed fit found is no damage
    "a keypoint or confidence": (-1e6, 1e6),  # px, also far outside of the picture
    "a box": (-1e6, 1e6),  # px
    "a picture's number": (-MOST_FIRST, MOST_FIRST),
    "the number of people in a picture": (0, 1000),
    "a picture's width or height": (1, MOST_SIDE),  # px
    "a focal length": (1.0, 1e7),  # px; the moon fills a picture at 1e6
    "a principal point": (-1e6, 1e6),  # px
    "a lens coefficient": (-1e3, 1e3),
}
"""Least and most."""
SKEW = 0.1
"""Of the focal length: pixels lean by less."""
ASKEW = 0.05
"""By how much a rotation's columns may miss the length one and right angles: files have few digits."""


def real_numbers(values: Any, what: str) -> np.ndarray:
    """float64 of what a file holds.

    Raises:
        ValueError: It is no array of real numbers.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biufOSU":
        raise ValueError(f"{what} is of type {array.dtype}, which are not real numbers")
    return np.asarray(array, np.float64)


def whole_numbers(values: Any, what: str) -> np.ndarray:
    """int64 [N] of what a file holds.

    Raises:
        ValueError: It is no array of whole numbers, or of none that a picture can have.
    """
    array = real_numbers(values, what).ravel()
    least, most = POSSIBLE["a picture's number"]
    if not ((array >= least) & (array <= most) & (array == np.floor(array))).all():
        raise ValueError(f"{what} is not of whole numbers that pictures can have")
    return array.astype(np.int64)


def check_turns(matrices: np.ndarray, what: str) -> None:
    """Refuse matrices [...,3,3] that are no rotations.

    Raises:
        ValueError: One is none.
    """
    if matrices.shape[-2:] != (3, 3) or not np.isfinite(matrices).all() or not (np.abs(matrices) < 2).all():
        raise ValueError(f"{what} is not a 3x3 matrix of a rotation")
    off = np.abs(matrices.swapaxes(-1, -2) @ matrices - np.eye(3))
    if not (off < ASKEW).all() or not (np.linalg.det(matrices) > 0).all():
        raise ValueError(
            f"{what} is not a rotation: its columns are not of length one, at right angles and right-handed"
        )


def check_camera_matrix(K: np.ndarray) -> dict[str, Any]:
    """The numbers of an intrinsic matrix [...,3,3] by their names in ``POSSIBLE``, if it is one.

    Raises:
        ValueError: It is none.
    """
    if K.shape[-2:] != (3, 3) or not np.isfinite(K).all():
        raise ValueError(f"K is not a finite 3x3 matrix, but of shape {K.shape}")
    plain = np.allclose(K[..., 2, :], [0, 0, 1], atol=1e-6) and np.allclose(K[..., 1, 0], 0, atol=1e-6)
    if not plain or not (np.abs(K[..., 0, 1]) <= SKEW * np.abs(K[..., 0, 0])).all():
        raise ValueError("K is not a camera's: it is of the form [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]")
    return {"a focal length": K[..., [0, 1], [0, 1]], "a principal point": K[..., :2, 2]}
