"""The mesh rasterizer by known answers, and its agreement with the camera and the Gaussians."""

import numba
import numpy as np
import pytest
import torch
import trimesh

from understudy.errors import InputError
from understudy.render.camera import Camera
from understudy.render.gaussians import rasterize
from understudy.render.mesh import rasterize_mesh, shade, silhouette, vertex_normals

K = np.array([[10.0, 0.0, 0.0], [0.0, 10.0, 0.0], [0.0, 0.0, 1.0]])
ONE = np.array([[0, 1, 2]])


def at(pixels, depths):
    """Points that K puts at these pixels at these depths."""
    pixels, depths = np.asarray(pixels, float), np.broadcast_to(depths, len(pixels)).astype(float)
    return np.column_stack([pixels * depths[:, None] / 10, depths])


def test_triangle_covers_exactly_the_pixels_whose_centres_it_holds():
    render = rasterize_mesh(at([[1, 1], [5.2, 1], [1, 5.2]], 2.0), ONE, K, (8, 7))
    expected = np.full((7, 8), -1)
    for row in range(7):
        for column in range(8):
            x, y = column + 0.5, row + 0.5
            if x >= 1 and y >= 1 and x + y <= 6.2:
                expected[row, column] = 0
    np.testing.assert_array_equal(render.face, expected)
    np.testing.assert_allclose(render.depth[expected == 0], 2.0, rtol=1e-6)
    assert np.isinf(render.depth[expected < 0]).all() and (render.bary[expected < 0] == 0).all()


def test_barycentrics_and_depth_are_perspective_correct():
    corners = at([[0.5, 0.5], [20.5, 0.5], [0.5, 20.5]], [1.0, 4.0, 2.0])
    render = rasterize_mesh(corners, ONE, K, (24, 24))
    rows, columns = np.nonzero(render.face == 0)
    assert len(rows) == 21 * 22 / 2
    # 1/z is linear on the picture
    inverse = 1 + columns / 20 * (1 / 4 - 1) + rows / 20 * (1 / 2 - 1)
    np.testing.assert_allclose(1 / render.depth[rows, columns], inverse, rtol=1e-5)
    # the barycentrics give the very point that the pixel's ray meets
    points = render.interpolate(corners, ONE)[rows, columns]
    np.testing.assert_allclose(points[:, 2], render.depth[rows, columns], rtol=1e-5)
    np.testing.assert_allclose(10 * points[:, 0] / points[:, 2], columns + 0.5, atol=1e-4)
    np.testing.assert_allclose(10 * points[:, 1] / points[:, 2], rows + 0.5, atol=1e-4)
    np.testing.assert_allclose(render.bary[rows, columns].sum(axis=1), 1, atol=1e-5)


def test_nearest_face_wins_and_of_equals_the_first():
    square = [[0, 0], [12, 0], [0, 12]]
    vertices = np.concatenate([at(square, 3.0), at(square, 2.0), at(square, 2.0)])
    render = rasterize_mesh(vertices, np.arange(9).reshape(3, 3), K, (4, 4))
    assert (render.face == 1).all()
    crossing = np.concatenate([at(square, 3.0), at(square, [2.0, 6.0, 2.0])])
    face = rasterize_mesh(crossing, np.arange(6).reshape(2, 3), K, (11, 1)).face[0]
    assert face[0] == 1 and face[-1] == 0


def test_neighbouring_triangles_leave_no_crack():
    random = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.linspace(-2, 34, 14), np.linspace(-2, 34, 14)), axis=-1).reshape(-1, 2)
    vertices = at(grid + random.uniform(-0.9, 0.9, grid.shape), random.uniform(2, 3, len(grid)))
    corner = (np.arange(13)[:, None] * 14 + np.arange(13)).reshape(-1, 1)
    faces = np.concatenate([corner + [0, 1, 15], corner + [0, 15, 14]])
    assert silhouette(vertices, faces, K, (32, 32)).all()


def test_culling_drops_faces_seen_from_behind():
    sphere = trimesh.creation.icosphere(subdivisions=2, radius=0.5)
    vertices, faces, size = sphere.vertices + [0.5, 0.5, 2], sphere.faces, (6, 6)
    outside = rasterize_mesh(vertices, faces, K, size)
    np.testing.assert_array_equal(outside.face, rasterize_mesh(vertices, faces, K, size, cull=True).face)
    inside = rasterize_mesh(vertices, faces[:, ::-1], K, size, cull=True)
    shown = outside.face >= 0
    assert shown.any() and (inside.depth[shown] > outside.depth[shown]).all()


def test_triangles_behind_or_broken_are_left_out():
    near = at([[0, 0], [9, 0], [0, 9]], [2.0, 2.0, 0.04])
    behind = at([[0, 0], [9, 0], [0, 9]], -2.0)
    nothing = at([[0, 0], [9, 0], [0, 9]], [2.0, np.nan, 2.0])
    flat = at([[0, 0], [4, 4], [8, 8]], 2.0)
    for vertices in (near, behind, nothing, flat):
        assert not silhouette(vertices, ONE, K, (8, 8)).any()
    far_out = at([[-1e7, -1e7], [1e7, -1e7], [0, 1e7]], 2.0)
    assert silhouette(far_out, ONE, K, (8, 8)).all()
    assert not silhouette(near, np.zeros((0, 3), int), K, (8, 8)).any()


def test_picture_does_not_depend_on_the_threads():
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    camera = np.array([[300.0, 0, 64], [0, 300, 80], [0, 0, 1]])
    before = numba.get_num_threads()
    try:
        renders = []
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            renders.append(rasterize_mesh(sphere.vertices + [0, 0, 2.0], sphere.faces, camera, (128, 160)))
    finally:
        numba.set_num_threads(before)
    for name in ("face", "bary", "depth"):
        np.testing.assert_array_equal(getattr(renders[0], name), getattr(renders[1], name))


def test_a_tiny_gaussian_on_a_vertex_lands_on_the_meshs_pixel():
    camera = Camera(np.array([[80.0, 0, 30.2], [0, 85, 41.7], [0, 0, 1]]), 64, 80)
    corners = np.array([[0.1, -0.2, 2.0], [-0.5, -0.6, 2.0], [0.6, -0.7, 2.0], [0.4, 0.7, 2.0], [-0.3, 0.4, 2.0]])
    render = rasterize_mesh(corners, np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]]), camera.K, camera.size)
    splat = rasterize(
        torch.tensor(corners[:1], dtype=torch.float32),
        torch.tensor([[1.0, 0, 0, 0]]), torch.full((1, 3), 1e-4), torch.tensor([0.9]), torch.ones(1, 3),
        camera.K, camera.view, camera.size,
    )  # fmt: skip
    peak = np.unravel_index(splat.alpha.argmax().item(), splat.alpha.shape)
    u, v = camera.project(corners[0])
    assert peak == (int(v), int(u))
    assert peak == np.unravel_index(render.bary[..., 0].argmax(), render.face.shape)
    np.testing.assert_allclose(splat.depth[peak].item(), render.depth[peak], rtol=1e-5)


def test_normals_of_a_sphere_point_outward_and_shading_is_brightest_towards_the_light():
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    normals = vertex_normals(sphere.vertices, sphere.faces)
    np.testing.assert_allclose(normals, sphere.vertices / 0.5, atol=0.01)
    camera = np.array([[300.0, 0, 80], [0, 300, 80], [0, 0, 1]])
    render = rasterize_mesh(sphere.vertices + [0, 0, 2.0], sphere.faces, camera, (160, 160))
    picture = shade(render, sphere.faces, normals)
    assert picture.dtype == np.uint8 and (picture[0, 0] == 255).all()
    assert picture[60, 65, 0] > picture[120, 110, 0]  # the light stands above, on the left
    ground = np.full((160, 160, 3), 10, np.uint8)
    half = shade(render, sphere.faces, normals, background=ground, opacity=0.5)
    assert (half[0, 0] == 10).all() and (ground == 10).all()
    np.testing.assert_allclose(half[80, 80], 0.5 * picture[80, 80] + 5, atol=1)


def test_normal_of_a_lone_vertex_is_zero():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]])
    np.testing.assert_allclose(vertex_normals(vertices, ONE), [[0, 0, 1]] * 3 + [[0, 0, 0]], atol=1e-7)


def test_meshes_that_are_none_are_refused():
    with pytest.raises(InputError, match="vertices"):
        rasterize_mesh(np.zeros((3, 2)), ONE, K, (4, 4))
    with pytest.raises(InputError, match="up to 2"):
        rasterize_mesh(np.zeros((2, 3)), ONE, K, (4, 4))
    with pytest.raises(InputError, match="4x0"):
        rasterize_mesh(np.zeros((3, 3)), ONE, K, (4, 0))
