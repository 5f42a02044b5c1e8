"""Machines that several people use: nothing that another user could have planted is run."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.faults import SCRIPTS, small_disk
from tests.support.harmful import Harm
from understudy.private import NotPrivate, private_folder

STRANGER = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
KERNEL = """
from understudy.render.jit import kernel
@kernel()
def double(x):
    return 2 * x
"""
CALL = "import own; assert own.double(21) == 42; print(dict(own.double.stats.cache_hits))"


@pytest.fixture
def place(tmp_path):
    """A folder with a module of one kernel."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/own.py").write_text(KERNEL)
    return tmp_path


def call(place, **environment):
    """Call the kernel in a process of its own: (whether it came from the disk, what was said)."""
    given = {"PATH": os.environ["PATH"], "HOME": "/dev/null", "PYTHONPATH": f"{SCRIPTS}:{place / 'code'}"} | environment
    run = subprocess.run(
        [sys.executable, "-c", CALL], cwd=place, env=given, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout != "{}\n", run.stderr


def plant(folder, harm):
    """Put code of another user where a kernel is looked for."""
    for path in folder.glob("*.nbi"):
        path.write_bytes(pickle.dumps(harm))


def kept(folder):
    """The folder of the kernel that was kept somewhere under ``folder``."""
    [index] = folder.rglob("*.nbi")
    return index.parent


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_kernels_are_kept_where_nobody_else_can_enter(place, variable):
    os.chmod(place, 0o777)
    (place / "code/__pycache__").touch()  # nothing can be kept beside the source
    assert call(place, **{variable: str(place / "cache")}, PYTHONDONTWRITEBYTECODE="1") == (False, "")
    assert kept(place / "cache").stat().st_mode & 0o777 == 0o700
    assert call(place, **{variable: str(place / "cache")}, PYTHONDONTWRITEBYTECODE="1") == (True, "")


def test_kernels_are_kept_beside_the_users_own_source(place):
    assert call(place) == (False, "") and call(place) == (True, "")
    assert kept(place / "code").parent == place / "code/__pycache__"


@as_root
def test_nothing_is_kept_in_a_checkout_of_another_user(place):
    os.chown(place / "code", STRANGER, STRANGER)
    assert call(place, XDG_CACHE_HOME=str(place / "cache")) == (False, "")
    assert kept(place) == kept(place / "cache")


def test_a_folder_that_others_can_enter_is_not_used_and_said_so(place):
    call(place)
    folder, harmed = kept(place), place / "harmed"
    os.chmod(folder, 0o777)
    plant(folder, Harm(harmed))
    found, said = call(place)
    assert not found and not harmed.exists()
    assert said.splitlines()[0] == (
        f"{folder} can be entered by other users; kernels are neither kept nor looked for there."
    )


@as_root
def test_a_folder_of_another_user_is_not_used(place):
    call(place)
    folder, harmed = kept(place), place / "harmed"
    os.chown(folder, STRANGER, STRANGER)
    plant(folder, Harm(harmed))
    found, said = call(place)
    assert not found and not harmed.exists() and "belongs to another user" in said


def test_a_folder_that_is_exchanged_after_it_was_looked_at_is_not_used(tmp_path):
    folder = private_folder(tmp_path / "cache")
    Path(folder, "a").write_text("mine")
    (tmp_path / "cache").rename(tmp_path / "old")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/a").write_text("planted")
    assert Path(folder, "a").read_text() == "mine"


def test_where_the_system_has_no_name_for_an_opened_folder_its_own_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.private.OPENED", str(tmp_path / "nowhere"))
    assert private_folder(tmp_path / "cache") == str(tmp_path / "cache")


def test_a_link_is_no_folder_of_ones_own(tmp_path):
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dead").symlink_to("nowhere")
    for name in ("link", "dead"):
        with pytest.raises(NotPrivate, match="is a link"):
            private_folder(tmp_path / name)


def test_a_damaged_kernel_is_compiled_again(place):
    call(place)
    for path in kept(place).iterdir():
        path.write_bytes(path.read_bytes()[:9])
    assert call(place) == (False, "") and call(place) == (True, "")


def test_a_full_disk_is_done_without(place):
    with small_disk(place / "cache", "4k") as disk:
        (disk / "full").write_bytes(b"x" * 2000)
        found, said = call(place, NUMBA_CACHE_DIR=str(disk))
        assert not found and ("compiled in every process" in said or not said)


@pytest.mark.parametrize("home", ["/dev/null", "", "/proc"])
def test_kernels_run_where_no_folder_will_do(place, home):
    """A checkout that cannot be written, in a container without a home: slower, but it works."""
    (place / "code/__pycache__").touch()
    found, said = call(place, HOME=home, XDG_CACHE_HOME="/dev/null", PYTHONDONTWRITEBYTECODE="1")
    assert not found and said.count("\n") == 1 and "set NUMBA_CACHE_DIR to a folder of yours" in said


def test_an_optimiser_leaves_nothing_in_tmp(tmp_path):
    code = """
import torch
import understudy
value = torch.nn.Parameter(torch.zeros(3))
optimiser = torch.optim.Adam([value])
value.sum().backward()
optimiser.step()
"""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path)}
    environment.pop("TORCHINDUCTOR_CACHE_DIR", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []


def test_nothing_has_a_name_in_tmp_that_can_be_foreseen():
    """But for the findings of the fuzzer, which are read by nobody."""
    named = re.compile(r"gettempdir\(\)\)? */|[\"'](/var)?/tmp/|Path\(tempfile\.gettempdir\(\),")
    root = SCRIPTS.parent
    sources = [*SCRIPTS.rglob("*.py"), *(root / "benchmarks").rglob("*.py"), *(root / "rules").rglob("*.smk")]
    assert [path.name for path in sources if named.search(path.read_text())] == []
