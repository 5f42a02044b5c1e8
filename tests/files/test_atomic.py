"""Files and folders are there as a whole or not at all, whoever is killed, and whoever else writes."""

import ast
import os
import re
import signal
import stat
from pathlib import Path

import numpy as np
import pytest

from tests.support.faults import SCRIPTS, hidden, python, small_disk
from understudy.errors import InputError
from understudy.files import atomic as whole
from understudy.files.arrays import read_npz, write_json
from understudy.files.atomic import atomic_folder, atomic_write, scratch_folder
from understudy.files.marks import MARKER
from understudy.video.write import write_video

KILLED = """
import os, signal, sys
from pathlib import Path
from understudy.files import atomic as whole
from understudy.files.atomic import atomic_write, atomic_folder, scratch_folder
where, moment = Path(sys.argv[1]), sys.argv[2]
def die(*a, **k):
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "flush":
    os.fsync = die
if moment == "rename":
    os.replace = os.rename = die
if moment == "old":  # after the new folder took the place, before the old one is removed
    whole.shutil.rmtree = lambda path, **k: die() if "old" in str(path) and Path(path).exists() else None
with atomic_write(where / "a.json") as file, atomic_folder(where / "b", "texts") as folder, scratch_folder(where / "c"):
    file.write_text("new")
    (folder / "0.txt").write_text("new")
    if moment == "write":
        die()
    (folder / "1.txt").write_text("new")
"""


@pytest.mark.parametrize("moment", ["write", "flush", "rename", "old"])
def test_a_killed_writer_leaves_the_old_or_the_new_and_the_next_one_clears_up(tmp_path, moment):
    (tmp_path / "a.json").write_text("old")
    with atomic_folder(tmp_path / "b", "texts") as folder:
        (folder / "0.txt").write_text("old")
    assert python(KILLED, tmp_path, moment).wait() == -signal.SIGKILL
    new = moment == "old"
    assert (tmp_path / "a.json").read_text() == "old"
    assert {path.name: path.read_text() for path in (tmp_path / "b").glob("*.txt")} == (
        {"0.txt": "new", "1.txt": "new"} if new else {"0.txt": "old"}
    )
    assert hidden(tmp_path)
    with (
        atomic_write(tmp_path / "a.json") as file,
        atomic_folder(tmp_path / "b", "texts"),
        scratch_folder(tmp_path / "c"),
    ):
        file.write_text("third")
    assert hidden(tmp_path) == [] and (tmp_path / "a.json").read_text() == "third"


def test_what_others_are_writing_is_left_alone(tmp_path):
    alive = tmp_path / f".a.{whole.HOST}-{os.getppid()}-00c0ffee.json"
    elsewhere = tmp_path / ".a.another-1-00c0ffee.json"
    old = tmp_path / ".a.another-2-00c0ffee.json"
    unlike = tmp_path / f".ab.{whole.HOST}-999999999-00c0ffee.json"
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
    with atomic_write(tmp_path / "a.txt") as file:
        file.write_text("1")
    with atomic_folder(tmp_path / "b", "texts") as folder:
        (folder / "0.txt").write_text("1")
        (folder / "c").mkdir()
        (folder / "c/1.txt").write_text("1")
    mine = f"{whole.HOST}-{os.getpid()}-x"
    events = [re.sub("-[0-9a-f]{8}", "-x", event) for event in events]
    assert events[:3] == [f".a.{mine}.txt", f".a.{mine}.txt to a.txt", tmp_path.name]
    assert set(events[3:8]) == {f".b.{mine}", "0.txt", "c", "1.txt", MARKER}
    assert events[8:] == [f".b.{mine} to b", tmp_path.name]


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
    "files/atomic.py", "files/owned.py", "files/records.py", "files/tar.py", "weights/check.py", "weights/fetch.py",
    "formats/masks.py", "layouts/easymocap.py", "layouts/instant_avatar.py", "layouts/instant_nvr.py", "layouts/meshes.py",
    "layouts/neural_actor.py", "layouts/ntc.py", "layouts/pictures.py", "avatar/archive.py", "avatar/training/parallel.py",
}  # fmt: skip
"""They write into a temporary folder of their caller, go on with what is unfinished by design, or add a line to a record."""
WHOLE = {"checkpoint", "frames", "keypoints", "track", "poses", "canonical"}
"""What is saved whole by its own method."""


def test_no_writer_of_the_library_goes_round_whole_files():
    """A writer either gets its path from ``atomic_write`` or ``atomic_folder`` in the same function, or is named above."""
    strange = []
    for path in sorted((SCRIPTS / "understudy").rglob("*.py")):
        name = path.relative_to(SCRIPTS / "understudy").as_posix()
        text = path.read_text()
        if name in PARTS or not any(word in text for word in (*WRITES, "open(")):
            continue
        for function in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            if not any(_name(call).startswith(("atomic_", "_whole_", "scratch_")) for call in calls):
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


def test_an_error_of_its_own_is_not_blamed_on_the_disk(tmp_path):
    with pytest.raises(KeyError), atomic_write(tmp_path / "a.txt"):
        raise KeyError("x")
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.txt"):
        (tmp_path / "nothing").read_text()
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.txt"):
        pass  # a writer that writes nothing
    with pytest.raises(OSError, match="of a picture"):
        write_video(tmp_path / "a.mp4", _pictures_that_fail(), 30.0)
    assert list(tmp_path.iterdir()) == []


def _pictures_that_fail():
    yield np.zeros((16, 16, 3), np.uint8)
    raise OSError("of a picture")


def test_a_fault_of_the_program_is_not_blamed_on_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        (disk / "rest").write_bytes(bytes(40_000))
        for error in (KeyError("x"), TypeError("x"), AssertionError("x")):
            with pytest.raises(type(error)), atomic_write(disk / "a.txt"):
                raise error
        with pytest.raises(InputError, match="the disk is full"), atomic_write(disk / "a.txt"):
            raise RuntimeError("what a library says")


def test_a_link_to_a_folder_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").symlink_to("elsewhere")
    for name in ("0.txt", "1.txt"):
        with atomic_folder(tmp_path / "a", "texts") as folder:
            (folder / name).touch()
    assert hidden(tmp_path) == [] and (tmp_path / "a").is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").glob("*.txt")] == ["1.txt"]


def test_names_of_unfinished_files_cannot_be_foreseen(tmp_path):
    names = set()
    for _ in range(3):
        with atomic_write(tmp_path / "a.txt") as file, atomic_folder(tmp_path / "b", "texts") as folder:
            file.touch()
            names |= {file.name, folder.name}
    assert len(names) == 6


def test_what_is_new_has_the_rights_of_what_it_replaces(tmp_path):
    (tmp_path / "a.txt").touch(0o600)
    (tmp_path / "b").mkdir(0o700)
    with atomic_write(tmp_path / "a.txt") as file, atomic_folder(tmp_path / "b", "texts"):
        file.touch()
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.txt", "b")] == [0o600, 0o700]


def test_a_file_takes_the_place_of_files_alone(tmp_path):
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "b")
    for name in ("a", "b"):
        with pytest.raises(InputError, match="not a plain file"), atomic_write(tmp_path / name):
            pass
    assert (tmp_path / "a").is_dir() and (tmp_path / "b").is_fifo()


def test_two_writers_of_one_machine_do_not_meet(tmp_path):
    with atomic_write(tmp_path / "a.npz") as first:
        first.write_bytes(b"1")
        code = "import sys; from understudy.files.arrays import write_npz; write_npz(sys.argv[1], {'x': 2})"
        assert python(code, tmp_path / "a.npz").wait() == 0
        assert int(read_npz(tmp_path / "a.npz")["x"]) == 2 and first.exists()
    assert (tmp_path / "a.npz").read_bytes() == b"1"
