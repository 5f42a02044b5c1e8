"""How much one view of a texel counts."""

import numpy as np
import pytest

from tests.support.squares import SIZE, K, placed, square
from understudy.textures.atlas import Atlas
from understudy.textures.views import Viewer, ViewRules

RULES = ViewRules(cos_power=4.0, min_cos=0.25, border=0.05, reference_depth=2.0)
SQUARE, FACES = square()
MIDDLE = [(0.0, 0.01)]


def texels_at(places: list[tuple[float, float]]) -> Atlas:
    """Texels at places (x, y) of the square."""
    face = np.array([int(x >= y) for x, y in places], np.int32)
    corners = SQUARE[FACES[face]]
    corners[..., 2] = 1.0
    points = np.array([[x, y, 1.0] for x, y in places])
    bary = np.linalg.solve(corners.swapaxes(1, 2), points[..., None])[..., 0]
    return Atlas(16, np.arange(len(places)), face, bary.astype(np.float32))


def weights(places, vertices, faces=FACES, alpha=None, rules=RULES) -> np.ndarray:
    """Weight of a view of each place of the square; zero where it is not seen."""
    viewer = Viewer(texels_at(places), faces, len(vertices), K, rules)
    mask = np.full((SIZE, SIZE), 255, np.uint8) if alpha is None else alpha
    texel, weight, _ = viewer.look(vertices, np.zeros((SIZE, SIZE, 3), np.uint8), mask)
    found = np.zeros(len(places))
    found[texel] = weight
    return found


def test_a_view_from_twice_as_far_counts_a_quarter_and_a_nearer_one_no_more_than_fully():
    assert weights(MIDDLE, placed(SQUARE, 2.0)) == pytest.approx([1.0], abs=0.01)
    assert weights(MIDDLE, placed(SQUARE, 4.0)) == pytest.approx([0.25], abs=0.01)
    assert weights(MIDDLE, placed(SQUARE, 1.2)) == pytest.approx([1.0], abs=0.01)


def test_a_slanted_view_counts_by_the_power_of_its_cosine_and_a_flat_one_not_at_all():
    assert weights(MIDDLE, placed(SQUARE, 2.0, np.radians(60))) == pytest.approx([0.5**4], rel=0.1)
    assert weights(MIDDLE, placed(SQUARE, 2.0, np.radians(60)), rules=ViewRules(1.0, 0.25, 0.05, 2.0)) == pytest.approx(
        [0.5], rel=0.1
    )
    assert weights(MIDDLE, placed(SQUARE, 2.0, np.radians(80))) == [0.0]
    assert weights(MIDDLE, placed(SQUARE, 2.0, np.radians(180))) == [0.0]


def test_a_view_at_the_masks_rim_hardly_counts_and_one_outside_it_not():
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    alpha[:, :100] = 255  # the mask ends in the middle of the square, which is 100 px wide
    inside, rim, outside = weights([(-0.2, 0.01), (-0.02, 0.01), (0.1, 0.01)], placed(SQUARE, 2.0), alpha=alpha)
    assert inside == pytest.approx(1.0, abs=0.02)
    assert 0.0 < rim < 0.1 * inside
    assert outside == 0.0


def test_a_view_beside_the_outline_of_something_nearer_hardly_counts():
    nearer = SQUARE + [0.55, 0.0, 1.8]  # covers the right part of the square behind it
    vertices = np.concatenate([placed(SQUARE, 2.0), nearer])
    faces = np.concatenate([FACES, FACES + 4])
    clear, beside, hidden = weights([(-0.3, 0.01), (0.035, 0.01), (0.3, 0.01)], vertices, faces)
    assert clear > 0.9
    assert 0.0 < beside < 0.1 * clear
    assert hidden == 0.0
