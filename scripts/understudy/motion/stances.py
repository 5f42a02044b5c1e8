"""When a foot stands."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

SLOW = 0.15
"""m/s; a point of a foot that stands is slower."""
LOW = 0.06
"""m over its lowest places; so near to the ground it is."""
BRIEF = 0.1
"""s; what is shorter is no stance."""
STEP = 0.015
"""m; what goes less far between two stretches has stood all the time."""
CALM = 0.02
"""s over which places are smoothed before their speed is taken."""


def find_stances(places: np.ndarray, fps: float, twitch: float = 0.0) -> list[tuple[int, int]]:
    """First frame and the one after the last of each stretch in which a point of a foot stands.

    Args:
        places: [T,3] m, y up.
        fps: Frames per second.
        twitch: Seconds for which a point may be fast in between, if it gets no farther.
    """
    if len(places) < 3:
        return []
    smooth = gaussian_filter1d(places, CALM * fps, axis=0, mode="nearest")
    speed = np.linalg.norm(np.gradient(smooth, axis=0), axis=1) * fps
    stands = (speed < SLOW) & (places[:, 1] < np.percentile(places[:, 1], 5) + LOW)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], stands.astype(np.int8), [0]]))).reshape(-1, 2)
    joined: list[tuple[int, int]] = []
    for start, stop in edges.tolist():
        if joined and start - joined[-1][1] < twitch * fps:
            before, after = smooth[joined[-1][1] - 1], smooth[start]
            if np.linalg.norm(after - before) < STEP:
                joined[-1] = (joined[-1][0], stop)
                continue
        joined.append((start, stop))
    return [(start, stop) for start, stop in joined if stop - start >= BRIEF * fps]
