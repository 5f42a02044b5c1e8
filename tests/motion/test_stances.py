"""When a point of a foot stands."""

import numpy as np
import pytest

from understudy.motion.stances import find_stances

FPS = 30.0


def path(*stretches: tuple[float, float], height: float = 0.0) -> np.ndarray:
    """Places [T,3] of a point on the ground that moves along x: seconds and m/s of each stretch."""
    speed = np.concatenate([np.full(round(seconds * FPS), speed) for seconds, speed in stretches])
    x = np.concatenate([[0.0], np.cumsum(speed) / FPS])
    return np.stack([x, np.full(len(x), height), 0 * x], axis=1)


def test_a_point_stands_between_its_steps():
    (first, end), (start, last) = find_stances(path((1.0, 0.0), (0.5, 1.0), (1.0, 0.0)), FPS)
    assert (first, last) == (0, 76)
    assert abs(end - 30) <= 2 and abs(start - 46) <= 2


@pytest.mark.parametrize(("speed", "count"), [(0.08, 1), (0.2, 0)])
def test_a_point_that_creeps_stands_and_one_that_moves_on_does_not(speed, count):
    assert len(find_stances(path((2.0, speed)), FPS)) == count


def test_a_point_held_still_in_the_air_does_not_stand():
    places = np.concatenate([path((1.0, 0.0)), path((1.0, 0.0), height=0.2)])
    ((start, stop),) = find_stances(places, FPS)
    assert start == 0 and abs(stop - 31) <= 2


def test_a_short_stop_is_no_stance():
    assert find_stances(path((0.5, 1.0), (0.1, 0.0), (0.5, 1.0)), FPS) == []


def test_a_twitch_on_the_spot_does_not_end_a_stance_and_a_step_does():
    twitching, angles = path((1.2, 0.0)), np.linspace(0.0, 2 * np.pi, 7)
    twitching[15:22] += 0.015 * np.stack([1 - np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
    assert len(find_stances(twitching, FPS)) == 2
    assert len(find_stances(twitching, FPS, twitch=0.4)) == 1
    step = path((0.5, 0.0), (0.2, 0.5), (0.5, 0.0))
    assert len(find_stances(step, FPS, twitch=0.4)) == 2
