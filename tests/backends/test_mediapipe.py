import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support.paths import ROOT, SCRIPTS
from understudy.backends.images import resized
from understudy.backends.litert import quiet_stderr
from understudy.backends.mediapipe import LANDMARKS, MediaPipePose, distinct, named, person_finder, steps
from understudy.backends.protocols import Region
from understudy.formats.skeleton import INDEX, KEYPOINTS

DEMO = ROOT / "data" / "demo" / "tiny.mp4"


def test_every_landmark_finds_its_place_and_small_toes_stay_unseen():
    raw = np.stack([np.arange(33), 100 + np.arange(33), np.linspace(0.1, 0.9, 33)], axis=1).astype(np.float32)
    points = named(raw)
    for i, name in enumerate(LANDMARKS):
        np.testing.assert_array_equal(points[INDEX[name]], raw[i])
    left, right = raw[LANDMARKS.index("left_shoulder")], raw[LANDMARKS.index("right_shoulder")]
    np.testing.assert_allclose(points[INDEX["neck"], :2], (left + right)[:2] / 2)
    assert points[INDEX["neck"], 2] == min(left[2], right[2])
    assert points[INDEX["mid_hip"], 2] == raw[LANDMARKS.index("left_hip"), 2]
    assert [KEYPOINTS[i] for i in np.flatnonzero(~points.any(axis=1))] == ["left_small_toe", "right_small_toe"]


def test_world_points_have_no_confidence_to_mind():
    raw = np.zeros((33, 3), np.float32)
    raw[LANDMARKS.index("left_hip")], raw[LANDMARKS.index("right_hip")] = (0.1, 0, 0.3), (-0.1, 0, -0.3)
    np.testing.assert_allclose(named(raw, confidence=False)[INDEX["mid_hip"]], 0)


def test_native_noise_goes_to_the_debug_log_and_stderr_comes_back(capfd, caplog):
    with caplog.at_level(logging.DEBUG, "understudy"), quiet_stderr():
        os.write(2, b"W0000 noise\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
    assert "W0000 noise" in caplog.messages


def test_importing_the_stage_does_not_load_litert():
    code = "import sys, understudy.keypoints.detect, understudy.silhouettes.segment; print('ai_edge_litert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert done.stdout.strip() == "False"


def _environment():
    return {**os.environ, "PYTHONPATH": str(SCRIPTS)}


def test_nobody_is_found_in_an_empty_room(capfd):
    model = MediaPipePose(masks=True)
    image = np.full((120, 160, 3), 128, np.uint8)
    assert model.find_people(image) == []
    assert model.find_pose(image, Region(80, 60, 100)) is None
    model.close()
    assert capfd.readouterr().err == ""


@pytest.fixture(scope="module")
def actor():
    """A frame of the demo actor."""
    if not DEMO.exists():
        pytest.skip(f"{DEMO} is absent")
    import av

    with av.open(str(DEMO)) as video:
        return next(video.decode(video=0)).to_ndarray(format="rgb24")


@pytest.fixture(scope="module")
def model():
    model = MediaPipePose(masks=True)
    yield model
    model.close()


def test_the_demo_actor_is_found_upright_and_masked(actor, model):
    (region,) = model.find_people(actor)
    pose = model.find_pose(actor, region)
    points = pose.points
    assert points[INDEX["nose"], 1] < points[INDEX["neck"], 1] < points[INDEX["mid_hip"], 1]
    assert points[INDEX["mid_hip"], 1] < points[INDEX["left_knee"], 1] < points[INDEX["left_ankle"], 1]
    assert pose.mask.shape == actor.shape[:2]
    x, y = points[INDEX["mid_hip"], :2].astype(int)
    assert pose.mask[y, x] > 0.9
    assert pose.mask[:5].max() < 0.1
    np.testing.assert_allclose(pose.world[INDEX["mid_hip"]], 0, atol=0.05)


def test_points_and_mask_do_not_move_with_the_place_or_the_turn_of_the_region(actor, model):
    (region,) = model.find_people(actor)
    pose = model.find_pose(actor, region)
    moved = model.find_pose(np.roll(actor, (7, 5), axis=(0, 1)), Region(region.x + 5, region.y + 7, region.size))
    sure = (pose.points[:, 2] > 0.8) & (moved.points[:, 2] > 0.8)
    assert sure.sum() > 15
    shift = np.median((moved.points - pose.points)[sure, :2], axis=0)
    np.testing.assert_allclose(shift, (5, 7), atol=0.01 * region.size)
    turned = model.find_pose(actor, Region(region.x, region.y, region.size, region.angle + 0.3))
    inside, again = pose.mask > 0.5, turned.mask > 0.5
    assert (inside & again).sum() / (inside | again).sum() > 0.85


def test_a_person_who_is_small_in_a_wide_picture_is_found_all_the_same(actor):
    small = resized(actor, 60, 107)
    wide = np.full((360, 1280, 3), small[0, 0], np.uint8)
    wide[200:307, 900:960] = small
    (box,) = person_finder()(wide)
    x, y = (box[:2] + box[2:]) / 2
    assert 910 < x < 950 and 230 < y < 280
    assert 80 < box[3] - box[1] < 160


def test_pieces_cover_a_length_and_overlap_by_half():
    assert steps(100, 100) == [0] and steps(100, 99) == [0, 1]
    for length, side in ((1280, 720), (1920, 360)):
        begins = steps(length, side)
        assert begins[0] == 0 and begins[-1] == length - side
        assert max(np.diff(begins)) <= side / 2 + 1


def test_of_boxes_of_one_person_the_largest_counts():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 12, 11], [50, 0, 60, 10]])
    assert distinct(boxes).tolist() == [[0, 0, 12, 11], [50, 0, 60, 10]]
    assert distinct(np.zeros((0, 4))).shape == (0, 4)


def test_points_outside_the_image_are_doubted(actor, model):
    (region,) = model.find_people(actor)
    whole = model.find_pose(actor, region).points
    waist = int(whole[INDEX["mid_hip"], 1])
    cut_off = model.find_pose(actor[:waist], region).points
    outside = cut_off[:, 1] > waist
    assert outside[INDEX["left_ankle"]]
    assert cut_off[outside, 2].max() <= 0.1
