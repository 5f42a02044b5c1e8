"""Worst frames by measure, their sheet, and the command line."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fit_scenes import K, turning_walk
from understudy.body.files import write_body
from understudy.body.posed import posed_vertices
from understudy.errors import InputError
from understudy.fitting.fit import FitConfig, fit_body
from understudy.formats.masks import mask_path, write_alpha
from understudy.render.mesh import silhouette
from understudy.report.sheet import write_sheet
from understudy.report.worst import Measure, measures_of, open_result

LENGTH, SICK = 24, 13
"""In one frame everything is wrong."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The results of a walk whose keypoints, mask and pose are wrong in one frame."""
    folder = tmp_path_factory.mktemp("results") / "walker"
    (folder / "frames").mkdir(parents=True)
    (folder / "alpha").mkdir()
    walk = turning_walk(length=LENGTH)
    frames = replace(walk.frames, folder=folder / "frames")
    frames.save(folder / "frames.json")
    track = fit_body(walk.keypoints, walk.frames, Path(), walk.body, FitConfig(silhouettes=False, iterations=5))
    points = walk.keypoints.keypoints.copy()
    points[SICK, :, 2] = 0.1
    replace(walk.keypoints, keypoints=points).save(folder / "keypoints.npz")
    for i in range(LENGTH):
        Image.fromarray(np.full((512, 512, 3), 90, np.uint8)).save(folder / f"frames/{i:06d}.jpg")
        covered = silhouette(posed_vertices(walk.body, track, i), walk.body.faces, K, (512, 512))
        if i == SICK:
            covered[:, 250:] = True
        write_alpha(folder / "alpha", i, covered.astype(np.uint8) * 255)
    pose, errors = track.body_pose.copy(), track.reprojection_px.copy()
    pose[SICK, 3 * 15 : 3 * 16] += 1.5  # left shoulder
    errors[SICK] = 80.0
    replace(track, body_pose=pose, reprojection_px=errors).save(folder / "smpl.npz")
    write_body(folder / "body.npz", walk.body)
    return folder


@pytest.fixture(scope="module")
def measures(folder):
    return {measure.title: measure for measure in measures_of(open_result(folder), turning_walk(length=1).body)}


@pytest.mark.parametrize(
    "title",
    ["limbs hardly seen", "mask changes size", "keypoints off the body", "body and mask disagree", "limbs jump"],
)
def test_the_sick_frame_is_the_worst_by_every_measure(measures, title):
    measure = measures[title]
    assert abs(measure.worst(1)[0] - SICK) <= 1
    assert measure.values[SICK] > measure.limit
    healthy = np.delete(measure.values, slice(SICK - 2, SICK + 3))
    assert np.nanmax(healthy) < measure.values[SICK] / 2


def test_only_finished_stages_are_measured(folder, tmp_path):
    early = tmp_path / "early"
    early.mkdir()
    (early / "frames.json").write_bytes((folder / "frames.json").read_bytes())
    assert measures_of(open_result(early), None) == []
    (early / "keypoints.npz").write_bytes((folder / "keypoints.npz").read_bytes())
    assert [measure.title for measure in measures_of(open_result(early), None)] == ["limbs hardly seen"]


def test_worst_frames_are_apart_and_silent_frames_are_never_worst():
    values = np.full(40, np.nan)
    values[10:13], values[30] = [5.0, 6.0, 5.5], 1.0
    measure = Measure("made up", "px", 3.0, values, "frame")
    assert measure.worst(3) == [11, 30]


def test_a_folder_without_frames_gives_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"frames\.json"):
        open_result(tmp_path)


def test_another_body_is_refused(folder):
    with pytest.raises(InputError, match="another body"):
        measures_of(open_result(folder), replace(turning_walk(length=1).body, sha256="1" * 64))


def test_the_sheet_has_a_row_for_each_measure(folder, measures, tmp_path):
    result, body = open_result(folder), turning_walk(length=1).body
    chosen = list(measures.values())
    write_sheet(tmp_path / "one.png", result, chosen[:1], body, 3)
    write_sheet(tmp_path / "all.png", result, chosen, body, 3)
    one, everything = Image.open(tmp_path / "one.png"), Image.open(tmp_path / "all.png")
    assert everything.height > (len(chosen) - 1) * one.height * 0.9
    assert np.array(everything).std() > 20


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "understudy.cli", *map(str, arguments)],
        capture_output=True, text=True, env={"PYTHONPATH": str(Path(__file__).parents[1] / "scripts"), "COLUMNS": "160"},
    )  # fmt: skip


def test_the_command_prints_a_table_and_writes_the_sheet(folder, tmp_path):
    # a body file of its own hash: only what needs no body is asked for
    early = tmp_path / "walker"
    (early / "frames").parent.mkdir(parents=True)
    (early / "frames").symlink_to(folder / "frames")
    (early / "alpha").symlink_to(folder / "alpha")
    for name in ("frames.json", "keypoints.npz"):
        (early / name).write_bytes((folder / name).read_bytes())
    done = run("inspect", early, "--count", 2)
    assert done.returncode == 0, done.stderr
    assert "mask changes size" in done.stdout
    assert mask_path(early / "alpha", SICK).exists()
    assert Image.open(early / "inspect.jpg").width > 300


def test_the_command_says_in_one_sentence_what_is_wrong(tmp_path):
    done = run("inspect", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
