"""What an archive may say of a predicted texture."""

import json
import tarfile

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.support.avatar_scenes import make_scene
from tests.support.harmful import tarred
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig
from understudy.avatar.neural_actor.config import NeuralActorConfig
from understudy.avatar.training.train import train_avatar
from understudy.errors import InputError

SHORT = AvatarConfig(method="neural_actor", steps=2, levels=((2, 1.0),), align_steps=0, device="cpu")
COEFFICIENTS = "residual.predictor.coefficients"


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The members of an honest archive."""
    folder = tmp_path_factory.mktemp("honest")
    scene = make_scene(folder / "scene", length=4)
    options = NeuralActorConfig(count=300, texture_size=32, residual_from=0.0)
    data = (scene.frames, scene.alpha, scene.track, scene.canonical, scene.body)
    save_avatar(folder / "a.tar", train_avatar(*data, SHORT, options=options), scene.canonical, scene.frames)
    with tarfile.open(folder / "a.tar") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predictor": "spells"}, "predictor is none of linear, unet"),
        ({"predictor": ["linear"]}, "predictor"),
        ({"predictor": "unet"}, "the weights lack residual.predictor"),
        ({"predictor": None}, "which no avatar has"),
        ({"texture_size": 1 << 20}, "texture_size"),
        ({"texture_size": 36}, "texture_size is 36, no multiple of 8"),
        ({"texture_size": "32"}, "texture_size"),
        ({"reach": -1.0}, "reach"),
        ({"reach": None}, "reach"),
        ({"count": 7}, "tells of"),
    ],
)
def test_a_texture_that_is_none_is_refused(tmp_path, parts, change, words):
    info = json.loads(parts["avatar.json"])
    info["neural_actor"] |= change
    with pytest.raises(InputError, match=words):
        load_archive(tarred(tmp_path / "a.tar", {**parts, "avatar.json": json.dumps(info).encode()}))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("residual.filmed", lambda values: None, "lack residual.filmed"),
        ("residual.filmed", lambda values: 3.0 + values, "residual.filmed"),
        ("residual.filmed", lambda values: np.repeat(values, 300, axis=0), "residual.filmed"),
        ("residual.filmed", lambda values: values[:, :-1], "residual.filmed"),
        (COEFFICIENTS, lambda values: None, "lack residual.predictor"),
        (COEFFICIENTS, lambda values: values + np.inf, COEFFICIENTS),
        (COEFFICIENTS, lambda values: values + 1e3, COEFFICIENTS),
        (COEFFICIENTS, lambda values: values[..., :-1], COEFFICIENTS),
    ],
)
def test_weights_that_are_none_are_refused(tmp_path, parts, name, change, words):
    weights = load(parts["weights.safetensors"])
    changed = change(weights.pop(name))
    if changed is not None:
        weights[name] = np.ascontiguousarray(changed)
    with pytest.raises(InputError, match=words):
        load_archive(tarred(tmp_path / "a.tar", {**parts, "weights.safetensors": save(weights)}))


def test_an_honest_archive_is_read(tmp_path, parts):
    avatar = load_archive(tarred(tmp_path / "a.tar", parts)).avatar
    assert avatar.beyond_skinning == "lr_residual" and avatar.residual.design.side == 32
