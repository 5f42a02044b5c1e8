"""Where places in space belong on a posed body."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from tests.support.paths import BODY_FILE
from understudy.avatar.fields.surface import SLACK, Surface
from understudy.avatar.instant_nvr.parts import JOINTS
from understudy.body.files import load_body
from understudy.body.joints import BIG_POSE
from understudy.layouts.nearest import nearest_surface_points

REACH, SIGMA = 0.05, 0.01


@pytest.fixture(scope="module")
def surface():
    body = sausage_body()
    return Surface(body, torch.zeros(body.num_betas), tuple(JOINTS.values()))


@pytest.fixture(scope="module")
def person():
    """The surface of a body that is skinned smoothly and closed."""
    body = load_body(BODY_FILE)
    return Surface(body, torch.zeros(body.num_betas), tuple(JOINTS.values()))


def turned(body, **turns):
    """Rotations with joints turned about z, rad."""
    return body.rotations_of({name: (0.0, 0.0, turn) for name, turn in turns.items()})


def around(posed, count=500, spread=0.015, seed=0):
    generator = torch.Generator().manual_seed(seed)
    which = torch.randint(len(posed.anchors), (count,), generator=generator)
    return posed.anchors[which] + spread * torch.randn(count, 3, generator=generator)


def test_in_the_big_pose_every_place_is_where_it_is(surface):
    posed = surface.posed(
        torch.zeros(16)[: surface.body.num_betas], surface.body.rotations_of(BIG_POSE), torch.zeros(3)
    )
    points = around(posed)
    places = posed.places(points, REACH, SIGMA)
    torch.testing.assert_close(places.canonical, points[places.point], rtol=0, atol=2e-5)
    torch.testing.assert_close(places.axes, torch.eye(3).expand(len(places.point), 3, 3), rtol=0, atol=1e-4)


def test_what_was_skinned_comes_back_within_a_millimetre(person):
    rotations = turned(person.body, left_shoulder=-0.9, right_elbow=0.5, left_knee=0.7)
    posed = person.posed(torch.zeros(person.body.num_betas), rotations, torch.tensor([0.3, -0.2, 2.0]))
    places = posed.places(posed.anchors, REACH, SIGMA)
    own = torch.cat([torch.full((end - start,), part) for part, start, end in rows_of(places)])
    mine = person.part[places.point] == own
    away = (places.canonical - person.canonical[places.point]).norm(dim=1)[mine]
    assert mine.sum() == len(posed.anchors)
    assert away.mean() < 5e-4 and away.quantile(0.95) < 1e-3


def rows_of(places):
    return [(part, start, end) for part, (start, end) in enumerate(pairwise((0, *places.ends)))]


def test_another_shape_does_not_move_what_was_learned(surface):
    betas = torch.zeros(surface.body.num_betas)
    betas[0] = 1.5
    posed = surface.posed(betas, turned(surface.body, left_elbow=0.4), torch.zeros(3))
    places = posed.places(posed.anchors, REACH, 1e-4)
    away = (places.canonical - surface.canonical[places.point]).norm(dim=1)
    own = torch.cat([torch.full((end - start,), part) for part, start, end in rows_of(places)])
    assert away[surface.part[places.point] == own].max() < 1e-4


def test_kernels_find_the_same_anchors_as_all_distances_do(surface):
    posed = surface.posed(torch.zeros(surface.body.num_betas), turned(surface.body, left_hip=0.2), torch.zeros(3))
    points = torch.cat([around(posed, spread=0.04), torch.tensor([[9.0, 9.0, 9.0], [-9.0, 0.0, 0.0]])])
    index, squares = posed.near(points, REACH)
    others, distances = posed.near_by_distances(points, REACH)
    there = torch.isfinite(squares)
    assert (there == torch.isfinite(distances)).float().mean() > 0.999  # but for those right at the limit
    both = there & torch.isfinite(distances)
    torch.testing.assert_close(squares[both], distances[both], rtol=1e-4, atol=1e-6)
    assert (index[both] == others[both]).float().mean() > 0.99  # but for ties
    assert not there[-2:].any() and (index[-2:] == -1).all()


def test_a_part_counts_only_where_it_is_hardly_farther_than_the_nearest(surface):
    posed = surface.posed(torch.zeros(surface.body.num_betas), surface.body.rest_rotations, torch.zeros(3))
    _, squares = posed.near(around(posed), REACH)
    nearest = squares[..., 0].sqrt()
    counted = torch.isfinite(nearest)
    assert (nearest[counted] <= (nearest.amin(dim=1, keepdim=True) + SLACK + 1e-5).expand_as(nearest)[counted]).all()


def test_closest_points_are_the_nearest_places_on_the_surface_with_the_side_that_a_point_is_on(person):
    posed = person.posed(torch.zeros(person.body.num_betas), person.body.rest_rotations, torch.zeros(3))
    points = around(posed)
    index, squares = posed.near(points, REACH)
    near = squares[..., 0].argmin(dim=1)
    found = index[torch.arange(len(points)), near, 0]
    points, found = points[found >= 0], found[found >= 0]
    closest = posed.closest(points, found)
    exact = nearest_surface_points(points.numpy(), posed.vertices.numpy(), person.faces)
    off = closest.distance.abs().numpy() - exact.distance
    assert np.quantile(off, 0.95) < 1e-4 and off.min() > -1e-5
    corners = posed.vertices[torch.from_numpy(person.faces.astype(np.int64))][closest.face]
    places = (closest.bary[..., None] * corners).sum(dim=1)
    torch.testing.assert_close((points - places).norm(dim=1), closest.distance.abs(), rtol=0, atol=1e-5)
    assert (closest.distance < 0).any() and (closest.distance > 0).any()


def test_large_faces_have_anchors_all_over(surface):
    """A sausage's sides are long faces with no vertex in the middle."""
    posed = surface.posed(torch.zeros(surface.body.num_betas), surface.body.rest_rotations, torch.zeros(3))
    corners = posed.vertices[torch.from_numpy(surface.faces.astype(np.int64))]
    middles = corners.mean(dim=1)
    assert torch.cdist(middles, posed.anchors).amin(dim=1).max() < 0.03
    assert torch.cdist(middles, posed.vertices).amin(dim=1).max() > 0.05


def test_anchors_can_be_the_vertices_themselves():
    body = sausage_body()
    surface = Surface(body, torch.zeros(body.num_betas), canonical={}, at_vertices=True)
    posed = surface.posed(torch.zeros(body.num_betas), turned(body, left_elbow=0.5), torch.zeros(3))
    torch.testing.assert_close(posed.anchors, posed.vertices)
    torch.testing.assert_close(surface.canonical, surface.rest, rtol=0, atol=1e-6)
    starts, ring = surface.rings
    assert all(vertex in surface.faces[ring[starts[vertex]]] for vertex in range(0, len(surface.vertices), 7))


def test_anchors_stay_the_same_in_any_shape(person):
    """What was learned hangs on their numbers."""
    body = person.body
    other = Surface(body, torch.linspace(-1, 1, body.num_betas), tuple(JOINTS.values()))
    assert torch.equal(other.corners, person.corners) and torch.equal(other.bary, person.bary)


def test_the_blend_on_other_devices_is_that_of_the_kernel(person):
    posed = person.posed(torch.zeros(person.body.num_betas), turned(person.body, left_knee=0.5), torch.zeros(3))
    points = around(posed)
    index, squares = posed.near(points, REACH)
    part, point = (index[..., 0] >= 0).T.nonzero(as_tuple=True)
    arguments = (points, point, index[point, part], squares[point, part], SIGMA)
    for fast, plain in zip(posed._blend_on_cpu(*arguments), posed._blend(*arguments), strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5)
