"""How much one view of a texel counts."""

import numpy as np
import pytest

from understudy.canonical.atlas import Atlas
from understudy.canonical.views import Viewer, ViewRules

SIZE = 200
K = np.array([[200.0, 0.0, 100.0], [0.0, 200.0, 100.0], [0.0, 0.0, 1.0]])
RULES = ViewRules(cos_power=4.0, min_cos=0.25, border=0.05, reference_depth=2.0)
SQUARE = np.array([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.5, 0.0], [-0.5, 0.5, 0.0]])
FACES = np.array([[0, 2, 1], [0, 3, 2]])
"""Of the square, whose normal is -z: towards the camera."""


def texels_at(places: list[tuple[float, float]]) -> Atlas:
    """Texels at places (x, y) of the square, all in faces of its lower or upper half."""
    face, bary = [], []
    for x, y in places:
        number = 0 if x >= y else 1
        corners = SQUARE[FACES[number]]
        system = np.vstack([corners[:, :2].T, np.ones(3)])
        face.append(number)
        bary.append(np.linalg.solve(system, [x, y, 1.0]))
    return Atlas(16, np.arange(len(places)), np.array(face, np.int32), np.array(bary, np.float32))


def weights(places, vertices, faces=FACES, alpha=None, rules=RULES) -> np.ndarray:
    """Weight of a view of each place; zero where it is not seen."""
    viewer = Viewer(texels_at(places), faces, len(vertices), K, rules)
    mask = np.full((SIZE, SIZE), 255, np.uint8) if alpha is None else alpha
    texel, weight, _ = viewer.look(vertices, np.zeros((SIZE, SIZE, 3), np.uint8), mask)
    found = np.zeros(len(places))
    found[texel] = weight
    return found


def at(depth: float, yaw: float = 0.0) -> np.ndarray:
    """The square so far away, turned about its vertical."""
    turn = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
    return SQUARE @ turn.T + [0.0, 0.0, depth]


def test_a_view_from_twice_as_far_counts_a_quarter_and_a_nearer_one_no_more_than_fully():
    middle = [(0.0, 0.01)]
    assert weights(middle, at(2.0)) == pytest.approx([1.0], abs=0.01)
    assert weights(middle, at(4.0)) == pytest.approx([0.25], abs=0.01)
    assert weights(middle, at(1.2)) == pytest.approx([1.0], abs=0.01)


def test_a_slanted_view_counts_by_the_power_of_its_cosine_and_a_flat_one_not_at_all():
    middle = [(0.0, 0.01)]
    assert weights(middle, at(2.0, np.radians(60))) == pytest.approx([0.5**4], rel=0.1)
    assert weights(middle, at(2.0, np.radians(60)), rules=ViewRules(1.0, 0.25, 0.05, 2.0)) == pytest.approx(
        [0.5], rel=0.1
    )
    assert weights(middle, at(2.0, np.radians(80))) == [0.0]
    assert weights(middle, at(2.0, np.radians(180))) == [0.0]


def test_a_view_at_the_masks_rim_hardly_counts_and_one_outside_it_not():
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    alpha[:, :100] = 255  # the mask ends in the middle of the square, which is 100 px wide
    inside, rim, outside = weights([(-0.2, 0.01), (-0.02, 0.01), (0.1, 0.01)], at(2.0), alpha=alpha)
    assert inside == pytest.approx(1.0, abs=0.02)
    assert 0.0 < rim < 0.1 * inside
    assert outside == 0.0


def test_a_view_beside_the_outline_of_something_nearer_hardly_counts():
    nearer = SQUARE + [0.55, 0.0, 1.8]  # covers the right part of the square behind it
    vertices = np.concatenate([at(2.0), nearer])
    faces = np.concatenate([FACES, FACES + 4])
    clear, beside, hidden = weights([(-0.3, 0.01), (0.035, 0.01), (0.3, 0.01)], vertices, faces)
    assert clear > 0.9
    assert 0.0 < beside < 0.1 * clear
    assert hidden == 0.0
