import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from understudy.errors import InputError
from understudy.metrics.masks import inside, iou
from understudy.metrics.pose import acceleration_error, aligned, keypoint_error, mpjpe, pa_mpjpe


def points(seed=0, frames=4, joints=10):
    return np.random.default_rng(seed).normal(size=(frames, joints, 3))


def test_mpjpe_ignores_the_roots_place_and_counts_one_moved_joint():
    truth = points()
    moved = truth + [1.0, 2.0, 3.0]
    moved[:, 5] += [0.0, 0.3, 0.4]
    assert np.allclose(mpjpe(moved, truth), 0.05)
    assert np.allclose(mpjpe(truth + [3.0, 0.0, 4.0], truth, root=None), 5.0)


@given(seed=st.integers(0, 100), scale=st.floats(0.2, 5.0))
@settings(max_examples=20, deadline=None)
def test_pa_mpjpe_is_blind_to_similarities(seed, scale):
    truth = points(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    assert np.allclose(pa_mpjpe(scale * truth @ turn.T + [1, 2, 3], truth), 0.0, atol=1e-9)
    assert np.allclose(aligned(scale * truth @ turn.T, truth), truth)


def test_pa_mpjpe_sees_a_mirror_image():
    truth = points()
    assert (pa_mpjpe(truth * [-1, 1, 1], truth) > 0.1).all()


def test_keypoint_error_is_in_percent_of_height_and_only_of_confident_points():
    seen = np.zeros((2, 3, 2))
    pixels = seen + [3.0, 4.0]
    pixels[0, 2] = 1e6
    confidence = np.array([[1.0, 0.5, 0.1], [0.0, 0.0, 0.0]])
    error = keypoint_error(pixels, seen, confidence, np.array([200.0, 200.0]))
    assert error[0] == pytest.approx(2.5)
    assert np.isnan(error[1])


def test_acceleration_error_of_a_jump_and_of_a_constant_drift():
    truth = points(frames=5)
    drift = truth + np.arange(5)[:, None, None] * [0.1, 0.0, 0.0]
    assert acceleration_error(drift, truth, 30.0) == pytest.approx(0.0, abs=1e-9)
    jump = truth.copy()
    jump[2] += [0.0, 0.0, 0.01]
    assert acceleration_error(jump, truth, 10.0) == pytest.approx((0.01 + 0.02 + 0.01) / 3 * 100)
    with pytest.raises(InputError, match="3 frames"):
        acceleration_error(truth[:2], truth[:2], 30.0)


def test_shapes_must_agree():
    with pytest.raises(InputError, match="cannot be compared"):
        mpjpe(points(joints=3), points(joints=4))


def test_iou_and_inside_of_shifted_squares():
    first, second = np.zeros((2, 8, 8), bool), np.zeros((2, 8, 8), bool)
    first[0, :4, :4] = True
    second[0, :4, 2:6] = True
    assert np.allclose(iou(first, second), [8 / 24, 1.0])
    assert np.allclose(inside(first, second), [0.5, 1.0])
    with pytest.raises(InputError, match="boolean"):
        iou(first.astype(np.uint8), second)
    with pytest.raises(InputError, match="one size"):
        iou(first[:, :4], second)
