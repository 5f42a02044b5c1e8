from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.support.fit_scenes import K, turning_walk
from understudy.errors import InputError
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body
from understudy.formats.masks import write_alpha
from understudy.metrics.pose import mpjpe

NO_MASKS = Path("nowhere")
QUICK = FittingConfig(silhouettes=False, iterations=40)


@pytest.fixture(scope="module")
def walk():
    return turning_walk()


@pytest.fixture(scope="module")
def fitted(walk):
    return fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, QUICK)


def height_of(body, betas):
    heights = body.shaped(torch.from_numpy(betas))[0][:, 1]
    return float(heights.max() - heights.min())


def test_a_clean_full_turn_is_recovered(walk, fitted):
    assert np.nanmax(fitted.reprojection_px) < 1.0
    assert fitted.valid.all()
    assert mpjpe(walk.posed(fitted).joints.numpy(), walk.truth.joints.numpy()).max() < 0.04
    assert np.array_equal(fitted.K, K)
    assert fitted.body_model == (walk.body.name, walk.body.sha256)


def test_left_stays_left(walk, fitted):
    joints, truth = walk.posed(fitted).joints, walk.truth.joints
    across, truly = joints[:, 16] - joints[:, 17], truth[:, 16] - truth[:, 17]
    assert (torch.nn.functional.cosine_similarity(across, truly, dim=-1) > 0.95).all()


def test_no_jump_where_the_yaw_passes_a_half_turn(walk, fitted):
    joints = walk.posed(fitted).joints
    speed = joints.diff(dim=0).norm(dim=-1)
    true_speed = walk.truth.joints.diff(dim=0).norm(dim=-1)
    assert speed.max() < 1.3 * true_speed.max()


def test_the_same_input_gives_the_same_track(walk, fitted):
    again = fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, QUICK)
    assert np.array_equal(again.body_pose, fitted.body_pose)
    assert np.array_equal(again.betas, fitted.betas)


def test_a_gap_is_filled_marked_and_finite():
    walk = turning_walk(length=30, noise_px=2.0)
    points = walk.keypoints.keypoints.copy()
    random = np.random.default_rng(1)
    points[random.random(points.shape[:2]) < 0.15] = 0.0
    points[12:17] = 0.0
    points[3, 4] = np.nan
    world = walk.keypoints.world.copy()
    world[12:17] = 0.0
    keypoints = replace(walk.keypoints, keypoints=points, world=world)
    track = fit_body(keypoints, walk.frames, NO_MASKS, walk.body, QUICK)
    assert not track.valid[12:17].any()
    assert track.valid[:12].all()
    assert track.valid[17:].all()
    assert np.isnan(track.reprojection_px[12:17]).all()
    for values in (track.global_orient, track.body_pose, track.transl, track.betas):
        assert np.isfinite(values).all()
    assert mpjpe(walk.posed(track).joints.numpy(), walk.truth.joints.numpy()).max() < 0.15


def test_interpolated_frames_are_no_evidence(walk):
    interpolated = np.zeros(40, bool)
    interpolated[5:8] = True
    track = fit_body(
        replace(walk.keypoints, interpolated=interpolated),
        walk.frames,
        NO_MASKS,
        walk.body,
        replace(QUICK, iterations=2),
    )
    assert np.array_equal(track.valid, ~interpolated)


def test_a_frame_whose_points_fit_no_body_is_not_valid():
    walk = turning_walk(length=5, turn=0.3)
    points = walk.keypoints.keypoints.copy()
    points[2, :, :2] = np.random.default_rng(0).uniform(50.0, 450.0, points[2, :, :2].shape)
    keypoints = replace(walk.keypoints, keypoints=points)
    track = fit_body(keypoints, walk.frames, NO_MASKS, walk.body, replace(QUICK, iterations=2))
    assert track.valid.tolist() == [True, True, False, True, True]


def test_a_given_height_sets_the_scale():
    walk = turning_walk(length=12, turn=1.0)
    track = fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, replace(QUICK, height_m=1.9))
    assert height_of(walk.body, track.betas) == pytest.approx(1.9, abs=0.01)
    true_height = height_of(walk.body, np.array([0.3, 0, 0, 0], np.float32))
    distance = np.median(track.transl[:, 2] / walk.truth.joints[:, 0, 2].numpy())
    assert distance == pytest.approx(1.9 / true_height, abs=0.02)
    assert np.nanmean(track.reprojection_px) < 2.0


def test_without_a_3d_guess_the_yaw_comes_from_the_picture():
    walk = turning_walk(length=24, turn=1.5)
    keypoints = replace(walk.keypoints, world=np.zeros_like(walk.keypoints.world))
    track = fit_body(keypoints, walk.frames, NO_MASKS, walk.body, QUICK)
    assert np.nanmean(track.reprojection_px) < 4.0
    joints, truth = walk.posed(track).joints, walk.truth.joints
    across, truly = joints[:, 16] - joints[:, 17], truth[:, 16] - truth[:, 17]
    assert torch.nn.functional.cosine_similarity(across, truly, dim=-1).mean() > 0.9


def test_one_frame_is_enough():
    walk = turning_walk(length=1)
    track = fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, QUICK)
    assert track.reprojection_px[0] < 2.0


def test_silhouettes_find_a_thickness_that_points_cannot_tell(tmp_path):
    walk = turning_walk(length=16, turn=6.0)
    thick = torch.tensor([0.3, 0.0, 2.0, 0.0])
    track = fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, QUICK)
    posed = walk.body(
        thick, *(torch.from_numpy(v) for v in (track.global_orient, track.body_pose, track.transl))
    ).vertices.numpy()
    for frame, vertices in enumerate(posed):
        pixels = vertices @ K.T
        corners = np.round((pixels[:, :2] / pixels[:, 2:])[walk.body.faces] * 16).astype(np.int32)
        mask = np.zeros((512, 512), np.uint8)
        for corner in corners:
            cv2.fillConvexPoly(mask, corner, 255, shift=4)
        write_alpha(tmp_path, frame, mask)
    with_masks = fit_body(walk.keypoints, walk.frames, tmp_path, walk.body, FittingConfig(clothing=0.0, iterations=40))
    assert abs(track.betas[2]) < 0.5
    assert with_masks.betas[2] > 1.0


def test_empty_silhouettes_leave_the_keypoints_to_decide(tmp_path):
    walk = turning_walk(length=4, turn=0.3)
    for frame in range(4):
        write_alpha(tmp_path, frame, np.zeros((512, 512), np.uint8))
    track = fit_body(walk.keypoints, walk.frames, tmp_path, walk.body, FittingConfig(iterations=10))
    assert track.valid.all()


@pytest.mark.parametrize("height", [0.3, 3.0, float("nan")])
def test_impossible_heights_are_refused(walk, height):
    with pytest.raises(InputError, match="height_m"):
        fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, FittingConfig(height_m=height))


def test_keypoints_of_another_video_are_refused(walk):
    frames = replace(walk.frames, source_frames=np.arange(39))
    with pytest.raises(InputError, match="40 frames but 39"):
        fit_body(walk.keypoints, frames, NO_MASKS, walk.body, QUICK)


def test_a_video_without_a_person_is_refused(walk):
    nobody = replace(walk.keypoints, keypoints=np.zeros_like(walk.keypoints.keypoints))
    with pytest.raises(InputError, match="No frame of made-up.mp4"):
        fit_body(nobody, walk.frames, NO_MASKS, walk.body, QUICK)
