"""What only the whole clip shows: left and right exchanged, faces seen from behind, single-frame outliers."""

import numpy as np

from understudy.formats.facing import lateral_directions, turns
from understudy.formats.skeleton import FACE, INDEX, mirrored

DIRECTIONS = 600
"""Cells of the sphere: 8 degrees."""
TURN_RATE = 3.5
"""Standard deviation of the turning rate, rad/s; the clip's own where that is higher."""
USUAL = 1.5
"""Turns beyond so many standard deviations cost linearly, no longer squared."""
SEEN_ANGLE = np.radians(25)
"""Standard deviation of the observed direction."""
WRONG = 3.0
"""Beyond so many standard deviations an observed direction is an outlier."""
WITNESS_FPS = 25.0
"""Above this rate the evidence of each frame is down-weighted."""
SWAP_SECONDS = 10.0
"""About how long a swapped stretch is still believed, if the turns at its ends are full ones."""
SWAP_ANGLE = np.radians(90)
"""Observed steps of this angle and more may be changes between swapped and not swapped."""
SWITCH, LEAST_SWITCH = 20.0, 1.0
"""Cost of such a change without any step, and with a full one: where a gap leaves it open, nothing changes."""
OUTLIER_STEP = 0.15
"""A point this far (in heights of the person) from where its neighbours in time put it is an outlier."""
OUTLIER_CONFIDENCE = 0.1
HIDDEN_FACE_CONFIDENCE = 0.05
"""Factors on the confidence of outliers, and of face points seen from behind."""


def find_swaps(directions: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """Frames in which left and right of the whole body are exchanged.

    The true direction moves over the sphere in small steps. In every frame the observed one lies near it, or near its
    opposite where the sides are exchanged, or is an outlier. The cheapest path through a fixed grid of directions, as is
    or swapped, decides (Viterbi). A body that really turns is observed on its way; a detector that takes a back for a
    front jumps there and back. Being swapped has a price per second, so that the rarer reading is the swapped one.

    Args:
        directions: [T,3] from ``lateral_directions``.
        seen: [T] bool; other frames, and those without a direction, are passed over.
        fps: Frames per second.

    Returns:
        [T] bool.
    """
    frames = np.flatnonzero(seen & directions.any(axis=1))
    swapped = np.zeros(len(seen), bool)
    if len(frames) < 2:
        return swapped
    observed, grid = directions[frames], _sphere(DIRECTIONS)
    steps = turns(observed)
    # no finer than the grid, on which slow turns would be jumps; TURN_RATE at ``WITNESS_FPS`` is one of its cells
    usual = max(TURN_RATE / min(fps, WITNESS_FPS), 2 * float(np.median(np.minimum(steps, np.pi - steps))))
    cost = _misfits(observed, grid, fps)
    cost[:, 1] += 2 * _huber(np.pi / usual) / (SWAP_SECONDS * fps)
    # over a longer gap a body can turn further
    believed = np.exp(-(np.diff(frames) - 1) / (0.5 * fps))
    # a detector that corrects itself jumps; where it does not, it goes on being right or wrong
    switch = LEAST_SWITCH + believed * SWITCH * np.clip(1 - steps / SWAP_ANGLE, 0, 1)
    modes = cheapest_path(cost, _huber(_angles(grid, grid) / usual), believed, switch)
    swapped[frames] = modes == 1
    return swapped


def cheapest_path(cost: np.ndarray, change: np.ndarray, weights: np.ndarray, switch: np.ndarray) -> np.ndarray:
    """Modes of the path of least sum through places and modes (Viterbi).

    Args:
        cost: Of each mode and place [T,2,A].
        change: Of going from place to place [A,A].
        weights: Factors on it [T-1].
        switch: Cost of going to the other mode [T-1].

    Returns:
        [T], 0 or 1.
    """
    cost, change = cost.astype(np.float32), change.astype(np.float32)
    best, back = cost[0], []
    for now, weight, other in zip(cost[1:], weights.tolist(), switch.tolist(), strict=True):
        total = best[:, :, None] + weight * change  # [2,A,A]
        source, least = total.argmin(axis=1).astype(np.int16), total.min(axis=1)
        crosses = least[::-1] + other < least
        best = np.where(crosses, least[::-1] + other, least) + now
        back.append((np.where(crosses, source[::-1], source), crosses))
    mode, place = map(int, np.unravel_index(int(best.argmin()), best.shape))
    modes = [mode]
    for source, crosses in reversed(back):
        before = int(source[mode, place])
        mode = 1 - mode if crosses[mode, place] else mode
        place = before
        modes.append(mode)
    return np.array(modes[::-1])


def _misfits(observed: np.ndarray, grid: np.ndarray, fps: float) -> np.ndarray:
    """Robust cost float32 [T,2,A] of observed directions [T,3] at places [A,3], as they are and swapped (Geman-McClure).

    Errors last: above ``WITNESS_FPS`` each frame counts less.
    """
    angles = _angles(observed, grid)
    errors = (np.stack([angles, np.float32(np.pi) - angles], axis=1) / np.float32(SEEN_ANGLE)) ** 2
    return np.float32(min(1.0, WITNESS_FPS / fps)) * errors / (1 + errors / np.float32(WRONG**2))


def _sphere(count: int) -> np.ndarray:
    """Unit vectors [count,3] spread evenly (a Fibonacci lattice)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    return np.column_stack([radius * np.cos(turn), height, radius * np.sin(turn)])


def _huber(steps: np.ndarray | float) -> np.ndarray:
    """Cost of steps in standard deviations: squared up to ``USUAL``, linear beyond.

    Source: Huber, Robust estimation of a location parameter (1964).
    """
    return np.where(np.asarray(steps) < USUAL, np.square(steps), USUAL * (2 * np.asarray(steps) - USUAL))


def _angles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles float32 [N,M] between unit vectors [N,3] and [M,3]."""
    return np.arccos(np.clip(first @ second.T, -1, 1)).astype(np.float32)


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
