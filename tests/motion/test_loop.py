"""Motions without end."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.support.show_scenes import joints_of, walking_clip
from understudy.errors import InputError
from understudy.motion.clip import Clip
from understudy.motion.loop import find_loop, looped


def steps(clip: Clip) -> np.ndarray:
    """Largest way of a joint between neighbouring frames, m."""
    return np.linalg.norm(np.diff(joints_of(clip), axis=0), axis=-1).max(axis=1)


def test_a_cycle_is_found_whose_ends_are_alike():
    clip = walking_clip(75, slip=1.0)
    first, last = find_loop(clip)
    pose = clip.body_pose
    assert last - first >= 18
    assert np.abs(pose[first] - pose[last]).max() < 0.35 < np.ptp(pose, axis=0).max()


def test_who_walks_walks_on_without_a_jump():
    clip = walking_clip(75, slip=1.0)
    endless = looped(clip, 10.0)
    assert len(endless) == 300 and endless.fps == clip.fps
    assert steps(endless).max() < 1.3 * steps(clip).max()
    ahead = np.diff(endless.transl[:, 2])
    np.testing.assert_allclose(ahead, 1.0 / 30, atol=2e-3)
    assert abs(endless.transl[:, 1] - clip.transl[0, 1]).max() < 1e-5


def test_who_walks_a_bow_goes_round():
    clip = walking_clip(75)
    angles = np.linspace(0, np.pi / 2, 75)
    turn = Rotation.from_rotvec(np.outer(angles, [0.0, 1.0, 0.0]))
    way = np.stack([1 - np.cos(angles), clip.transl[:, 1], np.sin(angles)], axis=1)
    bow = Clip(turn.as_rotvec().astype(np.float32), clip.body_pose, way.astype(np.float32), clip.fps)
    first, last = find_loop(bow)
    rounds = looped(bow, 4 * 75 / 30 * 75 / (last - first))
    centre = [1.0, 0.0]
    distance = np.linalg.norm(rounds.transl[:, [0, 2]] - centre, axis=1)
    np.testing.assert_allclose(distance, 1.0, atol=0.02)
    assert steps(rounds).max() < 1.3 * steps(bow).max()


def test_what_does_not_return_is_spread_over_the_cycle_and_the_heading_goes_on():
    time = np.linspace(0.0, 1.0, 40)
    yaw, lean, roll = (Rotation.from_rotvec(np.outer(time, turn)) for turn in ([0, 1.2, 0], [0.4, 0, 0], [0, 0, -0.2]))
    root = yaw * lean * roll
    pose = np.zeros((40, 23, 3), np.float32)
    pose[:, 17, 1] = np.sin(2 * np.pi * time)  # something happens
    pose[:, 3, 0] = 0.8 * time  # a knee that only bends
    places = np.outer(time, [0.0, 0.3, 0.0]).astype(np.float32)  # and a rise
    clip = Clip(root.as_rotvec().astype(np.float32), pose.reshape(40, 69), places, 30.0)
    first, last = find_loop(clip)
    length = last - first
    loop = looped(clip, 3.5 * length / clip.fps)
    for values, seen in ((loop.body_pose, clip.body_pose), (loop.transl, clip.transl)):
        np.testing.assert_allclose(values[length:], values[:-length], atol=1e-6)
        assert np.abs(np.diff(values, axis=0)).max() < 2.0 * np.abs(np.diff(seen, axis=0)).max()
    endless = Rotation.from_rotvec(loop.global_orient)
    steps = (endless[:-1].inv() * endless[1:]).magnitude()
    assert steps.max() < 1.5 * (root[:-1].inv() * root[1:]).magnitude().max()
    # each cycle leans as the one before, and heads on by as much
    ups = endless.apply([0.0, 1.0, 0.0])[:, 1]
    np.testing.assert_allclose(ups[length:], ups[:-length], atol=1e-6)
    ahead = endless.apply([0.0, 0.0, 1.0])
    headings = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
    turned = np.arctan2(*root[last].apply([0, 0, 1])[[0, 2]]) - np.arctan2(*root[first].apply([0, 0, 1])[[0, 2]])
    np.testing.assert_allclose(headings[length:] - headings[:-length], turned, atol=1e-5)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), 1e6])
def test_lengths_that_make_no_sense_are_refused(seconds):
    with pytest.raises(InputError, match="loop is"):
        looped(walking_clip(40), seconds)


def test_a_motion_that_is_too_short_to_repeat_is_refused():
    with pytest.raises(InputError, match="a loop needs"):
        looped(walking_clip(8), 3.0)
