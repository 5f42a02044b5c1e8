"""The shell round a body, places along rays in it, and what rays see of them."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from understudy.avatar.fields.compositing import composite, density_alphas, distortion, transmittance
from understudy.avatar.fields.encoding import frequencies
from understudy.avatar.fields.rays import Rays, Shell, ShellShape, importance_sampled
from understudy.avatar.fields.surface import Surface
from understudy.render.camera import Camera, look_at
from understudy.render.mesh import rasterize_mesh

SHAPE = ShellShape(outside=0.03, inside=0.02, longest=0.1)


@pytest.fixture(scope="module")
def posed():
    body = sausage_body()
    surface = Surface(body, torch.zeros(body.num_betas))
    return surface.posed(torch.zeros(body.num_betas), body.rest_rotations, torch.zeros(3))


def camera_from(x, z):
    """One that sees the whole body, which stands at the origin."""
    view = look_at(np.array([x, 0.9, z]), np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    return Camera(np.array([[150.0, 0, 90], [0, 150.0, 100], [0, 0, 1]]), 180, 200, view)


def skin_of(posed, camera):
    points = camera.to_camera(posed.vertices.double().numpy())
    return torch.from_numpy(rasterize_mesh(points, posed.surface.faces, camera.K, camera.size).depth)


@pytest.mark.parametrize("size", [1, 4])
def test_rays_that_meet_the_body_run_from_before_it_to_behind_it(posed, size):
    camera = camera_from(0.5, 3.0).scaled(size)
    shell, skin = Shell.of(posed, camera, SHAPE), skin_of(posed, camera)
    body = torch.isfinite(skin)
    assert torch.isfinite(shell.near)[body].all()
    near, far = shell.near[body], shell.far[body]
    # found on a smaller picture, single pixels on an outline can be deeper than any of those there
    assert (near < skin[body] + 1e-4).all() and (skin[body] <= far).float().mean() > (0.97 if size > 1 else 0.99999)
    ordered = [part[torch.isfinite(shell.near)] for part in (shell.near, shell.leave, shell.back, shell.far)]
    assert all((a <= b).all() for a, b in pairwise(ordered))
    assert (shell.face >= 0).sum() == torch.isfinite(shell.near).sum() or size > 1


def test_a_ray_that_passes_beside_an_arm_before_the_chest_leaves_out_what_is_between(posed):
    camera = camera_from(3.0, 0.2)  # from the side: one arm points at it
    shell, skin = Shell.of(posed, camera, SHAPE), skin_of(posed, camera)
    gap = shell.back - shell.leave
    between = torch.isfinite(shell.near) & (gap > 0.1)
    assert between.any()
    at = between & torch.isfinite(skin)
    assert (skin[at] > shell.back[at]).all()  # the chest is met in the second piece
    rows, columns = at.nonzero(as_tuple=True)
    rays, _ = Rays.through(torch.stack([columns, rows], dim=1), camera, shell)
    depths = rays.stratified(32)
    assert ((depths <= rays.leave[:, None]) | (depths >= rays.back[:, None] - 1e-5)).all()
    assert (depths.diff(dim=1) > 0).all() and (depths <= rays.far[:, None]).all()


def test_places_on_rays_are_seen_at_their_pixels(posed):
    camera = camera_from(1.0, 2.5)
    shell = Shell.of(posed, camera, SHAPE)
    rows, columns = torch.isfinite(shell.near).nonzero(as_tuple=True)
    pixels = torch.stack([columns, rows], dim=1)
    rays, hit = Rays.through(pixels, camera, shell)
    assert len(rays) == len(hit) == len(pixels)
    points = rays.points(rays.stratified(3))
    seen = camera.project(points.double().numpy())
    np.testing.assert_allclose(seen, np.broadcast_to(pixels.numpy()[:, None] + 0.5, seen.shape), atol=1e-2)
    depth = camera.to_camera(points.double().numpy())[..., 2]
    np.testing.assert_allclose(depth, rays.stratified(3).numpy(), atol=1e-4)


def test_pixels_beside_the_shell_have_no_rays(posed):
    camera = camera_from(0.0, 3.0)
    rays, hit = Rays.through(torch.tensor([[0, 0], [90, 100]]), camera, Shell.of(posed, camera, SHAPE))
    assert hit.tolist() == [1] and len(rays) == 1


def test_further_samples_are_taken_where_there_is_something_to_see():
    depths = torch.linspace(1.0, 2.0, 11)[None]
    weights = torch.zeros(1, 11)
    weights[0, 6] = 1.0
    more = importance_sampled(depths, weights, 8)
    assert more.shape == (1, 8) and (more.diff(dim=1) > 0).all()
    assert ((more > 1.55) & (more < 1.65)).all()


def test_what_is_behind_counts_by_the_light_that_is_left():
    alphas, depths = torch.tensor([[0.5, 0.5, 1.0]]), torch.tensor([[1.0, 2.0, 3.0]])
    seen = composite(alphas, torch.eye(3)[None], depths)
    torch.testing.assert_close(seen.weights, torch.tensor([[0.5, 0.25, 0.25]]))
    torch.testing.assert_close(seen.rgb, torch.tensor([[0.5, 0.25, 0.25]]))
    torch.testing.assert_close(seen.alpha, torch.ones(1))
    torch.testing.assert_close(seen.depth, torch.tensor([1.75]))
    torch.testing.assert_close(transmittance(alphas), torch.tensor([[1.0, 0.5, 0.25]]))


def two_pieces():
    """A ray of 0.1 m in one piece of the shell and 0.2 m in another, 1 m behind."""
    one = torch.ones(1)
    return Rays(torch.zeros(3), torch.tensor([[0.0, 0.0, 1.0]]), 2.0 * one, 2.1 * one, 3.1 * one, 3.3 * one)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_samples_stand_for_all_of_the_way_and_for_no_more(seed):
    rays = two_pieces()
    jitter = None if seed is None else torch.rand(1, 12, generator=torch.Generator().manual_seed(seed))
    depths = rays.stratified(12, jitter)
    assert float(rays.steps(depths).sum()) == pytest.approx(0.3, rel=1e-4)
    torch.testing.assert_close(rays.depths(rays.inside(depths)), depths)
    alphas = density_alphas(torch.full((1, 12), 5.0), rays.steps(depths), torch.tensor([2.0]))
    assert 1 - float((1 - alphas).prod()) == pytest.approx(1 - np.exp(-5.0 * 0.3 * 2.0), rel=1e-4)


def test_further_samples_leave_the_gap_out_too():
    rays = two_pieces()
    depths = rays.stratified(12)
    weights = torch.zeros(1, 12)
    weights[0, 3:5] = 0.5  # the last of the first piece and the first of the second
    jitter = torch.rand(1, 64, generator=torch.Generator().manual_seed(0))
    more = rays.depths(importance_sampled(rays.inside(depths), weights, 64, jitter))
    assert ((more <= 2.1) | (more >= 3.1 - 1e-5)).all() and (more < 2.1).any() and (more > 3.0).any()


def test_a_ray_of_one_depth_is_not_distorted():
    depths = torch.tensor([[1.0, 1.5, 2.0]])
    assert float(distortion(torch.tensor([[0.0, 1.0, 0.0]]), depths)) == 0
    assert float(distortion(torch.tensor([[0.5, 0.0, 0.5]]), depths)) == pytest.approx(2 * 0.25 * 1.0)


def test_numbers_are_encoded_by_sines_of_doubling_frequencies():
    encoded = frequencies(torch.tensor([[0.3, -1.0]]), 2)
    expected = [0.3, -1.0, *np.sin([0.3, -1.0]), *np.cos([0.3, -1.0]), *np.sin([0.6, -2.0]), *np.cos([0.6, -2.0])]
    np.testing.assert_allclose(encoded.numpy()[0], expected, rtol=1e-5)
