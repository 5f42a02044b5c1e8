"""What only the whole clip shows: left and right exchanged, faces seen from behind, single-frame outliers."""

import numpy as np

from understudy.formats.skeleton import FACE, INDEX, mirrored

SWAP_ANGLE = np.pi / 2
"""Turns between neighbouring frames up to here cost nothing."""
SWAP_SECONDS = 3.0
"""About how long a swapped stretch is still believed, if the turns at its ends are full ones."""
OUTLIER_STEP = 0.15
"""A point this far (in heights of the person) from where its neighbours in time put it is an outlier."""
OUTLIER_CONFIDENCE = 0.1
HIDDEN_FACE_CONFIDENCE = 0.05
"""Factors on the confidence of outliers, and of face points seen from behind."""


def lateral_directions(world: np.ndarray) -> np.ndarray:
    """Unit directions [T,3] from the person's right to left, by shoulders and hips of world points [T,J,3]."""
    sides = [world[:, INDEX[f"left_{part}"]] - world[:, INDEX[f"right_{part}"]] for part in ("shoulder", "hip")]
    across = sides[0] + sides[1]
    return across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)


def find_swaps(directions: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """Frames in which left and right of the whole body are exchanged.

    A Viterbi search over (as is, swapped) in each frame. The price of a step is how far the body would have to turn
    in it beyond ``SWAP_ANGLE``; being swapped has a small price per second, so that the rarer reading is the swapped
    one. A body that really turns does so in small steps, which cost nothing, and stays as it is.

    Args:
        directions: [T,3] unit directions from right to left.
        seen: [T] bool; other frames are passed over.
        fps: Frames per second.

    Returns:
        [T] bool.
    """
    frames = np.flatnonzero(seen)
    swapped = np.zeros(len(seen), bool)
    if len(frames) < 2:
        return swapped
    ahead, behind = directions[frames[:-1]], directions[frames[1:]]
    angle = np.arccos(np.clip((ahead * behind).sum(axis=-1), -1, 1))
    # over a longer gap a body can turn further
    believed = np.exp(-(np.diff(frames) - 1) / (0.5 * fps))
    stay = (np.clip(angle - SWAP_ANGLE, 0, None) / SWAP_ANGLE) ** 2 * believed
    change = (np.clip(np.pi - angle - SWAP_ANGLE, 0, None) / SWAP_ANGLE) ** 2 * believed + 1e-6
    price = np.array([0.0, 2.0 / (SWAP_SECONDS * fps)])

    cost = price.copy()
    came_from = np.zeros((len(frames), 2), np.int64)
    for step in range(len(frames) - 1):
        moves = cost[:, None] + np.array([[stay[step], change[step]], [change[step], stay[step]]])
        came_from[step + 1] = moves.argmin(axis=0)
        cost = moves.min(axis=0) + price
    state = int(cost.argmin())
    for step in range(len(frames) - 1, -1, -1):
        swapped[frames[step]] = bool(state)
        state = int(came_from[step, state])
    return swapped


def undo_swaps(points: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """Exchange left and right of ``points`` [T,J,C] in the frames marked ``swapped`` [T]."""
    return np.where(swapped[:, None, None], points[:, mirrored()], points)


def towards_camera(world: np.ndarray) -> np.ndarray:
    """Cosine [T] between where the chest points and the direction to the camera; world points [T,J,3], camera axes.

    1 is a body that faces the camera, -1 one seen from behind.
    """
    up = world[:, INDEX["neck"]] - world[:, INDEX["mid_hip"]]
    chest = np.cross(lateral_directions(world), up)
    return -chest[:, 2] / np.maximum(np.linalg.norm(chest, axis=-1), 1e-9)


def doubt_hidden_faces(points: np.ndarray, world: np.ndarray) -> np.ndarray:
    """Scale down the confidence of face points where the body faces away, since the networks make faces up there.

    Nothing changes up to 20 degrees past the profile, since a head turns on its body; from 45 degrees past it on, the
    factor is ``HIDDEN_FACE_CONFIDENCE``.

    Args:
        points: [T,J,3] px, px, confidence.
        world: [T,J,3], camera axes.
    """
    low, high = -np.sin(np.radians(45)), -np.sin(np.radians(20))
    share = np.clip((towards_camera(world) - low) / (high - low), 0, 1)
    points = points.copy()
    points[:, FACE, 2] *= (HIDDEN_FACE_CONFIDENCE + (1 - HIDDEN_FACE_CONFIDENCE) * share)[:, None]
    return points


def doubt_outliers(points: np.ndarray, seen: np.ndarray, height: float) -> np.ndarray:
    """Scale down the confidence of points that jump away for a single frame and come back.

    Args:
        points: [T,J,3] px, px, confidence.
        seen: [T] bool, frames with points of their own.
        height: The person's height, px.
    """
    points = points.copy()
    if len(points) < 3:
        return points
    before, here, after = points[:-2, :, :2], points[1:-1, :, :2], points[2:, :, :2]
    off = np.linalg.norm(here - (before + after) / 2, axis=-1)
    apart = np.linalg.norm(after - before, axis=-1)
    all_seen = seen[:-2] & seen[1:-1] & seen[2:]
    # the neighbours agree with each other far better than with the point between them
    outlier = (off > OUTLIER_STEP * height) & (apart < off / 2) & all_seen[:, None]
    points[1:-1, :, 2] = np.where(outlier, points[1:-1, :, 2] * OUTLIER_CONFIDENCE, points[1:-1, :, 2])
    return points
