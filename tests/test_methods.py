"""Several methods of one actor: whose avatar is where, what each trains with, and on which poses."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import yaml

from tests.support.avatar_scenes import make_scene
from tests.support.mesh_method import MeshAvatar
from tests.support.paths import ROOT
from understudy import methods
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig, MethodConfig, takes_refined
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.registry import METHODS
from understudy.avatar.start import refined_poses
from understudy.avatar.training.train import train_avatar
from understudy.errors import InputError
from understudy.methods import avatar_of, folder_of, training_config, training_settings
from understudy.sections import SECTIONS, Section

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())["avatar"]
TINY = AvatarConfig(steps=8, hold_out=4, levels=((2, 1.0),), device="cpu")


@dataclass(frozen=True)
class FieldConfig(MethodConfig):
    """Of a method with defaults of its own."""

    training: ClassVar = {"steps": 3000, "levels": [[2, 1.0]]}


@pytest.fixture(autouse=True)
def _field_is_a_method(monkeypatch):
    monkeypatch.setattr(methods, "SECTIONS", (*SECTIONS, Section("field", "a field", (FieldConfig,))))


def settings(**own):
    """How a field is trained where the user chooses these options."""
    return training_settings({**CONFIG, **own}, "field")


def test_the_avatar_of_the_chosen_method_is_in_the_actors_folder_and_others_below():
    assert avatar_of("anna", "gaussians", "gaussians") == "results/anna/avatar.tar"
    assert avatar_of("anna", "field", "gaussians") == "results/anna/methods/field/avatar.tar"
    assert avatar_of("anna", "field", "field") == "results/anna/avatar.tar"
    assert avatar_of("anna", "gaussians", "field") == "results/anna/methods/gaussians/avatar.tar"
    assert folder_of("anna", "field", "gaussians") == "results/anna/methods/field"


def test_what_is_left_to_gaussians_is_what_the_class_says():
    made = AvatarConfig(**training_settings(CONFIG, "gaussians"))
    assert replace(made, poses="gaussians") == AvatarConfig()


def test_a_methods_own_defaults_are_taken_and_the_users_values_win():
    assert settings()["steps"] == 3000 and settings()["levels"] == [[2, 1.0]]
    assert settings(steps=50)["steps"] == 50
    usual = AvatarConfig().steps
    assert settings(steps=usual)["steps"] == usual  # chosen, though it is the usual one
    assert settings(align_steps=2)["align_steps"] == AvatarConfig().align_steps == 2


def test_refined_poses_are_held_and_fitted_ones_are_refined():
    held, free = settings(), settings(poses="fit")
    assert (held["align_steps"], held["lr_betas"]) == (0, 0.0)
    assert (free["align_steps"], free["lr_betas"]) == (AvatarConfig().align_steps, AvatarConfig().lr_betas)
    assert settings(lr_betas=1e-3)["lr_betas"] == 1e-3


def test_a_config_of_a_method_has_its_defaults_and_what_was_chosen():
    made = training_config("gaussians", {"steps": 50, "seed": 3})
    assert made == replace(AvatarConfig(), steps=50, seed=3, poses="fit")
    with pytest.raises(InputError, match="spells"):
        training_config("spells")


def test_a_method_may_align_refined_poses_by_default(monkeypatch):
    monkeypatch.setattr(FieldConfig, "training", {"align_steps": 1})
    assert settings()["align_steps"] == 1 and settings(align_steps=0)["align_steps"] == 0


def test_poses_do_not_matter_to_gaussians():
    one, other = (training_settings({**CONFIG, "poses": poses}, "gaussians") for poses in ("gaussians", "fit"))
    assert one == other and not takes_refined("gaussians", CONFIG)
    assert takes_refined("field", CONFIG) and not takes_refined("field", {**CONFIG, "poses": "fit"})


def test_no_option_but_those_left_to_methods_has_a_default_of_a_method():
    left = {name for name, value in CONFIG.items() if value is None} - {"minutes"}
    for section in SECTIONS:
        if issubclass(section.groups[0], MethodConfig):
            assert set(section.groups[0].training) <= left, section.name
            AvatarConfig(**training_settings(CONFIG, section.name))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def refined(scene, tmp_path_factory):
    """The archive of a Gaussian avatar."""
    path = tmp_path_factory.mktemp("gaussians") / "avatar.tar"
    data = (scene.frames, scene.alpha, scene.track, scene.canonical, scene.body)
    save_avatar(path, train_avatar(*data, TINY, options=GaussiansConfig(count=300)), scene.canonical, scene.frames)
    return load_archive(path)


def test_a_method_that_starts_from_refined_poses_keeps_them_and_the_shape(scene, refined, monkeypatch):
    monkeypatch.setitem(METHODS, MeshAvatar.method, "tests.support.mesh_method.MeshMethod")
    track = refined_poses(refined, scene.frames, scene.track, TINY.hold_out)
    assert np.abs(track.body_pose - scene.track.body_pose).max() > 1e-4
    assert np.abs(track.betas - scene.track.betas).max() > 1e-4
    config = replace(TINY, method="mesh", align_steps=0, lr_betas=0.0)
    trained = train_avatar(scene.frames, scene.alpha, track, scene.canonical, scene.body, config)
    for name in ("global_orient", "body_pose", "transl", "betas"):
        np.testing.assert_allclose(getattr(trained.poses, name), getattr(track, name), atol=2e-6)


@pytest.mark.parametrize(
    ("change", "hold_out", "message"),
    [
        ({"frames": {"source_sha256": "2" * 64}}, 4, "was not learned from made_up.mp4"),
        ({"track": {"body_model": ("other", "9" * 64)}}, 4, "the fit is of another, other"),
        ({}, 3, "learned from frame .*, which is held out here"),
    ],
)
def test_poses_of_another_video_body_or_hold_out_are_refused(scene, refined, change, hold_out, message):
    frames = replace(scene.frames, **change.get("frames", {}))
    track = replace(scene.track, **change.get("track", {}))
    with pytest.raises(InputError, match=message):
        refined_poses(refined, frames, track, hold_out)
