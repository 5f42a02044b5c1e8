"""The pose networks: what goes into them, what is made of what comes out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from tests.support.paths import ROOT
from understudy.backends import litert
from understudy.backends.litert import NETWORKS, SHA256, network_file
from understudy.backends.mediapipe import LANDMARKS, MediaPipePose, heavy_pose, mixed_pose
from understudy.backends.pose_detector import anchors, decode, merge
from understudy.backends.pose_landmarks import SIZE, mask_in_image, refine, square_to_image
from understudy.backends.protocols import Region
from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.formats.skeleton import INDEX

THEIRS = np.load(ROOT / "tests" / "backends" / "mediapipe_0_10_21.npz")
"""What MediaPipe 0.10.21 itself finds in the demo's first frame, upright and in a region turned by 0.3 rad."""
ROWS = [INDEX[name] for name in LANDMARKS]


@pytest.fixture(scope="module")
def actor():
    """A frame of the demo actor."""
    import av

    with av.open(str(ROOT / "data" / "demo" / "tiny.mp4")) as video:
        return next(video.decode(video=0)).to_ndarray(format="rgb24")


def test_the_person_is_where_mediapipe_finds_them(actor):
    (region,) = MediaPipePose().find_people(actor)
    np.testing.assert_allclose([region.x, region.y, region.size], THEIRS["region"][:3], atol=1.5)
    assert region.angle == pytest.approx(THEIRS["region"][3], abs=0.01)


@pytest.mark.parametrize(("case", "turn"), [(0, 0.0), (1, 0.3)])
def test_points_depth_and_mask_are_mediapipes(actor, case, turn):
    x, y, size, angle = THEIRS["region"]
    pose = MediaPipePose(masks=True).find_pose(actor, Region(x, y, size, angle + turn))
    # OpenCV 4, of which MediaPipe is made, rounds to a 32nd of a px where it interpolates
    np.testing.assert_allclose(pose.points[ROWS, :2], THEIRS["points"][case, :, :2], atol=size / SIZE)
    np.testing.assert_allclose(pose.points[ROWS, 2], THEIRS["points"][case, :, 2], atol=0.02)
    np.testing.assert_allclose(pose.world[ROWS], THEIRS["world"][case], atol=0.02)
    assert np.abs(pose.world[ROWS] - THEIRS["world"][case]).mean() < 0.003
    mask = THEIRS["mask"][case] / 255.0
    assert np.abs(pose.mask[::8, ::8] - mask).mean() < 0.005


def test_anchors_are_the_middles_of_the_cells_of_all_layers():
    centres = anchors()
    assert centres.shape == (2 * 28**2 + 2 * 14**2 + 6 * 7**2, 2)
    np.testing.assert_allclose(centres[:3], [[4 / 224, 4 / 224]] * 2 + [[12 / 224, 4 / 224]])
    np.testing.assert_allclose(centres[2 * 28**2], [8 / 224, 8 / 224])
    np.testing.assert_allclose(centres[-1], [208 / 224, 208 / 224])


def test_a_box_and_its_points_lie_about_their_anchor():
    raw = np.zeros((3, 12))
    raw[1] = [22.4, -22.4, 44.8, 89.6, 0.0, 0.0, 0.0, -56.0, *[11.2] * 4]
    boxes, points, scores = decode(raw, np.array([-0.1, 2.0, -200.0]), np.full((3, 2), 0.5))
    np.testing.assert_allclose(boxes, [[0.5, 0.2, 0.7, 0.6]])
    np.testing.assert_allclose(points, [[[0.5, 0.5], [0.5, 0.25], [0.55, 0.55], [0.55, 0.55]]])
    np.testing.assert_allclose(scores, [1 / (1 + np.exp(-2.0))])


def test_boxes_of_one_person_are_averaged_by_their_scores_and_others_left_apart():
    boxes = np.array([[0.5, 0.0, 0.7, 0.4], [0.0, 0.0, 0.2, 0.4], [0.02, 0.0, 0.22, 0.4]])
    points = np.array([[[0.6, 0.2]], [[0.1, 0.2]], [[0.14, 0.2]]])
    people, scores = merge(boxes, points, np.array([0.6, 0.9, 0.6]))
    np.testing.assert_allclose(people, [[[(0.9 * 0.1 + 0.6 * 0.14) / 1.5, 0.2]], [[0.6, 0.2]]])
    assert scores.tolist() == [0.9, 0.6]
    assert [len(each) for each in merge(np.zeros((0, 4)), np.zeros((0, 4, 2)), np.zeros(0))] == [0, 0]


def test_landmarks_move_to_the_centre_of_their_heat_within_four_px():
    heat = np.zeros((64, 64, 5))
    heat[20, 31:33, 0] = 0.9, 0.3
    heat[20, 39, 0] = 1.0  # too far away
    heat[20, 32, 1] = 0.4  # too little
    heat[0, 0, 2] = 0.8  # in the corner
    heat[20, 32, 3] = 1.0  # of a landmark outside
    places = np.array([[30.5, 21.5], [30.5, 21.5], [2.0, 3.9], [-4.0, 20.0], [63.9, 63.9]]) / 64
    moved = refine(places, heat) * 64
    np.testing.assert_allclose(moved[0], [31.25, 20.0])
    np.testing.assert_allclose(moved[2], [0.0, 0.0])
    np.testing.assert_allclose(moved[[1, 3, 4]], places[[1, 3, 4]] * 64)


def test_a_region_is_a_turned_square_about_its_middle():
    region = Region(100.0, 60.0, 128.0, np.pi / 2)
    to_image = square_to_image(region)
    corners = np.array([[SIZE / 2, SIZE / 2, 1.0], [0.0, 0.0, 1.0], [SIZE, 0.0, 1.0]])
    # turned clockwise: what is up in the square is on the right in the picture
    np.testing.assert_allclose(corners @ to_image.T, [[100, 60], [164, -4], [164, 124]], atol=1e-9)
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[: SIZE // 4] = 1.0
    there = mask_in_image(mask, region, 200, 200) > 0.5
    rows, columns = np.nonzero(there)
    assert 132 <= columns.min() <= 133 and 163 <= columns.max() <= 164 and rows.max() <= 124


def test_threads_share_a_backend_and_find_the_same(actor):
    backend = MediaPipePose(masks=True)
    (region,) = backend.find_people(actor)
    regions = [replace(region, angle=region.angle + 0.1 * index) for index in range(6)]
    alone = [backend.find_pose(actor, each) for each in regions]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda each: backend.find_pose(actor, each), regions))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.mask, other.mask)


def test_each_network_is_the_one_that_belongs_there():
    assert {path.name: sha256(path) for path in NETWORKS.glob("*.tflite")} == SHA256


def test_another_network_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "NETWORKS", tmp_path)
    for content in (None, b"TFL3"):
        if content is not None:
            (tmp_path / "pose_detection.tflite").write_bytes(content)
        with pytest.raises(InputError, match=r"pose_detection\.tflite is missing or not the file"):
            network_file("pose_detection.tflite")


def test_another_landmark_network_takes_the_usual_ones_place(actor):
    (region,) = MediaPipePose().find_people(actor)
    usual = MediaPipePose().find_pose(actor, region)
    same = heavy_pose(NETWORKS / "pose_landmark_full.tflite").find_pose(actor, region)
    np.testing.assert_array_equal(same.points, usual.points)
    np.testing.assert_array_equal(same.world, usual.world)


def test_mixed_points_are_the_other_networks_in_the_picture_and_the_usual_ones_in_space(actor, monkeypatch):
    (region,) = MediaPipePose().find_people(actor)
    usual = MediaPipePose().find_pose(actor, region)
    mixed = mixed_pose(NETWORKS / "pose_landmark_full.tflite")
    real = mixed._networks.landmarks.find

    def other(image, region):
        found = real(image, region)
        return replace(found, points=found.points + [3.0, 0.0, 0.0], world=2.0 * found.world)

    monkeypatch.setattr(mixed._networks.landmarks, "find", other)
    pose = mixed.find_pose(actor, region)
    assert (pose.points[ROWS, 0] > usual.points[ROWS, 0] + 1.0).all()
    np.testing.assert_array_equal(pose.world, usual.world)


@pytest.mark.parametrize(
    ("content", "message"), [(b"not a network", "is not a TensorFlow Lite network"), (None, "is not the network")]
)
def test_weights_that_are_no_landmark_network_are_refused_before_any_work(tmp_path, content, message):
    path = tmp_path / "heavy.tflite"
    path.write_bytes((NETWORKS / "pose_detection.tflite").read_bytes() if content is None else content)
    with pytest.raises(InputError, match=message):
        heavy_pose(path)
