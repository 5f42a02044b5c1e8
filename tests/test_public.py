"""What ``import understudy`` offers, and the examples that use it."""

import inspect
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from PIL import Image

import understudy
from tests.support.avatar_scenes import make_scene
from tests.support.paths import ROOT
from tests.support.show_scenes import save_made_up_avatar, write_amass
from understudy.avatar.base import Method
from understudy.body.files import load_body, write_body
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


def classes_in(kind):
    """Our classes in a type."""
    if inspect.isclass(kind) and kind.__module__.startswith("understudy."):
        return {kind.__name__}
    return {name for part in get_args(kind) for name in classes_in(part)}


def test_whatever_a_function_takes_is_offered_or_given_by_another():
    functions = [
        each for each in (getattr(understudy, name) for name in understudy.__all__) if inspect.isfunction(each)
    ]
    # the registry names the contract for type checkers alone, so as to load no library
    hints = [get_type_hints(function, localns={"Method": Method}) for function in functions]
    given = {name for hint in hints for name in classes_in(hint["return"])}
    taken = {name for hint in hints for key, kind in hint.items() if key != "return" for name in classes_in(kind)}
    assert len(taken) > 20 and taken <= given | set(understudy.__all__)


def test_nothing_is_imported_before_it_is_asked_for():
    run = python("-c", "import sys, understudy; print({'numpy', 'torch', 'cv2'} & set(sys.modules))")
    assert run.stdout.strip() == "set()", run.stderr


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")


def actor_folder(folder):
    """An actor's folder as the stages leave it, and the file of the body."""
    scene, body = make_scene(folder), folder / "body.npz"
    scene.alpha.rename(folder / "matte")
    write_body(body, scene.body)
    scene.frames.save(folder / "frames.json")
    replace(scene.track, body_model=(scene.body.name, load_body(body).sha256)).save(folder / "smpl.npz")
    scene.canonical.save(folder / "canonical.npz")
    return folder, body


def run_example(name, *arguments):
    """What an example prints."""
    run = python(EXAMPLES / name, *arguments)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_examples_of_videos_write_them(avatar, tmp_path):
    run_example("01_turn.py", avatar, tmp_path / "turn.mp4")
    run_example("02_dance.py", avatar, write_amass(tmp_path / "walk.npz"), tmp_path / "dance.mp4")
    for name in ("turn.mp4", "dance.mp4"):
        assert VideoFile(tmp_path / name).declared_rate == 24.0


def test_the_example_of_a_camera_shows_the_person_upright(avatar, tmp_path):
    run_example("03_depth.py", avatar, tmp_path / "depth.png")
    near = np.asarray(Image.open(tmp_path / "depth.png"))
    assert near.max() == 255
    rows = np.flatnonzero(near.any(axis=1))
    tenth = len(rows) // 10
    head, feet = (np.ptp(np.flatnonzero(near[row])) for row in (rows[tenth], rows[-tenth]))
    assert head < feet  # one above, two apart below


def test_the_example_of_exports_lists_them(avatar, tmp_path):
    assert run_example("04_export.py", avatar, tmp_path / "exports").split() == [str(tmp_path / "exports/avatar.glb")]
    assert (tmp_path / "exports/avatar.glb").read_bytes().startswith(b"glTF")


def test_the_example_of_training_makes_an_avatar_of_an_actors_files(tmp_path):
    told = run_example("05_train.py", *actor_folder(tmp_path / "actor"), tmp_path / "avatar.tar")
    assert float(told.split()[0]) > 15.0
    assert len(understudy.load_avatar(tmp_path / "avatar.tar").betas) == 4


def test_no_example_is_left_out():
    tried = Path(__file__).read_text()
    assert all(f'"{path.name}"' in tried for path in EXAMPLES.glob("*.py"))
