"""The configuration is checked before any job, and an actor's own options win."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.support.paths import ROOT
from tools.write_config import generate_files
from understudy.errors import InputError
from understudy.options import OfMethod, options_of, parts_of
from understudy.sections import SECTIONS
from understudy.settings import actor_settings, check_settings, read_scalars

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


def test_shipped_config_is_valid():
    Draft202012Validator.check_schema(SCHEMA)
    check_settings(CONFIG, SCHEMA)


def test_config_and_schema_are_what_the_options_say():
    for name, text in generate_files().items():
        assert (ROOT / name).read_text() == text, f"run: python tools/write_config.py, for {name}"


def test_what_is_out_of_step_is_named_and_put_right(tmp_path):
    for name in ("config.yaml", "schemas", "scripts", "tools/write_config.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    command = [sys.executable, tmp_path / "tools/write_config.py"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "scripts")}
    source = tmp_path / "scripts/understudy/matting/config.py"
    source.write_text(source.read_text().replace("Share = 0.85", "Annotated[float, Bounds(0, 0.9)] = 0.8"))
    check = subprocess.run([*command, "--check"], capture_output=True, text=True, env=environment)
    assert check.returncode == 1 and check.stderr.startswith("error: config.yaml, schemas/config.schema.yaml: ")
    assert subprocess.run(command, env=environment).returncode == 0
    assert "  agreement: 0.8  # " in (tmp_path / "config.yaml").read_text()
    schema = yaml.safe_load((tmp_path / "schemas/config.schema.yaml").read_text())
    assert schema["$defs"]["matting"]["properties"]["agreement"]["maximum"] == 0.9
    assert subprocess.run([*command, "--check"], env=environment).returncode == 0


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_sections_values_are_within_the_limits_of_its_classes(section):
    for group in section.groups:
        values = {option.name: CONFIG[section.name][option.name] for option in options_of(group)}
        left = {option.name for option in options_of(group) if OfMethod() in parts_of(option.kind)[1]}
        assert all(values[name] is None for name in left)
        group(**{name: value for name, value in values.items() if name not in left})


def test_every_option_is_explained_once():
    for section in SECTIONS:
        options = [option for group in section.groups for option in options_of(group)]
        assert all(option.sentence for option in options)
        assert len({option.name for option in options}) == len(options), section.name


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
        ({"smpl": {"height_m": 1.7}}, ["unknown option smpl", "fitting"]),
        ({"matte": {}}, ["unknown option matte", "matting"]),
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
        "frames.max_frames frames.max_size silhouettes.max_size canonical.texture_size gaussians.count "
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


def test_texts_of_an_argument_are_read_as_yaml_reads_them():
    given = {"avatar": {"steps": "200", "method": "gaussians"}, "a": ["0.5", "true", "null", "x: 1", "{"], "b": 3}
    read = {"avatar": {"steps": 200, "method": "gaussians"}, "a": [0.5, True, None, "x: 1", "{"], "b": 3}
    assert read_scalars(given) == read
