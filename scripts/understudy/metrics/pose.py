"""How far a body is from the true one. Points [T,J,3] in metres; results in metres unless said otherwise."""

import numpy as np

from understudy.errors import InputError


def mpjpe(points: np.ndarray, truth: np.ndarray, root: int | None = 0) -> np.ndarray:
    """Mean per-joint position error of every frame [T], after the root joint is moved onto the true one.

    Args:
        points: Joints [T,J,3].
        truth: True joints [T,J,3].
        root: Which joint to align; None compares the places in the camera frame.

    Source: Ionescu et al., Human3.6M (TPAMI 2014), protocol 1.
    """
    _check(points, truth)
    if root is not None:
        points, truth = points - points[:, root : root + 1], truth - truth[:, root : root + 1]
    return np.linalg.norm(points - truth, axis=-1).mean(axis=-1)


def pa_mpjpe(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean per-joint position error of every frame [T] after the best similarity (turn, size and place)."""
    _check(points, truth)
    return np.linalg.norm(aligned(points, truth) - truth, axis=-1).mean(axis=-1)


def aligned(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """``points`` [T,J,3] after the similarity, per frame, that brings them nearest to ``truth`` in least squares.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point patterns (TPAMI 1991).
    """
    mean, true_mean = points.mean(axis=1, keepdims=True), truth.mean(axis=1, keepdims=True)
    centred, true_centred = points - mean, truth - true_mean
    u, s, vt = np.linalg.svd(np.swapaxes(true_centred, 1, 2) @ centred)
    sign = np.ones_like(s)
    sign[:, 2] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)  # a rotation, never a mirror image
    rotation = (u * sign[:, None]) @ vt
    scale = (s * sign).sum(axis=1) / np.maximum((centred**2).sum(axis=(1, 2)), 1e-12)
    return scale[:, None, None] * centred @ np.swapaxes(rotation, 1, 2) + true_mean


def keypoint_error(
    pixels: np.ndarray, seen: np.ndarray, confidence: np.ndarray, height_px: np.ndarray, threshold: float = 0.3
) -> np.ndarray:
    """Mean distance of projected from seen keypoints of every frame [T], in % of the person's height.

    Args:
        pixels: Projected keypoints [T,J,2].
        seen: Keypoints seen [T,J,2].
        confidence: Of the seen ones [T,J]; those below ``threshold`` do not count.
        height_px: Height of the person in the picture [T].
        threshold: Least confidence.

    Returns:
        NaN in frames without a confident keypoint.
    """
    _check(pixels, seen)
    counts = confidence >= threshold
    distance = np.where(counts, np.linalg.norm(pixels - seen, axis=-1), 0.0).sum(axis=1)
    number = counts.sum(axis=1)
    return np.where(number > 0, 100.0 * distance / (np.maximum(number, 1) * height_px), np.nan)


def acceleration_error(points: np.ndarray, truth: np.ndarray, fps: float) -> float:
    """Mean distance of the joints' accelerations from the true ones, m/s^2: jitter, and motion smoothed away.

    Source: Kanazawa et al., Learning 3D human dynamics from video (CVPR 2019), section 5.
    """
    _check(points, truth)
    if len(points) < 3:
        raise InputError(f"Accelerations need 3 frames or more, and there are {len(points)}; give a longer motion.")
    return float(np.linalg.norm(np.diff(points - truth, n=2, axis=0), axis=-1).mean() * fps**2)


def _check(points: np.ndarray, truth: np.ndarray) -> None:
    if points.shape != truth.shape or points.ndim != 3:
        raise InputError(f"Points of {points.shape} and {truth.shape} cannot be compared; give two arrays [T,J,3].")
