import logging

import numpy as np
import pytest
from PIL import Image

from understudy.backends.protocols import Pose, Region
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import FACE, INDEX, KEYPOINTS, mirrored
from understudy.keypoints.config import KeypointsConfig
from understudy.keypoints.detect import _fill_regions, detect_keypoints, person_box

SIZE = 400


class Actor:
    """A backend that reads the frame number off the image and plays what it is told: a script of one entry per frame.

    An entry is a list of (x, size) of people; the pose of a person has all points in a figure around the middle.
    In frames of ``swapped`` left and right are exchanged, in those of ``missed`` nobody is found though the person is
    there, and in those of ``jumps`` the left wrist is elsewhere. From frame ``turned`` on the person faces 110 degrees
    elsewhere; ``flat`` is a backend without a 3D guess.
    """

    name = "actor"

    def __init__(self, script, swapped=(), missed=(), jumps=(), turned=None, flat=False):
        self.turned, self.flat = turned, flat
        self.script, self.swapped, self.missed, self.jumps = script, set(swapped), set(missed), set(jumps)

    def find_people(self, image):
        if image[0, 0, 0] // 2 in self.missed:
            return []
        return [Region(x, 200.0, size) for x, size in self.script[image[0, 0, 0] // 2]]

    def find_pose(self, image, region):
        frame = image[0, 0, 0] // 2
        if not self.script[frame]:
            return None
        points, world = np.zeros((2, len(KEYPOINTS), 3), np.float32)
        for name, i in INDEX.items():
            side = 1 if "left" in name else -1 if "right" in name else 0
            height = -0.5 if name == "neck" or "shoulder" in name else 0.5 if "ankle" in name else 0.0
            world[i] = 0.2 * side, height, 0
        points[:, :2] = (region.x, region.y) + 0.8 * region.size * world[:, :2]
        points[:, 2] = 0.9
        if frame in self.jumps:
            points[INDEX["left_wrist"], :2] += 120.0
        if frame in self.swapped:
            points, world = points[mirrored()], world[mirrored()]
        if self.turned is not None and frame >= self.turned:
            world[:, [0, 2]] = world[:, :1] * [np.cos(np.radians(110)), np.sin(np.radians(110))]
        return Pose(points, 0 * world if self.flat else world)

    def close(self):
        pass


@pytest.fixture
def play(tmp_path, monkeypatch):
    def detect(script, **options):
        for index in range(len(script)):
            Image.new("RGB", (SIZE, SIZE), (2 * index,) * 3).save(tmp_path / f"{index:06d}.jpg", quality=100)
        monkeypatch.setattr("understudy.keypoints.detect.open_backend", lambda *given: Actor(script, **options))
        frames = Frames(tmp_path, 10.0, SIZE, SIZE, "walk.mp4", "0" * 64, np.arange(len(script)), np.eye(3), "default")
        return detect_keypoints(frames, KeypointsConfig())

    return detect


def test_every_frame_has_points_and_a_box_around_them(play, tmp_path):
    keypoints = play([[(150.0 + t, 300.0)] for t in range(12)])
    assert keypoints.names == KEYPOINTS
    assert keypoints.keypoints.shape == keypoints.world.shape == (12, len(KEYPOINTS), 3)
    np.testing.assert_allclose(keypoints.keypoints[:, INDEX["neck"], 0], 150 + np.arange(12))
    inside = keypoints.keypoints[:, :, :2]
    assert (inside >= keypoints.bbox[:, None, :2]).all() and (inside <= keypoints.bbox[:, None, 2:]).all()
    keypoints.save(tmp_path / "keypoints.npz")
    np.testing.assert_array_equal(Keypoints.load(tmp_path / "keypoints.npz").keypoints, keypoints.keypoints)


def test_short_gaps_are_interpolated_without_confidence_and_long_ones_left_empty(play):
    here = [(200.0, 300.0)]
    keypoints = play([[(180.0 + t, 300.0)] if t < 10 or 13 <= t < 30 else [] for t in range(40)] + [here] * 5)
    np.testing.assert_array_equal(np.flatnonzero(keypoints.interpolated), [10, 11, 12])
    np.testing.assert_allclose(keypoints.keypoints[10:13, INDEX["neck"], 0], [190, 191, 192], rtol=1e-5)
    assert not keypoints.keypoints[10:13, :, 2].any()
    assert keypoints.bbox[10:13].any(axis=-1).all()
    for array in (keypoints.keypoints, keypoints.bbox, keypoints.world):
        assert not array[30:40].any()


def test_a_turn_that_nobody_can_do_is_warned_of_where_there_is_a_3d_guess(play, caplog):
    script = [[(200.0, 300.0)]] * 30
    play(script, turned=15)
    assert "may be confused near frame 14;" in caplog.text
    caplog.clear()
    play(script)
    play(script, flat=True)
    assert "confused" not in caplog.text


def test_swapped_frames_come_out_like_the_others(play):
    script = [[(200.0, 300.0)]] * 30
    plain, mended = play(script), play(script, swapped=[4, 5, 6, 20])
    np.testing.assert_array_equal(np.flatnonzero(mended.swapped), [4, 5, 6, 20])
    np.testing.assert_array_equal(mended.keypoints, plain.keypoints)
    np.testing.assert_array_equal(mended.world, plain.world)


def test_a_frame_in_which_the_detector_alone_missed_the_person_has_points_of_its_own(play):
    keypoints = play([[(150.0 + t, 300.0)] for t in range(20)], missed=[7, 8])
    assert not keypoints.interpolated.any()
    np.testing.assert_allclose(keypoints.keypoints[:, INDEX["neck"], 2], 0.9)
    np.testing.assert_allclose(keypoints.keypoints[:, INDEX["neck"], 0], 150 + np.arange(20), rtol=1e-5)


def test_regions_of_missed_frames_lie_between_their_neighbours():
    known = Region(10.0, 40.0, 100.0, 3.0), Region(30.0, 20.0, 120.0, -3.0)
    between = _fill_regions([None, known[0], None, known[1], None], 1)
    assert between[1] == known[0] and between[0] is None and between[4] is None
    assert (between[2].x, between[2].y, between[2].size) == (20.0, 30.0, 110.0)
    assert abs(between[2].angle) == pytest.approx(np.pi)  # half way round from 3 to -3, not through 0


def test_faces_seen_from_behind_and_points_that_jump_are_doubted(play):
    wrist, others = INDEX["left_wrist"], [INDEX["neck"], INDEX["right_wrist"], INDEX["left_knee"]]
    front = play([[(200.0, 300.0)]] * 9, jumps=[4]).keypoints[..., 2]
    back = play([[(200.0, 300.0)]] * 9, swapped=range(9)).keypoints[..., 2]
    assert (front[:, FACE] == np.float32(0.9)).all() and (back[:, FACE] < 0.1).all()
    assert front[4, wrist] < 0.1 and (np.delete(front[:, wrist], 4) == np.float32(0.9)).all()
    assert (front[:, others] == np.float32(0.9)).all() and (back[:, others] == np.float32(0.9)).all()


def test_with_several_people_the_largest_is_taken_and_the_log_says_so(play, caplog):
    with caplog.at_level(logging.INFO, "understudy"):
        keypoints = play([[(60.0, 90.0), (250.0, 300.0)]] * 5 + [[(250.0, 300.0)]] * 5)
    np.testing.assert_allclose(keypoints.keypoints[:, INDEX["neck"], 0], 250)
    np.testing.assert_array_equal(keypoints.people, [2] * 5 + [1] * 5)
    assert any("up to 2 people at once" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([[]] * 10, "Nobody was found in any frame of walk.mp4"),
        ([[(200.0, 300.0)]] * 4 + [[]] * 6, "only 4 of 10 frames"),
        ([[(200.0, 120.0)]] * 10, r"is \d+ px tall, less than 128 px"),
    ],
)
def test_bad_videos_are_refused_with_one_sentence(play, script, message):
    with pytest.raises(InputError, match=message) as error:
        play(script)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_unsure_points_do_not_widen_the_box():
    points = np.array([[50, 60, 0.9], [150, 160, 0.9], [390, 390, 0.1]])
    np.testing.assert_allclose(person_box(points, 200, 400), [42, 52, 158, 168])
    np.testing.assert_array_equal(person_box(points * [1, 1, 0], 200, 400), np.zeros(4))


def test_a_face_that_was_doubted_from_behind_still_belongs_to_the_box_of_given_points():
    points = np.zeros((len(KEYPOINTS), 3))
    points[INDEX["mid_hip"]], points[INDEX["left_ankle"]] = (100, 200, 0.9), (110, 300, 0.9)
    points[INDEX["nose"]] = 100, 100, 0.04
    assert person_box(points, 400, 400)[1] > 150
    assert person_box(points, 400, 400, hidden_faces=True)[1] < 100
