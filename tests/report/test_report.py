"""What the report says: sides that were seen, cautions, figures, costs, links."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.avatar_scenes import plain_canonical
from tests.support.inspect_scenes import LENGTH, SICK, sick_walk
from tests.support.paths import BODY_FILE
from tests.support.report_scenes import metrics
from understudy.actor_folder import open_result
from understudy.body.files import load_body
from understudy.formats.skeleton import INDEX, KEYPOINTS
from understudy.inspection.measure import Measure
from understudy.inspection.worst import measures_of
from understudy.report.cautions import MEASURED, cautions_of
from understudy.report.costs import duration, read_costs, size
from understudy.report.figures import in_a_sentence, likeness, parts_table
from understudy.report.links import file_links
from understudy.report.seen import seen_shares


@pytest.fixture(scope="module")
def canonical():
    """Of the shipped body, seen from the front alone."""
    body = load_body(BODY_FILE)
    plain = plain_canonical(body)
    corners = plain.rest_vertices[plain.faces]
    front = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0
    side = 4096  # so that no two faces share a texel
    u, v = (plain.vt[plain.ft].mean(axis=1)[front] * [1, -1] + [0, 1]).T
    seen = np.zeros((side, side), np.uint8)
    seen[(v * side).astype(int).clip(0, side - 1), (u * side).astype(int).clip(0, side - 1)] = 255
    return replace(plain, texture_seen=seen)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    folder = sick_walk(tmp_path_factory.mktemp("sick"))
    return open_result(folder, bodies=[folder.parents[1] / "models"])


def test_a_back_that_was_never_seen_is_told_from_the_front(canonical):
    shares = seen_shares(canonical)
    assert shares["front"] > 0.99 and shares["back"] < 0.02
    assert 0.4 < shares["body"] < 0.6


def test_cautions_say_what_is_wrong_and_grave_things_first(walk, canonical):
    cautions = cautions_of(
        walk.frames, walk.keypoints, walk.track, canonical, metrics(20.0, 22.0, 27.0), measures_of(walk), 1.7
    )
    text = " ".join(caution.text for caution in cautions)
    for part in (
        f"only {LENGTH} frames", "In one frame the person was not found", "had exchanged left and right",
        "hardly shows the person's back",
        "likeness is poor (20 dB)", "rises by 2.0 dB", "much more like the frames", "1.70\u00a0m is a guess",
    ):  # fmt: skip
        assert part in text, part
    grave = [caution.grave for caution in cautions]
    assert grave == sorted(grave, reverse=True)


@pytest.fixture(scope="module")
def said_of_a_good_video(walk, canonical):
    """Cautions of 100 frames in which all is well but what measures say."""
    length = 100
    healthy = np.flatnonzero(np.arange(LENGTH) != SICK)[np.arange(length) % (LENGTH - 1)]
    keypoints = replace(
        walk.keypoints, keypoints=walk.keypoints.keypoints[healthy], bbox=np.tile([0.0, 0.0, 100.0, 400.0], (length, 1)),
        interpolated=np.zeros(length, bool), swapped=np.zeros(length, bool), people=np.ones(length, int),
        world=np.zeros((length, *walk.keypoints.world.shape[1:])),
    )  # fmt: skip
    track = replace(walk.track, **{name: getattr(walk.track, name)[healthy] for name in ("global_orient", "valid")})
    frames = replace(walk.frames, source_frames=np.arange(length), K_source="metadata")
    seen = replace(canonical, texture_seen=np.full((8, 8), 255, np.uint8))

    def said(measures, **changed):
        return cautions_of(frames, replace(keypoints, **changed), track, seen, metrics(), measures, None)

    return said


def test_a_back_that_is_taken_for_a_front_is_the_first_thing_told(said_of_a_good_video):
    yaw = np.linspace(0, 2 * np.pi, 100)
    yaw[40:50] += np.pi  # there and back again
    world = np.zeros((100, len(KEYPOINTS), 3))
    for part in ("shoulder", "hip"):
        for side, sign in (("left", 1), ("right", -1)):
            world[:, INDEX[f"{side}_{part}"]] = sign * np.stack([np.cos(yaw), 0 * yaw, np.sin(yaw)], axis=1)
    [caution] = said_of_a_good_video([], world=world)
    assert caution.grave and caution.text.startswith("Near frame 39 and 49 the detector took the person's back")
    assert said_of_a_good_video([], world=world, interpolated=np.arange(100) >= 30) == said_of_a_good_video(
        [], interpolated=np.arange(100) >= 30
    )


def test_nothing_is_said_of_what_is_well(said_of_a_good_video):
    assert said_of_a_good_video([]) == []


def test_a_measure_is_told_from_a_twentieth_of_the_frames_on(said_of_a_good_video):
    def said(count):
        sharpness = np.where(np.arange(100) < count, 0.2, 1.0)
        return [
            caution.text
            for caution in said_of_a_good_video([Measure("Picture blurred", "", 0.5, sharpness, "frame", low=True)])
        ]

    assert said(4) == []
    assert said(5) == ["In 5 of 100 frames the picture is blurred."]


def test_every_measure_of_single_frames_has_plain_words(walk):
    runs_and_later = {"Person not found", "Left and right put back", "Pose without evidence", "Held-out frames"}
    assert {measure.title for measure in measures_of(walk)} - runs_and_later == set(MEASURED)


def test_figures_have_no_more_digits_than_mean_something():
    table = likeness(metrics())
    assert table["columns"] == ["new frames", "pose aligned", "learned frames"]
    assert [row["cells"] for row in table["rows"]] == [["28.0", "29.2", "30.3"], ["0.996"] * 3]
    unrefined = {key: value for key, value in metrics().items() if key != "with_pose_refinement"}
    assert likeness(unrefined)["columns"] == ["new frames", "learned frames"]


def test_the_table_of_parts_leaves_out_what_no_frame_shows():
    assert parts_table(metrics()) == {
        "columns": ["new frames", "pose aligned", "pixels"],
        "rows": [{"name": "head", "cells": ["28.0", "29.2", "1000"]}],
    }
    assert parts_table({key: value for key, value in metrics().items() if key != "parts"})["rows"] == []


def test_the_sentence_turns_decibels_into_brightness():
    assert "about 10\u00a0% of the full brightness, 3.2\u00a0% once" in in_a_sentence(metrics(20.0, 30.0))
    assert in_a_sentence({"held_out_frames": []}) is None


def test_costs_come_in_the_order_of_the_stages(tmp_path):
    head = "s\th:m:s\tmax_rss\tcpu_time\n"
    (tmp_path / "motion").mkdir()
    for name, row in (
        ("motion/walk", "14.3\t0:00:14\t784.6\t12"), ("avatar", "205.12\t0:03:25\t1121.4\t279"),
        ("frames", "0.3\t0:00:00\tNA\t0.1"), ("of_somebody_else", "1\t0:00:01\t1\t1"),
    ):  # fmt: skip
        (tmp_path / f"{name}.tsv").write_text(f"{head}{row}\n")
    costs = read_costs(tmp_path)
    assert [(cost.rule, duration(cost.seconds), size(cost.megabytes)) for cost in costs] == [
        ("frames", "under 1 s", "?"), ("avatar", "3 min 25 s", "1.1 GB"), ("motion", "14 s", "780 MB"),
    ]  # fmt: skip
    assert costs[-1].what == "motion: walk"
    assert (duration(3840), size(0.323), size(9.96)) == ("1 h 4 min", "320 kB", "10 MB")
    assert read_costs(tmp_path / "nothing") == []


def test_links_lead_from_the_page_to_files_beside_it(tmp_path):
    folder = tmp_path / "results/Zoë am Strand"
    (folder / "exports").mkdir(parents=True)
    files = [folder / "avatar.tar", folder / "exports/avatar.glb", folder / "exports/mesh.mtl"]
    for file in files:
        file.write_bytes(bytes(2_100_000))
    links = file_links(folder / "report.html", files)
    assert [(link["href"], link["size"]) for link in links] == [
        ("exports/avatar.glb", "2.1 MB"), ("avatar.tar", "2.1 MB"),
    ]  # fmt: skip
