"""What ``import understudy`` offers, and the examples that use it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import understudy
from tests.support.paths import ROOT
from tests.support.show_scenes import save_made_up_avatar, write_amass
from understudy.video.clip import VideoFile

EXAMPLES = ROOT / "examples"
SCRIPTS = Path(understudy.__file__).resolve().parents[1]


def python(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, **options)


def test_every_name_is_found_where_the_table_says():
    for name in understudy.__all__:
        assert getattr(understudy, name).__module__ == f"understudy.{understudy.PUBLIC[name]}", name
        assert name in dir(understudy)
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = understudy.no_such_name


def test_nothing_is_imported_before_it_is_asked_for():
    run = python("-c", "import sys, understudy; print({'numpy', 'torch', 'cv2'} & set(sys.modules))")
    assert run.stdout.strip() == "set()", run.stderr


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_runs_and_makes_what_it_says(example, avatar, tmp_path):
    outputs = {"01": "turn.mp4", "02": "dance.mp4", "03": "depth.png", "04": "exports"}
    output = outputs[example[:2]]
    motion = [write_amass(tmp_path / "walk.npz")] if example.startswith("02") else []
    run = python(EXAMPLES / example, avatar, *motion, output, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    made = tmp_path / output
    if made.suffix == ".mp4":
        assert VideoFile(made).declared_rate == 24.0
    elif made.suffix == ".png":
        assert np.asarray(Image.open(made)).max() == 255
    else:
        assert (made / "avatar.glb").read_bytes().startswith(b"glTF")
