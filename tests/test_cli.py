"""The command line: thin, light to start, one sentence for what the user can mend."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.support.import_sources import LENGTH, body_25, pictures, smpl_body, truth, write_openpose
from tests.support.inspect_scenes import sick_walk
from tests.support.paths import SCRIPTS
from tests.support.verbs import call
from understudy.body.config import ShapeConfig
from understudy.cli.arguments import read_arguments
from understudy.cli.verbs import VERBS
from understudy.errors import InputError
from understudy.export.config import ExportConfig
from understudy.formats.keypoints import Keypoints
from understudy.importers.config import ReadOptions
from understudy.options import Options, options_of
from understudy.rendering.config import PathConfig, ShowConfig
from understudy.viewer.config import ViewerConfig


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in a folder of its own: status, what it printed, and its errors."""

    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: call(monkeypatch, capsys, tmp_path, *arguments)


def test_inspect_prints_a_table_and_writes_the_sheet(run, tmp_path):
    actor = sick_walk(tmp_path)
    status, printed, errors = run("inspect", "results/walker", "--count", "2")
    assert status == 0, errors
    assert "Body outside the mask" in printed and "There is no metrics.json yet." in printed
    assert Image.open(actor / "inspect.jpg").height > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inspect", "nowhere"), "nowhere is not a folder"),
        (("inspect", "."), "holds no frames.json"),
        (("import", "nowhere", "results/anna"), "nowhere: no such file or folder"),
        (("export", "nowhere.tar", "files"), "nowhere.tar: no such file"),
        (("bake", "nowhere.tar", "baked.tar"), "nowhere.tar: no such file"),
        (("dataset", "nowhere", "out", "--layout", "ntc"), "nowhere is not a folder"),
        (("view", "nowhere.tar", "--page", "page.html"), "nowhere.tar: no such file"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence_and_status_2(run, arguments, words):
    status, printed, errors = run(*arguments)
    assert status == 2 and printed == ""
    assert errors.startswith("error: ") and words in errors
    assert len(errors.strip().splitlines()) == 1


def test_import_writes_an_actors_files(run, tmp_path):
    known = truth(smpl_body(tmp_path))
    write_openpose(tmp_path / "json", body_25(known))
    video = pictures(tmp_path / "images")
    status, printed, errors = run("import", "json", "results/anna", "--pictures", video, "--body", "None")
    assert status == 0, errors
    assert f"{LENGTH} frames" in printed and "wrote" in printed
    assert np.isfinite(Keypoints.load(tmp_path / "results/anna/keypoints.npz").keypoints).all()


def test_help_names_the_verbs_and_loads_no_stage():
    code = f"""
import sys
from understudy.cli import main
for arguments in ([], *([verb] for verb in {list(VERBS)})):
    sys.argv = ["understudy", *arguments, "--help"]
    try: main()
    except SystemExit as end: assert end.code == 0
print(sorted({{"torch", "cv2", "numpy", "numba", "scipy"}} & set(sys.modules)))
"""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert shown.returncode == 0 and "inspect" in shown.stdout and "import" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("verb", "groups"),
    [
        ("import", (ReadOptions,)),
        ("render", (ShowConfig, PathConfig, ShapeConfig)),
        ("export", (ExportConfig, ShapeConfig)),
        ("view", (ViewerConfig,)),
    ],
)
def test_a_verb_has_the_options_of_its_classes_and_says_of_each_what_they_say(run, verb, groups):
    status, printed, _ = run(verb, "--help")
    words = " ".join(printed.replace("│", " ").split())
    assert status == 0
    for option in (option for group in groups for option in options_of(group)):
        if not isinstance(option.default, Options):
            assert f"--{option.name.replace('_', '-')} " in words.replace(",", " ")
            assert option.sentence in words


def read(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["understudy", *arguments])
    return read_arguments(VERBS, "")


def test_options_reach_the_library_in_its_own_classes(monkeypatch):
    words = ("--size", "72x128", "--fps", "30", "--path", "line", "--follow", "no", "--betas", "1", "-2", "--shadow")
    show = ShowConfig(
        (72, 128), 30.0, path=PathConfig("line", follow=False), shape=ShapeConfig((1.0, -2.0)), shadow=True
    )
    assert read(monkeypatch, "render", "a.tar", "b", *words).show == show
    assert read(monkeypatch, "render", "a.tar", "b").show == ShowConfig()
    exported = read(monkeypatch, "export", "a.tar", "b", "--no-source-motion", "--pose", "12", "--mesh", "cubes")
    assert (
        exported.export == ExportConfig(pose="12", source_motion=False, mesh="cubes")
        and exported.shape == ShapeConfig()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--texture-size", "5"), "texture_size is 5; it must be 16 to 8192 px."),
        (("--pose", "sitting"), "pose is sitting; it must be a, t, big or a frame's number."),
        (("--betas", "nan"), "betas is nan; each must be -100 to 100."),
    ],
)
def test_a_value_that_an_option_does_not_take_is_refused_in_its_own_words(monkeypatch, arguments, message):
    with pytest.raises(InputError) as refused:
        read(monkeypatch, "export", "a.tar", "b", *arguments)
    assert str(refused.value) == message
