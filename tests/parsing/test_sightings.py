"""Which vertices show their colour in a frame."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.scenes import film
from tests.support.squares import SIZE, K, placed, square
from understudy.parsing.anatomy import anatomy_of
from understudy.parsing.sightings import UNSEEN, collect, look
from understudy.render.mesh import rasterize_mesh

SIDE = 21
SQUARE, FACES = square(SIDE)
COLUMNS = np.tile(np.arange(SIZE, dtype=np.int32), (SIZE, 1))
"""A picture whose cells are the columns of its pixels."""


def seen(vertices, faces=FACES, mask=None) -> np.ndarray:
    """Cells [SIDE,SIDE] of the square's vertices, the first ones of all."""
    mask = np.ones((SIZE, SIZE), bool) if mask is None else mask
    depth = rasterize_mesh(vertices, faces, K, (SIZE, SIZE)).depth
    return look(COLUMNS, mask, vertices, faces, K, depth)[: SIDE**2].reshape(SIDE, SIDE)


def test_vertices_show_the_pixel_they_fall_on_but_not_at_the_outline():
    cell = seen(placed(SQUARE, 2.0))
    # a metre is 100 px at this distance
    np.testing.assert_allclose(cell[1:-1, 1:-1], np.tile(50 + 5 * np.arange(1, SIDE - 1), (SIDE - 2, 1)), atol=1)
    for edge in (cell[0], cell[-1], cell[:, 0], cell[:, -1]):
        assert (edge == UNSEEN).all()


def test_vertices_outside_the_mask_and_at_its_rim_show_nothing():
    mask = np.zeros((SIZE, SIZE), bool)
    mask[:, :101] = True
    inner = seen(placed(SQUARE, 2.0), mask=mask)[1:-1]
    assert (inner[:, 1:10] != UNSEEN).all()  # up to 5 px from the mask's end
    assert (inner[:, 10:] == UNSEEN).all()


def test_vertices_behind_something_show_nothing_however_near_it_is():
    nearer = square()[0] + [0.5, 0.0, 1.97]  # covers the right half, 3 cm in front
    vertices = np.concatenate([placed(SQUARE, 2.0), nearer])
    inner = seen(vertices, np.concatenate([FACES, square()[1] + SIDE**2]))[1:-1]
    assert (inner[:, 1:9] != UNSEEN).all() and (inner[:, 12:] == UNSEEN).all()


@pytest.mark.parametrize(("degrees", "shows"), [(60, True), (78, False), (180, False)])
def test_slanted_vertices_show_their_colour_and_nearly_flat_ones_do_not(degrees, shows):
    middle = seen(placed(SQUARE, 2.0, np.radians(degrees)))[8:13, 8:13]
    assert ((middle != UNSEEN) == shows).all()


def test_frames_without_a_valid_pose_are_not_even_opened(tmp_path):
    scene = film(tmp_path, [0.0, 0.3, 0.6])
    scene.frames.path(1).unlink()
    track = replace(scene.track, valid=np.array([True, False, True]))
    anatomy = anatomy_of(scene.body, track.betas)
    assert len(collect(scene.frames, scene.alpha_folder, track, scene.body, anatomy, 10).cell) == 2
