"""Where a body faces, by the 3D guess of its keypoints."""

import numpy as np

from understudy.formats.skeleton import INDEX
from understudy.text import listed

FAST_TURN, FAST_RATE = np.radians(60), np.radians(900)
"""Angle between neighbouring frames, and angle a second: nobody turns by more than both."""
NAMED = 5
"""Frames that are named one by one."""


def lateral_directions(world: np.ndarray) -> np.ndarray:
    """Unit directions [T,3] from the person's right to left, by shoulders and hips of world points [T,J,3].

    Zero where there are no such points: not every backend has a 3D guess.
    """
    sides = [world[:, INDEX[f"left_{part}"]] - world[:, INDEX[f"right_{part}"]] for part in ("shoulder", "hip")]
    across = sides[0] + sides[1]
    return across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)


def turns(directions: np.ndarray) -> np.ndarray:
    """Angles [T-1] between each of the unit directions [T,3] and the next."""
    return np.arccos(np.clip((directions[:-1] * directions[1:]).sum(axis=-1), -1, 1))


def doubtful_turns(directions: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """Frames after which a body would have turned faster than people do: front and back are confused there.

    Args:
        directions: [T,3] from ``lateral_directions``, with swaps undone.
        seen: [T] bool; other frames, and those without a direction, are passed over.
        fps: Frames per second.

    Returns:
        Their numbers, each the one before the turn.
    """
    frames = np.flatnonzero(seen & directions.any(axis=1))
    return frames[:-1][turns(directions[frames]) > np.maximum(FAST_TURN, FAST_RATE / fps * np.diff(frames))]


def in_words(frames: np.ndarray) -> str:
    """Numbers [n] of frames for a sentence, such as ``3, 4 and 9``; only the first few of many."""
    words = [str(number) for number in frames[:NAMED]]
    return listed([*words, "others"] if len(frames) > NAMED else words)
