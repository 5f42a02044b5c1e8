"""Nearest surface points, the volumes and their look-ups."""

from dataclasses import fields

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bodies import sausage_body
from understudy.canonical.nearest import nearest_surface_points
from understudy.canonical.volume import build_volume, sample_volume, surface_uv, surface_weights
from understudy.errors import InputError
from understudy.formats.canonical import Canonical


def brute_force_distance(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Distance [N] by trying every face and, on each, its plane, its edges and its corners."""
    best = np.full(len(points), np.inf)
    for a, b, c in vertices[faces].astype(np.float64):
        normal = np.cross(b - a, c - a)
        inside = np.ones(len(points), bool)
        for start, end in ((a, b), (b, c), (c, a)):
            inside &= (points - start) @ np.cross(normal, end - start) >= 0
            along = np.clip((points - start) @ (end - start) / max((end - start) @ (end - start), 1e-30), 0, 1)
            best = np.minimum(best, np.linalg.norm(points - start - along[:, None] * (end - start), axis=1))
        if normal @ normal > 1e-20:
            height = np.abs((points - a) @ normal) / np.linalg.norm(normal)
            best = np.where(inside, np.minimum(best, height), best)
    return best


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.floats(0.01, 100.0))
def test_nearest_points_agree_with_brute_force(seed, count, size):
    random = np.random.default_rng(seed)
    vertices = random.normal(size=(30, 3)) * size
    faces = random.integers(0, 30, (count, 3))  # some have no area
    points = random.normal(size=(50, 3)) * 2 * size
    found = nearest_surface_points(points, vertices, faces)
    assert np.allclose(found.distance, brute_force_distance(points, vertices, faces), atol=1e-6 * size)
    feet = found.interpolate(vertices, faces)
    assert np.allclose(np.linalg.norm(feet - points, axis=1), found.distance, atol=1e-9 * size)
    assert (found.bary >= 0).all() and np.allclose(found.bary.sum(axis=1), 1)


def make_volume(step: float = 0.025, margin: float = 0.1):
    body = sausage_body()
    vertices, weights = body.v_template.numpy(), body.lbs_weights.numpy()
    return body, build_volume(vertices, body.faces, weights, body.vt, body.ft, margin, step)


def test_volume_reaches_beyond_the_grown_box_by_less_than_a_step():
    body, volume = make_volume(step=0.05)
    low, high = (getattr(body.v_template.numpy(), side)(axis=0) for side in ("min", "max"))
    end = volume.origin + volume.step * (np.array(volume.bw.shape[:3]) - 1)
    assert np.allclose(volume.origin, low - 0.1, atol=1e-6)
    assert (end >= high + 0.1 - 1e-6).all() and (end < high + 0.1 + 0.05).all()
    assert volume.bw.shape[3] == 25 and volume.uv.shape == (*volume.bw.shape[:3], 2)


def test_volume_nodes_hold_the_nearest_surface_point():
    body, volume = make_volume(step=0.1)
    weights, distance = volume.bw[..., :24], volume.bw[..., 24]
    assert (weights >= 0).all() and np.allclose(weights.sum(axis=-1), 1, atol=1e-5)
    node = np.array([3, 5, 1])
    place = volume.origin + volume.step * node
    assert distance[tuple(node)] == pytest.approx(
        brute_force_distance(place[None], body.v_template.numpy(), body.faces)[0], abs=1e-5
    )


def test_sampling_reproduces_a_linear_field_and_holds_the_border_outside():
    origin, step = np.array([-0.3, 0.1, 2.0]), 0.25
    nodes = origin + step * np.stack(np.meshgrid(*(np.arange(n) for n in (4, 5, 6)), indexing="ij"), -1)
    field = nodes @ np.array([[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]])
    inside = origin + step * np.random.default_rng(0).uniform(0, [3, 4, 5], (200, 3))
    assert np.allclose(
        sample_volume(field, origin, step, inside), inside @ [[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]], atol=1e-9
    )
    assert np.allclose(sample_volume(field, origin, step, origin[None] - 9.0), field[0, 0, 0])
    assert np.allclose(sample_volume(field, origin, step, nodes[-1, -1, -1][None] + 9.0), field[-1, -1, -1])


def test_sampled_weights_stay_weights_and_come_closer_with_a_finer_step():
    body, coarse = make_volume(step=0.05)
    fine = make_volume(step=0.0125, margin=0.02)[1]
    vertices, weights = body.v_template.numpy(), body.lbs_weights.numpy()
    errors = []
    for volume in (coarse, fine):
        sampled = sample_volume(volume.bw, volume.origin, volume.step, vertices)
        assert (sampled >= 0).all() and np.allclose(sampled[:, :24].sum(axis=1), 1, atol=1e-5)
        assert (sampled[:, 24] < volume.step * np.sqrt(3)).all()
        errors.append(np.abs(sampled[:, :24] - weights).mean())
    assert errors[1] < 0.5 * errors[0]


def smooth_ball() -> Canonical:
    """A ball of half a metre whose weights and UV change as slowly as they can."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    vertices, faces = np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32)
    weights = np.zeros((len(vertices), 24), np.float32)
    weights[:, 3] = 0.5 + vertices[:, 2]
    weights[:, 7] = 1 - weights[:, 3]
    vt = 0.5 + 0.8 * vertices[:, :2]
    volume = build_volume(vertices, faces, weights, vt, faces, 0.1, 0.025)
    blank, joints = np.zeros((8, 8, 3), np.uint8), np.zeros((24, 3), np.float32)
    return Canonical(
        vertices, joints, vertices, joints, np.arange(-1, 23).astype(np.int32), faces, weights, vt, faces,
        volume.bw, volume.uv, volume.origin, volume.step, blank, blank[..., 0], blank,
    )  # fmt: skip


def test_vertices_find_their_own_weights_and_uv():
    canonical = smooth_ball()
    weights, distance = surface_weights(canonical, canonical.vertices)
    assert distance.max() < 1e-6
    assert np.abs(weights - canonical.lbs_weights).max() < 1e-5
    assert np.abs(surface_uv(canonical, canonical.vertices) - canonical.vt).max() < 1e-5


def test_the_volume_gives_vertices_their_weights_and_uv_where_these_change_slowly():
    canonical = smooth_ball()
    sampled = sample_volume(canonical.bw, canonical.origin, canonical.step, canonical.vertices)
    assert np.abs(sampled[:, :24] - canonical.lbs_weights).max() < 1e-3
    uv = sample_volume(canonical.uv, canonical.origin, canonical.step, canonical.vertices)
    assert np.abs(uv - canonical.vt).max() < 1 / 512


def test_canonical_file_round_trip(tmp_path):
    canonical = smooth_ball()
    canonical.save(tmp_path / "canonical.npz")
    again = Canonical.load(tmp_path / "canonical.npz")
    for field in fields(Canonical):
        assert np.array_equal(getattr(again, field.name), getattr(canonical, field.name)), field.name
    broken = tmp_path / "broken.npz"
    broken.write_bytes((tmp_path / "canonical.npz").read_bytes()[:1000])
    with pytest.raises(InputError, match=r"broken\.npz"):
        Canonical.load(broken)


def test_a_step_far_too_small_is_refused():
    body = sausage_body()
    with pytest.raises(InputError, match=r"canonical\.step"):
        build_volume(
            body.v_template.numpy(), body.faces, body.lbs_weights.numpy(), body.vt, body.ft, margin=0.1, step=0.001
        )
