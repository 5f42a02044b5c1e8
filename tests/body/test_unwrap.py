import numpy as np
import trimesh

from understudy.body.unwrap import unwrap


def covered(vt, ft, samples=30_000):
    """How many charts' triangles hold each of random points of the atlas."""
    points = np.random.default_rng(0).random((samples, 2))
    count = np.zeros(samples, int)
    for a, b, c in vt[ft].astype(float):
        box = (points >= np.minimum(np.minimum(a, b), c)).all(axis=1) & (points <= np.maximum(np.maximum(a, b), c)).all(
            axis=1
        )
        near = np.flatnonzero(box)
        weights = np.linalg.solve(np.column_stack([a - c, b - c]), (points[near] - c).T)
        count[near] += (weights > 1e-9).all(axis=0) & (weights.sum(axis=0) < 1 - 1e-9)
    return count


def test_atlas_of_a_closed_surface_has_no_overlap_and_no_mirrored_chart():
    mesh = trimesh.creation.icosphere(subdivisions=2)
    vt, ft = unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), np.zeros(len(mesh.faces), np.uint8))
    assert vt.min() >= 0 and vt.max() <= 1 and ft.shape == mesh.faces.shape
    a, b, c = (vt[ft[:, corner]].astype(float) for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    assert (area > 0).all()
    count = covered(vt, ft)
    assert count.max() == 1 and count.mean() > 0.3


def test_atlas_keeps_which_corner_is_which_vertex():
    mesh = trimesh.creation.box()
    parts = (np.asarray(mesh.triangles_center)[:, 0] > 0).astype(np.uint8)
    vt, ft = unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), parts)
    owner = {}
    for corner, vertex in zip(ft.reshape(-1), np.asarray(mesh.faces).reshape(-1), strict=True):
        assert owner.setdefault(corner, vertex) == vertex
    assert len(owner) == len(vt)
    sizes = np.linalg.norm(vt[ft] - np.roll(vt[ft], 1, axis=1), axis=-1)
    edges = np.linalg.norm(mesh.triangles - np.roll(mesh.triangles, 1, axis=1), axis=-1)
    assert np.allclose(sizes / edges, (sizes / edges).mean(), rtol=1e-4)
