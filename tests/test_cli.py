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
from understudy.formats.keypoints import Keypoints


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
        (("inspect", "nowhere"), "nowhere is no folder"),
        (("inspect", "."), "holds no frames.json"),
        (("import", "nowhere", "results/anna"), "nowhere: no such file or folder"),
        (("export", "nowhere.tar", "files"), "nowhere.tar: no such file"),
        (("dataset", "nowhere", "out", "--layout", "ntc"), "nowhere is no folder"),
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
    code = (
        "import sys; from understudy.cli import main; sys.argv = ['understudy', '--help']\n"
        "try: main()\n"
        "finally: print(sorted({'torch', 'cv2', 'numpy', 'numba'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert shown.returncode == 0 and "inspect" in shown.stdout and "import" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "[]"
