"""Files of cameras with impossible numbers: one sentence, in little time and memory."""

import json
import math

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.limits import beyond, inside
from tests.support.show_scenes import save_made_up_avatar, write_views
from tests.support.verbs import call
from understudy.errors import InputError
from understudy.importers.easymocap import easymocap_cameras
from understudy.importers.possible import POSSIBLE
from understudy.render.camera import look_at
from understudy.rendering.cameras import MOST_VIEWS, POSSIBLE_HERE, read_cameras

VIEW = look_at(np.array([0.0, -0.9, -3.0]), np.array([0.0, -0.9, 0.0]), np.array([0.0, -1.0, 0.0]))
OUTWARD = np.linalg.inv(VIEW) @ np.diag([1.0, -1.0, -1.0, 1.0])


def own(fx=100.0, cx=30.0, view=VIEW, **more):
    """Our own file."""
    K = [[fx, 0, cx], [0, 100, 40], [0, 0, 1]]
    return {"width": 60, "height": 80, "K": K, "views": [np.asarray(view).tolist()], **more}


def nerf(matrix=OUTWARD, **more):
    """A transforms.json."""
    frame = {"file_path": "a", "transform_matrix": np.asarray(matrix).tolist(), **more}
    return {"camera_angle_x": 0.6, "w": 60, "h": 80, "frames": [frame]}


def moved(way):
    view = VIEW.copy()
    view[0, 3] = way
    return view


def read(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_cameras(path)


NUMBERS = {
    "a focal length": lambda value: own(fx=value),
    "a principal point": lambda value: own(cx=value),
    "a camera's place, from where the motion starts": lambda value: own(view=moved(value)),
}


@pytest.mark.parametrize("name", NUMBERS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_cameras_are_read_up_to_their_limits_and_not_beyond(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / "cameras.json"
    assert len(read(path, NUMBERS[name](data.draw(inside(*POSSIBLE_HERE[name]))))) == 1
    with pytest.raises(InputError, match=r"cameras\.json"):
        read(path, NUMBERS[name](data.draw(beyond(*POSSIBLE_HERE[name]))))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_field_of_view_is_less_than_half_a_turn(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "transforms.json"
    least, most = POSSIBLE_HERE["camera_angle_x"]
    angle = data.draw(st.floats(0.01, 3.0))
    assert read(path, {**nerf(), "camera_angle_x": angle})[0].K[0, 0] == pytest.approx(30 / math.tan(angle / 2))
    for wrong in (data.draw(beyond(least, most)), math.pi, 0.0, 1e30):
        with pytest.raises(InputError, match=r"transforms\.json.*camera_angle_x"):
            read(path, {**nerf(), "camera_angle_x": wrong})


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_picture_has_sides_that_pictures_have(tmp_path_factory, data):
    path, limits = tmp_path_factory.getbasetemp() / "cameras.json", POSSIBLE["a picture's width or height"]
    side = data.draw(st.integers(*map(int, limits)))
    assert read(path, own(width=side))[0].width == side
    for wrong in (
        data.draw(st.integers(max_value=0) | st.integers(min_value=(1 << 16) + 1)),
        10**7,
        math.nan,
        math.inf,
    ):
        with pytest.raises(InputError, match=r"cameras\.json"):
            read(path, own(width=wrong))


@pytest.mark.parametrize(
    "content",
    [
        own(K=np.eye(4).tolist()), own(K=np.ones((9, 4, 4)).tolist(), views=[VIEW.tolist()] * 16), own(K="x"), own(K=[]),
        own(K=[[100, 90, 30], [0, 100, 40], [0, 0, 1]]), own(K=[[100, 0, 0], [0, 100, 0], [30, 40, 1]]),
        own(K=[[1000, 0, 300], [0, 1000, 400], [0, 0, 10]]), own(width=None), own(width=[60]),
        own(view=np.zeros((4, 4))), own(view=np.diag([1, 1, 0, 1])), own(view=np.diag([-1, 1, 1, 1]) @ VIEW),
        own(view=VIEW * math.nan),
        own(view=VIEW[:3]), own(view=VIEW + np.eye(4)[3]), own(view=np.eye(4) + np.eye(4, k=1) * [[1], [0], [0], [0]]),
        own(view=np.diag([1e9, 1e9, 1e9, 1]) @ VIEW), own(views={}), own(views="x"), own(views=np.ones((4, 16)).tolist()),
        own(views=[[1, 2], [3]]), nerf(np.zeros((4, 4))), nerf(np.eye(4)[:3]), nerf(OUTWARD * math.nan), nerf(w=0), nerf(h="x"),
        nerf(w=1e30), nerf(fl_x=0), nerf(fl_y=1e30), nerf(cx=math.inf), {"frames": [1]}, {"frames": "abc"}, {"frames": {}}, [],
        3, None,
        "[" * 100_000, '{"width": ' + "9" * 5000 + "}", "[" + "[]," * 3_000_000 + "0]", "[" + "0," * 9_000_000 + "0]",
        " " * (1 << 27),
    ],
)  # fmt: skip
def test_what_is_no_camera_is_told_in_a_sentence(tmp_path, content):
    with pytest.raises(InputError, match=r"cameras\.json") as error:
        read(tmp_path / "cameras.json", content)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("scale", [1.0, 0.1, 5.0])
def test_a_scene_of_another_unit_is_none_the_worse(tmp_path, scale):
    camera = read(tmp_path / "cameras.json", own(view=np.diag([scale] * 3 + [1]) @ VIEW))[0]
    place = np.array([0.2, -0.5, 0.1])
    np.testing.assert_allclose(camera.project(place), read(tmp_path / "b.json", own())[0].project(place))


def test_two_hours_of_views_are_possible_and_no_more_than_are_possible_are_read(tmp_path, monkeypatch):
    assert POSSIBLE_HERE["the number of cameras"][1] >= 24 * 7200
    monkeypatch.setitem(POSSIBLE_HERE, "the number of cameras", (1, 300))
    assert len(read(tmp_path / "a.json", own(views=[VIEW.tolist()] * 300))) == 300
    for content in (own(views=[VIEW.tolist()] * 301), {**nerf(), "frames": nerf()["frames"] * 301}):
        with pytest.raises(InputError, match="number of cameras"):
            read(tmp_path / "a.json", content)


def test_many_other_keys_cost_nothing_for_each_frame(tmp_path):
    content = {**{f"k{number}": 0 for number in range(100_000)}, **nerf()}
    content["frames"] = content["frames"] * 2000
    assert len(read(tmp_path / "transforms.json", content)) == 2000


def opencv(**matrices):
    parts = [
        f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: d\n   data: [ {numbers} ]\n"
        for name, (rows, cols, numbers) in matrices.items()
    ]
    return '%YAML:1.0\n---\nnames:\n   - "1"\n' + "".join(parts)


def calibrated(folder, K="100, 0, 30, 0, 100, 40, 0, 0, 1", R="1, 0, 0, 0, 1, 0, 0, 0, 1", T="0, 1, 3"):
    (folder / "intri.yml").write_text(opencv(K_1=(3, 3, K), dist_1=(1, 5, "0, 0, 0, 0, 0")))
    (folder / "extri.yml").write_text(opencv(Rot_1=(R.count(",") // 3 + 1, 3, R), T_1=(T.count(",") + 1, 1, T)))
    return folder


def test_whole_numbers_in_a_calibration_are_read_as_they_are_written(tmp_path):
    """OpenCV's own reader takes 100 for 4294967396."""
    (_, K, R, T), *_ = easymocap_cameras(calibrated(tmp_path))
    assert K.tolist() == [[100, 0, 30.5], [0, 100, 40.5], [0, 0, 1]] and T.tolist() == [0, 1, 3]
    assert R.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    "numbers",
    [
        {"K": "0., 0, 30, 0, 100, 40, 0, 0, 1"}, {"K": "-100, 0, 30, 0, 100, 40, 0, 0, 1"},
        {"K": "1e30, 0, 30, 0, 100, 40, 0, 0, 1"},
        {"K": "100, 0, 5e6, 0, 100, 40, 0, 0, 1"}, {"K": "100, 0, -30, 0, 100, 40, 0, 0, 1"},
        {"K": "100, 0, .Nan, 0, 100, 40, 0, 0, 1"},
        {"K": "100, 0, 30, 0, 100, 40, 0, 0"}, {"R": "0, 0, 0, 0, 0, 0, 0, 0, 0"}, {"R": "2, 0, 0, 0, 1, 0, 0, 0, 1"},
        {"R": "-1, 0, 0, 0, 1, 0, 0, 0, 1"}, {"R": "1, 0, 0"}, {"T": "1e30, 0, 3"}, {"T": "3"}, {"T": "0, 0, 3, 0"},
        {"T": ".Inf, 0, 3"},
        {"T": "1e7, 0, 3"},
    ],
)  # fmt: skip
def test_a_calibration_of_impossible_numbers_is_refused(tmp_path, numbers):
    calibrated(tmp_path, **numbers)
    with pytest.raises(InputError, match=r"intri\.yml|extri\.yml"):
        read_cameras(tmp_path / "intri.yml")


@pytest.mark.parametrize(
    "change",
    [
        {"camK": np.zeros((3, 3))}, {"camK": np.eye(3) * np.nan}, {"camK": np.eye(4)}, {"camK": np.diag([1e30, 1e30, 1])},
        {"camK": np.array([[100.0, 0, 1e7], [0, 100, 40], [0, 0, 1]])}, {"c2w": np.zeros((4, 4))}, {"c2w": np.eye(16)},
        {"c2w": np.eye(4) * np.nan}, {"c2w": np.linalg.inv(VIEW) + 1e30 * np.eye(4)[3]},
        {"c2w": np.tile(np.eye(4), (MOST_VIEWS + 1, 1, 1))},
        {"camK": np.zeros((0, 3))},
    ],
)  # fmt: skip
def test_a_camera_of_ntc_with_impossible_numbers_is_refused(tmp_path, change):
    K = np.array([[100.0, 0, 30], [0, 100, 40], [0, 0, 1]])
    scipy.io.savemat(tmp_path / "camera.mat", {"camK": K, "c2w": np.linalg.inv(VIEW)})
    assert len(read_cameras(tmp_path)) == 1
    scipy.io.savemat(tmp_path / "camera.mat", {"camK": K, "c2w": np.linalg.inv(VIEW), **change})
    with pytest.raises(InputError, match=r"camera\.mat"):
        read_cameras(tmp_path / "camera.mat")


@pytest.mark.parametrize(
    "change",
    [
        {"K": ["x"]}, {"K": [np.zeros((3, 3))]}, {"R": [np.zeros((3, 3))]}, {"R": [np.ones(3)]}, {"R": [1.0]}, {"T": [5.0]},
        {"T": [VIEW[:3, 3:] * np.nan]}, {"T": [VIEW[:3, 3:] * 1e30]}, {"K": []}, {"K": None}, {"K": 3, "R": 3, "T": 3},
    ],
)  # fmt: skip
def test_cameras_of_instant_nvr_with_impossible_numbers_are_refused(tmp_path, change):
    K = np.array([[100.0, 0, 30], [0, 100, 40], [0, 0, 1]])
    cams = {"K": [K], "R": [VIEW[:3, :3]], "T": [1000 * VIEW[:3, 3:]], "D": [np.zeros((5, 1))]}
    np.save(tmp_path / "annots.npy", np.array({"cams": cams, "ims": []}, dtype=object), allow_pickle=True)
    assert len(read_cameras(tmp_path)) == 1
    np.save(tmp_path / "annots.npy", np.array({"cams": {**cams, **change}, "ims": []}, dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"annots\.npy"):
        read_cameras(tmp_path / "annots.npy")


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")


@pytest.fixture
def render(monkeypatch, capsys, tmp_path, avatar):
    return lambda *arguments: call(monkeypatch, capsys, tmp_path, "render", avatar, "out", *arguments)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "a side of 9000 px"), (("--at", "nan", "0", "0"), "at is nan 0 0"), (("--at", "1e30", "0", "0"), "place"),
        (("--camera", "9" * 5000), "no camera 9"), (("--camera", "-1"), "no camera -1"),
    ],
)  # fmt: skip
def test_a_camera_that_nothing_can_be_rendered_by_is_told_in_a_sentence(render, tmp_path, options, words):
    write_views(tmp_path / "c.json", [VIEW], (9000, 9000))
    status, printed, errors = render("--cameras", "c.json", *options)
    assert status == 2 and printed == "" and words in errors and len(errors.splitlines()) == 1 and len(errors) < 500


def test_a_large_camera_is_rendered_by_in_a_size_of_ones_own(render, tmp_path):
    write_views(tmp_path / "c.json", [VIEW], (60_000, 60_000), focal=60_000.0)
    status, printed, errors = render("--cameras", "c.json", "--size", "40x40")
    assert status == 0 and "1 pictures" in printed, errors
