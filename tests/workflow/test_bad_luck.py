"""What befalls an honest user: a closed terminal, a head that has seen enough, no room for temporary files, no home."""

import ast
import errno
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from tests.support.faults import SCRIPTS, python, small_disk
from tests.support.show_scenes import save_made_up_avatar
from tests.support.waiting import wait_for
from understudy.avatar.archive import load_archive
from understudy.errors import Stopped, sentence, stoppable
from understudy.files.arrays import reading

STAGE = """
import sys, time
from understudy.log import log_to
from understudy.progress import track
from understudy.files.atomic import atomic_folder
with log_to("a.log", "matting"), atomic_folder("matte", "masks") as folder:
    (folder / "0.png").write_text("x")
    for _ in track(range(600), "refining"):
        time.sleep(0.02)
"""
PRINTER = """
import sys
from understudy.cli import main
from understudy.cli.status import Status
from understudy.cli.terminal import print_text
def run(self):
    print_text("x" * 100000 + "\\n")
Status.run = run
sys.argv = ["understudy", "status"]
main()
"""


def in_terminal(code, folder, then_run=""):
    """Begin Python in a terminal of its own: (process id, terminal)."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(SCRIPTS)
        os.execv(sys.executable, [sys.executable, "-c", then_run + code])
    return process, terminal


def unfinished(folder):
    return list(folder.glob(".matte*"))


def status_of(process):
    """Exit status; the terminal's name is free for the next one only when its process is gone."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_a_stage_whose_terminal_is_closed_ends_as_after_ctrl_c(tmp_path):
    process, terminal = in_terminal(STAGE, tmp_path)
    wait_for(lambda: unfinished(tmp_path))
    os.read(terminal, 4096)
    os.close(terminal)
    assert status_of(process) == 129
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]
    assert "the stage matting was stopped by SIGHUP; run again and it goes on." in (tmp_path / "a.log").read_text()


def test_a_stage_goes_on_without_its_terminal_where_that_is_asked_for(tmp_path):
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"  # as nohup begins it
    process, terminal = in_terminal(STAGE.replace("600", "100"), tmp_path, ignoring)
    wait_for(lambda: unfinished(tmp_path))
    os.close(terminal)
    assert status_of(process) == 0
    assert (tmp_path / "matte/0.png").exists() and "stopped" not in (tmp_path / "a.log").read_text()


def test_signals_that_were_ignored_stay_so():
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGINT)}
    try:
        with stoppable():
            for number in before:
                os.kill(os.getpid(), number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_closing_terminal_that_tells_twice_does_not_cut_short_the_clearing_up():
    cleared = []
    with pytest.raises(Stopped) as stopped, stoppable():
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)
            cleared.append(True)
    assert stopped.value.status == 129 and cleared


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", ["status", "--help"])
def test_a_head_that_has_seen_enough_ends_a_command_without_a_word(arguments, unbuffered):
    code = PRINTER.replace('"status"]', f'"{arguments}"]')
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "PYTHONUNBUFFERED": unbuffered}
    run = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, env=environment)
    os.close(writer)
    assert (run.returncode, run.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("redirection", "words"),
    [
        (">/dev/full", "error: standard output cannot be written (No space left on device); send it to another file,"),
        (">&-", "error: standard output is closed; send it to a file, or to /dev/null."),
    ],
)
def test_output_that_goes_nowhere_is_told_in_one_sentence(redirection, words):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, PRINTER]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 2 and run.stderr.startswith(words) and run.stderr.count("\n") == 1


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_a_bad_command_has_its_status_where_nothing_can_be_said(redirection):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = ["sh", "-c", f'exec "$0" -m understudy.cli status nowhere {redirection}', sys.executable]
    assert subprocess.run(command, capture_output=True, env=environment).returncode == 2


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    code = """
import os, sys
from understudy.log import log_to
with log_to("a.log", "matting"):
    with open("result", "w") as file:
        os.system("echo noise; echo noise >&2")
        file.write("result")
"""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, code]
    assert subprocess.run(command, cwd=tmp_path, env=environment).returncode == 0
    assert (tmp_path / "result").read_text() == "result"


def test_no_advice_is_to_delete_anything():
    """What lies in a stage's place, or is given, may be the user's own and the only one there is."""
    advice = re.compile(r"(?:^|[;,:] |\bor |\band |\bthen )(?:(?:delete|remove|erase|unlink)\b|rm -)")
    texts = {
        (path.name, node.value)
        for path in SCRIPTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
    }
    assert len(texts) > 1000 and [text for text in texts if advice.search(text[1])] == []


def test_a_full_folder_for_temporary_files_is_named_with_what_to_do(tmp_path, monkeypatch):
    save_made_up_avatar(tmp_path / "avatar.tar")
    with small_disk(tmp_path / "temporary", "32k") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(OSError, match="No space left") as full:
            load_archive(tmp_path / "avatar.tar")
        told = sentence(full.value, "understudy")
    assert (
        told
        == f"understudy cannot write to {disk}: the disk is full; make room there, or set TMPDIR to a folder with room."
    )


def test_no_folder_for_temporary_files_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    with pytest.raises(FileNotFoundError) as error:
        tempfile.gettempdir()
    assert sentence(error.value, "the stage matting") == (
        "the stage matting finds no folder for temporary files; make room or rights in /tmp, or set TMPDIR to a folder with both."
    )


@pytest.mark.parametrize("number", [errno.EFBIG, errno.EMFILE, errno.EDQUOT])
def test_limits_of_the_machine_are_not_blamed_on_a_file(number):
    with pytest.raises(OSError) as error, reading("a.npz", "a readable npz file", "get it again"):
        raise OSError(number, os.strerror(number), "/tmp/x")
    assert re.search("ulimit|quota", sentence(error.value, "understudy"))


def test_a_working_folder_that_is_gone_is_told_in_one_sentence(tmp_path):
    code = f"import os; os.chdir({str(tmp_path)!r}); os.rmdir({str(tmp_path)!r})\n" + PRINTER
    process = python(code)
    _, said = process.communicate()
    assert process.returncode == 2 and said == "error: the working folder is no longer there; go to another one.\n"


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose .venv is ready, with a Snakemake that tells its cache."""
    folder = tmp_path / "check out"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(SCRIPTS.parent / name, folder)
    shutil.copytree(SCRIPTS.parent / "locks", folder / "locks")
    (folder / ".venv/pyvenv.cfg").write_text(f"command = /usr/bin/python3 -m venv {folder}/.venv\n")
    (folder / ".venv/bin/snakemake").write_text('#!/bin/sh\necho "cache: $XDG_CACHE_HOME"\n')
    (folder / ".venv/bin/snakemake").chmod(0o755)
    for path in (*folder.iterdir(), *(folder / "locks").iterdir()):
        os.utime(path, (1, 1))
    (folder / ".venv/.ready").touch()
    return folder


def make(folder, *arguments, **environment):
    given = {"PATH": os.environ["PATH"], "HOME": str(folder)} | environment
    run = subprocess.run(["make", *arguments], cwd=folder, env=given, capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


def test_a_checkout_that_was_moved_is_told_of(checkout):
    assert make(checkout, "avatar")[0] == 0
    moved = checkout.rename(checkout.with_name("else where"))
    status, _, said = make(moved, "avatar")
    assert status and f".venv was made in {checkout}/.venv and does not work here; move the checkout back" in said


def test_a_home_that_cannot_be_written_is_done_without(checkout):
    assert make(checkout, "avatar")[1].endswith("cache: \n")
    for environment in ({"HOME": "/dev/null"}, {"XDG_CACHE_HOME": "/dev/null/x"}):
        assert make(checkout, "avatar", **environment)[1].endswith(f"cache: {checkout}/.snakemake/cache\n")


def test_a_python_without_venv_is_told_in_one_sentence(checkout):
    (checkout / ".venv/.ready").unlink()
    (checkout / "python").write_text('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\n')
    (checkout / "python").chmod(0o755)
    status, _, said = make(checkout, "avatar", "PYTHON=./python")
    assert (
        status and "./python lacks venv or ensurepip; install them (Debian, Ubuntu: apt install python3-venv)" in said
    )


def test_a_folder_with_a_colon_is_told_in_one_sentence(checkout):
    (checkout / ".venv/.ready").unlink()
    moved = checkout.rename(checkout.with_name("a:b"))
    (moved / ".venv/pyvenv.cfg").unlink()
    status, _, said = make(moved, "avatar", f"PYTHON={sys.executable}")
    assert status and "in a folder with a colon in its path; rename it" in said
