"""Cameras against the pinhole's formula and against each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import InputError
from understudy.render.camera import Camera, look_at

K = np.array([[500.0, 0.0, 160.0], [0.0, 510.0, 120.0], [0.0, 0.0, 1.0]])
POINTS = np.random.default_rng(0).normal([0, 0, 4], [0.5, 0.5, 0.3], (20, 3))


def test_projection_is_the_pinholes():
    pixels = Camera(K, 320, 240).project(POINTS)
    np.testing.assert_allclose(pixels[:, 0], 500 * POINTS[:, 0] / POINTS[:, 2] + 160)
    np.testing.assert_allclose(pixels[:, 1], 510 * POINTS[:, 1] / POINTS[:, 2] + 120)


def test_view_moves_the_world_before_projection():
    view = look_at(np.array([0.3, -0.2, -1.0]), np.array([0.0, 0.1, 4.0]), np.array([0.0, -1.0, 0.1]))
    camera = Camera(K, 320, 240, view)
    np.testing.assert_allclose(camera.project(POINTS), Camera(K, 320, 240).project(camera.to_camera(POINTS)))
    np.testing.assert_allclose(camera.centre, [0.3, -0.2, -1.0], atol=1e-12)
    np.testing.assert_allclose(camera.to_camera(camera.centre), 0, atol=1e-12)


def test_scaled_keeps_each_point_at_its_share_of_the_picture():
    camera = Camera(K, 321, 243)
    smaller = camera.scaled(0.37)
    np.testing.assert_allclose(smaller.project(POINTS) / smaller.size, camera.project(POINTS) / camera.size, rtol=1e-12)
    assert smaller.size == (119, 90)


@settings(max_examples=20, deadline=None)
@given(x0=st.integers(-50, 300), y0=st.integers(-50, 200))
def test_crop_shifts_pixels(x0, y0):
    whole, part = Camera(K, 320, 240), Camera(K, 320, 240).crop(x0, y0, 64, 48)
    np.testing.assert_allclose(part.project(POINTS) + [x0, y0], whole.project(POINTS))
    assert part.size == (64, 48)


def test_cameras_that_make_no_picture_are_refused():
    with pytest.raises(InputError, match="3x3"):
        Camera(np.eye(4), 10, 10)
    with pytest.raises(InputError, match="pixels"):
        Camera(K, 0, 10)
    with pytest.raises(InputError, match="view"):
        Camera(K, 10, 10, np.full((4, 4), np.nan))
    with pytest.raises(InputError, match="up vector"):
        look_at(np.zeros(3), np.array([0.0, -2.0, 0.0]), np.array([0.0, -1.0, 0.0]))
