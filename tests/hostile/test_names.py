"""Names that mean something to a shell or a browser mean nothing here; the live view is for this machine alone."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.avatar_scenes import plain_canonical
from tests.support.inspect_scenes import sick_walk
from tests.support.paths import ROOT
from tests.support.report_scenes import metrics
from tests.support.videos import make_video, numbered
from tests.support.view_scenes import archive, motion
from understudy.batch.status import all_statuses
from understudy.batch.summary import write_summary
from understudy.body.files import load_body
from understudy.cli.view import View
from understudy.errors import InputError
from understudy.files.arrays import write_json
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import write_parsing
from understudy.formats.smpl import BodyTrack
from understudy.report.page import ReportInputs, write_report
from understudy.viewer.config import ViewerConfig
from understudy.viewer.live import LiveView
from understudy.viewer.page import write_page

SHELL = ["-rf; touch harmed", "$(touch harmed)", "`touch harmed`", "a'b\"c & touch harmed | x", "!! %s \\ * ? ~ #"]
SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "\"'><img src=x onerror=alert(1)>"


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_names_that_mean_something_to_a_shell_are_only_names(tmp_path):
    (tmp_path / "models").symlink_to(ROOT / "models")
    (tmp_path / "data/videos").mkdir(parents=True)
    (tmp_path / "data/motions").symlink_to(ROOT / "data/motions")
    for name in SHELL:
        (tmp_path / "data/videos" / f"{name}.mp4").symlink_to(ROOT / "data/demo/tiny.mp4")
    planned = snakemake(tmp_path, "--dry-run", "--quiet")
    assert planned.returncode == 0, planned.stderr
    name = "a'b\"c & touch harmed | x"
    made = snakemake(
        tmp_path, "--config", "actors={}", "--", f"results/{name}/frames.json", "results/$(touch harmed)/frames.json"
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "results" / name / "frames/000000.jpg").exists()
    assert not list(tmp_path.rglob("harmed"))


class _Page(HTMLParser):
    """Tags of a page and what their attributes do."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.handlers = 0, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.handlers += [(tag, key) for key, value in attributes if key.startswith("on")]
        self.handlers += [
            (tag, key) for key, value in attributes if key in ("href", "src") and "script:" in (value or "")
        ]


def test_names_of_actors_are_text_in_the_list_of_all_videos(tmp_path):
    results = tmp_path / "results"
    for name in (SCRIPT.replace("/", ""), BREAKOUT, "javascript:alert(1)"):
        (results / name).mkdir(parents=True)
        write_json(results / name / "frames.json", {"source_frames": [0]})
        (results / name / "report.html").touch()
        (results / name / "frames").mkdir()
        (results / name / "frames/000000.jpg").touch()
        (tmp_path / "logs/keypoints").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"logs/keypoints/{name}.log").write_text(
            f"2026-11-21 10:00:00,000 ERROR understudy: error: {SCRIPT}\n"
        )
    write_summary(results)
    page = _Page((results / "index.html").read_text())
    assert page.scripts == 0 and page.handlers == []


def test_a_summary_from_elsewhere_names_no_folder_outside(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/summary.tsv").write_text("actor\n../../etc\n..\n/etc\nanna\n")
    assert [row.actor for row in all_statuses(tmp_path / "results")] == ["anna"]


STATUS_FILES = {  # what fuzzing found
    "results/anna/benchmarks/frames.tsv": (b"s\tmax_rss\n1.5\xdf\t1.5.5\n", b"s\n1..2\n", b"\x00\n\x00"),
    "results/anna/metrics.json": (
        b'{"with_pose_refinement": {"psnr_person_box_on_white": [1]}}',
        b'{"with_pose_refinement": 3}',
        b"[",
    ),
    "results/anna/frames.json": (b'{"source_frames": 3}', b"[" * 100_000, b"3", b'{"source_frames": 1e400}'),
    "results/summary.tsv": (b"actor\n\x00a\n", b"actor\n" + b"a" * 200_000, b"actor\n\xff", b""),
    "logs/keypoints/anna.log": (b"\xff\x00", b"2026-11-21 10:00:00,000 ERROR understudy: \n", b""),
}


@pytest.mark.parametrize(
    ("name", "number"), [(name, i) for name, all_ in STATUS_FILES.items() for i in range(len(all_))]
)
def test_damaged_files_do_not_stop_the_status(tmp_path, name, number):
    (tmp_path / "results/anna").mkdir(parents=True)
    write_json(tmp_path / "results/anna/frames.json", {"source_frames": [0]})
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(STATUS_FILES[name][number])
    assert "anna" in {row.actor for row in all_statuses(tmp_path / "results")}
    if name != "results/summary.tsv":  # somebody else's, which stays
        write_summary(tmp_path / "results")


@pytest.mark.parametrize("kind", ["pipe", "endless", "huge"])
def test_a_summary_that_is_no_file_or_has_no_end_is_passed_over(tmp_path, kind):
    (tmp_path / "results").mkdir()
    table = tmp_path / "results/summary.tsv"
    if kind == "pipe":
        os.mkfifo(table)
    elif kind == "endless":
        table.symlink_to("/dev/zero")
    else:
        with open(table, "wb") as file:
            file.truncate(20 << 30)
    assert all_statuses(tmp_path / "results") == []
    with pytest.raises(InputError, match=r"summary\.tsv"):
        write_summary(tmp_path / "results")


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A finished actor of a hostile name: its folder and the report's inputs."""
    actor = sick_walk(tmp_path_factory.mktemp("walk"))
    body, frames = load_body(actor.parents[1] / "models/body.npz"), Frames.load(actor / "frames.json")
    (actor / "parsing").mkdir()
    for index in range(len(frames)):
        write_parsing(actor / "parsing", index, np.zeros((frames.height, frames.width), np.uint8))
    (actor / "held_out").mkdir()
    Image.new("RGB", (8, 8)).save(actor / "held_out/000004.png")
    (actor / f"renders{BREAKOUT}").mkdir()
    video = make_video(actor / f"renders{BREAKOUT}/{SCRIPT.replace('/', '')}.mp4", numbered(3))
    (actor / "avatar.tar").write_bytes(b"x")
    return ReportInputs(
        actor=BREAKOUT, frames=Frames(**{**frames.__dict__, "source": f"{SCRIPT}.mp4"}),
        keypoints=Keypoints(**{**Keypoints.load(actor / "keypoints.npz").__dict__, "backend": SCRIPT}),
        alpha_folder=actor / "alpha",
        parsing_folder=actor / "parsing", track=BodyTrack.load(actor / "smpl.npz"), body=body, canonical=plain_canonical(body),
        history={"step": [1.0, 2.0], "loss": [1.0, 0.5], "psnr": [20.0, 21.0]}, metrics=metrics(), comparisons=actor / "held_out",
        turntable=video, reenactment=video, motions=(video,), viewer=actor / f"viewer{BREAKOUT}/index.html",
        files=(actor / "avatar.tar",),
        benchmarks=actor / "benchmarks", height_given=False,
    )  # fmt: skip


def test_names_are_text_in_the_report(walk, tmp_path):
    write_report(tmp_path / "report.html", walk)
    text = (tmp_path / "report.html").read_text()
    page = _Page(text)
    assert page.scripts == 0 and SCRIPT not in text and BREAKOUT not in text
    assert {tag for tag, _ in page.handlers} <= {"video"}
    assert "<img src=x" not in text and "&lt;script&gt;" in text


def test_names_are_text_in_the_page_that_plays_the_avatar(tmp_path):
    known = archive()
    info = {**known.info, "licences": [SCRIPT, "</script>" + BREAKOUT]}
    hostile = type(known)(**{**known.__dict__, "info": info})
    path = tmp_path / f"{SCRIPT.replace('/', '')}{{{{data}}}}.npz"
    shutil.copy(motion(tmp_path), path)
    write_page(tmp_path / "index.html", hostile, ViewerConfig(), [path], f"{BREAKOUT}{{{{program}}}}")
    text = (tmp_path / "index.html").read_text()
    page = _Page(text)
    assert page.scripts == 1 and page.handlers == []
    assert SCRIPT not in text and "<img src=x" not in text and "<script>alert(1)" not in text
    assert text.count("</script>") == 1 and len(re.findall("const AVATAR =", text)) == 1


def test_the_live_view_listens_to_this_machine_alone(tmp_path):
    assert inspect.signature(LiveView).parameters["host"].default == "localhost"
    assert View.__dataclass_fields__["host"].default == "localhost"
    pytest.importorskip("viser", reason="needs viser")
    view = LiveView(archive(), [motion(tmp_path)], ViewerConfig(), port=8790)
    try:
        port = f"{view.server.get_port():04X}"
        heard = []
        for table in ("tcp", "tcp6"):
            rows = (line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:])
            heard += [row[1].split(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(f":{port}")]
    finally:
        view.stop()
    assert heard and set(heard) <= {"0100007F", "00000000000000000000000001000000"}
