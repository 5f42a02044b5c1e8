"""RTMPose and video matting through onnxruntime and TorchScript, on networks whose right answers are known."""

import numpy as np
import pytest
from PIL import Image

from tests.support.toy_networks import dot, matting_onnx, matting_torchscript, rtmpose
from understudy.backends.protocols import Pose, Region
from understudy.backends.rvm import VideoMatting
from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.formats.skeleton import INDEX, KEYPOINTS, mirrored
from understudy.silhouettes.config import SilhouettesConfig
from understudy.silhouettes.segment import cut_silhouettes


class Finder:
    """Knows one person, upright or not."""

    def __init__(self, region, points=None):
        self.region, self.points = region, points

    def find_people(self, image):
        return [self.region]

    def find_pose(self, image, region):
        return None if self.points is None else Pose(self.points, np.zeros_like(self.points))

    def close(self):
        self.closed = True


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    pytest.importorskip("rtmlib", reason="rtmlib is not installed here")
    folder = tmp_path_factory.mktemp("rtm")
    return lambda points, **options: rtmpose(folder / f"{points}.onnx", points, **options)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90, 20])
def test_a_point_is_found_where_it_is_however_the_person_is_turned(network, degrees):
    from understudy.backends.rtmlib import RtmlibPose

    region = Region(200.0, 150.0, 160.0, np.radians(degrees))
    backend = RtmlibPose(network(17), Finder(region))
    assert backend.find_people(None) == [region]
    pose = backend.find_pose(dot(400, 300, 230.5, 130.5), region)
    step = 128 / 192 * 1.25  # px of the picture for a pixel of the network's input
    np.testing.assert_allclose(pose.points[INDEX["left_knee"], :2], (230.5, 130.5), atol=3 + step)
    assert 0.5 < pose.points[INDEX["nose"], 2] <= 1
    backend.close()
    assert backend.finder.closed


def test_the_finders_points_make_a_closer_look(network):
    from understudy.backends.rtmlib import RtmlibPose

    region = Region(200.0, 150.0, 280.0)
    points = np.zeros((len(KEYPOINTS), 3), np.float32)
    points[:3] = [[180, 100, 0.9], [200, 190, 0.9], [190, 140, 0.9]]
    outside = dot(400, 300, 300, 150)  # in the region, but not in the box round the points
    assert RtmlibPose(network(17), Finder(region)).find_pose(outside, region) is not None
    assert RtmlibPose(network(17), Finder(region, points)).find_pose(outside, region) is None


def test_whole_body_points_go_to_their_names(network):
    from understudy.backends.rtmlib import named

    raw = np.column_stack([np.arange(133), np.arange(133) + 1000, np.full(133, 0.9)])
    points = named(raw, "here")
    places = {
        "nose": 0, "left_eye": 1, "right_wrist": 10, "left_ankle": 15, "left_big_toe": 17, "left_small_toe": 18,
        "left_heel": 19, "right_big_toe": 20, "right_heel": 22, "right_eye_outer": 23 + 36, "left_eye_outer": 23 + 45,
        "mouth_right": 23 + 48, "mouth_left": 23 + 54, "left_thumb": 91 + 2, "left_pinky": 91 + 17, "right_index": 112 + 5,
    }  # fmt: skip
    for name, place in places.items():
        np.testing.assert_allclose(points[INDEX[name], :2], (place, place + 1000), err_msg=name)
    assert (points[:, 2] > 0).all()


def test_the_input_size_is_the_files(network, tmp_path):
    from understudy.backends.rtmlib import RtmlibPose, open_network

    large = rtmpose(tmp_path / "large.onnx", 26, (288, 384))
    assert tuple(open_network(large).model_input_size) == (288, 384)
    region = Region(200.0, 150.0, 160.0)
    pose = RtmlibPose(large, Finder(region)).find_pose(dot(400, 300, 210, 160), region)
    np.testing.assert_allclose(pose.points[INDEX["left_heel"], :2], (210, 160), atol=4)


def test_files_that_are_no_such_network_are_refused(network, tmp_path):
    from understudy.backends.rtmlib import open_network

    (tmp_path / "text.onnx").write_text("nothing")
    with pytest.raises(InputError, match=r"text\.onnx is not an ONNX network"):
        open_network(tmp_path / "text.onnx")
    with pytest.raises(InputError, match="not a network of RTMPose or RTMW"):
        open_network(matting_onnx(tmp_path / "matting.onnx"))


def test_quarter_turns_of_places_are_those_of_the_picture():
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    from understudy.backends.rtmlib import turned

    picture = np.zeros((5, 8))
    picture[1, 6] = 1
    for quarters in range(4):
        [[row, column]] = np.argwhere(np.rot90(picture, quarters))
        [[x, y]] = turned(np.array([[6.5, 1.5]]), quarters, picture.shape)
        assert (x, y) == (column + 0.5, row + 0.5)
        back = turned(np.array([[x, y]]), -quarters % 4, np.rot90(picture, quarters).shape)
        np.testing.assert_allclose(back, [[6.5, 1.5]])


def matting(kind, folder):
    if kind == "onnx":
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
        return matting_onnx(folder / "toy.onnx")
    return matting_torchscript(folder / "toy.torchscript")


@pytest.mark.parametrize("kind", ["torchscript", "onnx"])
def test_the_matting_networks_state_goes_from_frame_to_frame_and_not_to_another_video(tmp_path, kind):
    file = matting(kind, tmp_path)
    backend = VideoMatting(file, sha256(file))
    first, second = dot(60, 40, 10, 10), dot(60, 40, 40, 30)
    seen = backend.find_mask(first, np.zeros(4), np.zeros((0, 3)))
    np.testing.assert_allclose(seen, first[..., 0] / 255, atol=1e-6)
    both = backend.find_mask(second, np.zeros(4), np.zeros((0, 3)))
    np.testing.assert_allclose(both, np.maximum(first, second)[..., 0] / 255, atol=1e-6)
    smaller = backend.find_mask(second[:30], np.zeros(4), np.zeros((0, 3)))
    np.testing.assert_allclose(smaller, second[:30, :, 0] / 255, atol=1e-6)
    assert both.dtype == np.float32


@pytest.mark.parametrize("kind", ["torchscript", "onnx"])
def test_of_a_matte_only_the_tracked_person_is_kept(tmp_path, kind):
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[35:205, 80:120] = 255  # the person
    picture[60:200, 140:150] = 255  # a neighbour within the box
    points = np.zeros((1, len(KEYPOINTS), 3), np.float32)
    places = {"neck": (100, 60), "mid_hip": (100, 120), "left_hip": (104, 120), "left_knee": (104, 160)}
    for name, (x, y) in places.items():
        points[0, INDEX[name]] = x, y, 0.9
        points[0, mirrored()[INDEX[name]]] = 200 - x, y, 0.9
    Image.fromarray(picture).save(tmp_path / "000000.jpg", quality=100)
    frames = Frames(tmp_path, 10.0, 320, 240, "a.mp4", "", np.arange(1), np.eye(3), "default")
    none = np.zeros(1, bool)
    box = np.array([[60, 20, 160, 220]], np.float32)
    keypoints = Keypoints(points, KEYPOINTS, box, "toy", points * 0, none, none, np.ones(1, int))
    config = SilhouettesConfig(backend="rvm")
    file = matting(kind, tmp_path)
    cut_silhouettes(frames, keypoints, tmp_path / "alpha", config, weights=file, sha256=sha256(file))
    alpha = read_alpha(tmp_path / "alpha", 0) > 127
    assert alpha[40:200, 85:115].all() and not alpha[:, 130:].any() and not alpha[:, :70].any()


def test_files_that_are_no_matting_network_are_refused(tmp_path):
    (tmp_path / "text.torchscript").write_text("nothing")
    with pytest.raises(InputError, match="not a TorchScript file"):
        VideoMatting(tmp_path / "text.torchscript", sha256(tmp_path / "text.torchscript"))
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    with pytest.raises(InputError, match="takes input and is not of RVM"):
        VideoMatting(rtmpose(tmp_path / "pose.onnx", 17))
