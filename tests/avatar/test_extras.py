"""What an avatar can have beyond the usual: exposures, sheen, own blend weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.avatar_scenes import Scene, make_scene, truth_avatar
from tests.support.bodies import sausage_body
from tests.support.trainings import QUICK, run
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar
from understudy.avatar.gaussians.model import EXTRAS, LEAST, WIDTH, GaussianAvatar
from understudy.avatar.gaussians.nodes import NODES, node_shares
from understudy.avatar.gaussians.pruning import prune_transparent
from understudy.avatar.gaussians.regularizers import Regularizers
from understudy.avatar.gaussians.sampling import sample_surface
from understudy.avatar.training.exposure import Exposures
from understudy.body.lbs import pose_rotations
from understudy.render.cloud import splat

BODY = sausage_body()
VERTICES = BODY.v_template.numpy()
K = torch.tensor([[200.0, 0.0, 45.0], [0.0, 200.0, 80.0], [0.0, 0.0, 1.0]])
REST = torch.eye(3).expand(24, 3, 3)
AWAY = torch.tensor([0.0, 0.0, 3.0])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


def with_extras(count: int = 400) -> GaussianAvatar:
    anchors = sample_surface(VERTICES, BODY.faces, BODY.parts, count, 0)
    return GaussianAvatar(BODY, anchors, np.zeros(BODY.num_betas), np.full((count, 3), 0.5), EXTRAS)


def bent(angle: float) -> torch.Tensor:
    pose = torch.zeros(69)
    pose[3 * 15 + 2] = angle
    return pose_rotations(torch.zeros(1, 3), pose[None])[0]


def test_what_has_faded_goes_and_nothing_else_changes():
    avatar = truth_avatar(BODY)
    avatar.opacity_logits[::3] = -5.0
    left = prune_transparent(avatar, avatar.betas)
    assert len(left) == len(avatar) - len(avatar.opacity_logits[::3])
    before, after = (splat(a.gaussians(REST, AWAY), K, (90, 160)) for a in (avatar, left))
    assert (before.rgb - after.rgb).abs().max() < 0.05
    torch.testing.assert_close(left.offsets, avatar.offsets[avatar.opacity_logits > -4.0])
    assert prune_transparent(left, left.betas) is left


def test_gaussians_do_not_shrink_to_dots(scene: Scene):
    avatar = run(scene, replace(QUICK, steps=12), count=400, lr_scales=2.0).avatar
    least = WIDTH * avatar.spacing[:, None] * torch.tensor(LEAST)
    assert (avatar.log_scales.exp() >= 0.999 * least).all()
    assert (avatar.log_scales.exp() < 1.001 * least).any()


def test_exposures_are_found_up_to_a_common_factor_and_interpolated():
    generator = torch.Generator().manual_seed(0)
    rgb, alpha = torch.rand(20, 20, 3, generator=generator), torch.ones(20, 20)
    true = torch.tensor([[0.8, 0.9, 1.0], [1.0, 1.0, 1.0], [1.25, 1.1, 0.9]])
    exposures = Exposures([0, 2, 4, 6], torch.device("cpu"))
    assert exposures.factors(2).tolist() == [1.0, 1.0, 1.0] and (exposures.over(6) == 1.0).all()
    for frame, factors in zip((0, 2, 4), true, strict=True):
        exposures.observe(frame, rgb, alpha, rgb * factors, alpha)
    exposures.observe(6, rgb, 0.0 * alpha, rgb, alpha)  # nobody is seen: no measurement
    found = torch.stack([exposures.factors(frame) for frame in (0, 2, 4)])
    torch.testing.assert_close(found, (true.log() - true.log().mean(dim=0)).exp())
    assert exposures.factors(6).tolist() == [1.0, 1.0, 1.0]
    over = exposures.over(7)
    np.testing.assert_allclose(over[[0, 2, 4]], found.numpy(), rtol=1e-5)
    np.testing.assert_allclose(over[6], over[4], rtol=1e-5)
    np.testing.assert_allclose(over[1], np.sqrt(over[0] * over[2]), rtol=1e-4)


def test_a_video_whose_exposure_swings_is_learned_better_with_exposures(scene: Scene, tmp_path: Path):
    gains = 1.0 + 0.25 * np.sin(np.arange(12))
    frames = replace(scene.frames, folder=tmp_path / "frames")
    frames.folder.mkdir()
    for frame, gain in enumerate(gains):
        pixels = (scene.frames.read(frame) * gain).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "frames" / f"{frame:06d}.jpg", quality=97, subsampling=0)
    swinging = replace(scene, frames=frames)
    scores = []
    for exposure in (False, True):
        training = run(swinging, replace(QUICK, exposure=exposure), count=1200, lr_light=0.0)
        save_avatar(tmp_path / "avatar.tar", training, scene.canonical, frames)
        archive = load_archive(tmp_path / "avatar.tar")
        quick = EvaluateConfig(refine_steps=0, reconstruction=0, pictures=0, device="cpu")
        figures = evaluate_avatar(archive, frames, scene.alpha, quick)
        scores.append(figures["without_pose_refinement"]["psnr_person_box_on_white"]["mean"])
    assert scores[1] > scores[0] + 2.0
    relative = archive.exposure.mean(axis=1) * np.exp(np.log(gains[[0, 1, 3, 4, 5, 7, 8, 9, 11]]).mean())
    in_training = [0, 1, 3, 4, 5, 7, 8, 9, 11]
    assert np.corrcoef(relative[in_training], gains[in_training])[0, 1] > 0.95


def test_extras_change_nothing_before_they_are_learned():
    anchors = sample_surface(VERTICES, BODY.faces, BODY.parts, 400, 0)
    plain = GaussianAvatar(BODY, anchors, np.zeros(BODY.num_betas), np.full((400, 3), 0.5))
    assert plain.extras == ()
    avatar = with_extras()
    assert avatar.extras == EXTRAS
    for rotations in (REST, bent(0.7)):
        expected, cloud = plain.gaussians(rotations, AWAY), avatar.gaussians(rotations, AWAY)
        torch.testing.assert_close(cloud.means, expected.means)
        torch.testing.assert_close(cloud.colors, expected.colors)
        torch.testing.assert_close(splat(cloud, K, (90, 160)).rgb, splat(expected, K, (90, 160)).rgb)


def test_own_blend_weights_only_shift_between_joints_that_move_a_gaussian_already():
    avatar = with_extras()
    avatar.weight_logits.data = torch.randn(NODES, 24, generator=torch.Generator().manual_seed(0))
    weights = avatar.blend_weights()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(400))
    assert (weights[avatar.weights == 0] == 0).all()
    assert not torch.allclose(weights, avatar.weights)


def test_what_nodes_say_changes_continuously_and_is_not_shared_with_the_other_side_of_a_thin_sheet():
    generator = np.random.default_rng(0)
    sheet = np.column_stack([generator.uniform(-0.5, 0.5, (4000, 2)), np.zeros(4000)])
    points, up = np.concatenate([sheet, sheet - [0, 0, 0.02]]), np.array([0.0, 0.0, 1.0])
    normals = np.where(np.arange(8000)[:, None] < 4000, up, -up)
    line = np.column_stack([np.linspace(-0.4, 0.4, 2000), np.zeros(2000), np.zeros(2000)])
    near, shares = node_shares(points, normals, line, np.broadcast_to(up, line.shape))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-6)
    said = (shares * generator.normal(size=NODES)[near]).sum(axis=1)
    assert np.abs(np.diff(said)).max() < 0.1 * said.std()
    other, _ = node_shares(points, normals, line, np.broadcast_to(-up, line.shape))
    assert not set(near.ravel()) & set(other.ravel())


def test_learned_extras_leave_a_shape_that_is_taken_over_as_it_is():
    avatar = with_extras()
    generator = torch.Generator().manual_seed(0)
    for parameter in (avatar.sh, avatar.weight_logits):
        parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    avatar.betas.data += 0.5
    before = avatar.gaussians(bent(0.7), AWAY)
    avatar.rebase_to_betas()
    after = avatar.gaussians(bent(0.7), AWAY)
    torch.testing.assert_close(after.means, before.means, atol=1e-6, rtol=0)
    torch.testing.assert_close(after.scales, before.scales)


def test_sheen_follows_the_side_it_is_seen_from_and_turns_with_the_body():
    avatar = with_extras()
    avatar.sh.data[:, :, 2] = 0.3
    front = splat(avatar.gaussians(REST, AWAY), K, (90, 160))
    around = REST.clone()
    around[0] = torch.diag(torch.tensor([-1.0, 1.0, -1.0]))  # half a turn about y
    cloud = avatar.gaussians(around, AWAY)
    back, plain = splat(cloud, K, (90, 160)), splat(replace(cloud, sh=None), K, (90, 160))
    assert (front.rgb[front.alpha > 0.9] > 0.6).all()  # seen along +z: 0.5 + 0.3
    assert (back.rgb[back.alpha > 0.9] < plain.rgb[back.alpha > 0.9]).all()


def test_an_unseen_side_is_kept_from_colours_by_the_side():
    avatar, grey = with_extras(), np.full((400, 3), 0.5, np.float32)
    with torch.no_grad():
        avatar.sh += 0.1
    seen, unseen = (
        Regularizers.of(avatar, grey, np.full(400, share, np.float32)).terms(avatar).colors for share in (1.0, 0.0)
    )
    assert seen.item() == 0.0 and unseen.item() == pytest.approx(0.03, rel=1e-3)


def test_extras_are_learned_saved_and_read_again(scene: Scene, tmp_path: Path):
    training = run(scene, replace(QUICK, steps=8), count=400, lr_sh=1e-2, lr_weights=1e-2)
    save_avatar(tmp_path / "avatar.tar", training, scene.canonical, scene.frames)
    again = load_archive(tmp_path / "avatar.tar").avatar
    assert again.extras == EXTRAS
    for name, value in training.avatar.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    assert again.sh.abs().max() > 0 and again.weight_logits.abs().max() > 0
