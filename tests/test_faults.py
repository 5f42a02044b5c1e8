"""Processes that are killed or stopped, and machines without room: nothing half-made is left, and one sentence says why."""

import ast
import logging
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faults import SCRIPTS, hidden, python, small_disk
from understudy import whole
from understudy.avatar.checkpoint import Checkpoint
from understudy.errors import InputError, Stopped, sentence, stoppable
from understudy.files import read_npz, scratch_folder, whole_file, whole_folder, write_json, write_npz
from understudy.formats.masks import write_alpha
from understudy.log import log_to
from understudy.show.write import write_pictures
from understudy.video.write import write_video

KILLED = """
import os, signal, sys
from pathlib import Path
from understudy import whole
from understudy.whole import whole_file, whole_folder, scratch_folder
where, moment = Path(sys.argv[1]), sys.argv[2]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "flush":
    os.fsync = die
if moment == "rename":
    os.replace = os.rename = die
if moment == "old":  # after the new folder took the place, before the old one is removed
    whole.shutil.rmtree = lambda path, **k: die() if "old" in str(path) and Path(path).exists() else None
with whole_file(where / "a.json") as file, whole_folder(where / "b") as folder, scratch_folder(where / "c"):
    file.write_text("new")
    (folder / "0.txt").write_text("new")
    if moment == "write":
        die()
    (folder / "1.txt").write_text("new")
"""


@pytest.mark.parametrize("moment", ["write", "flush", "rename", "old"])
def test_a_killed_writer_leaves_the_old_or_the_new_and_the_next_one_clears_up(tmp_path, moment):
    (tmp_path / "a.json").write_text("old")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/0.txt").write_text("old")
    assert python(KILLED, tmp_path, moment).wait() == -signal.SIGKILL
    new = moment == "old"
    assert (tmp_path / "a.json").read_text() == "old"
    assert {path.name: path.read_text() for path in (tmp_path / "b").iterdir()} == (
        {"0.txt": "new", "1.txt": "new"} if new else {"0.txt": "old"}
    )
    assert hidden(tmp_path)
    with whole_file(tmp_path / "a.json") as file, whole_folder(tmp_path / "b"), scratch_folder(tmp_path / "c"):
        file.write_text("third")
    assert hidden(tmp_path) == [] and (tmp_path / "a.json").read_text() == "third"


def test_what_others_are_writing_is_left_alone(tmp_path):
    alive = tmp_path / f".a.{whole.HOST}-{os.getppid()}.json"
    elsewhere = tmp_path / ".a.another-1.json"
    old = tmp_path / ".a.another-2.json"
    unlike = tmp_path / f".ab.{whole.HOST}-999999999.json"
    for path in (alive, elsewhere, old, unlike):
        path.write_text("")
    os.utime(old, (0, 0))
    write_json(tmp_path / "a.json", 1)
    assert {path.name for path in (alive, elsewhere, unlike)} == set(hidden(tmp_path))


def test_files_and_folders_are_on_the_disk_before_they_have_their_names(tmp_path, monkeypatch):
    events = []
    fsync, replace, rename = os.fsync, os.replace, os.rename
    monkeypatch.setattr(
        os, "fsync", lambda file: (events.append(Path(os.readlink(f"/proc/self/fd/{file}")).name), fsync(file))
    )
    for name, call in (("replace", replace), ("rename", rename)):
        monkeypatch.setattr(
            os, name, lambda a, b, call=call: (events.append(f"{Path(a).name} to {Path(b).name}"), call(a, b))
        )
    with whole_file(tmp_path / "a.txt") as file:
        file.write_text("1")
    with whole_folder(tmp_path / "b") as folder:
        (folder / "0.txt").write_text("1")
        (folder / "c").mkdir()
        (folder / "c/1.txt").write_text("1")
    mine = f"{whole.HOST}-{os.getpid()}"
    assert events[:3] == [f".a.{mine}.txt", f".a.{mine}.txt to a.txt", tmp_path.name]
    assert set(events[3:7]) == {f".b.{mine}", "0.txt", "c", "1.txt"}
    assert events[7:] == [f".b.{mine} to b", tmp_path.name]


WRITES = {
    "write_text",
    "write_bytes",
    "save",
    "savez",
    "savez_compressed",
    "imwrite",
    "savetxt",
    "copyfile",
    "save_file",
}
PARTS = {
    "whole.py", "avatar/tar.py", "weights/fetch.py",
    "formats/masks.py", "layouts/easymocap.py", "layouts/instant_avatar.py", "layouts/instant_nvr.py", "layouts/meshes.py",
    "layouts/neural_actor.py", "layouts/ntc.py", "layouts/pictures.py", "avatar/archive.py", "avatar/parallel.py",
}  # fmt: skip
"""They write into a temporary folder of their caller, or go on with what is unfinished by design."""
WHOLE = {"checkpoint", "frames", "keypoints", "track", "poses", "canonical"}
"""What is saved whole by its own method."""


def test_no_writer_of_the_library_goes_round_whole_files():
    """A writer either gets its path from ``whole_file`` or ``whole_folder`` in the same function, or is named above."""
    strange = []
    for path in sorted((SCRIPTS / "understudy").rglob("*.py")):
        name = path.relative_to(SCRIPTS / "understudy").as_posix()
        text = path.read_text()
        if name in PARTS or not any(word in text for word in (*WRITES, "open(")):
            continue
        for function in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            if not any(_name(call).startswith(("whole_", "_whole_", "scratch_")) for call in calls):
                strange += [f"{name}: {ast.unparse(call)}" for call in calls if _writes(call)]
    assert strange == []


def _name(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _writes(call):
    if _name(call) == "open":
        modes = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
        return any(isinstance(mode, ast.Constant) and set("wax") & set(str(mode.value)) for mode in modes)
    owner = getattr(getattr(call.func, "value", None), "id", "")
    to_memory = call.args and getattr(call.args[0], "id", "") in ("buffer", "data")
    return _name(call) in WRITES and not to_memory and owner not in WHOLE


def test_a_stage_that_is_stopped_leaves_nothing_but_a_sentence(tmp_path):
    code = """
import sys, time
from pathlib import Path
from understudy.log import log_to
from understudy.whole import whole_folder
with log_to(sys.argv[1] + "/a.log", "matte"), whole_folder(sys.argv[1] + "/matte") as folder:
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
            f"error: the stage matte was stopped by {signal.Signals(number).name}; run again and it goes on."
        ]
        assert "was stopped by" in (tmp_path / "a.log").read_text()
        assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_a_command_that_is_stopped_says_so_without_a_traceback(tmp_path):
    code = """
import sys, time
import understudy.cli as cli
def run(self):
    print("on", flush=True)
    time.sleep(60)
cli.Status.run = run
sys.argv = ["understudy", "status"]
cli.main()
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
from understudy.avatar.parallel import run_together
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
    with whole_folder(path) as folder:
        for index in range(20):
            Image.fromarray(PICTURE).save(folder / f"{index}.jpg", quality=95)


def _masks(path):
    with whole_folder(path) as folder:
        for index in range(20):
            write_alpha(folder, index, PICTURE[..., 0])


def _state(path):
    import torch

    Checkpoint(path, "key").save({"x": torch.rand(100_000)})


def _tensors(path):
    from safetensors.numpy import save_file

    with whole_file(path) as temporary:
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
        with log_to(disk / "a.log", "smpl"):
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


def test_an_error_of_its_own_is_not_blamed_on_the_disk(tmp_path):
    with pytest.raises(KeyError), whole_file(tmp_path / "a.txt"):
        raise KeyError("x")
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.txt"):
        (tmp_path / "nothing").read_text()
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_one_machine_do_not_meet(tmp_path):
    with whole_file(tmp_path / "a.npz") as first:
        first.write_bytes(b"1")
        code = "import sys; from understudy.files import write_npz; write_npz(sys.argv[1], {'x': 2})"
        assert python(code, tmp_path / "a.npz").wait() == 0
        assert int(read_npz(tmp_path / "a.npz")["x"]) == 2 and first.exists()
    assert (tmp_path / "a.npz").read_bytes() == b"1"
