"""Cutting and scaling of pictures."""

import numpy as np

from understudy.backends.images import cut, pasted, resized, shrunk


def test_cutting_beyond_the_image_gives_black():
    image = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(cut(image, -1, 1, 3, 3), [[0, 5, 6], [0, 9, 10], [0, 0, 0]])
    assert not cut(image, 50, 50, 2, 2).any()


def test_pasting_puts_a_mask_back_where_it_was_cut():
    mask = np.zeros((60, 80), np.float32)
    mask[20:40, 30:50] = 1
    small = resized(cut(mask, -5, 10, 60, 60), 30, 30)
    np.testing.assert_allclose(pasted(small, -5, 10, 60, mask.shape) > 0.5, mask > 0.5)


def test_shrinking_keeps_the_centre_of_mass():
    image = np.zeros((400, 300), np.float32)
    image[101:141, 51:67] = 1
    small = shrunk(image, 100)
    assert small.shape == (100, 75)
    rows, columns = np.nonzero(small > 0)
    weights = small[rows, columns]
    np.testing.assert_allclose(4 * np.average(columns + 0.5, weights=weights), 59, atol=1e-3)
    np.testing.assert_allclose(4 * np.average(rows + 0.5, weights=weights), 121, atol=1e-3)
    assert shrunk(image, 400).shape == image.shape
