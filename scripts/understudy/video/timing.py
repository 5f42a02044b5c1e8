"""Which frames of a video to keep, by their times alone."""

import numpy as np

MOST_FRAMES = 20_000_000
"""A video's at most: a week at 30 per second."""


def frame_rate(times: np.ndarray, declared: float | None = None) -> float:
    """Rate of the regular stretches of a video in frames per second; dropped frames and pauses do not lower it.

    The median interval numbers the frames, gaps included, and a straight line through times over numbers gives
    the rate, so times rounded to milliseconds do no harm.

    Args:
        times: Strictly increasing times of the frames in s, [N], N >= 2.
        declared: Rate that the file claims; taken if it agrees within a thousandth (30000/1001, say, exactly).
    """
    intervals = np.diff(times)
    steps = np.floor(intervals / np.median(intervals) + 0.45)  # half a median is not yet a step: a faster stretch
    whole = steps >= 1
    rate = steps[whole].sum() / intervals[whole].sum()
    places = (times - times[0]) * rate - _phase(times, rate)
    numbers = np.rint(places)
    near = np.abs(places - numbers) < 0.4
    if np.ptp(numbers[near]) > 0:
        rate = 1.0 / np.polyfit(numbers[near], times[near] - times[0], 1)[0]
    if declared and abs(rate / declared - 1.0) < 1e-3:
        rate = declared
    return float(rate)


def frames_on_grid(times: np.ndarray, rate: float) -> np.ndarray:
    """Index of the frame nearest to each point of a uniform time grid, [M], not decreasing.

    The grid is shifted (by less than half a step) so that it runs through the middle of the frames' times.
    A frame that comes less than half a step early or late is then still the nearest to its own point:
    nothing is doubled or left out. A frame is doubled only where the video has a gap of two steps or more,
    and left out only where frames come closer than the rate.

    Args:
        times: Increasing times of the frames in s, [N].
        rate: Points of the grid per second.

    Raises:
        ValueError: The times are spread over more points than any video has.
    """
    phase = _phase(times, rate)
    count = int(np.floor(min((times[-1] - times[0]) * rate - phase, MOST_FRAMES) + 0.5)) + 1
    if count > MOST_FRAMES:
        raise ValueError(f"its frames are spread over {times[-1] - times[0]:.3g} s at {rate:.3g} per second")
    grid = times[0] + (phase + np.arange(max(count, 1))) / rate
    return np.searchsorted((times[1:] + times[:-1]) / 2, grid)


def keep_frames(
    count: int, rate: float, start: float, stop: float | None, step: int, max_frames: int
) -> tuple[np.ndarray, int]:
    """Grid points from ``start`` to before ``stop``, every ``step``-th, and at most ``max_frames`` of them.

    Where there would be more, the step is multiplied by the least whole number that brings them down, so they
    still cover the whole clip at a constant rate.

    Args:
        count: Number of grid points.
        rate: Grid points per second.
        start: Seconds after the first frame.
        stop: Seconds after the first frame; None for the end.
        step: Keep every ``step``-th.
        max_frames: Most frames to keep.

    Returns:
        The kept grid points and the step between them.
    """
    slack = 1e-6  # 0.1 s at 30 per second is frame 3, whatever the binary fraction says
    first = int(np.ceil(start * rate - slack))
    end = count if stop is None else min(count, int(np.ceil(stop * rate - slack)))
    wanted = len(range(first, end, step))
    step *= max(1, -(-wanted // max_frames))
    return np.arange(first, end, step), step


def needed_packets(pts: np.ndarray, keyframes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Packets to decode for some frames, bool [N]: of each group of pictures, those up to the last wanted.

    Pictures that follow a keyframe in the file but are shown before it also refer to the group before, so that
    group is decoded as a whole for them (an open group of pictures).

    Args:
        pts: Time of each packet in decoding order, [N].
        keyframes: Which packets hold keyframes, bool [N].
        wanted: Times of the wanted frames.
    """
    starts = keyframes.copy()
    starts[0] = True
    group = np.cumsum(starts) - 1
    key_pts = pts[starts]
    is_wanted = np.isin(pts, wanted)
    index = np.arange(len(pts))
    last = np.full(len(key_pts), -1)
    np.maximum.at(last, group[is_wanted], index[is_wanted])
    leading = group[is_wanted & (pts < key_pts[group])]
    last[leading[leading > 0] - 1] = len(pts)
    return index <= last[group]


def _phase(times: np.ndarray, rate: float) -> float:
    """Mean offset of the frames from a grid through the first one, in steps, -0.5 to 0.5."""
    turns = np.exp(2j * np.pi * (times - times[0]) * rate)
    return float(np.angle(turns.mean()) / (2 * np.pi))
