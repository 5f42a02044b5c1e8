"""Where the texels of an atlas are."""

import numpy as np

from understudy.textures.atlas import make_atlas

SIZE = 40
NEAR_ORIGIN, TOP_RIGHT = [[0.05, 0.05], [0.35, 0.05], [0.05, 0.35]], [[0.95, 0.95], [0.65, 0.95], [0.95, 0.65]]


def test_u_runs_to_the_right_and_v_up():
    atlas = make_atlas(np.array(NEAR_ORIGIN + TOP_RIGHT, np.float32), np.arange(6, dtype=np.int32).reshape(2, 3), SIZE)
    row, column = np.divmod(atlas.texel, SIZE)
    low, high = atlas.face == 0, atlas.face == 1
    assert low.sum() > 50 and high.sum() > 50
    assert row[low].min() >= 26 and column[low].max() < 14  # below on the left
    assert row[high].max() < 14 and column[high].min() >= 26


def test_texels_lie_where_their_barycentric_coordinates_say():
    vt = np.array(NEAR_ORIGIN, np.float32)
    faces = np.array([[0, 1, 2]], np.int32)
    atlas = make_atlas(vt, faces, SIZE)
    row, column = np.divmod(atlas.texel, SIZE)
    centres = np.stack([(column + 0.5) / SIZE, 1 - (row + 0.5) / SIZE], axis=1)
    np.testing.assert_allclose(atlas.interpolate(vt, faces), centres, atol=1e-5)
