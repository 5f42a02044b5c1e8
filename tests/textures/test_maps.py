"""What one picture shows of the texture, and the normals of a posed surface."""

import numpy as np

from tests.support.squares import SIZE, K, placed, square
from understudy.textures.atlas import Atlas
from understudy.textures.maps import SURE, partial_texture, texel_normals
from understudy.textures.views import Viewer, ViewRules

SQUARE, FACES = square()
MIDDLE = Atlas(4, np.array([5]), np.array([1], np.int32), np.array([[0.49, 0.49, 0.02]], np.float32))
RULES = ViewRules(cos_power=4.0, min_cos=0.1, border=0.05, reference_depth=2.0)
SEEN = np.full((SIZE, SIZE), 255, np.uint8)


def test_normals_turn_with_the_surface_and_have_unit_length():
    straight, slanted = (texel_normals(MIDDLE, placed(SQUARE, 2.0, angle), FACES) for angle in (0.0, np.radians(60)))
    np.testing.assert_allclose(np.linalg.norm(slanted, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(straight, [[0.0, 0.0, -1.0]], atol=1e-6)
    assert np.isclose((straight * slanted).sum(), 0.5, atol=1e-6)


def test_a_texel_counts_fully_until_it_is_seen_flat_and_not_at_all_from_behind():
    viewer = Viewer(MIDDLE, FACES, len(SQUARE), K, RULES)
    image = np.full((SIZE, SIZE, 3), (10, 20, 30), np.uint8)
    sharp, flat, behind = (
        partial_texture(viewer, placed(SQUARE, 2.0, np.radians(angle)), image, SEEN) for angle in (30, 75, 180)
    )
    assert sharp.share == 1.0 and sharp.color.tolist() == [[10, 20, 30]] and sharp.texel.tolist() == [0]
    np.testing.assert_allclose(flat.share, np.cos(np.radians(75)) ** 2 / SURE, rtol=0.15)
    assert len(behind.texel) == 0
