"""Scores of the body's parts."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import make_scene
from tests.support.trainings import QUICK, run
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.evaluate import EvaluateConfig, evaluate_avatar
from understudy.avatar.part_scores import FEWEST, NOWHERE, OF_BODY, OF_LABEL, part_map, score_parts
from understudy.body.model import PARTS
from understudy.files.arrays import write_json
from understudy.formats.masks import CIHP, read_alpha, write_parsing
from understudy.formats.metrics import SCORED_PARTS, read_metrics


def named(parts):
    return np.array([*SCORED_PARTS, ""], object)[np.where(parts == NOWHERE, len(SCORED_PARTS), parts)]


def test_every_label_and_every_part_of_the_body_has_a_place():
    assert set(OF_LABEL) == set(CIHP) - {"background"} and set(OF_BODY) == set(PARTS)
    assert {name for names in OF_LABEL.values() for name in names} == set(OF_BODY.values()) == set(SCORED_PARTS)


def test_a_label_says_the_part_and_the_body_says_it_where_the_label_cannot():
    shirt, skin, none = CIHP.index("upper_clothes"), CIHP.index("left_arm"), 0
    labels = np.array(
        [[none, shirt, shirt, shirt, shirt, skin, skin, CIHP.index("hair"), CIHP.index("pants")]], np.uint8
    )
    torso, arm, hand = (PARTS.index(name) for name in ("torso", "left_arm", "left_hand"))
    # the body is a little beside what the picture shows: the shirt's left edge and the hair are off it
    drawn = np.array([[NOWHERE, NOWHERE, torso, torso, arm, arm, hand, torso, torso]], np.uint8)
    assert named(part_map(labels, drawn)).tolist() == [
        ["", "torso", "torso", "torso", "arms", "arms", "hands", "head", "legs"]
    ]
    # without a body in the picture a label still belongs to one of its own parts
    lost = named(part_map(labels, np.full_like(drawn, NOWHERE)))[0]
    assert lost[0] == "" and set(lost[1:5]) <= {"torso", "arms"} and lost[7] == "head"


def test_each_part_is_scored_on_its_own_pixels_alone():
    truth, part = torch.full((20, 20, 3), 0.5), np.full((20, 20), NOWHERE, np.uint8)
    picture = truth.clone()
    for rows, name, error in ((slice(0, 4), "head", 0.1), (slice(4, 8), "legs", 0.01), (slice(8, 9), "feet", 0.1)):
        part[rows], picture[rows] = SCORED_PARTS.index(name), 0.5 + error
    picture[9:] = 0.0  # what is of no part
    scores = score_parts(picture, truth, part)
    assert scores["head"] == (pytest.approx(20.0, abs=1e-4), 80)
    assert scores["legs"] == (pytest.approx(40.0, abs=1e-3), 80)
    assert FEWEST > scores["feet"][1] == 20 and np.isnan(scores["feet"][0])
    assert scores["torso"][1] == 0 and np.isnan(scores["torso"][0])


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A scene, its avatar, and labels: a shirt above and trousers below."""
    folder = tmp_path_factory.mktemp("parts")
    scene = make_scene(folder / "scene")
    save_avatar(folder / "avatar.tar", run(scene, replace(QUICK, steps=10)), scene.canonical, scene.frames)
    (folder / "parsing").mkdir()
    for frame in range(len(scene.frames)):
        labels = np.where(read_alpha(scene.alpha, frame) >= 128, CIHP.index("torso_skin"), 0)
        labels[80:] = np.where(labels[80:] > 0, CIHP.index("pants"), 0)
        write_parsing(folder / "parsing", frame, labels)
    return scene, folder


def evaluate(evaluated, parsing):
    scene, folder = evaluated
    config = EvaluateConfig(refine_steps=1, reconstruction=2, device="cpu")
    archive = load_archive(folder / "avatar.tar")
    return evaluate_avatar(archive, scene.frames, scene.alpha, config, parsing_folder=parsing)


def test_the_figures_hold_the_parts_that_the_labels_show(evaluated, tmp_path):
    scene, folder = evaluated
    figures = evaluate(evaluated, folder / "parsing")
    assert set(figures["parts"]) == {"without_pose_refinement", "with_pose_refinement", "reconstruction"}
    parts = figures["parts"]["without_pose_refinement"]
    inside = [np.count_nonzero(read_alpha(scene.alpha, frame) >= 128) for frame in figures["held_out_frames"]]
    assert [a + b for a, b in zip(parts["torso"]["pixels"], parts["legs"]["pixels"], strict=True)] == inside
    assert parts["head"] == {"mean": None, "per_frame": [None] * 3, "pixels": [0] * 3}
    # the whole person lies between its two parts
    whole = figures["without_pose_refinement"]["psnr_inside_mask"]["per_frame"]
    for frame, value in enumerate(whole):
        ends = sorted(parts[name]["per_frame"][frame] for name in ("torso", "legs"))
        assert ends[0] - 1e-3 <= value <= ends[1] + 1e-3
    write_json(tmp_path / "metrics.json", figures)
    assert read_metrics(tmp_path / "metrics.json")["parts"] == figures["parts"]


def test_without_labels_there_are_no_parts_and_that_is_said_once(evaluated, caplog):
    with caplog.at_level(logging.INFO, logger="understudy"):
        figures = evaluate(evaluated, None)
    assert "parts" not in figures
    assert [record.message for record in caplog.records if "part labels" in record.message] == [
        "no part labels were given, so parts of the body are not scored"
    ]
