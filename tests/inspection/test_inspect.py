"""Worst frames by measure, and their sheet."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.support.fit_scenes import turning_walk
from tests.support.inspect_scenes import EXCHANGED, LENGTH, SICK, sick_walk
from understudy.actor_folder import open_result
from understudy.body.files import write_body
from understudy.errors import InputError
from understudy.inspection.inspect import inspect_actor
from understudy.inspection.measure import Measure, runs
from understudy.inspection.sheet import heading, pictures_of, write_sheet
from understudy.inspection.window import Window
from understudy.inspection.worst import measures_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sick_walk(tmp_path_factory.mktemp("sick"))


@pytest.fixture(scope="module")
def result(folder):
    return open_result(folder, bodies=[folder.parents[1] / "models"])


@pytest.fixture(scope="module")
def measures(result):
    return {measure.title: measure for measure in measures_of(result)}


@pytest.mark.parametrize(
    "title",
    [
        "Limbs hardly seen", "Keypoints off the body", "A limb jumps", "The person jumps", "The person turns",
        "A joint beyond its range", "Body outside the mask", "Mask without body", "Mask changes size", "Picture blurred",
    ],
)  # fmt: skip
def test_the_sick_frame_is_the_worst_by_every_measure(measures, title):
    measure = measures[title]
    assert abs(measure.worst(1)[0] - SICK) <= 1
    assert measure.beyond[SICK - 1 : SICK + 2].any()
    healthy = np.ones(LENGTH, bool)
    healthy[SICK - 2 : SICK + 3] = False
    assert not measure.beyond[healthy].any()


def test_keypoints_of_exchanged_sides_are_told_from_a_turn(measures):
    measure = measures["Left and right change places"]
    assert set(np.flatnonzero(measure.beyond)) <= {EXCHANGED, EXCHANGED + 1, EXCHANGED + 2}
    assert measure.beyond[EXCHANGED]
    assert measure.worst(1)[0] in (EXCHANGED, EXCHANGED + 1)


def test_the_keypoint_farthest_from_the_body_is_named_and_marked(result):
    points = result.keypoints.keypoints.copy()
    row = result.keypoints.names.index("right_elbow")
    points[2, row, :2] += [60.0, 0.0]
    moved = replace(result, keypoints=replace(result.keypoints, keypoints=points))
    measure = next(found for found in measures_of(moved) if found.title == "One keypoint off the body")
    healthy = next(found for found in measures_of(result) if found.title == "One keypoint off the body")
    assert healthy.values[2] < 3 and measure.notes[2] == "right_elbow" and measure.beyond[2]
    seen, own = measure.marks[2]
    assert np.allclose(seen, points[2, row, :2]) and 40 < seen[0] - own[0] < 80


def test_what_lasts_is_shown_once_with_its_length(measures):
    put_back = measures["Left and right put back"]
    assert put_back.worst(6) == [SICK + 1] and put_back.values[SICK + 1] == 3
    assert put_back.notes[SICK + 1] == f"{SICK} to {SICK + 2}"
    assert measures["Person not found"].worst(6) == measures["Pose without evidence"].worst(6) == [SICK]


def test_runs_are_found_at_both_ends():
    values, notes = runs(np.array([True, True, True, False, True]))
    assert np.isnan(values[[0, 2, 3]]).all() and values[1] == 3 and values[4] == 1
    assert notes[1] == "0 to 2" and notes[4] == ""
    assert np.isnan(runs(np.zeros(4, bool))[0]).all()


def test_the_names_of_jumping_joints_are_those_that_were_moved(measures):
    assert measures["A limb jumps"].notes[SICK].startswith("left_")
    assert measures["The person jumps"].notes[SICK] == "in depth"
    assert measures["A joint beyond its range"].notes[SICK] == "right_knee"


@pytest.mark.parametrize("fps", [20.0, 120.0, 240.0])
def test_the_same_motion_jumps_as_much_at_every_frame_rate(result, fps):
    """The walk filmed at a higher rate: accelerations stay those of the motion, not those of frame-to-frame noise."""
    walk = turning_walk(length=round(2 * fps), fps=fps)
    random = np.random.default_rng(0)
    track = replace(
        result.track,
        global_orient=np.tile(np.float32([np.pi, 0, 0]), (len(walk.frames), 1)),
        body_pose=np.zeros((len(walk.frames), 69), np.float32),
        transl=(np.float32([0, 0, 4]) + random.normal(0, 0.002, (len(walk.frames), 3))).astype(np.float32),
        reprojection_px=np.zeros(len(walk.frames), np.float32),
        valid=np.ones(len(walk.frames), bool),
    )
    still = replace(result, frames=walk.frames, keypoints=None, masks=None, track=track)
    jumps = next(found for found in measures_of(still) if found.title == "The person jumps")
    assert np.nanmax(jumps.values) < 25.0


def test_only_finished_stages_are_measured(folder, tmp_path):
    early = tmp_path / "early"
    early.mkdir()
    for name, titles in (
        ("frames.json", 0), ("keypoints.npz", 4), ("smpl.npz", 6),
    ):  # fmt: skip
        (early / name).write_bytes((folder / name).read_bytes())
        opened = open_result(early)
        assert len(measures_of(opened)) == titles
    assert [note.split()[0:4] for note in opened.notes] == [
        ["There", "are", "no", "masks"], ["The", "body", "sausage", "that"], ["There", "is", "no", "metrics.json"],
    ]  # fmt: skip


def test_held_out_frames_are_measured_after_the_evaluation(folder, tmp_path, result):
    metrics = {
        "held_out_frames": [4, 12, 20],
        "without_pose_refinement": {"psnr_person_box_on_white": {"per_frame": [24.0, 18.5, 23.0]}},
        "with_pose_refinement": {"psnr_person_box_on_white": {"per_frame": [25.0, 19.25, 24.0]}},
    }

    def avatar(frame, K, size):
        return np.full((size[1], size[0], 3), frame, np.uint8)

    evaluated = replace(result, metrics=json.loads(json.dumps(metrics)), avatar=avatar)
    measure = measures_of(evaluated)[-1]
    assert measure.worst(2) == [12, 20] and measure.beyond.sum() == 1 and measure.notes[12] == "19.2 refined"
    picture = pictures_of(evaluated, measure, 1)[0]
    assert (picture.image[:, -10:] == 12).all() and picture.value == "18.5" and picture.beyond
    assert not measures_of(replace(result, metrics={}))[-1].title.startswith("Held-out")


def test_worst_frames_are_apart_and_silent_or_faultless_frames_are_never_worst():
    values = np.full(40, np.nan)
    values[10:13], values[30], values[35] = [5.0, 6.0, 5.5], 1.0, 0.0
    measure = Measure("made up", "px", 3.0, values, "frame")
    assert measure.worst(3) == [11, 30]
    low = Measure("made up", "dB", 2.0, values, "frame", low=True)
    assert low.worst(3) == [35, 30, 10] and low.beyond.sum() == 2
    assert heading(low) == "dB; 2 of 5 below 2"


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_no_result_gives_one_sentence(tmp_path, there):
    folder = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(InputError, match=r"frames\.json|is not a folder"):
        inspect_actor(folder)


def test_files_of_another_video_and_other_bodies_are_refused(folder, tmp_path):
    longer = tmp_path / "longer"
    longer.mkdir()
    values = json.loads((folder / "frames.json").read_text())
    (longer / "frames.json").write_text(json.dumps({**values, "source_frames": list(range(99))}))
    (longer / "smpl.npz").write_bytes((folder / "smpl.npz").read_bytes())
    with pytest.raises(InputError, match=r"smpl.npz covers 24 frames and the video has 99"):
        open_result(longer)
    write_body(tmp_path / "other.npz", turning_walk(length=1).body, licence="other")
    with pytest.raises(InputError, match=r"made with another body \(sausage\) than .*other.npz"):
        open_result(folder, body=tmp_path / "other.npz")


def test_the_body_is_found_by_its_hash_among_others(folder, tmp_path):
    write_body(tmp_path / "a.npz", turning_walk(length=1).body, licence="other")
    (tmp_path / "z.npz").write_bytes((folder.parents[1] / "models/body.npz").read_bytes())
    assert open_result(folder, bodies=[tmp_path / "nowhere", tmp_path]).body_file == tmp_path / "z.npz"


def test_a_window_shows_the_picture_where_its_camera_projects(result):
    window = Window.round_person(result, 3, 200)
    assert abs(window.size[1] - 200) <= 1 and window.size[0] >= 99
    x, y = 300, 200
    image = np.zeros((512, 512, 3), np.uint8)
    image[y - 6 : y + 7, x - 6 : x + 7] = 255
    cut = window.cut(image)[..., 0].astype(float)
    centre = [(cut.sum(axis=axis) @ (np.arange(cut.shape[1 - axis]) + 0.5)) / cut.sum() for axis in (0, 1)]
    place = window.points(np.array([x + 0.5, y + 0.5]))
    assert np.allclose(centre, place, atol=0.1)
    point = np.linalg.inv(result.track.K) @ [x + 0.5, y + 0.5, 1.0]
    projected = window.camera(result.track.K) @ point
    assert np.allclose(projected[:2] / projected[2], place)


def test_the_sheet_has_a_row_for_each_measure(result, measures, tmp_path):
    chosen = [measure for measure in measures.values() if measure.worst(1)]
    write_sheet(tmp_path / "one.png", result, chosen[:1], 3)
    write_sheet(tmp_path / "all.jpg", result, chosen, 3)
    one, everything = Image.open(tmp_path / "one.png"), Image.open(tmp_path / "all.jpg")
    assert len(chosen) * one.height * 0.9 < everything.height < len(chosen) * one.height * 1.2
    assert np.array(everything).std() > 20


def test_the_sheet_draws_what_the_measure_is_about(result, measures):
    for title, changed in (("Mask without body", True), ("Picture blurred", False)):
        measure = measures[title]
        drawn = pictures_of(result, measure, 1)[0].image
        plain = pictures_of(result, replace(measure, overlay="frame"), 1)[0].image
        assert (drawn != plain).any() == changed


def test_bad_requests_are_refused(folder, result, measures, tmp_path):
    with pytest.raises(InputError, match="count is 0"):
        inspect_actor(folder, count=0)
    with pytest.raises(InputError, match=r"should end in \.jpg or \.png"):
        write_sheet(tmp_path / "sheet.gif", result, list(measures.values()), 1)
    (tmp_path / "frames.json").write_bytes((folder / "frames.json").read_bytes())
    with pytest.raises(InputError, match="holds only frames"):
        inspect_actor(tmp_path)


def test_inspecting_writes_the_sheet_and_returns_its_numbers(folder, tmp_path):
    done = inspect_actor(folder, tmp_path / "sheet.png", count=2, bodies=[folder.parents[1] / "models"])
    line = next(line for line in done.lines if line.title == "Keypoints off the body")
    assert line.frames[0] == SICK and line.beyond == 1 and line.limit == "> 2" and line.median < 1 < line.worst
    assert done.sheet == tmp_path / "sheet.png" and Image.open(done.sheet).width >= 640
    assert done.notes == ("There is no metrics.json yet.",)
