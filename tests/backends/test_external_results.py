"""Backends that read what other programs found, or run these programs: OpenPose's and EasyMocap's points and poses."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.import_sources import (
    LENGTH,
    SIZE,
    K,
    body_25,
    centred_at_whole,
    pictures,
    pixels,
    rh_th,
    track_joints,
    write_annots,
    write_cameras,
    write_easymocap_poses,
    write_openpose,
)
from understudy.backends.easymocap_program import _python
from understudy.backends.external_results import rows_of
from understudy.backends.protocols import Pose, Region
from understudy.backends.registry import open_backend
from understudy.errors import InputError
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25, INDEX, KEYPOINTS
from understudy.keypoints.config import KeypointsConfig
from understudy.keypoints.detect import detect_keypoints
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames

SMALL = (SIZE[0] // 2, SIZE[1] // 2)
CONFIG = KeypointsConfig(min_height=10)


def frames_of(folder, **options):
    """Frames of made-up pictures of 320x240 px."""
    return extract_frames(
        pictures(folder / "shown"), folder / "frames", folder / "frames.json", FramesConfig(**options)
    )


def read(name, files, frames):
    return detect_keypoints(frames, replace(CONFIG, backend=name), files=files)


def test_frames_know_how_large_the_videos_pictures_were(tmp_path):
    frames = frames_of(tmp_path, max_size=160)
    assert frames.source_size == SIZE and (frames.width, frames.height) == SMALL
    assert Frames.load(tmp_path / "frames.json").source_size == SIZE
    old = json.loads((tmp_path / "frames.json").read_text())
    del old["source_size"]
    (tmp_path / "frames.json").write_text(json.dumps(old))
    assert Frames.load(tmp_path / "frames.json").source_size is None


@pytest.mark.parametrize(("numbers", "found", "rows"), [
    ((0, 1, 2), (0, 2), (0, -1, 1)),  # one for each of the three frames
    ((1, 2, 3), (1, 3), (0, -1, 1)),
    (range(20), (3, 7, 11), (0, 1, 2)),  # one for each picture of the video
    (range(1, 21), (4, 12), (0, -1, 1)),
    ((3, 11, 19), (3, 11), (0, -1, 1)),  # only those with the person
])  # fmt: skip
def test_numbers_are_of_the_frames_or_of_the_videos_pictures(numbers, found, rows):
    frames = Frames(Path(), 10.0, 8, 8, "a.mp4", "", np.array([3, 7, 11]), np.eye(3), "default")
    assert rows_of(np.array(found), set(numbers), frames).tolist() == list(rows)


class Walker:
    """Stands for our own backend: a person of all 37 points who goes to the right and turns round, away in ``lost`` frames."""

    name = "walker"

    def __init__(self, lost=()):
        random = np.random.default_rng(3)
        self.lost, self.frame = lost, {}
        self.figure = random.uniform((-30, -60), (30, 90), (len(KEYPOINTS), 2))
        self.figure[INDEX["nose"]] = 0, -90
        self.confidence = random.uniform(0.31, 1.0, (LENGTH, len(KEYPOINTS)))
        self.confidence[:, INDEX["left_ear"]] = self.confidence[4, INDEX["right_thumb"]] = 0.0

    def _number(self, image):
        return round(float(image.mean()) / 10)

    def find_people(self, image):
        frame = self._number(image)
        return [] if frame in self.lost else [Region(80.0 + 5 * frame, 120.0, 220.0)]

    def find_pose(self, image, region):
        frame = self._number(image)
        if frame in self.lost:
            return None
        points = np.zeros((len(KEYPOINTS), 3), np.float32)
        points[:, :2] = self.figure + (80.0 + 5 * frame, 120.0)
        points[:, 2] = self.confidence[frame]
        points[points[:, 2] == 0] = 0
        world = np.zeros_like(points)
        side = np.array([0.2 if "left" in name else -0.2 if "right" in name else 0.0 for name in KEYPOINTS])
        turn = 2 * np.pi * frame / LENGTH
        world[:, 0], world[:, 2] = side * np.cos(turn), side * np.sin(turn)
        world[INDEX["neck"], 1] = -0.5
        return Pose(points, world)

    def close(self):
        pass


HAND = {"thumb": 2, "index": 5, "pinky": 17}
FACE = {"right_eye_outer": 36, "right_eye_inner": 39, "left_eye_inner": 42, "left_eye_outer": 45, "mouth_right": 48,
        "mouth_left": 54}  # fmt: skip


def openpose_person(points):
    """A person as OpenPose writes one, with six digits: places from 0 at the first pixel's centre."""
    points = points.astype(np.float64) - [0.5, 0.5, 0.0]
    points[points[:, 2] <= 0] = 0.0
    at = dict(zip(KEYPOINTS, points, strict=True))
    parts = {"pose": [at[name] for name in BODY_25], "face": [np.zeros(3)] * 70}
    for name, place in FACE.items():
        parts["face"][place] = at[name]
    for side in ("left", "right"):
        parts[f"hand_{side}"] = [np.zeros(3)] * 21
        for name, place in HAND.items():
            parts[f"hand_{side}"][place] = at[f"{side}_{name}"]
    flat = {f"{name}_keypoints_2d": [float(f"{x:.6g}") for x in np.ravel(rows)] for name, rows in parts.items()}
    return {"person_id": [-1], **flat}


@pytest.mark.parametrize("name", ["{:06d}_keypoints.json", "clip_{:012d}_keypoints.json"])
def test_our_own_keypoints_written_as_openpose_does_come_back_as_they_were(tmp_path, monkeypatch, name):
    """Points, boxes and gaps are the same to OpenPose's six digits; the 3D guess is what its format cannot carry."""
    frames = frames_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("understudy.keypoints.detect.open_backend", lambda *given: Walker(lost=(2, 3)))
        own = detect_keypoints(frames, CONFIG)
    own.save(tmp_path / "keypoints.npz")
    own = Keypoints.load(tmp_path / "keypoints.npz")
    (tmp_path / "json").mkdir()
    for index, row in enumerate(own.keypoints):
        people = [openpose_person(row)] if (row[:, 2] > 0).any() else []
        (tmp_path / "json" / name.format(index)).write_text(json.dumps({"version": 1.3, "people": people}))
    given = read("openpose", tmp_path / "json", frames)
    assert given.names == own.names == KEYPOINTS and given.backend == "openpose"
    seen = own.keypoints[..., 2] > 0
    assert seen[:, INDEX["mouth_left"]].sum() == LENGTH - 2 and not seen[:, INDEX["left_ear"]].any()
    np.testing.assert_allclose(given.keypoints, own.keypoints, atol=6e-4)
    np.testing.assert_allclose(given.bbox, own.bbox, atol=1e-3)
    np.testing.assert_array_equal(given.interpolated, own.interpolated)
    assert own.interpolated.nonzero()[0].tolist() == [2, 3]
    assert own.keypoints[6, INDEX["nose"], 2] < 0.1  # from behind; the box holds the head all the same
    assert (own.bbox[[0, 6], 1] < 30).all()
    assert own.world.any() and not given.world.any()


def test_openposes_points_of_a_larger_video_with_more_pictures_find_their_frames(tmp_path, points):
    frames = frames_of(tmp_path, max_size=160, start=0.1)
    assert frames.source_frames.tolist() == list(range(3, 12))
    write_openpose(tmp_path / "json", points)
    given = read("openpose", tmp_path / "json", frames)
    np.testing.assert_allclose(given.keypoints[:, :25], points[3:] * [0.5, 0.5, 1], atol=1e-3)


def cropped_frames(folder, corner=(40, 20), size=(200, 180)):
    """Frames that are a part of the same pictures."""
    box = np.array([*corner, *np.add(corner, size)], float)

    def find(image):
        return [np.array([box[0] + 36, box[1] + 30, box[2] - 36, box[3] - 30]) * image.shape[1] / SIZE[0]]

    options = FramesConfig(start=0.1)
    return extract_frames(pictures(folder / "shown"), folder / "frames", folder / "frames.json", options, find)


def test_openposes_points_of_a_whole_video_are_placed_in_cropped_frames(tmp_path, points):
    frames = cropped_frames(tmp_path)
    assert frames.crop[0] > 20 and frames.crop[1] > 10
    write_openpose(tmp_path / "json", points)
    given = read("openpose", tmp_path / "json", frames)
    there = points[3:, :, :2] - frames.crop[:2]
    seen = points[3:, :, 2] > 0
    np.testing.assert_allclose(given.keypoints[:, :25, :2][seen], there[seen], atol=1.0)


def test_openposes_points_of_the_frames_themselves_are_in_px_of_these(tmp_path, points):
    frames = frames_of(tmp_path, max_size=160, start=0.1)
    write_openpose(tmp_path / "json", points[3:] * [0.5, 0.5, 1], name="{:06d}_keypoints.json")
    given = read("openpose", tmp_path / "json", frames)
    np.testing.assert_allclose(given.keypoints[:, :25], points[3:] * [0.5, 0.5, 1], atol=1e-3)


def test_openposes_points_of_images_that_are_called_as_frames_are_in_px_of_the_images(tmp_path, points):
    frames = frames_of(tmp_path, max_size=160)
    write_openpose(tmp_path / "json", points, name="{:06d}_keypoints.json")
    assert (points[..., 0] > frames.width).any()
    given = read("openpose", tmp_path / "json", frames)
    np.testing.assert_allclose(given.keypoints[:, :25], points * [0.5, 0.5, 1], atol=1e-3)


def test_the_largest_person_is_taken_and_frames_without_them_are_gaps(tmp_path, points):
    others = points.copy()
    others[..., :2] = others[..., :2] * 0.5 + [150, 10]
    write_openpose(tmp_path / "json", points, others=others, empty=(3,))
    given = read("openpose", tmp_path / "json", frames_of(tmp_path))
    assert given.interpolated.nonzero()[0].tolist() == [3]
    np.testing.assert_allclose(np.delete(given.keypoints[:, :25], 3, 0), np.delete(points, 3, 0), atol=1e-3)


def test_a_folder_without_results_is_refused_in_one_sentence(tmp_path, points):
    frames = frames_of(tmp_path)
    with pytest.raises(InputError, match="name their folder in keypoints.files"):
        read("openpose", None, frames)
    with pytest.raises(InputError, match="there is no file or folder"):
        read("openpose", tmp_path / "none", frames)
    with pytest.raises(InputError, match="no json files"):
        read("openpose", tmp_path / "frames", frames)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="neither annots"):
        read("easymocap", tmp_path / "empty", frames)
    write_openpose(tmp_path / "json", points, start=500)
    with pytest.raises(InputError, match="None of the 12 frames"):
        read("openpose", tmp_path / "json", replace(frames, source_frames=np.arange(12) * 2))
    write_annots(tmp_path / "mocap/annots/0", points)
    with pytest.raises(InputError, match=r"no smpl/\*.json"):
        open_backend("fitting", "easymocap", files=tmp_path / "mocap").read_track(frames, None, None)
    write_cameras(tmp_path / "mocap", {"0": (centred_at_whole(), np.array([0.1, 0, 0, 0, 0]), np.eye(3), np.zeros(3))})
    with pytest.raises(InputError, match="lens with distortion"):
        read("easymocap", tmp_path / "mocap", frames)


@pytest.mark.parametrize("size", [SIZE, SMALL])
def test_easymocaps_points_say_the_size_of_their_pictures(tmp_path, points, size):
    factor = size[0] / SIZE[0]
    write_annots(tmp_path / "mocap/annots", points * [factor, factor, 1], size=size)
    given = read("easymocap", tmp_path / "mocap", frames_of(tmp_path))
    np.testing.assert_allclose(given.keypoints[:, :25], points, atol=2e-3)


def default_frames(folder, **options):
    """Frames by the camera that EasyMocap takes where there is none."""
    return frames_of(folder, focal_px=1.2 * min(SIZE), **options)


def fitted(files, frames, known):
    length = len(frames)
    keypoints = Keypoints(
        keypoints=np.zeros((length, 25, 3), np.float32), names=BODY_25, bbox=np.zeros((length, 4)), backend="none",
        world=np.zeros((length, 25, 3)), interpolated=np.zeros(length, bool), swapped=np.zeros(length, bool),
        people=np.ones(length, int),
    )  # fmt: skip
    return fit_body(keypoints, frames, Path(), known.body, FittingConfig(backend="easymocap"), files=files)


def test_easymocaps_poses_are_on_the_frames_of_the_video(tmp_path, known):
    frames = default_frames(tmp_path, start=0.1)
    Rh, Th = rh_th(known)
    write_easymocap_poses(tmp_path / "mocap/output-smpl/smpl", Rh, Th, known.body_pose, known.betas)
    track = fitted(tmp_path / "mocap", frames, known)
    assert track.valid.all() and track.body_model == (known.body.name, known.body.sha256)
    np.testing.assert_allclose(track_joints(known.body, track), known.joints()[3:], atol=1e-4)
    np.testing.assert_array_equal(track.K, frames.K)


def test_easymocaps_poses_of_a_whole_video_stay_where_they_are_in_cropped_frames(tmp_path, known):
    frames = cropped_frames(tmp_path)
    Rh, Th = rh_th(known)
    write_easymocap_poses(tmp_path / "mocap/output-smpl/smpl", Rh, Th, known.body_pose, known.betas)
    write_cameras(tmp_path / "mocap", {"1": (centred_at_whole(K), np.zeros(5), np.eye(3), np.zeros(3))})
    track = fitted(tmp_path / "mocap", frames, known)
    seen, truth = (
        joints @ camera.T for joints, camera in ((track_joints(known.body, track), track.K), (known.joints()[3:], K))
    )
    seen, truth = (pixels[..., :2] / pixels[..., 2:] for pixels in (seen, truth))
    np.testing.assert_allclose(seen, frames.placement(SIZE).points(truth), atol=1.0)


def test_poses_of_the_frames_themselves_are_of_these_also_where_the_person_is_missing(tmp_path, known):
    frames = default_frames(tmp_path, start=0.1)
    Rh, Th = rh_th(known)
    folder = tmp_path / "mocap/smpl"
    write_easymocap_poses(folder, Rh[3:], Th[3:], known.body_pose[3:], known.betas)
    (folder / "000004.json").write_text("[]")
    track = fitted(tmp_path / "mocap", frames, known)
    assert track.valid.tolist() == [index != 4 for index in range(9)]
    seen, truth = track_joints(known.body, track), known.joints()[3:]
    np.testing.assert_allclose(seen[track.valid], truth[track.valid], atol=1e-4)


@pytest.mark.parametrize("guessed", [True, False])
def test_a_calibrated_camera_is_kept_where_that_of_the_frames_is_a_guess(tmp_path, known, guessed):
    frames = frames_of(tmp_path, **({} if guessed else {"focal_px": 500.0}))
    Rh, Th = rh_th(known)
    write_easymocap_poses(tmp_path / "mocap/smpl", Rh, Th, known.body_pose, known.betas)
    write_annots(tmp_path / "mocap/annots/0", body_25(known))
    write_cameras(tmp_path / "mocap", {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    track = fitted(tmp_path / "mocap", frames, known)
    np.testing.assert_allclose(track.K, K if guessed else frames.K, atol=1e-9)
    seen, truth_seen = pixels(track_joints(known.body, track), track.K), pixels(known.joints())
    np.testing.assert_allclose(seen[:, 0], truth_seen[:, 0], atol=0.05)
    if guessed:
        np.testing.assert_allclose(track_joints(known.body, track), known.joints(), atol=1e-4)


def program(folder, known, points):
    """A checkout of EasyMocap whose programs write the truth for the pictures that they are shown."""
    Rh, Th = rh_th(known)
    poses = {"Rh": Rh, "Th": Th, "poses": known.body_pose}
    (folder / "apps/preprocess").mkdir(parents=True)
    (folder / "apps/mocap").mkdir()
    for name in (
        "data/models/yolov4.weights", "data/models/pose_hrnet_w48_384x288.pth", "config/1v1p/hrnet_pare_finetune.yml",
        "models/pare/data/body_models/smpl/SMPL_NEUTRAL.pkl", "models/J_regressor_body25.npy", "easymocap.py",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    known_json = {key: value.tolist() for key, value in (*poses.items(), ("betas", known.betas), ("points", points))}
    (folder / "truth.json").write_text(json.dumps(known_json))
    (folder / "apps/preprocess/extract_keypoints.py").write_text(
        """
import json, sys, easymocap
from pathlib import Path
root, *options = sys.argv[1:]
assert options == ["--mode", "yolo-hrnet"], options
known = json.loads(Path("truth.json").read_text())
out = Path(root, "annots/video")
out.mkdir(parents=True)
for path in Path(root, "images/video").glob("*.jpg"):
    assert path.stat().st_size
    points = [[x - 0.5, y - 0.5, c] if c else [0, 0, 0] for x, y, c in known["points"][int(path.stem)]]
    seen = [point for point in points if point[2]]
    box = [min(p[0] for p in seen), min(p[1] for p in seen), max(p[0] for p in seen), max(p[1] for p in seen), 1]
    people = [{"personID": 0, "bbox": box, "keypoints": points}]
    (out / f"{path.stem}.json").write_text(json.dumps({"height": 240, "width": 320, "annots": people}))
"""
    )
    (folder / "apps/mocap/run.py").write_text(
        """
import json, easymocap
from argparse import ArgumentParser
from pathlib import Path
parser = ArgumentParser()
for name in ("--data", "--exp", "--root", "--subs", "--out"):
    parser.add_argument(name)
parser.add_argument("--ranges", nargs=3, type=int)
parser.add_argument("--skip_vis", action="store_true")
given = parser.parse_args()
assert given.data == "config/datasets/svimage.yml" and given.exp == "config/1v1p/hrnet_pare_finetune.yml"
assert given.subs == "video" and given.skip_vis and len(list(Path(given.root, "images/video").iterdir())) == given.ranges[1]
known = json.loads(Path("truth.json").read_text())
out = Path(given.out, "smpl")
out.mkdir(parents=True)
for index in range(*given.ranges):
    person = {key: [known[key][index]] for key in ("Rh", "Th", "poses")}
    (out / f"{index:06d}.json").write_text(json.dumps([{"id": 0, "shapes": [known["betas"]], **person}]))
print("done")
"""
    )
    return folder


def test_easymocaps_programs_are_run_on_the_frames(tmp_path, monkeypatch, known, points):
    monkeypatch.setenv("EASYMOCAP_PYTHON", sys.executable)
    frames, folder = default_frames(tmp_path), program(tmp_path / "EasyMocap", known, points)
    given = read("easymocap", folder, frames)
    np.testing.assert_allclose(given.keypoints[:, :25], points, atol=1e-3)
    track = fitted(folder, frames, known)
    np.testing.assert_allclose(track_joints(known.body, track), known.joints(), atol=1e-4)


def test_what_easymocap_lacks_is_said_in_one_sentence(tmp_path, monkeypatch, known, points):
    frames, folder = default_frames(tmp_path), program(tmp_path / "EasyMocap", known, points)
    monkeypatch.delenv("EASYMOCAP_PYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="set EASYMOCAP_PYTHON"):
        read("easymocap", folder, frames)
    monkeypatch.chdir(tmp_path)  # a relative path is one from here, not from the checkout
    (tmp_path / "mine").symlink_to(sys.executable)
    monkeypatch.setenv("EASYMOCAP_PYTHON", "./mine")
    assert _python(folder) == tmp_path / "mine"
    monkeypatch.setenv("EASYMOCAP_PYTHON", str(tmp_path / "none/python"))
    with pytest.raises(InputError, match="cannot be run"):
        read("easymocap", folder, frames)
    monkeypatch.setenv("EASYMOCAP_PYTHON", sys.executable)
    (folder / "apps/mocap/run.py").write_text("print('first')\nraise SystemExit('no GPU')")
    with pytest.raises(InputError, match=r"EasyMocap's apps.mocap.run failed: no GPU\."):
        fitted(folder, frames, known)
    (folder / "data/models/yolov4.weights").unlink()
    with pytest.raises(InputError, match="lacks data/models/yolov4.weights"):
        read("easymocap", folder, frames)
    (folder / "models/J_regressor_body25.npy").unlink()
    with pytest.raises(InputError, match="lacks models/J_regressor_body25.npy"):
        fitted(folder, frames, known)
