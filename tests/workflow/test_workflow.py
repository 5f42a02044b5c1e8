"""The workflow as a user meets it: a real run of every rule on the tiny demo, re-runs, and clear refusals."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.workflow_runs import snakemake, workplace
from understudy.stages import FILES, STAGES

TARGETS = ("results/tiny/avatar.tar", "results/tiny/report.html")
RULES = {stage.name for stage in STAGES}


def planned_rules(folder, *arguments, config):
    """Rules that a dry run would execute."""
    planned = snakemake(folder, *arguments, "--dry-run", config=config)
    assert planned.returncode == 0, planned.stderr
    counts = re.findall(r"^(\w+) +\d+$", planned.stdout + planned.stderr, flags=re.M)
    return RULES & set(counts)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the tiny demo has been made."""
    folder = workplace(tmp_path_factory.mktemp("run"))
    run = snakemake(folder, "--cores", "2", *TARGETS, config=folder / "tiny.yaml")
    assert run.returncode == 0, run.stderr
    return folder


def test_one_command_makes_every_file(finished):
    results = finished / "results/tiny"
    for name in (
        "frames/000000.jpg", "frames.json", "keypoints.npz", "alpha/000000.png", "smpl.npz",
        "matte/000000.png", "trimap/000000.png", "parsing/000000.png", "canonical.npz", "avatar.tar",
        "training.json", "metrics.json", "renders/turntable.mp4", "renders/reenactment.mp4", "renders/walk.mp4",
        "viewer/index.html", "exports/avatar.glb", "report.html",
    ):  # fmt: skip
        assert (results / name).stat().st_size > 0, name
    for rule in RULES:
        assert (finished / f"logs/{rule}/tiny.log").exists(), rule


def test_every_stage_keeps_the_number_of_frames(finished):
    import numpy as np

    results = finished / "results/tiny"
    count = len(json.loads((results / "frames.json").read_text())["source_frames"])
    assert count == 24
    for folder, suffix in (
        ("frames", "jpg"), ("alpha", "png"), ("matte", "png"), ("trimap", "png"), ("parsing", "png"),
    ):  # fmt: skip
        assert len(list((results / folder).glob(f"*.{suffix}"))) == count, folder
    assert len(np.load(results / "keypoints.npz")["keypoints"]) == count
    assert len(np.load(results / "smpl.npz")["global_orient"]) == count


def test_projected_body_covers_the_mask(finished):
    """Guards against the black renders that a mismatch of camera and body gives."""
    import numpy as np
    import torch

    from understudy.body.files import load_body
    from understudy.formats.frames import Frames
    from understudy.formats.masks import read_alpha
    from understudy.formats.smpl import BodyTrack
    from understudy.metrics.masks import iou
    from understudy.render.mesh import rasterize_mesh

    results = finished / "results/tiny"
    frames, track = Frames.load(results / "frames.json"), BodyTrack.load(results / "smpl.npz")
    body = load_body(ROOT / "models/understudy_body.npz")
    parts = (track.global_orient, track.body_pose, track.transl)
    posed = body(torch.from_numpy(track.betas), *map(torch.from_numpy, parts)).vertices.numpy()
    ious = [
        iou(
            rasterize_mesh(posed[i], body.faces, track.K, (frames.width, frames.height)).face >= 0,
            read_alpha(results / "alpha", i) >= 128,
        )
        for i in range(0, len(frames), 6)
    ]
    assert np.mean(ious) > 0.7


def test_report_needs_no_other_file(finished):
    page = (finished / "results/tiny/report.html").read_text()
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//[^"')]*""", page)
    assert page.count("data:image/jpeg;base64,") > 30 and page.count("data:video/mp4;base64,") == 3


def test_the_parts_of_the_body_are_scored_in_the_metrics_and_the_report(finished):
    parts = json.loads((finished / "results/tiny/metrics.json").read_text())["parts"]["without_pose_refinement"]
    assert set(parts) == {"head", "torso", "arms", "hands", "legs", "feet"}
    assert parts["torso"]["mean"] > 10 and min(parts["torso"]["pixels"]) > 100
    page = (finished / "results/tiny/report.html").read_text()
    assert "PSNR by part (dB)" in page and f'<td>torso</td><td class="value">{parts["torso"]["mean"]:.1f}</td>' in page


def test_links_of_the_report_lead_somewhere(finished):
    page = (finished / "results/tiny/report.html").read_text()
    links = re.findall(r'<a [^>]*href="([^"]*)"', page)
    assert {"viewer/index.html", "exports/avatar.glb", "avatar.tar"} <= set(links)
    assert all((finished / "results/tiny" / link).is_file() for link in links)


def test_snakemakes_own_report_has_a_caption_for_everything_shown(finished):
    made = snakemake(finished, *TARGETS, "--report", str(finished / "all.zip"), config=finished / "tiny.yaml")
    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(finished / "all.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
        page = archive.read("all/report.html").decode()
    assert {"report.html", "index.html", "turntable.mp4", "reenactment.mp4", "walk.mp4", "metrics.json"} <= names
    assert "arms lowered, a pose that need not be in the video" in page


def test_a_second_call_does_nothing(finished):
    again = snakemake(finished, "--cores", "2", *TARGETS, config=finished / "tiny.yaml")
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_an_avatar_option_reruns_the_avatar_and_what_follows(finished):
    options = yaml.safe_load((finished / "tiny.yaml").read_text())
    options["actors"]["tiny"]["avatar"]["steps"] = 31
    (finished / "changed.yaml").write_text(yaml.safe_dump(options))
    assert planned_rules(finished, *TARGETS, config=finished / "changed.yaml") == {
        "avatar", "evaluate", "turntable", "reenactment", "viewer", "export", "report",
    }  # fmt: skip


def test_deleting_the_fit_reruns_from_there(finished):
    fit, aside = finished / "results/tiny/smpl.npz", finished / "smpl.npz"
    fit.rename(aside)
    planned = planned_rules(finished, *TARGETS, "results/tiny/smpl.npz", config=finished / "tiny.yaml")
    aside.rename(fit)
    assert planned == RULES - {"frames", "keypoints", "silhouettes"}


def test_make_asks_for_every_file_so_that_a_deleted_one_is_made_again():
    command = ["make", "--dry-run", "-C", str(ROOT), "avatar", "ACTOR=anna", f"BIN={Path(sys.executable).parent}"]
    planned = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "scripts"})
    asked = re.search(r"snakemake --cores \S+ (.*)", planned.stdout)[1].split()
    assert asked == [f"results/anna/{file}" for file in FILES]


def test_a_single_stage_is_a_target(tmp_path):
    folder = workplace(tmp_path)
    assert planned_rules(folder, "results/tiny/keypoints.npz", config=folder / "tiny.yaml") == {"frames", "keypoints"}


def test_every_stage_up_to_the_labels_stands_on_the_way_to_the_avatar(tmp_path):
    folder = workplace(tmp_path)
    assert planned_rules(folder, "results/tiny/avatar.tar", config=folder / "tiny.yaml") == {
        "frames", "keypoints", "silhouettes", "fitting", "matting", "parsing", "canonical", "avatar",
    }  # fmt: skip


def test_names_with_spaces_and_unicode_are_actors(tmp_path):
    folder = workplace(tmp_path)
    (folder / "data/videos/Zoë am Strand.mp4").symlink_to(ROOT / "data/demo/tiny.mp4")
    made = snakemake(folder, "--cores", "1", "results/Zoë am Strand/frames.json")
    assert made.returncode == 0, made.stderr
    assert (folder / "results/Zoë am Strand/frames/000000.jpg").exists()


def test_a_video_that_is_not_there_is_named_in_one_sentence(tmp_path):
    folder = workplace(tmp_path)
    (folder / "data/videos/anna.mp4").symlink_to(ROOT / "data/demo/tiny.mp4")
    run = snakemake(folder, "--cores", "1", "results/bob/avatar.tar")
    assert run.returncode != 0
    sentence = next(line for line in run.stderr.splitlines() if line.startswith("error:"))
    assert "bob" in sentence and "data/videos" in sentence and "anna" in sentence
    assert "Traceback" not in run.stderr


def test_an_unknown_option_stops_before_any_job(tmp_path):
    folder = workplace(tmp_path)
    (folder / "bad.yaml").write_text("avatar: {stepz: 3}\n")
    run = snakemake(folder, "--cores", "1", *TARGETS, config=folder / "bad.yaml")
    assert run.returncode != 0 and "stepz" in run.stderr and "Traceback" not in run.stderr
    assert not (folder / "results").exists()


def test_an_error_is_said_of_the_file_or_the_argument_it_is_in(tmp_path):
    workplace(tmp_path)
    (tmp_path / "mine.yaml").write_text("fitting: {smoothness: often}\n")
    for arguments, said in (
        (("--configfile", str(tmp_path / "mine.yaml")), f"{tmp_path}/mine.yaml, fitting.smoothness: 'often' should be"),
        (("--config", "avatar={steps: many}"), "--config, avatar.steps: 'many' should be"),
    ):
        refused = snakemake(tmp_path, "--dry-run", "results/tiny/avatar.tar", *arguments)
        assert refused.returncode != 0 and f"error: {said}" in refused.stderr


def test_arguments_within_braces_are_numbers_and_truths_too(tmp_path):
    folder = workplace(tmp_path)
    given = ("avatar={steps: 40, exposure: false}", "fitting={height_m: null}", "frames={start: 0.5}")
    arguments = ("--dry-run", "results/tiny/avatar.tar", "--config", *given)
    planned = snakemake(folder, *arguments, config=folder / "tiny.yaml")
    assert planned.returncode == 0, planned.stderr


def test_a_file_that_is_no_video_fails_in_one_sentence_and_leaves_nothing(tmp_path):
    folder = workplace(tmp_path)
    (folder / "data/videos/text.mp4").write_text("this is not a video")
    run = snakemake(folder, "--cores", "1", "results/text/frames.json")
    assert run.returncode != 0
    assert any(line.startswith("error:") and "text.mp4" in line for line in run.stderr.splitlines()), run.stderr
    assert "Traceback" not in run.stderr
    assert not (folder / "results/text/frames.json").exists() and not (folder / "results/text/frames").exists()
    assert "text.mp4" in (folder / "logs/frames/text.log").read_text()
