"""The configuration is checked before any job, and an actor's own options win."""

import json
from dataclasses import fields

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.support.paths import ROOT
from understudy.errors import InputError
from understudy.settings import actor_settings, check_settings

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


def dataclasses_of_stages():
    from understudy.avatar.config import AvatarConfig
    from understudy.avatar.evaluate import EvaluateConfig
    from understudy.avatar.gaussians.config import GaussiansConfig
    from understudy.avatar.turntable import TurntableConfig
    from understudy.canonical.prepare import CanonicalConfig
    from understudy.export.run import ExportConfig
    from understudy.fitting.fit import FittingConfig
    from understudy.keypoints.detect import KeypointsConfig
    from understudy.matting.matting import MattingConfig
    from understudy.parsing.label import ParsingConfig
    from understudy.silhouettes.segment import SilhouettesConfig
    from understudy.video.decode import FramesConfig
    from understudy.viewer.acts import ViewerConfig

    return {
        "frames": FramesConfig,
        "keypoints": KeypointsConfig,
        "silhouettes": SilhouettesConfig,
        "fitting": FittingConfig,
        "matting": MattingConfig,
        "parsing": ParsingConfig,
        "canonical": CanonicalConfig,
        "avatar": AvatarConfig,
        "gaussians": GaussiansConfig,
        "evaluate": EvaluateConfig,
        "turntable": TurntableConfig,
        "export": ExportConfig,
        "viewer": ViewerConfig,
    }


FILES = {
    "keypoints": {"weights", "files"},
    "silhouettes": {"weights", "files"},
    "parsing": {"weights", "files"},
    "fitting": {"regressor", "files"},
    "export": {"motions"},
    "viewer": {"motions"},
}
"""Options that name an input of the stage's rule, which hands the file over."""


def test_shipped_config_is_valid():
    Draft202012Validator.check_schema(SCHEMA)
    check_settings(CONFIG, SCHEMA)


@pytest.mark.parametrize("stage", sorted(dataclasses_of_stages()))
def test_config_schema_and_code_have_the_same_options_and_defaults(stage):
    config_class = dataclasses_of_stages()[stage]
    names = {field.name for field in fields(config_class)}
    files = FILES.get(stage, set())
    assert set(CONFIG[stage]) == names | files
    assert set(SCHEMA["$defs"][stage]["properties"]) == names | files
    default = config_class()
    for name in names:
        value = getattr(default, name)
        assert CONFIG[stage][name] == json.loads(json.dumps(value)), name


def test_every_option_is_explained():
    for stage, definition in SCHEMA["$defs"].items():
        for name, option in definition["properties"].items():
            assert option.get("description"), f"{stage}.{name}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"avatar": {"stepz": 3}}, ["avatar", "stepz", "steps"]),
        ({"avatar": {"steps": "many"}}, ["avatar.steps", "many", "integer"]),
        ({"avatar": {"steps": -5}}, ["avatar.steps", "-5"]),
        ({"frames": {"max_frames": 3}}, ["frames.max_frames"]),
        ({"fitting": {"height_m": 17.8}}, ["fitting.height_m", "17.8"]),
        ({"keypoints": {"backend": "guess"}}, ["keypoints.backend", "guess", "mediapipe"]),
        ({"actors": {"anna": {"avatar": {"stepz": 3}}}}, ["actors.anna.avatar", "stepz"]),
        ({"frame": {}}, ["frame", "frames"]),
        ({"actors": {7: {}}}, ["actors", "7", "quotes"]),
        ({"actors": {"a/b": {}}}, ["actors", "'a/b'", "folder"]),
        ({"videos": 3}, ["videos", "3", "string"]),
    ],
)
def test_bad_options_are_refused_in_one_sentence(change, words):
    with pytest.raises(InputError) as error:
        check_settings({**CONFIG, **change}, SCHEMA)
    message = str(error.value)
    assert "\n" not in message and len(message) < 500
    for word in words:
        assert word in message


def test_an_actors_own_options_win():
    config = {"avatar": {"steps": 10, "seed": 1}, "actors": {"anna": {"avatar": {"steps": 20}}}}
    assert actor_settings(config, "avatar", "anna") == {"steps": 20, "seed": 1}
    assert actor_settings(config, "avatar", "bob") == {"steps": 10, "seed": 1}


def limited_options():
    """Each number of the schema that has a largest value, and that value."""
    for stage, definition in SCHEMA["$defs"].items():
        for name, option in definition["properties"].items():
            if "maximum" in option:
                yield stage, name, option["maximum"]


@pytest.mark.parametrize(("stage", "name", "most"), limited_options())
def test_numbers_are_taken_up_to_their_limits_and_not_beyond(stage, name, most):
    check_settings({**CONFIG, stage: {**CONFIG[stage], name: most}}, SCHEMA)
    for wrong in (most + 1, float("nan"), float("inf")):
        with pytest.raises(InputError, match=rf"{stage}\.{name}"):
            check_settings({**CONFIG, stage: {**CONFIG[stage], name: wrong}}, SCHEMA)


def test_numbers_that_size_a_result_have_limits():
    known = {f"{stage}.{name}" for stage, name, _ in limited_options()}
    sizes = (
        "frames.max_frames frames.max_size silhouettes.max_size canonical.texture_size canonical.margin gaussians.count "
        "avatar.steps turntable.frames turntable.width turntable.height export.texture_size"
    )
    assert set(sizes.split()) <= known


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_finite_number_is_refused_wherever_it_is(value):
    for change, where in (
        ({"avatar": {"lr_sh": value}}, "avatar.lr_sh"),
        ({"frames": {"K": [1, 1, value, 1]}}, "frames.K.2"),
    ):
        with pytest.raises(InputError, match=where):
            check_settings({**CONFIG, **change}, SCHEMA)
        with pytest.raises(InputError, match=f"actors.anna.{where}"):
            check_settings({**CONFIG, "actors": {"anna": change}}, SCHEMA)
