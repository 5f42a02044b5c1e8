"""Processes that are killed or stopped, and machines without room: nothing half-made is left, and one sentence says why."""

import logging
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.faults import SCRIPTS, python, small_disk
from understudy.avatar.training.checkpoint import Checkpoint
from understudy.errors import InputError, Stopped, sentence, stoppable
from understudy.files.arrays import write_json, write_npz
from understudy.files.atomic import atomic_folder, atomic_write
from understudy.formats.masks import write_alpha
from understudy.log import log_to
from understudy.rendering.write import write_pictures
from understudy.video.write import write_video


def test_a_stage_that_is_stopped_leaves_nothing_but_a_sentence(tmp_path):
    code = """
import sys, time
from pathlib import Path
from understudy.log import log_to
from understudy.files.atomic import atomic_folder
with log_to(sys.argv[1] + "/a.log", "matting"), atomic_folder(sys.argv[1] + "/matte", "mattes") as folder:
    (folder / "0.png").write_text("x")
    print("on", flush=True)
    time.sleep(60)
"""
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = python(code, tmp_path)
        process.stdout.readline()
        started = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate()
        assert process.returncode == status and time.monotonic() - started < 5
        assert errors.splitlines() == [
            f"error: the stage matting was stopped by {signal.Signals(number).name}; run again and it goes on."
        ]
        assert "was stopped by" in (tmp_path / "a.log").read_text()
        assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_a_command_that_is_stopped_says_so_without_a_traceback(tmp_path):
    code = """
import sys, time
from understudy.cli import main
from understudy.cli.status import Status
def run(self):
    print("on", flush=True)
    time.sleep(60)
Status.run = run
sys.argv = ["understudy", "status"]
main()
"""
    process = python(code)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 143 and errors == "stopped by SIGTERM\n"


def test_a_team_ends_with_the_process_that_began_it(tmp_path):
    code = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from understudy.avatar.training.parallel import run_together
from understudy.errors import stoppable
from member import work
if __name__ == "__main__":
    with stoppable():
        run_together(work, 2, (sys.argv[1],), cuda=False)
"""
    (tmp_path / "member.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        "def work(folder):\n    (Path(folder) / f'{os.getpid()}.pid').touch()\n    time.sleep(120)\n"
    )
    (tmp_path / "begin.py").write_text(code)
    process = python(
        f"import runpy, sys; sys.argv[0] = {str(tmp_path / 'begin.py')!r}; runpy.run_path(sys.argv[0], run_name='__main__')",
        tmp_path,
    )
    until = time.monotonic() + 60
    while len(list(tmp_path.glob("*.pid"))) < 2 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    members = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(members) == 2, process.communicate()[1]
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    until = time.monotonic() + 10
    while any(Path(f"/proc/{member}").exists() for member in members) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{member}").exists() for member in members)


def test_signals_have_their_old_meaning_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped) as stopped, stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert stopped.value.status == 143 and signal.getsignal(signal.SIGTERM) is before


PICTURE = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)


def _jpegs(path):
    with atomic_folder(path, "pictures") as folder:
        for index in range(20):
            Image.fromarray(PICTURE).save(folder / f"{index}.jpg", quality=95)


def _masks(path):
    with atomic_folder(path, "pictures") as folder:
        for index in range(20):
            write_alpha(folder, index, PICTURE[..., 0])


def _state(path):
    import torch

    Checkpoint(path, "key").save({"x": torch.rand(100_000)})


def _tensors(path):
    from safetensors.numpy import save_file

    with atomic_write(path) as temporary:
        save_file({"x": np.ones(100_000)}, temporary)


WRITERS = {
    "npz": lambda path: write_npz(path, {"x": np.random.default_rng(0).random(100_000)}),
    "json": lambda path: write_json(path, list(range(100_000))),
    "jpg": _jpegs,
    "png": _masks,
    "mp4": lambda path: write_video(path, np.random.default_rng(0).integers(0, 255, (30, 200, 200, 3), np.uint8), 30.0),
    "pictures": lambda path: write_pictures(path, [PICTURE] * 20, 30.0),
    "torch": _state,
    "safetensors": _tensors,
}


def test_a_full_disk_is_told_in_one_sentence_and_nothing_is_left(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        for kind, write in WRITERS.items():
            path = disk / ("a" if kind in ("jpg", "png", "pictures") else f"a.{kind}")
            with pytest.raises(InputError, match=r"cannot be written.*(disk is full|No space left)") as error:
                write(path)
            assert str(path) in str(error.value) and "\n" not in str(error.value), kind
            assert list(disk.iterdir()) == [], kind


def test_a_read_only_folder_is_told_in_one_sentence(tmp_path):
    with small_disk(tmp_path / "disk", read_only=True) as disk:
        for kind in ("npz", "jpg", "mp4"):
            with pytest.raises(InputError, match=r"cannot be written: the disk is read-only"):
                WRITERS[kind](disk / f"a.{kind}")


def test_a_body_is_read_where_nothing_can_be_written(tmp_path):
    import shutil
    import subprocess

    from understudy.body.files import load_body

    with small_disk(tmp_path / "models", "8m") as models:
        shutil.copy(SCRIPTS.parent / "models/understudy_body.npz", models)
        subprocess.run(["mount", "-o", "remount,ro", str(models)], check=True)
        assert load_body(models / "understudy_body.npz").free


def test_a_log_on_a_full_disk_does_not_hide_the_reason(tmp_path, capfd):
    with small_disk(tmp_path / "disk", "16k") as disk, pytest.raises(SystemExit):
        (disk / "rest").write_bytes(bytes(12288))
        with log_to(disk / "a.log", "fitting"):
            logging.getLogger("understudy").info("x" * 20_000)
            write_npz(disk / "a.npz", {"x": np.random.default_rng(0).random(10_000)})
    said = capfd.readouterr().err
    assert "cannot be written: the disk is full" in said and "Traceback" not in said and "Logging error" not in said


@pytest.mark.parametrize(
    "work",
    [
        "numpy.ones(1 << 30)", "torch.ones(1 << 30)", "cv2.resize(numpy.ones((10, 10)), (60000, 60000))",
        "bytearray(8 << 30)", "PIL.Image.new('RGB', (60000, 60000)).load()",
    ],
)  # fmt: skip
def test_want_of_memory_is_told_in_one_sentence(tmp_path, work):
    module = work.split(".")[0].split("(")[0]
    code = f"""
import resource, sys, numpy, PIL.Image
{"" if module == "bytearray" else f"import {module}"}
from understudy.log import log_to
with log_to(sys.argv[1], "canonical"):
    held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + (64 << 20), held + (64 << 20)))
    {work}
"""
    process = python(code, tmp_path / "a.log")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert (
        errors.startswith("error: the stage canonical ran out of memory; run fewer jobs at once")
        and errors.count("\n") == 1
    )


def test_other_errors_are_not_told_as_want_of_memory():
    assert sentence(ValueError("out of memory is what I say"), "it") is None
    assert "GPU" in sentence(RuntimeError("CUDA error: out of memory"), "it")
    assert sentence(OSError(28, "No space left on device", "/x/y"), "it").startswith(
        "it cannot write /x/y: the disk is full"
    )
