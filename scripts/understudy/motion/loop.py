"""A motion without end: its best cycle, again and again."""

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.errors import InputError
from understudy.motion.clip import Clip
from understudy.motion.limits import MOST_FRAMES, MOST_LOOP

SHORTEST = 0.6
"""s of a cycle."""
CANDIDATES = 300
"""So many frames are compared with one another."""
TREND = 0.1
"""s over which it is compared where a pose is going."""


def looped(clip: Clip, seconds: float) -> Clip:
    """The cycle of ``find_loop`` for so long; who walks walks on.

    What does not close is spread over the cycle: joints' rotations and the height return to where they began; heading
    and way over the ground go on from cycle to cycle.

    Raises:
        InputError: The motion is shorter than the shortest cycle, or ``seconds`` is not more than 0, or more than an hour
            or ``MOST_FRAMES``.
    """
    if not 0 < seconds < MOST_LOOP:
        raise InputError(f"loop is {seconds:g} s; it must be more than 0 and less than an hour.")
    if seconds * clip.fps > MOST_FRAMES:
        raise InputError(
            f"loop is {seconds:g} s, {seconds * clip.fps:.0f} frames of a motion of {clip.fps:g} per second; "
            f"{MOST_FRAMES} are possible, so choose a shorter one."
        )
    first, last = find_loop(clip)
    length = last - first
    share = np.arange(length)[:, None] / length
    poses = clip.rotvecs
    cycle = poses[first:last].astype(np.float64).copy()
    for joint in range(1, poses.shape[1]):
        start, end = (Rotation.from_rotvec(poses[at, joint]) for at in (first, last))
        cycle[:, joint] = (Rotation.from_rotvec(cycle[:, joint]) * _part(end.inv() * start, share)).as_rotvec()
    roots = Rotation.from_rotvec(poses[:, 0])
    turn = _yaw(roots[last]) * _yaw(roots[first]).inv()
    back = _part(roots[last].inv() * turn * roots[first], share)
    root = roots[first:last] * back
    places = clip.transl[first:last] - clip.transl[first] + 0.0
    places[:, 1:2] -= share * (clip.transl[last] - clip.transl[first])[1]
    way = (clip.transl[last] - clip.transl[first]) * [1.0, 0.0, 1.0]
    wanted = max(1, round(seconds * clip.fps))
    orients, ways = [], []
    heading, place = Rotation.identity(), clip.transl[first].astype(np.float64)
    for _ in range(-(-wanted // length)):
        orients.append((heading * root).as_rotvec())
        ways.append(heading.apply(places) + place)
        heading, place = heading * turn, place + heading.apply(way)
    count = len(orients)
    body = np.tile(cycle[:, 1:].reshape(length, -1).astype(np.float32), (count, 1))[:wanted]
    orient, transl = (np.concatenate(parts)[:wanted].astype(np.float32) for parts in (orients, ways))
    return Clip(orient, body, transl, clip.fps)


def find_loop(clip: Clip) -> tuple[int, int]:
    """Frames ``first`` and ``last`` of a cycle: pose and speed at both are alike, and much happens between.

    Raises:
        InputError: The motion is too short.
    """
    if len(clip) < 4 or (len(clip) - 1) / clip.fps < SHORTEST:
        raise InputError(f"the motion lasts {len(clip) / clip.fps:.2g} s; a loop needs {SHORTEST:g} s at least.")
    frames = np.unique(np.linspace(0, len(clip) - 1, min(len(clip), CANDIDATES)).round().astype(int))
    ahead = np.minimum(frames + max(1, round(TREND * clip.fps)), len(clip) - 1)
    state = _states(clip, frames)
    state = np.concatenate([state, _states(clip, ahead) - state], axis=1)
    distance = _distances(state)
    done = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(state, axis=0), axis=1))])
    happens = done[None] - done[:, None]
    allowed = (frames[None] - frames[:, None]) / clip.fps >= SHORTEST
    # the trend is not known at the very end
    allowed &= (ahead > frames)[None]
    score = np.where(allowed, distance / np.maximum(happens, 1e-6), np.inf)
    if not np.isfinite(score).any():
        return 0, len(clip) - 1
    first, last = np.unravel_index(int(score.argmin()), score.shape)
    return int(frames[first]), int(frames[last])


def _states(clip: Clip, frames: np.ndarray) -> np.ndarray:
    """What a pose is like in some frames [n], wherever it is and heads: numbers [n,C]."""
    root = Rotation.from_rotvec(clip.global_orient[frames])
    level = Rotation.concatenate([_yaw(one).inv() * one for one in root])
    turns = np.concatenate(
        [
            level.as_matrix()[:, None],
            Rotation.from_rotvec(clip.body_pose[frames].reshape(-1, 3)).as_matrix().reshape(len(frames), -1, 3, 3),
        ],
        axis=1,
    ).reshape(len(frames), -1)
    return np.concatenate([turns, 3.0 * clip.transl[frames, 1:2]], axis=1)


def _distances(state: np.ndarray) -> np.ndarray:
    """Distances [n,n] between rows."""
    squares = (state * state).sum(axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * state @ state.T, 0.0))


def _yaw(turn: Rotation) -> Rotation:
    """The turn about the vertical by which a person heads."""
    forward = turn.apply([0.0, 0.0, 1.0])
    return Rotation.from_rotvec([0.0, np.arctan2(forward[0], forward[2]), 0.0])


def _part(turn: Rotation, share: np.ndarray) -> Rotation:
    """Shares [n,1] of a turn."""
    return Rotation.from_rotvec(share * turn.as_rotvec())
