"""What takes its colour from the other side of the body, and what from nowhere near."""

import numpy as np
import pytest

from understudy.canonical.fill import mirror_unseen, smooth_unseen
from understudy.textures.atlas import Atlas

MIDDLE = 0.3
"""x of the plane of symmetry, m."""
RED, GREY = [200.0, 30.0, 30.0], [90.0, 90.0, 90.0]


def mirrored(seen_at, seen_normal=(0.0, 0.0, 1.0), seen_quality=1.0):
    """Colour and quality of an unseen texel 0.2 m left of the middle, facing +z, beside one texel that was seen."""
    points = np.array([[MIDDLE + 0.2, 0.5, 0.1], seen_at])
    normals = np.array([[0.0, 0.0, 1.0], seen_normal])
    colors, quality = mirror_unseen(np.array([GREY, RED]), np.array([0.0, seen_quality]), points, normals, MIDDLE)
    assert colors[1].tolist() == RED and quality[1] == seen_quality
    return colors[0].tolist(), quality[0]


def test_an_unseen_texel_takes_colour_and_quality_of_its_mirror_image():
    assert mirrored((MIDDLE - 0.2, 0.5, 0.1), seen_quality=0.7) == (RED, 0.7)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"seen_at": (MIDDLE + 0.2, 0.55, 0.1)},  # on its own side
        {"seen_at": (MIDDLE - 0.2, 0.55, 0.1)},  # 5 cm off
        {"seen_at": (MIDDLE - 0.2, 0.5, 0.1), "seen_normal": (0.0, 0.0, -1.0)},  # the other side of a thin part
        {"seen_at": (MIDDLE - 0.2, 0.5, 0.1), "seen_quality": 0.05},  # seen badly itself
    ],
)
def test_what_is_no_mirror_image_gives_no_colour(elsewhere):
    assert mirrored(**elsewhere) == (GREY, 0.0)


def test_a_normal_is_mirrored_too():
    points = np.array([[MIDDLE + 0.2, 0.5, 0.1], [MIDDLE - 0.2, 0.5, 0.1]])
    outward = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    colors, _ = mirror_unseen(np.array([GREY, RED]), np.array([0.0, 1.0]), points, outward, MIDDLE)
    assert colors[0].tolist() == RED


def test_a_piece_of_which_nothing_was_seen_takes_the_colour_of_the_nearest():
    triangle = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0]])
    vertices = np.concatenate([triangle, triangle + [0.0, 0.0, 0.02], triangle + [5.0, 0.0, 0.0]])
    faces = np.arange(9).reshape(3, 3)
    atlas = Atlas(2, np.arange(3), np.arange(3, dtype=np.int32), np.full((3, 3), 1 / 3, np.float32))
    colors = np.array([RED, [0.0, 0.0, 0.0], GREY])
    filled = smooth_unseen(colors, np.array([1.0, 0.0, 1.0]), atlas, faces, np.zeros(3, np.uint8), vertices)
    np.testing.assert_allclose(filled, [RED, RED, GREY], atol=1e-6)
