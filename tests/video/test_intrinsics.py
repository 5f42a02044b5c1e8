import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.video.intrinsics import Undistorter, camera_matrix, centred_camera, focal_from_35mm, scale_camera


def test_equivalence_is_by_the_diagonal():
    assert focal_from_35mm(43.2666, 300, 400) == pytest.approx(500, rel=1e-5)
    assert focal_from_35mm(26, 1920, 1080) == focal_from_35mm(26, 1080, 1920)
    assert focal_from_35mm(50, 3600, 2400) == pytest.approx(5000)  # the film frame itself: 100 px per mm


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(1, 9), st.sampled_from([(540, 960), (333, 592), (1080, 960)]))
def test_a_scaled_camera_sees_the_scaled_place(x, y, z, size):
    K = camera_matrix(900.0, 910.0, 500.0, 1000.0)
    point = np.array([x, y, z])
    before = (K @ point / z)[:2]
    after = (scale_camera(K, (1080, 1920), size) @ point / z)[:2]
    np.testing.assert_allclose(after, before * np.array(size) / (1080, 1920), atol=1e-9)


def test_centre_is_between_the_middle_pixels():
    np.testing.assert_array_equal(centred_camera(100, 4, 6), [[100, 0, 2], [0, 100, 3], [0, 0, 1]])


def test_undistortion_undoes_what_opencv_projects():
    size, centre = (160, 120), (83.0, 57.0)
    K, distortion = camera_matrix(150, 155, *centre), (-0.25, 0.08, 0.004, -0.003, 0.01)
    points = np.array([[20.0, 20], [140, 25], [80, 60], [30, 100], [130, 95]])
    rays = np.c_[(points - centre) / (150, 155), np.ones(len(points))]
    bent = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), K, np.array(distortion))[0][:, 0]
    assert np.abs(bent - points).max() > 3
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    blobs = sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 18) for u, v in bent)
    straight = Undistorter(K, distortion, size)(np.repeat((200 * blobs)[..., None], 3, axis=2).astype(np.uint8))
    for u, v in points:
        near = straight[..., 1] * (np.hypot(x - u, y - v) < 12.0)
        np.testing.assert_allclose([(near * x).sum() / near.sum(), (near * y).sum() / near.sum()], [u, v], atol=0.15)


def test_without_distortion_nothing_moves():
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    K = camera_matrix(50, 50, 31.3, 18.9)
    np.testing.assert_array_equal(Undistorter(K, (0, 0, 0, 0, 0), (60, 40))(pixels), pixels)
