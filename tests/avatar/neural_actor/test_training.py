"""What is learned of a person whose surface changes with the pose."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import make_scene
from tests.support.pose_scenes import SHOULDERS, posed_cloth
from tests.support.trainings import killed_at
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.base import Subject, View
from understudy.avatar.config import AvatarConfig
from understudy.avatar.evaluate import track_pose
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.neural_actor.config import NeuralActorConfig
from understudy.avatar.neural_actor.learner import NeuralActorLearner
from understudy.avatar.neural_actor.model import PosedActor
from understudy.avatar.neural_actor.textures import TextureReader
from understudy.avatar.training.train import train_avatar
from understudy.errors import InputError
from understudy.metrics.image import psnr
from understudy.render.cloud import splat
from understudy.rendering.performance import in_camera_frame
from understudy.rendering.pictures import render_performance

CPU = torch.device("cpu")
SHORT = AvatarConfig(
    method="neural_actor", steps=200, hold_out=0, levels=((1, 1.0),), lr_betas=0.0, align_steps=0, device="cpu"
)
QUICK = NeuralActorConfig(count=1500, lr_colors=0.15, texture_size=128, residual_from=0.0, lr_residual=0.01)
FAST = {"linear": {"lr_residual": 0.03}, "unet": {}}
both = pytest.mark.parametrize("predictor", ["linear", "unet"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Four frames of a person who darkens with the pose."""
    return make_scene(tmp_path_factory.mktemp("cloth"), length=4, truth=posed_cloth())


@pytest.fixture(scope="module")
def learned(scene):
    """A training of each kind, made once."""
    made = {}

    def get(**options):
        key = tuple(options.items())
        if key not in made:
            made[key] = trained(scene, replace(QUICK, **options))
        return made[key]

    return get


def trained(scene, options, config=SHORT, path=None):
    data = (scene.frames, scene.alpha, scene.track, scene.canonical, scene.body)
    return train_avatar(*data, config, None, path, options)


def view_of(scene, frame):
    rgb = torch.from_numpy(scene.frames.read(frame)).float() / 255.0
    rotations, transl = track_pose(scene.track, frame, CPU)
    with torch.no_grad():
        alpha = scene.truth.shaped().posed(rotations, transl).draw(scene.camera).alpha
    return View(frame, scene.camera, rgb * (alpha > 0.5)[..., None], (alpha > 0.5).float(), alpha, torch.zeros(3))


def likeness(avatar, scene):
    """Mean PSNR of the frames, dB, over the pixels that the pose changes."""
    values, background = [], torch.full((3,), 0.2)
    for frame in range(len(scene.frames)):
        pose = track_pose(scene.track, frame, CPU)
        with torch.no_grad():
            drawn = avatar.shaped().posed(*pose).draw(scene.camera, background).rgb.clamp(0, 1)
            unchanged = splat(
                scene.truth.skin(*pose, scene.truth.shaped(), None),
                torch.from_numpy(scene.camera.K).float(),
                scene.camera.size,
            )
        true = torch.from_numpy(scene.frames.read(frame)).float() / 255.0
        changed = (unchanged.rgb + (1.0 - unchanged.alpha)[..., None] * background - true).abs().amax(dim=-1) > 0.1
        values.append(psnr(drawn, true, changed))
    return np.mean(values)


@both
def test_four_frames_are_learned_that_no_single_texture_can_show(scene, learned, predictor):
    plain, posed = learned(lr_residual=0.0), learned(predictor=predictor, **FAST[predictor])
    assert likeness(posed.avatar, scene) > likeness(plain.avatar, scene) + {"linear": 8.0, "unet": 3.0}[predictor]


@pytest.mark.parametrize(
    "options", [{"predictor": "linear", "lr_residual": 0.03}, {"predictor": "unet", "texture": 1.0}]
)
def test_the_texture_of_a_pose_is_nearer_to_its_frame_than_the_mean_texture(scene, learned, options):
    """On the arms, which alone change with the pose."""
    avatar = learned(**options).avatar
    reader = TextureReader(avatar, avatar.residual, 3.0)
    with torch.no_grad():
        seen = [
            reader.read(avatar.shaped().posed(*track_pose(scene.track, frame, CPU)), view_of(scene, frame))
            for frame in range(len(scene.frames))
        ]
    arms = avatar.residual.texels.weights[:, [joint + more for joint in SHOULDERS for more in (0, 2)]].sum(dim=1) > 0.5
    seen = [replace(one, share=one.share * arms) for one in seen]
    shares = torch.stack([one.share for one in seen])[..., None]
    mean = (shares * torch.stack([one.filmed for one in seen])).sum(dim=0) / shares.sum(dim=0).clamp_min(1e-6)
    own, common = (sum(each.loss() for each in some) for some in (seen, [replace(one, predicted=mean) for one in seen]))
    assert own < 0.6 * common


def test_the_frame_shows_the_texture_that_the_truth_has(scene):
    """Of an avatar that is the truth, what is read of a frame is what is predicted."""
    subject = Subject(scene.canonical, scene.body, scene.track, (0, 1, 2, 3))
    options = replace(QUICK, count=3000, texture_size=64, texture=1.0, residual_from=0.0)
    learner = NeuralActorLearner(subject, SHORT, options, CPU)
    avatar, truth = learner.avatar.requires_grad_(False), posed_cloth()
    middle = track_pose(scene.track, 0, CPU)
    changes = truth.dynamics(middle[0])
    near = (avatar.shaped().means[:, None] - truth.shaped().means).norm(dim=-1).argmin(dim=1)
    avatar.rgb_logits.data = (truth.rgb_logits.sigmoid() * changes.shades)[near].clamp(0.01, 0.99).logit()
    seen = learner.reader.read(avatar.shaped().posed(*middle), view_of(scene, 0))
    assert seen.share.gt(0.5).float().mean() > 0.1 and seen.share.eq(0).float().mean() > 0.3
    assert seen.loss() < 0.08
    wrong = replace(seen, predicted=seen.predicted.flip(0))
    assert wrong.loss() > 2.0 * seen.loss()


@pytest.mark.parametrize("more", [{"texture": 1.0}, {"texture": 1.0, "adversarial": 0.01, "feature_matching": 0.1}])
def test_what_is_asked_of_the_texture_itself_brings_it_nearer_to_the_frames(scene, more):
    options = replace(QUICK, predictor="unet", texture_size=32, count=600)
    few = replace(SHORT, steps=60)
    plain, asked = (trained(scene, replace(options, **changed), few) for changed in ({}, more))
    apart = []
    for avatar in (plain.avatar, asked.avatar):
        reader = TextureReader(avatar, avatar.residual, 3.0)
        with torch.no_grad():
            posed = avatar.shaped().posed(*track_pose(scene.track, 3, CPU))
            apart.append(reader.read(posed, view_of(scene, 3)).loss().item())
    assert apart[1] < apart[0]


def test_the_videos_own_motion_shows_what_training_showed(scene, learned, tmp_path):
    training = learned()
    save_avatar(tmp_path / "avatar.tar", training, scene.canonical, scene.frames)
    archive = load_archive(tmp_path / "avatar.tar")
    act = in_camera_frame(archive.avatar, archive.poses)
    pictures = [picture.rgb for picture in render_performance(act, [scene.camera] * len(scene.frames))]
    for frame, picture in enumerate(pictures):
        with torch.no_grad():
            drawn = training.avatar.shaped().posed(*track_pose(training.poses, frame, CPU)).draw(scene.camera).rgb
        np.testing.assert_allclose(picture, drawn.numpy(), atol=2e-3)
    assert np.abs(pictures[0] - pictures[-1]).mean() > 0.01


def test_without_a_rate_it_is_the_avatar_of_gaussians(scene):
    few = replace(SHORT, steps=10)
    own = trained(scene, replace(QUICK, lr_residual=0.0), few).avatar
    plain = trained(scene, GaussiansConfig(count=1500, lr_colors=0.15), replace(few, method="gaussians")).avatar
    assert own.residual is None and own.beyond_skinning is None
    for name, value in plain.state_dict().items():
        assert torch.equal(value, own.state_dict()[name]), name


def test_gaussians_are_learned_alone_before_the_pose_changes_anything(scene):
    few = replace(SHORT, steps=10)
    early, plain = (
        trained(scene, replace(QUICK, residual_from=1.0, lr_residual=rate), few).avatar for rate in (0.01, 0.0)
    )
    torch.testing.assert_close(early.rgb_logits, plain.rgb_logits)
    assert (early.residual.predictor.coefficients == 0).all() and early.active
    late = trained(scene, replace(QUICK, residual_from=0.8), few).avatar
    assert (late.residual.predictor.coefficients != 0).any()


@pytest.mark.parametrize("more", [{"predictor": "unet"}, {"adversarial": 0.01, "feature_matching": 0.1}])
def test_a_killed_training_goes_on_with_predictor_and_discriminator(scene, tmp_path, monkeypatch, more):
    few = replace(SHORT, steps=10)
    options = replace(QUICK, count=400, texture_size=32, **more)
    whole, path = trained(scene, options, few), tmp_path / ".checkpoint"
    steps = killed_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        trained(scene, options, few, path)
    again = trained(scene, options, few, path)
    assert len(steps) == 8 + few.steps - 7
    for name, value in whole.avatar.state_dict().items():
        assert torch.equal(value, again.avatar.state_dict()[name]), name


def test_every_second_step_of_a_u_net_is_in_the_motion_of_the_video(scene, monkeypatch):
    """The others are in poses that are held, as those are of which no neighbours are known."""
    subject, seen = Subject(scene.canonical, scene.body, scene.track, (0, 1, 2, 3)), []
    options = replace(QUICK, count=300, texture_size=32, predictor="unet")
    learner, real = NeuralActorLearner(subject, SHORT, options, CPU), PosedActor.after
    monkeypatch.setattr(PosedActor, "after", lambda posed, before: seen.append(before) or real(posed, before))
    for frame in (3, 3, 1, 1):
        posed = learner.avatar.shaped().posed(*track_pose(scene.track, frame, CPU))
        learner.loss(posed, view_of(scene, frame))
    assert len(seen) == 2
    for before, frames in zip(seen, ((1, 2), (0, 0)), strict=True):
        torch.testing.assert_close(before, torch.stack([track_pose(scene.track, f, CPU)[0] for f in frames]))


def test_a_texture_whose_size_cannot_be_halved_is_refused(scene):
    with pytest.raises(InputError, match=r"texture_size is 100; give a multiple of 8"):
        trained(scene, replace(QUICK, texture_size=100))
