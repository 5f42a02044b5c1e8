"""Mattes: better than a coarse mask where the picture is clear, and modest where it is not."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.support.scenes import film
from understudy.errors import InputError
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import UNKNOWN, mask_path, read_alpha, read_trimap, write_alpha
from understudy.formats.skeleton import KEYPOINTS
from understudy.matting.appearance import learn_appearance
from understudy.matting.colours import REGIONS
from understudy.matting.config import MattingConfig
from understudy.matting.looks import look_at
from understudy.matting.matting import evidence, neighbour_ties, refine, sure_pixels
from understudy.matting.refine import refine_mattes
from understudy.metrics.masks import iou

TURNS = [0.0, 0.4, 0.8, 1.2, 1.6]


def reddish(vertices):
    return np.array([200.0, 60.0, 60.0]) + 30.0 * np.sin(9 * vertices)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The made-up person in red before green, its exact masks, and coarse ones as a small network would give them."""
    filmed = film(tmp_path_factory.mktemp("mattes"), TURNS, reddish, size=(320, 440))
    coarse = filmed.frames.folder.parent / "coarse"
    coarse.mkdir()
    for index in range(len(TURNS)):
        write_alpha(coarse, index, blurred(read_alpha(filmed.alpha_folder, index)))
    return filmed, coarse


def blurred(alpha):
    """A mask at a quarter of its resolution, shifted by a px."""
    small = cv2.resize(alpha, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return np.roll(cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR), 1, axis=1)


def no_keypoints(count):
    nothing = np.zeros((count, len(KEYPOINTS), 3), np.float32)
    flags = np.zeros(count, bool)
    return Keypoints(nothing, KEYPOINTS, np.zeros((count, 4)), "none", nothing, flags, flags, np.ones(count, int))


def refined(scene, coarse, folder, config=MattingConfig(), threads=1, **changes):  # noqa: B008
    track = replace(scene.track, **changes)
    folders = folder / "matte", folder / "trimap"
    refine_mattes(
        scene.frames, coarse, no_keypoints(len(track)), track, scene.body, *folders, config=config, threads=threads
    )
    return [
        [read(place, i) for i in range(len(track))]
        for read, place in zip((read_alpha, read_trimap), folders, strict=True)
    ]


def true_masks(scene):
    return [read_alpha(scene.alpha_folder, i) > 127 for i in range(len(scene.frames))]


def test_mattes_come_nearer_to_the_truth_and_the_trimap_holds_most_of_what_is_left(scene, tmp_path):
    filmed, coarse = scene
    mattes, trimaps = refined(filmed, coarse, tmp_path)
    for i, true in enumerate(true_masks(filmed)):
        before, after = iou(read_alpha(coarse, i) > 127, true), iou(mattes[i] > 127, true)
        assert before < 0.95 and after > 0.98
        wrong, sure = (mattes[i] > 127) != true, trimaps[i] != UNKNOWN
        assert np.count_nonzero(wrong & sure) < 0.002 * np.count_nonzero(true)
        assert np.count_nonzero(~sure) < 0.4 * np.count_nonzero(true)
        np.testing.assert_array_equal(trimaps[i][sure] == 255, mattes[i][sure] > 127)


def test_threads_do_not_change_the_result(scene, tmp_path):
    filmed, coarse = scene
    one, two = (refined(filmed, coarse, tmp_path / str(threads), threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_an_absurd_body_does_not_spoil_the_mask(scene, tmp_path):
    filmed, coarse = scene
    aside = filmed.track.transl + np.array([0.8, 0, 0], np.float32)
    mattes, _ = refined(filmed, coarse, tmp_path, transl=aside)
    assert np.mean([iou(matte > 127, true) for matte, true in zip(mattes, true_masks(filmed), strict=True)]) > 0.97


def test_the_bodys_outline_counts_only_where_the_pose_is_valid_and_meets_the_mask(scene):
    filmed, coarse = scene
    look = look_at(filmed.frames, coarse, filmed.track, filmed.body, 1)
    assert np.abs(look.body - look.inner).max() > 0.005
    lowest = np.flatnonzero((look.inner > 0).any(axis=1))[-3:]
    assert (look.region[lowest] == REGIONS.index(("left_foot", "right_foot"))).all()
    aside = filmed.track.transl + np.array([0.8, 0, 0], np.float32)
    invalid = np.ones(len(TURNS), bool)
    invalid[1] = False
    for changes in ({"transl": aside}, {"valid": invalid}):
        look = look_at(filmed.frames, coarse, replace(filmed.track, **changes), filmed.body, 1)
        np.testing.assert_array_equal(look.body, look.inner)


def test_a_frame_out_of_the_row_keeps_its_coarse_mask_and_is_unsure_where_they_differ(scene, tmp_path):
    filmed, coarse = scene
    config = MattingConfig(tolerance=10.0, agreement=0.9999)
    mattes, trimaps = refined(filmed, coarse, tmp_path, config)
    hoped, _ = refined(filmed, coarse, tmp_path / "free", MattingConfig(agreement=0.0))
    for i in range(len(TURNS)):
        mask = read_alpha(coarse, i)
        np.testing.assert_array_equal(mattes[i], mask)
        assert (trimaps[i][(mask > 127) != (hoped[i] > 127)] == UNKNOWN).all()


def test_frames_without_the_person_are_empty(scene, tmp_path):
    filmed, coarse = scene
    some = tmp_path / "some"
    some.mkdir()
    for i in range(len(TURNS)):
        write_alpha(some, i, read_alpha(coarse, i) * (i != 2))
    mattes, trimaps = refined(filmed, some, tmp_path)
    assert not mattes[2].any() and not trimaps[2].any()
    assert mattes[1].any() and mattes[3].any()


def test_the_empty_scene_speaks_against_the_person_where_the_picture_equals_it(scene):
    filmed, coarse = scene
    appearance = learn_appearance(filmed.frames, coarse, filmed.track, filmed.body, samples=5, threads=1)
    assert appearance.plate.jitter < 3 and appearance.plate.known.mean() > 0.6
    look = look_at(filmed.frames, coarse, filmed.track, filmed.body, 1)
    surely = sure_pixels(look)
    band = np.argwhere(surely == 0).astype(np.int32)
    features = evidence(look, appearance, surely, band)
    true = true_masks(filmed)[1][look.window][tuple(band.T)]
    known = features[:, 6] > 0
    assert known.any() and not known.all()
    assert np.median(features[known & true, 5]) > 3 and np.median(features[known & ~true, 5]) < -3
    assert np.median(features[~known & true, 4]) > 3 and np.median(features[~known & ~true, 4]) < -2
    assert features[true, 8].mean() > 1 and features[~true, 8].mean() < -1


@pytest.mark.parametrize("light", [0.85, 1.15])
def test_the_empty_scene_is_known_again_in_other_light(scene, light):
    filmed, coarse = scene
    appearance = learn_appearance(filmed.frames, coarse, filmed.track, filmed.body, samples=5, threads=1)
    look = look_at(filmed.frames, coarse, filmed.track, filmed.body, 1)
    look = replace(look, image=(look.image * light).clip(0, 255).astype(np.uint8))
    surely = sure_pixels(look)
    band = np.argwhere(surely == 0).astype(np.int32)
    features = evidence(look, appearance, surely, band)
    empty = (features[:, 6] > 0) & ~true_masks(filmed)[1][look.window][tuple(band.T)]
    assert np.median(features[empty, 5]) < -3


def test_the_outline_and_what_weak_evidence_leaves_open_is_unknown(scene):
    filmed, coarse = scene
    appearance = learn_appearance(filmed.frames, coarse, filmed.track, filmed.body, samples=5, threads=1)
    look = look_at(filmed.frames, coarse, filmed.track, filmed.body, 1)
    points = no_keypoints(1).keypoints[0]
    matte, near = refine(look, appearance, points, MattingConfig(doubt=0.0))
    mask = (matte > 0.5).astype(np.uint8)
    rim = mask > cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    assert near[rim].mean() > 0.95 and near.sum() < 3 * rim.sum()
    _, all_open = refine(look, appearance, points, MattingConfig(doubt=1e6))
    assert all_open[sure_pixels(look) == 0].all()


def test_like_neighbours_are_tied_and_unlike_ones_hardly():
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    ties = neighbour_ties(image, 2.0)
    assert not ties[:, [0, -1]].any() and not ties[:, :, [0, -1]].any()
    right, down, down_right, down_left = ties[:, 1:-1, 1:-1]
    assert down_right[5, 5] == pytest.approx(right[5, 5] / np.sqrt(2))
    assert right[5, 14] < 0.5 < 1.9 < right[5, 5]
    assert down[5, 14] > 1.9 and down_right[5, 14] < 0.5 and down_left[5, 15] < 0.5
    assert not right[:, -1].any() and not down[-1].any() and not down_right[-1].any() and not down_left[:, 0].any()


def test_masks_of_another_size_are_refused(scene, tmp_path):
    filmed, coarse = scene
    for i in range(len(TURNS)):
        write_alpha(tmp_path, i, read_alpha(coarse, i))
    write_alpha(tmp_path, 1, np.ones((10, 10)))
    with pytest.raises(InputError, match=r"000001.png has 10x10 px but the frames have 320x440"):
        refined(filmed, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_poses_of_another_video_are_refused(scene, tmp_path):
    filmed, coarse = scene
    short = {name: getattr(filmed.track, name)[:-1] for name in ("global_orient", "body_pose", "transl", "valid")}
    with pytest.raises(InputError, match="cover 4 frames"):
        refined(filmed, coarse, tmp_path, **short)


def test_other_values_are_no_trimap(tmp_path):
    write_alpha(tmp_path, 0, np.full((4, 4), 77, np.uint8))
    with pytest.raises(InputError, match=mask_path(tmp_path, 0).name):
        read_trimap(tmp_path, 0)
