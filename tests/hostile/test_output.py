"""What files and names say reaches terminals, logs, tables and pages as text: it steers nothing, and stops no batch."""

import csv
import json
import logging
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import docutils.core
import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import ROOT, SCRIPTS
from tests.support.verbs import call
from understudy import progress
from understudy.batch.status import all_statuses
from understudy.batch.summary import write_summary
from understudy.errors import InputError
from understudy.files.arrays import write_json
from understudy.log import log_to
from understudy.settings import check_settings
from understudy.text import UNSEEN, as_cell, from_cell, one_line, printable
from understudy.video.sources import alike, list_videos, sha256_of_images, unfit_name, unusable_videos

STEERING = "\x1b]0;mine\x07\x1b[2J\x9b31m\r\u202egpm\udcff\b"
HONEST = "Zoë 日本語 عربى עברית\u200f 👩‍🦰 e\u0301 🏴󠁧󠁢󠁥󠁮󠁧󠁿 a\\b"
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", " =1", "'=1", "''-x")


def test_text_that_steers_nothing_stays_and_the_rest_is_written_out():
    assert one_line(HONEST) == printable(HONEST) == HONEST
    assert one_line("a\x1b[31m\u202e\udcff\x9b\n\t") == r"a\x1b[31m\u202e\xff\x9b\x0a\x09"
    assert printable("a\n\tb") == "a\n\tb"


@given(st.text(st.characters(codec=None)))
def test_no_text_steers_a_terminal(text):
    assert not UNSEEN.search(one_line(text)) and one_line(one_line(text)) == one_line(text)
    one_line(text).encode()


@given(st.text())
def test_cells_begin_no_formula_and_are_read_back(text):
    cell = as_cell(text)
    assert from_cell(cell) == one_line(text)
    assert not re.match(r"\s*[=+\-@\t\r]", cell)


def test_logs_and_terminal_get_no_control_characters_and_no_forged_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger("understudy"), "propagate", False)  # pytest's own log could not be sent on
    forged = "2026-01-01 00:00:00,000 ERROR understudy: error: forged"
    with pytest.raises(SystemExit), log_to(tmp_path / "a.log", "matting"):
        logging.getLogger("understudy.x").warning("%s is odd", STEERING)
        raise RuntimeError(f"{STEERING}\n{forged}")
    for text in (capsys.readouterr().err, (tmp_path / "a.log").read_text()):
        assert not set(text) & set(STEERING) - set("gpm0;mine31J][2") and r"\x1b]0;mine\x07" in text
        assert not any(line.startswith("2026-01-01") for line in text.splitlines())


def test_a_verb_shows_what_files_say_as_text(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("[red]x[", "b"):
        (tmp_path / "results" / name).mkdir(parents=True)
        write_json(tmp_path / "results" / name / "frames.json", {"source_frames": [0]})
    (tmp_path / "logs/keypoints").mkdir(parents=True)
    line = f"2026-11-21 10:00:00,000 ERROR understudy: error: {STEERING} [link=x]y".encode(errors="replace")
    (tmp_path / "logs/keypoints/b.log").write_bytes(line + b"\xff\n")
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "status")
    assert status == 0, errors
    assert "[red]x[" in printed and "[link=x]y" in printed and r"\x1b]0;mine" in printed
    assert UNSEEN.sub(lambda found: "" if found[0] == "\n" else "!", printed).count("!") == 0
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "status", "no\x1b[31m\nwhere")
    assert (
        status == 2
        and errors
        == "error: no\\x1b[31m\\x0awhere is not a folder; give the one with the actors' folders, as results.\n"
    )


def test_arguments_that_are_none_are_told_as_text(monkeypatch, capsys, tmp_path):
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "render", "a\x1b[31m", "b", "--\x1b]0;c\x07")
    assert status == 2 and r"\x1b]0;c\x07" in errors and not set("\x1b\x07") & set(printed + errors)


def test_a_fault_of_ours_shows_no_control_characters_either(tmp_path):
    program = (
        "from understudy.cli import main\n"
        "from understudy.cli.status import Status\n"
        "def run(self): raise RuntimeError(chr(27) + '[31m')\n"
        "Status.run = run\n"
        "main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    run = subprocess.run([sys.executable, "-c", program, "status"], cwd=tmp_path, env=environment, capture_output=True)
    assert run.returncode == 1 and b"\x1b" not in run.stderr and rb"RuntimeError: \x1b[31m" in run.stderr


def test_a_bar_does_not_read_markup_in_names(monkeypatch):
    said = []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.progress.track", lambda items, text, **_: said.append(text) or items)
    list(progress.track([1], "fetching [red]a\x1b"))
    assert said == [r"fetching \[red]a\x1b"]


def test_the_summary_is_safe_for_spreadsheets_and_read_back(tmp_path):
    (tmp_path / "logs/frames").mkdir(parents=True)
    for name in FORMULAS:
        (tmp_path / f"logs/frames/{name}.log").write_text(
            "2026-11-21 10:00:00,000 ERROR understudy: error: =cmd|' /C calc'!A0\n"
        )
    write_summary(tmp_path / "results", [*FORMULAS, "plain"], at_work=False, unusable={"=\udcff": "-1 is \x1b no name"})
    with open(tmp_path / "results/summary.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert not [cell for row in rows for cell in row if re.match(r"\s*[=+\-@\uff1d\t\r]", cell)]
    assert UNSEEN.search("".join(cell for row in rows for cell in row)) is None
    again = all_statuses(tmp_path / "results")
    assert {row.actor for row in again} == {*FORMULAS, "plain", r"=\xff"}
    assert {row.error for row in again if row.actor == "=1+1"} == {"=cmd|' /C calc'!A0"}
    assert [(row.actor, row.stage, row.error) for row in again if row.stage == "name"] == [
        (r"=\xff", "name", r"-1 is \x1b no name")
    ]


def test_a_left_out_video_of_a_summary_from_elsewhere_is_no_way_out_of_the_folder(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "report.html").touch()
    (tmp_path / "results/summary.tsv").write_text(
        f"actor\tstage\terror\n..\tname\tx\n/etc\tname\t\n{'a' * 5000}\tname\t\n"
    )
    rows = all_statuses(tmp_path / "results")
    assert {row.state for row in rows} == {"failed"}
    write_summary(tmp_path / "results/new", unusable={row.actor: row.error for row in rows})
    assert "href" not in (tmp_path / "results/new/index.html").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "\x1b[31m",
        "a\nb",
        "x\u202ey",
        "\udcff",
        "a{b}",
        "<b>",
        "summary.tsv",
        "index.html",
        "a" * 252,
        "é" * 126,
    ],
)
def test_names_that_no_actor_can_have(name):
    assert unfit_name(name)


@pytest.mark.parametrize(
    "name", [HONEST, "-rf", "a.", "a ", " a", "=1", "[red]", "a" * 251, "con", "~", "$(x)", "a\u200eb"]
)
def test_odd_names_that_actors_can_have(name):
    assert unfit_name(name) is None


def test_names_that_some_disks_do_not_tell_apart_are_paired():
    assert alike(["Anna", "anna", "e\u0301", "\u00e9", "bob"]) == [("Anna", "anna"), ("e\u0301", "\u00e9")]


def test_pictures_whose_names_are_no_utf8_have_a_hash(tmp_path):
    place = tmp_path / "a\udcff.jpg"
    place.write_bytes(b"x")
    assert len(sha256_of_images([place])) == 64


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    return subprocess.run(command, cwd=folder, capture_output=True, env=environment)


def test_videos_with_names_that_cannot_be_used_stop_no_other(tmp_path):
    (tmp_path / "models").symlink_to(ROOT / "models")
    (tmp_path / "data/videos").mkdir(parents=True)
    bad = (
        b"\xff.mp4",
        b"\x1b[31mred.mp4",
        b"a\nb.mp4",
        b"a{b}.mp4",
        "\u202e4pm.mp4".encode(),
        b"summary.tsv.mov",
        b"index.html.mp4",
    )
    for name in (*bad, b"good.mp4", b"=1.mp4", b"-rf.mp4", b"end. .mp4"):
        os.symlink(os.fsencode(ROOT / "data/demo/tiny.mp4"), os.path.join(os.fsencode(tmp_path), b"data/videos", name))
    (tmp_path / "data/videos" / ("b" * 255)).mkdir()
    (tmp_path / "data/videos" / ("b" * 255) / "1.jpg").touch()
    assert list(list_videos(tmp_path / "data/videos")) == ["-rf", "=1", "end. ", "good"]
    assert len(unusable_videos(tmp_path / "data/videos")) == len(bad) + 1
    made = snakemake(tmp_path, "results/good/frames.json", "results/=1/frames.json")
    said = made.stdout + made.stderr
    assert made.returncode == 0 and b"Traceback" not in said, said
    assert (
        b"\x1b" not in said and "\u202e".encode() not in said and rb"data/videos/\xff.mp4: the name cannot be" in said
    )
    assert (tmp_path / "results/good/frames.json").exists() and (tmp_path / "results/=1/frames.json").exists()
    rows = {row.actor: row for row in all_statuses(tmp_path / "results")}
    assert {name: rows[name].state for name in ("good", "=1", "-rf", r"\xff", r"a\x0ab", "summary.tsv")} == {
        "good": "partial", "=1": "partial", "-rf": "waiting", r"\xff": "failed", r"a\x0ab": "failed", "summary.tsv": "failed",
    }  # fmt: skip
    assert "rename it" in rows[r"\xff"].error and (tmp_path / "results/index.html").exists()


@pytest.mark.parametrize(
    "config",
    [{"actors": {"a": {"video": "x\x1b[31m.mp4"}}}, {"body": {"path": "\u202ex"}}, {"actors": {"a\x1b": {}}}],
)
def test_a_configuration_with_characters_that_cannot_be_shown_is_refused(config):
    schema = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
    with pytest.raises(InputError, match="cannot be shown") as error:
        check_settings(config, schema)
    assert not UNSEEN.search(str(error.value))


@pytest.mark.parametrize(
    "name",
    ["a** javascript:alert(1) **b", " javascript:alert(1) ", "`x`_ |y| :raw:`z`", "``x``", "Zoë am Strand", "[1]_ a_"],
)
def test_names_are_text_in_the_captions_of_snakemakes_report(name):
    for path in sorted((ROOT / "report").glob("*.rst")):
        wildcards = SimpleNamespace(actor=name, motion=name)
        text = jinja2.Environment().from_string(path.read_text()).render(snakemake=SimpleNamespace(wildcards=wildcards))
        page = docutils.core.publish_parts(text, writer="html", settings_overrides={"report_level": 5})["body"]
        assert "href" not in page and "system-message" not in page, path
        assert name.strip() in page or "actor" not in path.read_text(), path


def test_status_lists_no_folder_whose_name_is_no_utf8(tmp_path):
    folder = tmp_path / "results" / "x\udcff"
    folder.mkdir(parents=True)
    (folder / "frames.json").write_text(json.dumps({"source_frames": [0]}))
    write_summary(tmp_path / "results", ["anna"])
    assert [row.actor for row in all_statuses(tmp_path / "results")] == ["anna"]
