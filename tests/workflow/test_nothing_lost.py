"""Every verb and the workflow leave alone what somebody else made."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.recordings import recording_of
from tests.support.show_scenes import save_made_up_avatar, write_amass
from tests.support.verbs import call
from tests.support.waiting import wait_for
from tests.support.workflow_runs import snakemake, workplace
from understudy.errors import InputError
from understudy.files.atomic import atomic_folder
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return save_made_up_avatar(tmp_path_factory.mktemp("made") / "avatar.tar")


@pytest.fixture
def verb(monkeypatch, capsys, tmp_path, made):
    """A verb in a folder with an avatar, a motion and things of the user's."""
    shutil.copy(made, tmp_path / "avatar.tar")
    write_amass(tmp_path / "dance.npz", 3)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/letter.txt").write_text("dear")
    for name in ("film.mp4", "page.html", "photo.jpg", "mesh.obj"):
        (tmp_path / name).write_bytes(b"mine")
    return lambda *arguments: call(monkeypatch, capsys, tmp_path, *arguments)


def files(folder):
    """Every file of a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SMALL = ("--size", "20x30", "--frames", "2")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("render", "avatar.tar", "precious", *SMALL), "letter.txt"),
        (("render", "avatar.tar", "film.mp4", *SMALL), "Understudy did not write it"),
        (("render", "avatar.tar", "film.mp4", "--background", "film.mp4"), "film.mp4"),
        (("render", "avatar.tar", ".", *SMALL), "would be lost"),
        (("render", "avatar.tar", "dance.npz", "--motion", "dance.npz"), "would be lost"),
        (("export", "avatar.tar", "."), "mesh.obj"),
        (("export", "avatar.tar", "film.mp4"), "film.mp4"),
        (("view", "avatar.tar", "--page", "page.html"), "Understudy did not write it"),
        (("view", "avatar.tar", "--page", "avatar.tar"), "would be lost"),
        (("view", "avatar.tar", "--page", "precious"), "precious"),
    ],
)
def test_a_verb_refuses_what_would_be_lost(verb, tmp_path, arguments, words):
    before = files(tmp_path)
    status, printed, errors = verb(*arguments)
    assert status == 2 and not printed and words in errors and len(errors.splitlines()) == 1, errors
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("render", "avatar.tar", "new.mp4", *SMALL), "new.mp4"),
        (("render", "avatar.tar", "new.webm", *SMALL), "new.webm"),
        (("render", "avatar.tar", "new.mov", *SMALL), "new.mov"),
        (("render", "avatar.tar", "new", *SMALL), "new/000001.png"),
        (("view", "avatar.tar", "--page", "new.html"), "new.html"),
        (("export", "avatar.tar", "precious", "--only", "avatar.ply", "mesh.ply"), "precious/mesh.ply"),
    ],
)
def test_a_verb_replaces_what_it_wrote(verb, tmp_path, arguments, output):
    for _ in range(2):
        status, _, errors = verb(*arguments)
        assert status == 0, errors
        assert (tmp_path / output).is_file()
    assert (tmp_path / "precious/letter.txt").read_text() == "dear"


def test_an_export_that_was_changed_stays(verb, tmp_path):
    only = ("--only", "avatar.ply")
    assert verb("export", "avatar.tar", "new", *only)[0] == 0
    with open(tmp_path / "new/avatar.ply", "ab") as file:
        file.write(b"mine")
    before = files(tmp_path)
    status, _, errors = verb("export", "avatar.tar", "new", *only)
    assert status == 2 and "avatar.ply" in errors and files(tmp_path) == before


def test_a_data_set_takes_the_place_of_no_other_folder(known, tmp_path, monkeypatch, capsys):
    (tmp_path / "res/bert").mkdir(parents=True)
    recording_of(known, tmp_path / "res/bert")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/letter.txt").write_text("dear")
    body = ("--body", tmp_path.parent / "body0/SMPL_NEUTRAL.npz")
    before = files(tmp_path)
    for output in ("precious", "res", "res/bert", "res/bert/frames", "."):
        status, _, errors = call(
            monkeypatch, capsys, tmp_path, "dataset", "res/bert", output, "--layout", "easymocap", *body
        )
        assert status == 2 and len(errors.splitlines()) == 1, errors
        assert files(tmp_path) == before


def test_a_summary_replaces_no_page_of_somebody_elses(tmp_path, monkeypatch, capsys):
    (tmp_path / "index.html").write_text("<title>My site</title>")
    status, _, errors = call(monkeypatch, capsys, tmp_path, "status", ".", "--write")
    assert status == 2 and "index.html" in errors and not (tmp_path / "summary.tsv").exists()
    (tmp_path / "index.html").unlink()
    (tmp_path / "summary.tsv").write_text("year\tsales\n")
    status, _, errors = call(monkeypatch, capsys, tmp_path, "status", ".", "--write")
    assert status == 2 and "summary.tsv" in errors and (tmp_path / "summary.tsv").read_text() == "year\tsales\n"
    (tmp_path / "summary.tsv").unlink()
    for _ in range(2):
        assert call(monkeypatch, capsys, tmp_path, "status", ".", "--write")[0] == 0


def test_the_workflow_makes_nothing_in_place_of_what_a_user_put_there(tmp_path):
    workplace(tmp_path)
    config, results = tmp_path / "tiny.yaml", tmp_path / "results/tiny"

    def run(size):
        options = yaml.safe_load(config.read_text())
        options["actors"]["tiny"]["frames"] = {"max_size": size}
        config.write_text(yaml.safe_dump(options))
        process = snakemake(tmp_path, "--cores", "1", "results/tiny/frames", config=config)
        return process.returncode, process.stderr

    for size in (200, 180):  # what the workflow made is made anew
        assert run(size)[0] == 0 and Frames.load(results / "frames.json").height == size
    (results / "frames/000003.jpg").write_bytes(b"mine")
    before = files(results)
    status, errors = run(160)
    assert status and "the rule frames would replace results/tiny/frames, which holds" in errors
    assert (
        "error: results/tiny/frames holds what Understudy did not write, or what was changed since (000003.jpg)"
        in errors
    )
    assert files(results) == before
    (results / "frames").rename(tmp_path / "mine")
    (results / "frames.json").write_text("mine too")
    status, errors = run(160)
    assert status and "frames.json was changed since Understudy wrote it" in errors
    assert (results / "frames.json").read_text() == "mine too"
    (results / "frames.json").unlink()
    assert run(160)[0] == 0 and Frames.load(results / "frames.json").height == 160


def start(folder, *arguments):
    """Begin the workflow in the background."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return subprocess.Popen(
        [*command, "--cores", "1", "--keep-going", *arguments, "--configfile", str(folder / "tiny.yaml")],
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_comes_while_the_workflow_runs_stays(tmp_path):
    workplace(tmp_path)
    options = yaml.safe_load((tmp_path / "tiny.yaml").read_text())
    for name in ("anna", "bert", "cleo"):
        options["actors"][name] = {"video": "data/demo/tiny.mp4"}
    del options["actors"]["tiny"]
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(options))
    process = start(tmp_path, *(f"results/{name}/frames.json" for name in options["actors"]))
    wait_for((tmp_path / "results/index.html").exists)
    # one of them is at work by now, the others wait
    mine = [tmp_path / f"results/{name}/frames/000001.jpg" for name in ("anna", "bert")]
    mine.append(tmp_path / "results/cleo/frames.json")
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    _, errors = process.communicate()
    assert process.returncode and all(path.read_text() == "mine" for path in mine), errors
    for sentence in (
        "frames holds what Understudy did not write",
        "frames.json is there already, and Understudy did not",
    ):
        assert sentence in errors, errors


def test_copied_and_touched_results_without_snakemakes_records_are_made_anew(tmp_path):
    for name in ("first", "copy"):
        (tmp_path / name).mkdir()
        workplace(tmp_path / name)
    first, copied, target = tmp_path / "first", tmp_path / "copy", "results/tiny/keypoints.npz"
    assert snakemake(first, "--cores", "1", target, config=first / "tiny.yaml").returncode == 0
    shutil.copytree(first / "results", copied / "results", copy_function=shutil.copyfile)
    for path in copied.glob("results/tiny/**/*"):
        os.utime(path, (1e9, 1e9))
    process = snakemake(copied, "--cores", "1", target, "--forceall", config=copied / "tiny.yaml")
    assert process.returncode == 0, process.stderr
    assert (copied / target).stat().st_mtime > 1.1e9


def test_a_result_under_the_name_of_one_is_kept_whatever_snakemake_knows_of_it(tmp_path):
    workplace(tmp_path)
    config, target = tmp_path / "tiny.yaml", tmp_path / "results/tiny/frames.json"
    for arguments in (("--drop-metadata",), ("--touch",), ("--forcerun", "frames")):
        target.unlink(missing_ok=True)
        assert snakemake(tmp_path, "--cores", "1", "results/tiny/frames.json", config=config).returncode == 0
        target.write_text("mine")
        for options in (arguments, ("--forcerun", "frames"), ("--rerun-incomplete",), ("--delete-all-output",)):
            snakemake(tmp_path, "--cores", "1", "results/tiny/frames.json", *options, config=config)
            assert target.read_text() == "mine"


def test_where_jobs_go_on_one_strange_file_stops_its_own_alone(tmp_path):
    workplace(tmp_path)
    options = yaml.safe_load((tmp_path / "tiny.yaml").read_text())
    options["actors"] = {name: {"video": "data/demo/tiny.mp4"} for name in ("anna", "bert")}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(options))
    targets = [f"results/{name}/frames.json" for name in options["actors"]]
    (tmp_path / "results/anna/frames").mkdir(parents=True)
    (tmp_path / "results/anna/frames/letter.txt").write_text("dear")
    options = ("--workflow-profile", "none", "--cores", "1")  # the default profile lets jobs go on
    stopped = snakemake(tmp_path, *options, *targets, config=tmp_path / "tiny.yaml")
    assert stopped.returncode and "letter.txt" in stopped.stderr and not (tmp_path / targets[1]).exists()
    went_on = snakemake(tmp_path, "--cores", "1", *targets, config=tmp_path / "tiny.yaml")
    assert went_on.returncode and "letter.txt" in went_on.stderr and (tmp_path / targets[1]).exists()
    assert (tmp_path / "results/anna/frames/letter.txt").read_text() == "dear"


def test_a_benchmark_does_not_lead_elsewhere(tmp_path):
    workplace(tmp_path)
    (tmp_path / "precious.txt").write_text("dear")
    place = tmp_path / "results/tiny/benchmarks/frames.tsv"
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "precious.txt")
    for _ in range(2):
        run = snakemake(tmp_path, "--cores", "1", "results/tiny/frames.json", config=tmp_path / "tiny.yaml")
        assert run.returncode and "benchmarks/frames.tsv is a link or no table" in run.stderr
        place.unlink()
        place.write_text("my notes")
    assert (tmp_path / "precious.txt").read_text() == "dear"


def test_a_folder_of_results_may_be_a_link_to_another_disk(tmp_path):
    workplace(tmp_path)
    (tmp_path / "disk").mkdir()
    (tmp_path / "results/tiny").mkdir(parents=True)
    (tmp_path / "results/tiny/frames").symlink_to("../../disk")
    for _ in range(2):
        run = snakemake(tmp_path, "--cores", "1", "results/tiny/frames.json", "--force", config=tmp_path / "tiny.yaml")
        assert run.returncode == 0, run.stderr
        assert (tmp_path / "results/tiny/frames").is_symlink() and (tmp_path / "disk/000000.jpg").exists()


def test_a_link_in_the_place_of_a_result_is_not_replaced(tmp_path):
    workplace(tmp_path)
    (tmp_path / "mine.json").write_text("mine")
    (tmp_path / "results/tiny").mkdir(parents=True)
    (tmp_path / "results/tiny/frames.json").symlink_to("../../mine.json")
    process = snakemake(tmp_path, "--cores", "1", "results/tiny/frames", "--forceall", config=tmp_path / "tiny.yaml")
    assert process.returncode and "would replace results/tiny/frames.json" in process.stderr
    assert (tmp_path / "results/tiny/frames.json").is_symlink() and (tmp_path / "mine.json").read_text() == "mine"


def test_a_track_that_was_corrected_by_hand_stays(known, tmp_path):
    recording_of(known, tmp_path / "bert")
    path = tmp_path / "bert/smpl.npz"
    track = BodyTrack.load(path)
    path.unlink()
    track.save(path, recorded=True)
    replace(track, transl=track.transl + 0.01).save(path)
    with pytest.raises(InputError, match=r"smpl\.npz was changed since"):
        track.save(path, recorded=True)
    assert (BodyTrack.load(path).transl != track.transl).all()


def test_a_rule_does_not_replace_what_it_reads(tmp_path):
    workplace(tmp_path)
    (tmp_path / "results/tiny").mkdir(parents=True)
    (tmp_path / "same").symlink_to("results/tiny")
    masks = tmp_path / "results/tiny/alpha"
    with atomic_folder(masks, "silhouettes") as folder:
        (folder / "000000.png").write_bytes(b"a mask")
    options = yaml.safe_load((tmp_path / "tiny.yaml").read_text())
    options["actors"]["tiny"]["silhouettes"] = {"backend": "files", "files": "same/alpha"}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(options))
    process = snakemake(tmp_path, "--cores", "1", "results/tiny/alpha", "--force", config=tmp_path / "tiny.yaml")
    assert process.returncode and "error: results/tiny/alpha is or holds what is read" in process.stderr
    assert (masks / "000000.png").read_bytes() == b"a mask"
