"""The workflow when it is killed, stopped, run twice at once, or given files from the future."""

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from PIL import Image

from tests.support.faults import hidden
from tests.support.paths import ROOT
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames

TARGET = "results/long/frames.json"


def begin(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1", *arguments]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def snakemake(folder, *arguments):
    process = begin(folder, *arguments)
    output, _ = process.communicate()
    return process.returncode, output


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "models").symlink_to(ROOT / "models")
    (tmp_path / "data/videos/long").mkdir(parents=True)
    Image.effect_noise((2000, 1600), 60).convert("RGB").save(tmp_path / "noise.png", compress_level=0)
    lengthen(tmp_path, 30)
    return tmp_path


def lengthen(folder, frames):
    video = folder / "data/videos/long"
    for index in range(len(list(video.iterdir())), frames):
        os.link(folder / "noise.png", video / f"{index}.png")


def writing(folder, process):
    """Wait until some frames are written."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if any(list(path.glob("*.jpg"))[3:] for path in folder.glob("results/long/.frames.*")):
            return
        time.sleep(0.01)
    pytest.fail(f"no frames were written: {process.communicate()[0]}")


def test_a_run_that_is_killed_goes_on_to_the_same_bytes_and_clears_up(folder):
    process = begin(folder, TARGET)
    writing(folder, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    results = folder / "results/long"
    assert not (results / "frames").exists() and not (results / "frames.json").exists() and hidden(results)
    status, output = snakemake(folder, TARGET)
    assert status and "cannot be locked" in output and "--unlock" in output  # what a killed run leaves
    assert snakemake(folder, "--unlock")[0] == 0
    status, output = snakemake(folder, TARGET)
    assert status == 0, output
    assert set(hidden(results)) <= {".snakemake_timestamp"}
    config = FramesConfig(**yaml.safe_load((ROOT / "config.yaml").read_text())["frames"])
    extract_frames(folder / "data/videos/long", folder / "direct", folder / "direct.json", config)
    assert (results / "frames.json").read_bytes() == (folder / "direct.json").read_bytes()
    pictures = sorted(path.name for path in (folder / "direct").glob("*.jpg"))
    assert sorted(path.name for path in (results / "frames").glob("*.jpg")) == pictures
    assert all((results / "frames" / name).read_bytes() == (folder / "direct" / name).read_bytes() for name in pictures)


def test_ctrl_c_ends_a_run_soon_and_leaves_nothing_half_made(folder):
    lengthen(folder, 300)  # longer than Snakemake takes to begin
    process = begin(folder, TARGET)
    writing(folder, process)
    other = begin(folder, TARGET)  # two at once: the second one says why it does not
    assert "cannot be locked" in other.communicate()[0] and process.poll() is None
    assert not (folder / "results/long/frames").exists()  # still at work
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate()
    assert time.monotonic() - started < 20 and process.returncode
    assert hidden(folder / "results/long") == [] and not (folder / "results/long/frames").exists()
    assert "was stopped by SIGINT" in (folder / "logs/frames/long.log").read_text()
    assert "understudy" not in "".join(line for line in output.splitlines() if "File" in line)  # no traceback of ours


def test_a_video_from_the_future_is_told_of(folder):
    tomorrow = time.time() + 86400
    os.utime(folder / "data/videos/long", (tomorrow, tomorrow))
    status, output = snakemake(folder, TARGET, "--dry-run")
    assert status == 0 and "long is dated in the future" in output


def test_a_closed_terminal_ends_a_run_as_ctrl_c_does_and_leaves_no_lock(folder):
    lengthen(folder, 300)
    process = begin(folder, TARGET)
    writing(folder, process)
    os.killpg(process.pid, signal.SIGHUP)
    process.communicate()
    assert process.returncode == 1  # Snakemake's own, and not the signal's
    assert hidden(folder / "results/long") == [] and not (folder / "results/long/frames").exists()
    assert "was stopped by SIGHUP" in (folder / "logs/frames/long.log").read_text()
    assert not list((folder / ".snakemake").glob("locks/*"))
