from itertools import product

import numpy as np
import pytest

from understudy.formats.facing import doubtful_turns, in_words, lateral_directions
from understudy.formats.skeleton import FACE, INDEX, KEYPOINTS
from understudy.keypoints.temporal import (
    cheapest_path,
    doubt_hidden_faces,
    doubt_outliers,
    find_swaps,
    towards_camera,
    undo_swaps,
)

FPS = 30.0


def directions(degrees):
    yaw = np.radians(degrees)
    return np.stack([np.cos(yaw), np.zeros_like(yaw), np.sin(yaw)], axis=-1)


def flipped(degrees, frames):
    degrees = degrees.copy()
    degrees[frames] += 180 + 8 * np.sin(np.arange(len(degrees)))[frames]
    return degrees


def swaps(degrees, seen=None):
    return find_swaps(directions(degrees), np.ones(len(degrees), bool) if seen is None else seen, FPS)


def body(yaw_degrees):
    """World points [1,J,3] of a person turned by ``yaw_degrees`` from facing the camera."""
    world = np.zeros((1, len(KEYPOINTS), 3))
    across = directions(np.array([float(yaw_degrees)]))[0]
    for part, height, half in (("shoulder", -0.5, 0.2), ("hip", 0.0, 0.1)):
        for side, sign in (("left", 1), ("right", -1)):
            world[0, INDEX[f"{side}_{part}"]] = sign * half * across + [0, height, 0]
    world[0, INDEX["neck"]] = [0, -0.5, 0]
    return world


@pytest.mark.parametrize("frames_per_turn", [8, 30, 300])
def test_a_person_who_turns_is_left_alone(frames_per_turn):
    assert not swaps(np.linspace(0, -720, 2 * frames_per_turn)).any()


@pytest.mark.parametrize("fps", [12.0, 25.0, 60.0, 120.0, 240.0])
def test_turns_and_flips_are_told_apart_at_any_rate(fps):
    """Stands, turns round in a second, stays, turns back in half a second; then the same with the back taken for the front."""
    seconds = np.array([0, 2, 3, 4.5, 5, 7.0])
    frames = np.arange(round(7 * fps))
    noise = np.random.default_rng(1).normal(0, 1, len(frames))
    degrees = np.interp(frames / fps, seconds, [0, 0, 180, 180, 0, 0]) + noise
    seen = np.ones(len(frames), bool)
    assert not find_swaps(directions(degrees), seen, fps).any()
    expected = (frames / fps > 3.2) & (frames / fps < 4.2)
    np.testing.assert_array_equal(find_swaps(directions(degrees + 180 * expected), seen, fps), expected)


def test_the_cheapest_path_is_that_of_brute_force():
    random = np.random.default_rng(0)
    for _ in range(20):
        cost, change = random.random((4, 2, 3)), random.random((3, 3))
        weights, switch = random.random(3), 0.5 * random.random(3)

        def price(path, cost=cost, change=change, weights=weights, switch=switch):
            modes, places = zip(*(divmod(state, 3) for state in path), strict=True)
            total = sum(cost[t, mode, place] for t, (mode, place) in enumerate(zip(modes, places, strict=True)))
            for t in range(3):
                total += weights[t] * change[places[t], places[t + 1]] + switch[t] * (modes[t] != modes[t + 1])
            return total

        best = min(product(range(6), repeat=4), key=price)
        np.testing.assert_array_equal(cheapest_path(cost, change, weights, switch), [state // 3 for state in best])


def test_a_single_wrong_direction_among_many_is_no_swap():
    degrees = np.zeros(60)
    degrees[30] = 110  # nearer to the opposite, but far from it
    assert swaps(degrees).sum() <= 1 and not swaps(degrees)[:30].any() and not swaps(degrees)[31:].any()


def test_a_person_who_turns_round_and_stays_is_left_alone():
    assert not swaps(np.concatenate([np.zeros(40), np.linspace(0, 180, 12), np.full(200, 180.0)])).any()


@pytest.mark.parametrize("frames", [[20], range(30, 56), [5, 6, 40, 41, 42, 70], range(12), range(85, 100)])
def test_flips_are_found(frames):
    expected = np.isin(np.arange(100), list(frames))
    np.testing.assert_array_equal(swaps(flipped(np.linspace(-30, 40, 100), list(frames))), expected)


def test_flips_during_a_turn_are_found():
    frames = [*range(10, 20), 33, *range(60, 75)]
    turn = np.linspace(0, 360, 120)
    np.testing.assert_array_equal(np.flatnonzero(swaps(flipped(turn, frames))), frames)


def test_one_wild_step_of_less_than_a_flip_is_believed():
    assert not swaps(np.concatenate([np.zeros(50), np.full(50, 100.0)])).any()


def test_a_steady_turn_whose_back_is_mostly_taken_for_the_front_is_put_right():
    """As a detector saw a small person who turned evenly to the right: 28 frames show the back."""
    before = [-20, -27, -33, -41, -48, -53, -59, -67, -77, -84, -88, -91, -92, -92, -91, -100, -111, -125, -140]
    back = [-44, -21, -9, -13, -163, -110, -2, 2, 2, 168, 159, 153]
    after = [134, 130, 120, 116, 108, 94, 87, 88, 86, 88, 87, 78, 69, 60, 55, 45, 36, 28, 22, 12, 6, 2]
    degrees = np.array([*before, *back, *after], float)
    expected = len(before) + np.array([0, 1, 2, 3, 6, 7, 8])
    np.testing.assert_array_equal(
        np.flatnonzero(find_swaps(directions(degrees), np.ones(len(degrees), bool), 25.0)), expected
    )


def test_a_jump_turn_at_the_end_of_a_clip_is_left_alone():
    spin = [
        -26,
        -28,
        -44,
        -52,
        -62,
        -70,
        -81,
        -82,
        -105,
        -118,
        -126,
        -134,
        -151,
        -170,
        -194,
        -215,
        -238,
        -265,
        -272,
        -280,
    ]
    degrees = np.concatenate([np.full(60, -25.0), spin])
    assert not find_swaps(directions(degrees), np.ones(len(degrees), bool), 25.0).any()


def test_turns_that_nobody_can_do_are_doubtful():
    degrees = np.concatenate([np.zeros(20), np.full(20, 75.0), 75 + np.linspace(0, 360, 20), np.zeros(5)])
    seen = np.ones(len(degrees), bool)
    np.testing.assert_array_equal(doubtful_turns(directions(degrees), seen, FPS), [19, 59])
    np.testing.assert_array_equal(doubtful_turns(directions(degrees), seen, 10.0), [])  # of 75 degrees in 0.1 s
    seen[15:25] = False  # nobody knows what happened meanwhile
    np.testing.assert_array_equal(doubtful_turns(directions(degrees), seen, FPS), [59])


def test_frames_are_named_as_one_says_them():
    assert [in_words(np.arange(count)) for count in (1, 2, 3, 6)] == [
        "0",
        "0 and 1",
        "0, 1 and 2",
        "0, 1, 2, 3, 4 and others",
    ]


def test_noise_of_the_direction_is_no_flip():
    noise = np.random.default_rng(0).normal(0, 20, 300)
    assert not swaps(np.linspace(0, 360, 300) + noise).any()


def test_unseen_frames_are_passed_over():
    degrees = flipped(np.zeros(60), list(range(20, 30)))
    seen = np.ones(60, bool)
    seen[[25, 40, 41]] = False
    degrees[~seen] = 90
    np.testing.assert_array_equal(np.flatnonzero(swaps(degrees, seen)), [20, 21, 22, 23, 24, 26, 27, 28, 29])


@pytest.mark.parametrize("first", range(4))
def test_a_quarter_turn_in_a_gap_is_no_swap(first):
    degrees = np.linspace(0, 330, 12)
    seen = np.ones(12, bool)
    seen[[first + 1, first + 2]] = False
    assert not swaps(degrees, seen).any()


def test_who_comes_back_after_a_long_gap_may_face_elsewhere():
    degrees = np.concatenate([np.zeros(60), np.full(60, 180.0)])
    seen = np.ones(120, bool)
    seen[30:90] = False
    assert not swaps(degrees, seen).any()


def test_no_and_one_frame():
    assert not find_swaps(np.zeros((3, 3)), np.zeros(3, bool), FPS).any()
    assert not find_swaps(directions(np.zeros(1)), np.ones(1, bool), FPS).any()


def test_undoing_swaps_exchanges_the_sides_of_marked_frames_only():
    points = np.random.default_rng(0).normal(size=(2, len(KEYPOINTS), 3))
    undone = undo_swaps(points, np.array([False, True]))
    np.testing.assert_array_equal(undone[0], points[0])
    np.testing.assert_array_equal(undone[1, INDEX["left_knee"]], points[1, INDEX["right_knee"]])
    np.testing.assert_array_equal(undone[1, INDEX["mouth_right"]], points[1, INDEX["mouth_left"]])
    np.testing.assert_array_equal(undone[1, INDEX["neck"]], points[1, INDEX["neck"]])


def test_facing_the_camera_is_one_and_turning_away_minus_one():
    for yaw in (0, 60, 90, 180, 270):
        np.testing.assert_allclose(towards_camera(body(yaw)), np.cos(np.radians(yaw)), atol=1e-9)
        np.testing.assert_allclose(lateral_directions(body(yaw)), directions(np.array([float(yaw)])), atol=1e-9)


@pytest.mark.parametrize(("yaw", "factor"), [(0, 1.0), (90, 1.0), (105, 1.0), (140, 0.05), (180, 0.05), (250, 1.0)])
def test_faces_are_doubted_from_behind(yaw, factor):
    points = np.full((1, len(KEYPOINTS), 3), 0.8)
    doubted = doubt_hidden_faces(points, body(yaw))
    np.testing.assert_allclose(doubted[0, FACE, 2], 0.8 * factor)
    others = np.setdiff1d(np.arange(len(KEYPOINTS)), FACE)
    np.testing.assert_array_equal(doubted[0, others], points[0, others])


def test_a_point_that_jumps_for_one_frame_is_doubted_and_a_fast_one_is_not():
    points = np.ones((9, len(KEYPOINTS), 3))
    points[:, INDEX["left_wrist"], 0] += 40 * np.arange(9)  # fast, but steady
    points[4:, INDEX["right_wrist"], 0] += 90  # moves and stays
    points[4, INDEX["left_ankle"], 1] += 60  # jumps and comes back
    doubted = doubt_outliers(points, np.ones(9, bool), height=200)
    expected = np.ones((9, len(KEYPOINTS)))
    expected[4, INDEX["left_ankle"]] = 0.1
    np.testing.assert_allclose(doubted[..., 2], expected)


def test_a_gap_makes_no_outliers():
    points = np.full((5, len(KEYPOINTS), 3), 100.0)
    points[2] = 0
    seen = np.array([True, True, False, True, True])
    np.testing.assert_array_equal(doubt_outliers(points, seen, height=50), points)
