"""What the demo's benchmark measures with: the true motion on our body, and one light fitted to pictures."""

import numpy as np
import pytest
import torch

from benchmarks.demo.lighting import Lit, harmonics, with_one_light
from benchmarks.demo.true_track import true_track
from tests.support.bodies import sausage_body
from understudy.errors import InputError
from understudy.metrics.image import psnr

K = np.array([[600.0, 0.0, 270.0], [0.0, 600.0, 480.0], [0.0, 0.0, 1.0]])


def moving_truth(frames: int = 5) -> dict[str, np.ndarray]:
    """Markers of a body that turns, bends and walks, of a shape of its own."""
    body, random = sausage_body(), np.random.default_rng(3)
    orient = np.stack([np.full(frames, np.pi), np.linspace(-1.0, 1.0, frames), np.zeros(frames)], axis=1)
    pose = 0.25 * random.normal(size=(frames, 69))
    transl = np.stack([np.linspace(-0.2, 0.3, frames), np.zeros(frames), np.full(frames, 3.0)], axis=1)
    parts = (torch.from_numpy(part).float() for part in (orient, pose, transl))
    vertices = body(torch.tensor([0.8, -0.5, 0.3, 0.1]), *parts).vertices.numpy()
    chosen = np.arange(0, vertices.shape[1], 3)
    return {"rest_vertices": body.v_template.numpy(), "marker_vertices": chosen, "markers": vertices[:, chosen], "K": K}


def test_the_true_motion_is_found_on_our_body_to_a_millimetre():
    body, truth = sausage_body(), moving_truth()
    found = true_track(body, truth)
    assert found.distance.max() < 1.0
    track = found.track
    assert track.valid.all() and track.body_model == (body.name, body.sha256)
    np.testing.assert_array_equal(track.K, K)
    parts = (torch.from_numpy(part) for part in (track.global_orient, track.body_pose, track.transl))
    vertices = body(torch.from_numpy(track.betas), *parts).vertices.numpy()
    apart = np.linalg.norm(vertices[:, truth["marker_vertices"]] - truth["markers"], axis=-1)
    np.testing.assert_allclose(1000 * apart.mean(axis=1), found.distance, atol=1e-2)


def test_a_mesh_of_another_topology_is_refused():
    truth = moving_truth()
    with pytest.raises(InputError, match="not that of the body sausage"):
        true_track(sausage_body(), {**truth, "rest_vertices": truth["rest_vertices"][:-1]})


def test_one_light_explains_pictures_lit_otherwise_and_leaves_the_background():
    random = np.random.default_rng(0)
    factors = np.zeros((9, 3))
    factors[0], factors[1:] = 0.6, 0.05 * random.normal(size=(8, 3))
    pictures = []
    for _ in range(2):
        render = random.uniform(0.2, 0.9, (20, 12, 3)).astype(np.float32)
        normals = random.normal(size=render.shape).astype(np.float32)
        normals[:4] = 0.0
        truth = render.copy()
        truth[4:] *= (harmonics(normals[4:].reshape(-1, 3)) @ factors).reshape(16, 12, 3)
        pictures.append(Lit(render, truth.astype(np.float32), normals))
    for picture, relit in zip(pictures, with_one_light(pictures), strict=True):
        assert psnr(picture.render, picture.truth) < 15.0 and psnr(relit, picture.truth) > 60.0
        np.testing.assert_array_equal(relit[:4], picture.render[:4])
    flat = [Lit(p.render, p.truth[::-1].copy(), p.normals) for p in pictures]
    for picture, relit in zip(flat, with_one_light(flat), strict=True):
        assert psnr(relit, picture.truth) < 20.0  # other colours are no light
