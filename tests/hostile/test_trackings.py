"""Other programs' tracking with impossible numbers: one sentence, in little time and memory, whatever the format."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.import_sources import LENGTH, pictures
from tests.support.limits import beyond, inside
from tests.support.paths import BODY_FILE
from tests.support.verbs import call
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25
from understudy.importers.possible import POSSIBLE
from understudy.importers.rotations import joint_rotations
from understudy.importers.tracking import Camera, Points, Poses, Tracking

K = np.array([[100.0, 0, 30], [0, 100, 40], [0, 0, 1]])
POINTS = np.concatenate([np.random.default_rng(0).uniform(10, 50, (25, 2)).round(1), np.full((25, 1), 0.9)], axis=1)


def poses(**arrays):
    eye = np.broadcast_to(np.eye(3), (2, 3, 3))
    content = {"rotations": np.broadcast_to(np.eye(3), (2, 24, 3, 3)), "lever": eye, "transl": np.ones((2, 3))}
    return Poses(**{**content, "betas": np.zeros((2, 10)), **arrays})


def points(keypoints=POINTS[None], bbox=((0, 0, 9, 9),)):
    return Points(np.asarray(keypoints, np.float64), BODY_25, np.asarray(bbox, np.float64), np.ones(1, int))


def changed(array, value):
    array = np.array(array, np.float64)
    array.flat[1] = value
    return array


def camera(value, place):
    matrix = K.copy()
    matrix[place] = value
    return Camera(matrix)


NUMBERS = {
    "the number of poses": None,
    "an angle": lambda value: joint_rotations(Path("a"), None, changed(np.zeros((2, 72)), value)),
    "a translation": lambda value: poses(transl=changed(np.ones((2, 3)), value)),
    "betas": lambda value: poses(betas=changed(np.zeros((2, 10)), value)),
    "a keypoint or confidence": lambda value: points(keypoints=changed(POINTS[None], value)),
    "a box": lambda value: points(bbox=changed([[0, 0, 9, 9]], value)),
    "a picture's number": lambda value: Tracking("a", poses=poses(), pose_frames=np.array([0.0, value])),
    "the number of people in a picture": None,
    "a picture's width or height": lambda value: Camera(K, (10, value)),
    "a focal length": lambda value: camera(value, (0, 0)),
    "a principal point": lambda value: camera(value, (1, 2)),
    "a lens coefficient": lambda value: Camera(K, None, (0.0, value, 0.0, 0.0, 0.0)),
}


@pytest.mark.parametrize("name", POSSIBLE)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_results_are_taken_up_to_their_limits_and_not_beyond(name, data):
    make = NUMBERS[name]  # counts are tried with whole files below
    if make is None:
        return
    make(data.draw(inside(*POSSIBLE[name])))
    with pytest.raises(ValueError, match=r"is|has|finite"):
        make(data.draw(beyond(*POSSIBLE[name])))


@pytest.mark.parametrize(
    "make",
    [
        lambda: poses(transl=np.ones((2, 6))), lambda: poses(transl=np.ones((1, 3))), lambda: poses(betas=np.zeros((1, 10))),
        lambda: poses().seen_from(2 * np.eye(3), np.zeros(3)), lambda: poses().seen_from(np.zeros((3, 3)), np.zeros(3)),
        lambda: poses().seen_from(np.diag([1, 1, -1]), np.zeros(3)), lambda: poses().seen_from(np.eye(3), np.zeros(1)),
        lambda: poses().seen_from(np.eye(3), np.full(3, np.nan)), lambda: Camera(np.eye(4)), lambda: Camera(np.ones((2, 3, 3))),
        lambda: Camera(K.T), lambda: points(keypoints=POINTS), lambda: points(bbox=[[1, 2]]),
        lambda: Tracking("a", poses=poses(), pose_frames=np.arange(3)), lambda: Tracking("a", point_frames=np.arange(3)),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_together_are_refused(make):
    with pytest.raises(ValueError):
        make()


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Import a file or folder for a video of 12 pictures of 60x80: status and errors."""
    pictures(tmp_path / "images", size=(60, 80))

    def imported(source, *options):
        arguments = ("import", source, "results/anna", "--pictures", "images", "--body", BODY_FILE, *options)
        status, _, errors = call(monkeypatch, capsys, tmp_path, *arguments)
        return status, errors

    return imported


def refused(result, words):
    status, errors = result
    assert status == 2 and errors.splitlines()[-1].startswith("error: ") and words in errors, errors
    assert len(errors) < 1000 and errors.count("error: ") == 1


def openpose(folder, people=1, numbers=range(LENGTH), **changes):
    folder.mkdir()
    values = np.array(POINTS)
    for place, value in changes.items():
        values[3, "xyc".index(place)] = value
    person = {"person_id": [-1], "pose_keypoints_2d": values.ravel().tolist()}
    for number in numbers:
        (folder / f"v_{number:012d}_keypoints.json").write_text(json.dumps({"people": [person] * people}))
    return folder


@pytest.mark.parametrize("value", [1e30, -1e30, 1e300, 2e6])
def test_keypoints_far_from_any_picture_are_refused(run, tmp_path, value):
    refused(run(openpose(tmp_path / "json", x=value)), "a box is")


def test_keypoints_that_are_no_numbers_are_left_out(run, tmp_path):
    assert run(openpose(tmp_path / "json", x=float("nan"), y=float("inf")))[0] == 0
    found = Keypoints.load(tmp_path / "results/anna/keypoints.npz").keypoints
    assert (found[:, 3] == 0).all() and (found[:, 4, 2] > 0).all()


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0, 10**9), "no video has so many"),
        ((0, 10**18), "no frame has"),
        ((10**9, 10**9 + 1), "None of the 12 frames"),
    ],
)
def test_numbers_of_files_that_no_video_has_cost_nothing(run, tmp_path, numbers, words):
    refused(run(openpose(tmp_path / "json", numbers=numbers)), words)


def test_a_crowd_that_nobody_can_link_is_refused(run, tmp_path):
    assert run(openpose(tmp_path / "few", people=50))[0] == 0
    refused(run(openpose(tmp_path / "json", people=1001, numbers=(0, 1))), "the number of people in a picture")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--first", "1" + "0" * 30), "first is 1"), (("--every", "0"), "every is 0"), (("--every", "1000000000000"), "every is"),
        (("--focal-px", "0"), "focal_px is 0"), (("--focal-px", "nan"), "focal_px is nan"),
        (("--focal-px", "1e-300"), "focal_px"),
        (("--focal-px", "1e300"), "focal_px"), (("--size", "0x0"), "size is 0, 0"), (("--size", "10000000x1"), "size is"),
        (("--person", "x" * 5000), "no person xxx"),
    ],
)  # fmt: skip
def test_options_of_an_import_that_cannot_be_are_told(run, tmp_path, options, words):
    refused(run(openpose(tmp_path / "json"), *options), words)


def alphapose(path, **changes):
    entry = {"keypoints": POINTS[:17].ravel().tolist(), "score": 1.0}
    entries = [{**entry, "image_id": f"{number}.jpg"} for number in range(LENGTH)]
    entries[-1] |= changes
    path.write_text(json.dumps(entries))
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_id": 10**12}, "no video has so many"), ({"image_id": -5}, "image_id of -5"),
        ({"image_id": 1e30}, "whole numbers"),
        ({"image_id": 0.5}, "whole numbers"), ({"image_id": "9" * 5000}, "no frame has"), ({"image_id": None}, "no number"),
        ({"box": [0, 0, 1e300, 1e300]}, "alphapose"), ({"box": [0, 0, 1e7, 1e7]}, "alphapose"),
        ({"keypoints": "abc"}, "alphapose"),
    ],
)  # fmt: skip
def test_alphapose_with_impossible_numbers_is_refused(run, tmp_path, changes, words):
    refused(run(alphapose(tmp_path / "alphapose.json", **changes)), words)


def test_pictures_numbered_by_numbers_are_those_of_these_numbers(run, tmp_path):
    """As text 1e1 would be picture 1."""
    status, errors = run(alphapose(tmp_path / "alphapose.json", image_id=11.0))
    assert status == 0, errors
    assert (Keypoints.load(tmp_path / "results/anna/keypoints.npz").keypoints[..., 2] > 0).any(axis=1).all()


def parameters(path, **arrays):
    content = {
        "global_orient": np.tile([np.pi, 0, 0], (LENGTH, 1)), "body_pose": np.zeros((LENGTH, 69)),
        "transl": np.tile([0, 0, 3.0], (LENGTH, 1)), "betas": np.zeros(10), **arrays,
    }  # fmt: skip
    np.savez(path, **content)
    return path


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"transl": np.full((LENGTH, 3), 1e30)}, "a translation is"), ({"transl": np.zeros((LENGTH, 3))}, "before the camera"),
        ({"transl": np.concatenate([np.tile([0, 0, 3.0], (11, 1)), [[0, 0.22, -0.03]]])}, "nowhere"),
        ({"transl": np.full((LENGTH, 3), 9e6)}, "nowhere"), ({"betas": np.full(10, np.nan)}, "betas is nan"),
        ({"betas": np.full(10, 1e30)}, "betas is"), ({"K": np.zeros((3, 3))}, "K is not a camera"),
        ({"K": np.eye(4)}, "shape (4, 4)"),
        ({"K": np.diag([1e30, 1e30, 1])}, "a focal length is"), ({"K": np.array("x")}, "could not convert"),
        ({"body_pose": np.zeros((LENGTH, 69), complex)}, "real numbers"),
        ({"body_pose": np.full((LENGTH, 69), 1e30)}, "an angle is"),
        ({"global_orient": 2 * np.tile(np.eye(3), (LENGTH, 1, 1))}, "rotation"),
        ({"global_orient": np.zeros((0, 3)), "body_pose": np.zeros((0, 69)), "transl": np.zeros((0, 3))}, "number of poses"),
    ],
)  # fmt: skip
def test_parameters_of_impossible_numbers_are_refused(run, tmp_path, arrays, words):
    assert run(parameters(tmp_path / "plain.npz"))[0] == 0
    refused(run(parameters(tmp_path / "a.npz", **arrays)), words)


@pytest.mark.parametrize(
    "frames", [np.arange(LENGTH) * 0.5, np.full(LENGTH, np.nan), np.full(LENGTH, 1e30), np.arange(3), 10**30, "x", None]
)
def test_numbers_of_pictures_that_are_none_are_refused(run, tmp_path, frames):
    person = {"pose": np.zeros((LENGTH, 72)), "trans": np.tile([0, 0, 3.0], (LENGTH, 1)), "frame_ids": frames}
    (tmp_path / "wham.pkl").write_bytes(pickle.dumps({0: person}))
    refused(run(tmp_path / "wham.pkl"), "wham")


@pytest.mark.parametrize(
    "change",
    [
        {"time": 10**30}, {"time": float("nan")}, {"size": [(0, 0)]}, {"size": [(10**9, 10**9)]}, {"camera": [np.full(3, 1e30)]},
        {"camera": [np.full(3, np.nan)]}, {"camera": [np.zeros(2)]}, {"tid": ["x"]}, {"tracked_time": [None]},
        {"bbox": [np.zeros(2)]},
        {"smpl": [{"global_orient": np.zeros((3, 3)), "body_pose": np.zeros((23, 3, 3)), "betas": np.zeros(10)}]},
    ],
)  # fmt: skip
def test_phalp_with_impossible_numbers_is_refused(run, tmp_path, change):
    body = {"global_orient": np.eye(3), "body_pose": np.tile(np.eye(3), (23, 1, 1)), "betas": np.zeros(10)}
    entry = {"tid": [1], "tracked_time": [0], "size": [(80, 60)], "smpl": [body], "camera": [np.array([0, 0, 50.0])]}
    entries = {f"f{number}": {"time": number, **entry, **change} for number in range(LENGTH)}
    (tmp_path / "phalp.pkl").write_bytes(pickle.dumps(entries))
    refused(run(tmp_path / "phalp.pkl"), "4d-humans")


def easymocap(folder, pose=None, person=None, **picture):
    (folder / "annots").mkdir(parents=True)
    (folder / "smpl").mkdir()
    keypoints = {"personID": 0, "bbox": [5, 5, 55, 75, 1], "keypoints": POINTS.tolist(), **(person or {})}
    posed = {
        "id": 0,
        "Rh": [[3.14, 0, 0]],
        "Th": [[0, 0, 3]],
        "poses": [[0] * 72],
        "shapes": [[0] * 10],
        **(pose or {}),
    }
    for number in range(LENGTH):
        content = {"annots": [keypoints], "height": 80, "width": 60, **picture}
        (folder / f"annots/{number:06d}.json").write_text(json.dumps(content))
        (folder / f"smpl/{number:06d}.json").write_text(json.dumps([posed]))
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {"pose": {"Rh": [[float("nan"), 0, 0]]}}, {"pose": {"Rh": [[1e30, 0, 0]]}}, {"pose": {"Th": [[0, 0, 3, 0, 0, 3]]}},
        {"pose": {"Th": [[float("inf"), 0, 0]]}}, {"pose": {"poses": [[0] * 70]}}, {"pose": {"shapes": [[1e30] * 10]}},
        {"person": {"keypoints": [[1e30, 1, 1]] * 25}}, {"person": {"keypoints": [1] * 75}}, {"person": {"face2d": [1] * 70}},
        {"width": 10**7}, {"width": 0}, {"height": float("nan")}, {"width": 1e30},
    ],
)  # fmt: skip
def test_easymocap_with_impossible_numbers_is_refused(run, tmp_path, changes):
    refused(run(easymocap(tmp_path / "em", **changes)), "em")


def test_many_short_tracks_cost_no_more_for_each():
    from understudy.formats.tracks import link, main_picks

    boxes = [np.array([[0.0, 0.0, 10.0, 10.0]]) + 100 * (number % 7) for number in range(60_000)]
    picks = main_picks(link(boxes, 0.5), len(boxes))
    assert (picks == 0).all()
