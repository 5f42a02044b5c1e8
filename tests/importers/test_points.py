"""Keypoints and masks of other programs."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.support.import_sources import (
    LENGTH,
    SIZE,
    K,
    centred_at_whole,
    pictures,
    write_annots,
    write_cameras,
    write_openpose,
)  # fmt: skip
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.formats.skeleton import BODY_25
from understudy.importers.alpha import read_mask
from understudy.importers.config import ReadOptions
from understudy.importers.place import undistorted
from understudy.importers.run import import_tracking
from understudy.importers.skeletons import COCO_17, body_points
from understudy.importers.tracking import Camera
from understudy.video.config import FramesConfig


def imported(source, out, **more):
    more.setdefault("pictures", pictures(out.parent / "shown"))
    result = import_tracking(source, out, **more)
    return Keypoints.load(out / "keypoints.npz"), result


def test_openpose_from_a_video_is_counted_from_0_and_its_centres_are_whole_numbers(tmp_path, points):
    write_openpose(tmp_path / "json", points)
    keypoints, result = imported(tmp_path / "json", tmp_path / "out")
    assert result.kind == "openpose" and keypoints.names == BODY_25
    np.testing.assert_allclose(keypoints.keypoints, points, atol=1e-3)
    assert len(Frames.load(tmp_path / "out/frames.json")) == LENGTH


def test_the_person_is_the_largest_one_however_the_file_sorts_them(tmp_path, points):
    others = points.copy()
    others[..., :2] = others[..., :2] * 0.5 + [150, 10]
    write_openpose(tmp_path / "json", points, others=others)
    keypoints, result = imported(tmp_path / "json", tmp_path / "out")
    np.testing.assert_allclose(keypoints.keypoints, points, atol=1e-3)
    assert (keypoints.people == 2).all()
    assert any("2 people" in note for note in result.notes)


def test_empty_files_and_missing_ones_are_gaps(tmp_path, points):
    write_openpose(tmp_path / "json", points, empty=(3, 4))
    (tmp_path / "json/clip_000000000011_keypoints.json").unlink()
    keypoints, result = imported(tmp_path / "json", tmp_path / "out")
    assert keypoints.interpolated.nonzero()[0].tolist() == [3, 4]
    assert not keypoints.keypoints[11].any() and not keypoints.bbox[11].any()
    assert (keypoints.keypoints[[3, 4], :, 2] == 0).all()
    np.testing.assert_allclose(keypoints.keypoints[3, 2, :2], points[3, 2, :2], atol=3.0)
    assert any("9 of 12" in note for note in result.notes)


def test_keypoints_follow_frames_that_are_scaled_down(tmp_path, points):
    write_openpose(tmp_path / "json", points)
    keypoints, _ = imported(tmp_path / "json", tmp_path / "out", frames_config=FramesConfig(max_size=160))
    np.testing.assert_allclose(keypoints.keypoints[..., :2], points[..., :2] / 2, atol=1e-3)


@pytest.mark.parametrize("start", [0, 1])
def test_openpose_from_images_goes_by_their_names(tmp_path, points, start):
    names = [f"frame_{start + index}.png" for index in range(LENGTH)]
    write_openpose(tmp_path / "json", points, name="frame_{}_keypoints.json", start=start)
    keypoints, _ = imported(tmp_path / "json", tmp_path / "out", pictures=pictures(tmp_path / "named", names))
    np.testing.assert_allclose(keypoints.keypoints, points, atol=1e-3)


def test_openpose_counted_from_1_onto_frames_that_are_there_already(tmp_path, points):
    write_openpose(tmp_path / "json", points, start=1)
    pictures(tmp_path / "shown")
    from understudy.video.decode import extract_frames

    extract_frames(tmp_path / "shown", tmp_path / "out/frames", tmp_path / "out/frames.json", FramesConfig())
    before = (tmp_path / "out/frames.json").read_bytes()
    with pytest.raises(InputError, match="how large"):
        imported(tmp_path / "json", tmp_path / "out", pictures=None)
    keypoints, _ = imported(tmp_path / "json", tmp_path / "out", pictures=None, options=ReadOptions(size=SIZE))
    np.testing.assert_allclose(keypoints.keypoints, points, atol=1e-3)
    assert (tmp_path / "out/frames.json").read_bytes() == before
    keypoints, _ = imported(tmp_path / "json", tmp_path / "out", pictures=None, options=ReadOptions(first=0, size=SIZE))
    np.testing.assert_allclose(keypoints.keypoints[1:], points[:-1], atol=1e-3)


def test_places_from_0_to_1_are_refused(tmp_path, points):
    write_openpose(tmp_path / "json", points * [1 / 320, 1 / 240, 1])
    with pytest.raises(InputError, match="keypoint_scale 0"):
        imported(tmp_path / "json", tmp_path / "out")


def test_hands_and_face_give_knuckles_and_mouth(tmp_path):
    folder = tmp_path / "json"
    folder.mkdir()
    body = np.tile([100.0, 100.0, 0.9], (25, 1))
    body[0, :2] = 120, 20
    hand = np.stack([np.arange(21.0), np.arange(21.0) + 50, np.ones(21)], axis=1)
    face = np.stack([np.arange(70.0), np.arange(70.0), np.ones(70)], axis=1)
    person = {
        "pose_keypoints_2d": body.ravel().tolist(), "hand_left_keypoints_2d": hand.ravel().tolist(),
        "hand_right_keypoints_2d": (hand * 2).ravel().tolist(), "face_keypoints_2d": face.ravel().tolist(),
    }  # fmt: skip
    for index in range(LENGTH):
        (folder / f"a_{index:012d}_keypoints.json").write_text(json.dumps({"people": [person]}))
    keypoints, _ = imported(folder, tmp_path / "out")
    at = {name: keypoints.keypoints[0, index] for index, name in enumerate(keypoints.names)}
    assert at["left_index"][:2].tolist() == [5.5, 55.5] and at["right_pinky"][:2].tolist() == [34.5, 134.5]
    assert at["mouth_right"][0] == 48.5 and at["left_eye_outer"][0] == 45.5


def test_coco_left_is_the_persons_left_and_the_middles_are_between():
    coco = np.zeros((17, 3))
    for index, name in enumerate(COCO_17):
        coco[index] = [10.0 if "left" in name else -10.0, index, 0.5 + 0.01 * index]
    points = body_points(coco, "here")
    at = {name: points[index] for index, name in enumerate(BODY_25)}
    assert at["left_wrist"].tolist() == coco[9].tolist() and at["right_ankle"].tolist() == coco[16].tolist()
    assert at["neck"].tolist() == [0.0, 5.5, coco[5, 2]] and at["mid_hip"].tolist() == [0.0, 11.5, coco[11, 2]]
    assert not at["left_heel"].any()


def test_a_point_that_is_not_seen_gives_no_middle():
    coco = np.full((17, 3), 0.8)
    coco[5] = 0.0
    assert not body_points(coco, "here")[BODY_25.index("neck")].any()


def test_unknown_skeletons_are_refused():
    with pytest.raises(InputError, match="14 keypoints"):
        body_points(np.zeros((14, 3)), "here")


def test_alphapose_lists_people_by_picture(tmp_path, points):
    order = [BODY_25.index(name) for name in COCO_17]
    entries = []
    for index in range(LENGTH):
        own = (points[index, order] - [0.5, 0.5, 0]) * [1, 1, 1.4]  # confidences above 1 happen
        other = own * [0.4, 0.4, 1]
        for person in (other, own):
            box = [*person[:, :2].min(axis=0), *np.ptp(person[:, :2], axis=0)]
            entries.append({"image_id": f"{index}.jpg", "category_id": 1, "keypoints": person.ravel().tolist(), "score": 2.9,
                            "box": list(map(float, box)), "idx": [0.0]})  # fmt: skip
    (tmp_path / "alphapose-results.json").write_text(json.dumps(entries))
    keypoints, result = imported(tmp_path / "alphapose-results.json", tmp_path / "out")
    assert result.kind == "alphapose"
    np.testing.assert_allclose(keypoints.keypoints[:, order, :2], points[:, order, :2], atol=1e-3)
    assert keypoints.keypoints[..., 2].max() <= 1.0


def test_easymocaps_keypoints_on_a_lens_with_distortion(tmp_path, points):
    """Keypoints are of the distorted pictures; frames and points come out without the lens."""
    import cv2

    lens = np.array([-0.25, 0.08, 0.001, -0.002, 0.0])
    whole = centred_at_whole()
    rays = np.concatenate([(points[..., :2] - K[:2, 2]) / [K[0, 0], K[1, 1]], np.ones((LENGTH, 25, 1))], axis=-1)
    bent = cv2.projectPoints(rays.reshape(-1, 3), np.zeros(3), np.zeros(3), whole, lens)[0].reshape(LENGTH, 25, 2) + 0.5
    bent = np.concatenate([bent, points[..., 2:]], axis=-1) * (points[..., 2:] > 0)
    assert np.abs(bent - points).max() > 0.5
    source = tmp_path / "mocap"
    write_annots(source / "annots/0", bent)
    write_cameras(source, {"0": (whole, lens, np.eye(3), np.zeros(3))})
    pictures(source / "images/0")
    keypoints, result = imported(source, tmp_path / "out", pictures=None)
    assert result.kind == "easymocap"
    np.testing.assert_allclose(keypoints.keypoints, points, atol=0.02)
    np.testing.assert_allclose(Frames.load(tmp_path / "out/frames.json").K, K, atol=1e-9)
    camera = Camera(K, SIZE, tuple(lens))
    np.testing.assert_allclose(undistorted(bent[0, 1:4, :2], camera), points[0, 1:4, :2], atol=0.02)


def test_a_lens_needs_the_pictures(tmp_path, points):
    source = tmp_path / "mocap"
    write_annots(source / "annots/0", points)
    write_cameras(source, {"0": (centred_at_whole(), np.array([-0.2, 0, 0, 0, 0]), np.eye(3), np.zeros(3))})
    from understudy.video.decode import extract_frames

    extract_frames(pictures(tmp_path / "shown"), tmp_path / "out/frames", tmp_path / "out/frames.json", FramesConfig())
    with pytest.raises(InputError, match="distortion"):
        imported(source, tmp_path / "out", pictures=None)


def test_keypoints_of_larger_pictures_are_scaled(tmp_path, points):
    write_annots(tmp_path / "mocap/annots", points * [2, 2, 1], size=(640, 480))
    keypoints, _ = imported(tmp_path / "mocap", tmp_path / "out")
    np.testing.assert_allclose(keypoints.keypoints, points, atol=1e-3)


def test_pictures_of_another_shape_are_refused(tmp_path, points):
    write_annots(tmp_path / "mocap/annots", points, size=(480, 640))
    with pytest.raises(InputError, match="480x640"):
        imported(tmp_path / "mocap", tmp_path / "out")


def test_masks_come_along_and_labels_are_the_person(tmp_path, points):
    source = tmp_path / "mocap"
    write_annots(source / "annots/0", points)
    (source / "mask/0").mkdir(parents=True)
    for index in range(LENGTH):
        labels = np.zeros(SIZE[::-1], np.uint8)
        labels[20:50, 30:60] = 13
        Image.fromarray(labels).save(source / "mask/0" / f"{index:06d}.png")
    _, result = imported(source, tmp_path / "out", frames_config=FramesConfig(max_size=160))
    assert tmp_path / "out/alpha" in result.files
    alpha = read_alpha(tmp_path / "out/alpha", 3)
    assert alpha.shape == (120, 160) and alpha[15, 20] == 255 and alpha[5, 5] == 0
    (source / "mask/0/000004.png").unlink()
    _, result = imported(source, tmp_path / "again")
    assert not (tmp_path / "again/alpha").exists() and any("11 of 12" in note for note in result.notes)


def test_masks_of_every_kind(tmp_path):
    soft = np.array([[0, 128, 255]], np.uint8)
    Image.fromarray(soft).save(tmp_path / "soft.png")
    np.save(tmp_path / "one.npy", np.array([[0.0, 0.5, 1.0]]))
    np.save(tmp_path / "bool.npy", np.array([[False, True, True]]))
    Image.fromarray(np.array([[[0, 0, 0], [128, 0, 0], [0, 64, 0]]], np.uint8)).save(tmp_path / "colours.png")
    Image.fromarray(np.repeat(soft[..., None], 3, axis=-1)).save(tmp_path / "grey.png")
    for name, expected in (("soft.png", [0, 128, 255]), ("one.npy", [0, 128, 255]), ("bool.npy", [0, 255, 255]),
                           ("colours.png", [0, 255, 255]), ("grey.png", [0, 128, 255])):  # fmt: skip
        assert read_mask(tmp_path / name)[0].tolist() == expected, name


def test_without_pictures_or_frames_the_user_is_asked_for_them(tmp_path, points):
    write_openpose(tmp_path / "json", points)
    with pytest.raises(InputError, match="pictures"):
        imported(tmp_path / "json", tmp_path / "out", pictures=None)
