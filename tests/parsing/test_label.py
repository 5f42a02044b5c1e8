"""Labels of body parts: left and right, clothes outside the body, label sets."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from tests.support.scenes import film
from understudy.body.model import PARTS
from understudy.body.part_labels import CIHP_OF_PART, part_labels
from understudy.errors import InputError
from understudy.formats.masks import CIHP, mask_path, read_alpha, read_parsing, write_alpha
from understudy.parsing.label import cut_labels, label_parts


@pytest.fixture
def both_sides(tmp_path):
    return film(tmp_path, [0.0, np.pi])


def label(scene, folder):
    label_parts(scene.frames, scene.alpha_folder, scene.track, scene.body, folder)
    return [read_parsing(folder, index) for index in range(len(scene.frames))]


def mean_column(labels: np.ndarray, name: str) -> float:
    return float(np.nonzero(labels == CIHP.index(name))[1].mean())


def test_left_is_the_persons_left_from_the_front_and_from_behind(both_sides, tmp_path):
    front, back = label(both_sides, tmp_path / "parsing")
    middle = both_sides.frames.width / 2
    for limb in ("arm", "leg", "shoe"):
        assert mean_column(front, f"left_{limb}") > middle > mean_column(front, f"right_{limb}")
        assert mean_column(back, f"left_{limb}") < middle < mean_column(back, f"right_{limb}")


def test_labels_do_not_depend_on_the_threads(both_sides, tmp_path):
    alone = label(both_sides, tmp_path / "alone")
    scene = both_sides
    label_parts(scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / "together", threads=2)
    for index, labels in enumerate(alone):
        np.testing.assert_array_equal(read_parsing(tmp_path / "together", index), labels)


def test_parts_are_where_they_belong(both_sides, tmp_path):
    front = label(both_sides, tmp_path / "parsing")[0]
    row = {name: np.nonzero(front == CIHP.index(name))[0].mean() for name in
           ("face", "torso_skin", "upper_clothes", "left_leg", "left_shoe")}  # fmt: skip
    assert row["face"] < row["torso_skin"] < row["upper_clothes"] < row["left_leg"] < row["left_shoe"]


def test_labels_fill_the_silhouette_exactly(both_sides, tmp_path):
    for index in range(2):
        alpha = read_alpha(both_sides.alpha_folder, index)
        alpha[:, :60] = 0  # a limb the mask lacks
        alpha[150:200, 60:100] = 200  # a skirt the body lacks
        alpha[100:110, 60:100] = 100  # below a half
        write_alpha(both_sides.alpha_folder, index, alpha)
    for index, labels in enumerate(label(both_sides, tmp_path / "parsing")):
        alpha = read_alpha(both_sides.alpha_folder, index)
        assert np.array_equal(labels > 0, alpha >= 128)
        assert set(np.unique(labels[150:200, 60:100])) <= {CIHP.index(n) for n in
               ("left_leg", "right_leg", "left_shoe", "right_shoe", "upper_clothes")}  # fmt: skip


def test_pixels_outside_the_body_take_the_nearest_label_by_brute_force():
    random = np.random.default_rng(3)
    drawn = np.where(random.uniform(size=(25, 31)) < 0.03, random.integers(1, 20, (25, 31)), 0).astype(np.uint8)
    mask = random.uniform(size=drawn.shape) < 0.6
    labels = cut_labels(drawn, mask)
    assert np.array_equal(labels > 0, mask)
    places = np.argwhere(drawn > 0)
    for row, column in np.argwhere(mask):
        distance = np.linalg.norm(places - [row, column], axis=1)
        # OpenCV's 5x5 distance is within a few per cent of the true one
        near = places[distance <= 1.05 * distance.min() + 1e-9]
        assert labels[row, column] in drawn[near[:, 0], near[:, 1]]


def test_frames_without_mask_or_body_are_background():
    some = np.zeros((6, 6), np.uint8)
    some[2, 2] = 5
    assert not cut_labels(some, np.zeros((6, 6), bool)).any()
    assert not cut_labels(np.zeros((6, 6), np.uint8), np.ones((6, 6), bool)).any()


def test_a_body_beside_its_silhouette_is_an_error_and_leaves_the_old_folder(both_sides, tmp_path):
    label(both_sides, tmp_path / "parsing")
    before = mask_path(tmp_path / "parsing", 0).read_bytes()
    beside = replace(both_sides.track, transl=both_sides.track.transl + np.float32([0.5, 0, 0]))
    with pytest.raises(InputError, match="mean IoU of only 0"):
        label_parts(both_sides.frames, both_sides.alpha_folder, beside, both_sides.body, tmp_path / "parsing")
    assert mask_path(tmp_path / "parsing", 0).read_bytes() == before
    assert not list(tmp_path.glob(".parsing*"))


def test_a_poor_overlap_is_warned_of_with_its_number(both_sides, tmp_path, caplog):
    aside = replace(both_sides.track, transl=both_sides.track.transl + np.float32([0.05, 0, 0]))
    with caplog.at_level(logging.INFO, logger="understudy"):
        label_parts(both_sides.frames, both_sides.alpha_folder, aside, both_sides.body, tmp_path / "parsing")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1 and "IoU of only 0." in warnings[0]


def test_masks_of_another_size_are_refused(both_sides, tmp_path):
    write_alpha(both_sides.alpha_folder, 1, np.ones((10, 10)))
    with pytest.raises(InputError, match="160x220"):
        label(both_sides, tmp_path / "parsing")


def test_every_part_of_the_body_has_a_label_of_its_own_side():
    assert set(CIHP_OF_PART) == set(PARTS)
    for part, name in zip(PARTS, part_labels(), strict=True):
        for side in ("left", "right"):
            assert part.startswith(side) == CIHP[name].startswith(side)
