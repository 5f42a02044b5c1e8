"""Many videos: listed in a table, made one by one whatever happens to the others, and told of in one summary."""

import csv
import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from tests.support.paths import ROOT
from understudy.batch.sheet import add_sheet, read_sheet
from understudy.batch.status import actor_status, all_statuses
from understudy.batch.summary import write_summary
from understudy.cli import main
from understudy.errors import InputError
from understudy.files.arrays import write_json
from understudy.settings import check_settings
from understudy.stages import BAKING, STAGES

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())


def sheet(folder, *lines):
    path = folder / "videos.tsv"
    path.write_text("".join(line + "\n" for line in lines))
    return path


def test_a_table_gives_what_the_configuration_would(tmp_path):
    path = sheet(
        tmp_path,
        "# our spring recordings",
        "name\tvideo\tstart\tstop\theight_m\tframes.K\tmirror\tfitting.backend\tavatar.minutes",
        "anna\t/clips/anna take 3.mov\t2.0\t14\t1.71\t[900, 900, 270, 480]\tTRUE\tregressor\tnull",
        "007\ts3://clips/7.mp4",
        "",
    )
    actors = read_sheet(path, SCHEMA)
    assert actors == {
        "anna": {
            "video": "/clips/anna take 3.mov",
            "frames": {"start": 2.0, "stop": 14, "K": [900, 900, 270, 480]},
            "fitting": {"height_m": 1.71, "backend": "regressor"},
            "canonical": {"mirror": True},
            "avatar": {"minutes": None},
        },
        "007": {"video": "s3://clips/7.mp4"},
    }
    check_settings({"actors": actors}, SCHEMA)


def test_every_option_can_be_a_column(tmp_path):
    columns = [f"{stage}.{option}" for stage, content in SCHEMA["$defs"].items() for option in content["properties"]]
    [actor] = read_sheet(sheet(tmp_path, "\t".join(["name", *columns]), "\t".join(["a", *columns])), SCHEMA).values()
    assert {f"{stage}.{option}" for stage, options in actor.items() for option in options} == set(columns)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), ["first line", "name"]),
        (("video", "a.mp4"), ["first line", "name"]),
        (("name\ttall", "anna\t1.7"), ["'tall'", "not an option"]),
        (("name\tfitting.height", "anna\t1.7"), ["'fitting.height'", "not an option"]),
        (("name\tfps", "anna\t30"), ["fps", "frames.fps", "turntable.fps"]),
        (("name\tstart\tframes.start", "anna\t1\t2"), ["two columns"]),
        (("name", "anna", "anna"), ["anna", "twice"]),
        (("name\tstart", "anna\t1\t2"), ["anna", "3 cells", "2 columns"]),
        (("name", "a/b"), ["'a/b'"]),
        (("name", ".."), ["'..'"]),
        (("name\tstart", "\t1"), ["''"]),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(tmp_path, lines, words):
    with pytest.raises(InputError) as error:
        read_sheet(sheet(tmp_path, *lines), SCHEMA)
    for word in ("videos.tsv", *words):
        assert word in str(error.value)


@pytest.mark.parametrize("content", [None, b"name\n\xff\xfe"])
def test_a_table_that_cannot_be_read_is_named(tmp_path, content):
    if content:
        (tmp_path / "videos.tsv").write_bytes(content)
    with pytest.raises(InputError, match=r"videos\.tsv"):
        read_sheet(tmp_path / "videos.tsv", SCHEMA)


def test_the_configuration_wins_over_the_table():
    config = {"actors": {"anna": {"frames": {"stop": 3}}, "bob": {"video": "b.mp4"}}}
    listed = {"anna": {"video": "a.mp4", "frames": {"start": 1, "stop": 2}}, "cleo": {}}
    assert add_sheet(config, listed) == {
        "anna": {"video": "a.mp4", "frames": {"start": 1, "stop": 3}},
        "bob": {"video": "b.mp4"},
        "cleo": {},
    }
    assert listed["anna"]["frames"] == {"start": 1, "stop": 2}


def test_stages_are_those_of_the_workflow():
    rules = {}
    for path in (ROOT / "rules").glob("*.smk"):
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            read, written = re.search(r"input:\n(.*?)    output:\n(.*?)    log:", block, flags=re.S).groups()
            rules[block[: block.index(":")]] = [
                re.findall(r'"results/\{actor\}/(.*?)"', part) for part in (read, written)
            ]
            if re.search(r"=gaussians_file,", block):
                rules[block[: block.index(":")]][0] += ["avatar.tar", *BAKING.files]
            log = re.search(r'log:\s*"(.*?)"', block)[1]
            assert log.startswith(f"logs/{block[: block.index(':')]}/{{actor}}")
    for stage in (*STAGES, BAKING):
        read, written = rules[stage.name]
        assert set(stage.files) <= set(written), stage.name
        assert set(stage.needs) <= {*read, *rules["export"][1]}, stage.name
    assert set(rules) == {stage.name for stage in STAGES} | {BAKING.name, "motion", "dataset", "comparison"}


STAMP = "2026-11-21 10:00:00,000"


def results_of(folder, actor, stages, log=None):
    """A folder of results with so many stages done, and the log of the next one."""
    results = folder / "results"
    for stage in STAGES[:stages]:
        for file in stage.files:
            path = results / actor / file
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, {"source_frames": [0, 1]}) if path.suffix == ".json" else path.touch()
    if log is not None:
        path = folder / "logs" / STAGES[stages].name / f"{actor}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(log)
    return results


@pytest.mark.parametrize(
    ("stages", "log", "at_work", "state", "stage", "error"),
    [
        (0, None, False, "waiting", "", ""),
        (3, None, False, "partial", "", ""),
        (len(STAGES), None, False, "done", "", ""),
        (0, f"{STAMP} ERROR understudy: error: a.mp4 is empty.\n", False, "failed", "frames", "a.mp4 is empty."),
        (
            3,
            f"{STAMP} INFO understudy.fit: begins\n{STAMP} ERROR understudy: unexpected error, traceback in x\n"
            "Traceback (most recent call last):\n  File x\nValueError: no frames\n",
            True,
            "failed",
            "fitting",
            "ValueError: no frames",
        ),
        (1, f"{STAMP} INFO understudy.keypoints: 7 of 100\n", True, "running", "keypoints", ""),
        (1, f"{STAMP} INFO understudy.keypoints: 7 of 100\n", False, "failed", "keypoints", "ended without a message"),
        (1, "", False, "failed", "keypoints", "ended without a message"),
        (
            2,
            f"{STAMP} ERROR understudy: error: once\n{STAMP} INFO understudy: went on\n",
            True,
            "running",
            "silhouettes",
            "",
        ),
    ],
)
def test_the_state_of_an_actor_is_read_from_files_and_logs(tmp_path, stages, log, at_work, state, stage, error):
    results = results_of(tmp_path, "anna", stages, log)
    status = actor_status(results, "anna", at_work)
    assert (status.state, status.stage, status.done) == (state, stage, stages)
    assert status.error.startswith(error) and bool(status.error) == bool(error)


def test_a_baking_that_failed_is_told_and_one_that_need_not_be_is_not_missed(tmp_path):
    results = results_of(tmp_path, "anna", len(STAGES))
    log = tmp_path / "logs/baking/anna.log"
    log.parent.mkdir(parents=True)
    assert actor_status(results, "anna", False).state == "done"
    log.write_text(f"{STAMP} ERROR understudy: error: nothing is drawn.\n")
    status = actor_status(results, "anna", False)
    assert (status.state, status.stage, status.error) == ("failed", "baking", "nothing is drawn.")
    (results / "anna/baked.tar").touch()
    assert (actor_status(results, "anna", False).state, status.done) == ("done", len(STAGES))


def test_an_error_of_an_earlier_attempt_is_forgotten_when_its_inputs_are_made_again(tmp_path):
    results = results_of(tmp_path, "anna", 3, f"{STAMP} ERROR understudy: error: old\n")
    (tmp_path / "logs/fitting/anna.log").touch()
    assert actor_status(results, "anna", False).state == "failed"
    os.utime(results / "anna/alpha", (2e9, 2e9))
    assert actor_status(results, "anna", False).state == "partial"


def test_a_failed_motion_is_told_of_though_all_else_is_done(tmp_path):
    results = results_of(tmp_path, "anna", len(STAGES))
    log = tmp_path / "logs/motion/anna/walk.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{STAMP} ERROR understudy: error: walk.bvh has no joints.\n")
    status = actor_status(results, "anna", False)
    assert (status.state, status.stage, status.error) == ("failed", "motion walk", "walk.bvh has no joints.")


def test_the_summary_holds_what_was_measured_and_links_to_it(tmp_path):
    results = results_of(tmp_path, "anna <b>&", len(STAGES))
    results_of(tmp_path, "bob", 0, f"{STAMP} ERROR understudy: error: bob.mp4 is\ta <script> text.\n")
    folder = results / "anna <b>&"
    scores = {"psnr_person_box_on_white": {"mean": 27.123}, "ssim_person_box_on_white": {"mean": 0.95678}}
    write_json(folder / "metrics.json", {"with_pose_refinement": scores})
    for name, line in {"frames": "0.7\t0:00\tNA", "avatar": "205.1\t0:03\t1121.4"}.items():
        (folder / "benchmarks").mkdir(exist_ok=True)
        (folder / "benchmarks" / f"{name}.tsv").write_text(f"s\th:m:s\tmax_rss\n{line}\n")
    (folder / "frames").mkdir()
    (folder / "frames/000000.jpg").touch()
    assert write_summary(results, ["bob", "cleo", "anna <b>&"], at_work=False) == 1
    with open(results / "summary.tsv", newline="") as file:
        anna, bob, cleo = csv.DictReader(file, delimiter="\t")
    assert anna == {
        "actor": "anna <b>&", "state": "done", "stage": "", "error": "", "done": str(len(STAGES)), "frames": "2",
        "psnr": "27.12", "ssim": "0.9568", "seconds": "206", "peak_mb": "1121",
    }  # fmt: skip
    assert (bob["state"], bob["stage"], bob["error"]) == ("failed", "frames", "bob.mp4 is a <script> text.")
    assert cleo["state"] == "waiting"
    page = (results / "index.html").read_text()
    assert page.index("bob") < page.index("cleo") < page.index("anna")  # what failed comes first
    assert "<b>" not in page and "<script>" not in page and "1 failed" in page
    links = re.findall(r'(?:href|src)="(.*?)"', page)
    assert "anna%20%3Cb%3E%26/report.html" in links and "anna%20%3Cb%3E%26/frames/000000.jpg" in links
    assert sorted(path.name for path in results.iterdir() if path.is_file()) == ["index.html", "summary.tsv"]


@pytest.mark.parametrize("damage", ["not json", "[]", '{"with_pose_refinement": {}}'])
def test_damaged_figures_do_not_spoil_the_summary(tmp_path, damage):
    results = results_of(tmp_path, "anna", len(STAGES))
    (results / "anna/metrics.json").write_text(damage)
    (results / "anna/frames.json").write_text(damage)
    [status] = all_statuses(results, ["anna"])
    assert (status.state, status.psnr, status.frames) == ("done", None, None)


def test_status_prints_the_table_of_the_last_run(tmp_path, monkeypatch, capsys):
    results = results_of(tmp_path, "anna", 4)
    results_of(tmp_path, "bob", 0, f"{STAMP} ERROR understudy: error: bob.mp4 is empty.\n")
    write_summary(results, ["anna", "bob", "cleo"], at_work=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["understudy", "status"])
    main()
    printed = capsys.readouterr().out
    assert re.search(r"anna.*partial.*4/", printed) and re.search(r"cleo.*waiting.*0/", printed)
    assert "bob, frames: bob.mp4 is empty.\n" in printed


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", *arguments, "--snakefile", str(ROOT / "Snakefile"), "--cores", "1"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def workplace(folder):
    """Videos of all kinds: one that is good, and one each that is text, empty, missing, and not yet looked at."""
    (folder / "models").symlink_to(ROOT / "models")
    (folder / "data/videos").mkdir(parents=True)
    (folder / "data/videos/text.mp4").write_text("this is not a video")
    (folder / "data/videos/empty.mov").touch()
    sheet(
        folder, "name\tvideo\tframes.max_frames", f"good\t{ROOT / 'data/demo/tiny.mp4'}\t12", "gone\tnowhere/gone.mp4"
    )
    (folder / "own.yaml").write_text("videos: videos.tsv\n")
    return folder


def test_bad_videos_do_not_stop_the_others_and_the_summary_says_why(tmp_path):
    folder = workplace(tmp_path)
    targets = [f"results/{actor}/frames.json" for actor in ("empty", "gone", "text", "good")]
    planned = snakemake(folder, "--dry-run", "--configfile", "own.yaml")
    assert planned.returncode == 0 and not (folder / "results").exists() and not (folder / "logs").exists()
    run = snakemake(folder, *targets, "--configfile", "own.yaml")
    assert run.returncode != 0 and "3 of 4 videos failed" in run.stderr and "Traceback" not in run.stderr
    with open(folder / "results/summary.tsv", newline="") as file:
        rows = {row["actor"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert {name: (row["state"], row["stage"]) for name, row in rows.items()} == {
        "empty": ("failed", "frames"), "gone": ("failed", "frames"), "text": ("failed", "frames"), "good": ("partial", ""),
    }  # fmt: skip
    assert rows["good"]["frames"] == "12"
    for name, words in {"empty": "empty.mov is empty", "gone": "gone.mp4: no such file", "text": "text.mp4"}.items():
        assert words in rows[name]["error"]
    assert (folder / "results/index.html").exists()


def test_results_stay_when_the_video_goes_away(tmp_path):
    folder = workplace(tmp_path)
    video = folder / "nowhere/gone.mp4"
    video.parent.mkdir()
    video.symlink_to(ROOT / "data/demo/tiny.mp4")
    assert snakemake(folder, "results/gone/frames.json", "--configfile", "own.yaml").returncode == 0
    video.unlink()
    planned = snakemake(folder, "results/gone/keypoints.npz", "--dry-run", "--configfile", "own.yaml")
    assert planned.returncode == 0
    assert "choosing frames" not in planned.stdout and "finding 2D keypoints" in planned.stdout


@pytest.mark.parametrize("name", ["a{b}", "a<b>", "a\nb"])
def test_names_in_a_configuration_that_snakemake_would_misread_are_refused_before_any_job(tmp_path, name):
    folder = workplace(tmp_path)
    (folder / "own.yaml").write_text(json.dumps({"actors": {name: {"video": "somewhere.mp4"}}}))
    run = snakemake(folder, "--dry-run", "--configfile", "own.yaml")
    assert run.returncode != 0 and "Traceback" not in run.stderr
    assert any(line.startswith("error:") and "rename it" in line for line in run.stderr.splitlines()), run.stderr


def test_an_address_without_a_plugin_for_it_is_told_in_one_sentence(tmp_path):
    folder = workplace(tmp_path)
    sheet(folder, "name\tvideo", "far\tnowhere://clips/far.mp4")
    run = snakemake(folder, "results/far/frames.json", "--dry-run", "--configfile", "own.yaml")
    assert run.returncode != 0 and "Traceback" not in run.stderr
    assert any(line.startswith("error:") and "storage plugin" in line for line in run.stderr.splitlines()), run.stderr
