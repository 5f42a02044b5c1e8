"""Where a body faces, by the 3D guess of its keypoints."""

import numpy as np

from understudy.formats.skeleton import INDEX

FAST_TURN, FAST_RATE = np.radians(60), np.radians(900)
"""Angle between neighbouring frames, and angle a second: nobody turns by more than both."""
NAMED = 5
"""Frames that are named one by one."""


def lateral_directions(world: np.ndarray) -> np.ndarray:
    """Unit directions [T,3] from the person's right to left, by shoulders and hips of world points [T,J,3]."""
    sides = [world[:, INDEX[f"left_{part}"]] - world[:, INDEX[f"right_{part}"]] for part in ("shoulder", "hip")]
    across = sides[0] + sides[1]
    return across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)


def doubtful_turns(directions: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """Frames after which a body would have turned faster than people do: front and back are confused there.

    Args:
        directions: [T,3] unit directions from right to left, with swaps undone.
        seen: [T] bool; other frames are passed over.
        fps: Frames per second.

    Returns:
        Their numbers, each the one before the turn.
    """
    frames = np.flatnonzero(seen)
    ahead, behind = directions[frames[:-1]], directions[frames[1:]]
    angle = np.arccos(np.clip((ahead * behind).sum(axis=-1), -1, 1))
    return frames[:-1][angle > np.maximum(FAST_TURN, FAST_RATE / fps * np.diff(frames))]


def in_words(frames: np.ndarray) -> str:
    """Numbers [n] of frames for a sentence, such as ``3, 4 and 9``; only the first few of many."""
    words = [str(number) for number in frames[:NAMED]]
    if len(frames) > NAMED:
        return f"{', '.join(words)} and others"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
