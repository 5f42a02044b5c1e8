"""Avatars of one video side by side: the same frames for all, figures as they were measured, pictures drawn alike."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.support.avatar_scenes import make_scene
from tests.support.verbs import call
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.registry import METHODS
from understudy.avatar.start import refined_poses
from understudy.avatar.training.train import train_avatar
from understudy.comparison import pictures as pictures_module
from understudy.comparison.config import ComparisonConfig
from understudy.comparison.measured import number, poses_apart, poses_of, read_measured
from understudy.comparison.page import files_of, write_comparison
from understudy.comparison.pictures import (
    MARGIN,
    drawn,
    held_out,
    in_new_pose,
    machine_of,
    seconds_a_picture,
    trimmed,
    turntables,
)
from understudy.comparison.poses import distances, new_poses
from understudy.comparison.table import as_tsv, costs_table, in_seconds, likeness_table, parts_table
from understudy.errors import InputError
from understudy.files.arrays import read_json, write_json
from understudy.motion.clip import Clip
from understudy.rendering.performance import in_camera_frame

QUICK = AvatarConfig(steps=30, hold_out=4, levels=((2, 1.0),), device="cpu")
CPU = ComparisonConfig(methods=("gaussians",), device="cpu")


@pytest.fixture(autouse=True)
def _mesh_is_a_method(monkeypatch):
    monkeypatch.setitem(METHODS, "mesh", "tests.support.mesh_method.MeshMethod")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def made(scene, tmp_path_factory):
    """Folders of two measured avatars: of Gaussians, and of a mesh on their poses."""
    root, patch = tmp_path_factory.mktemp("avatars"), pytest.MonkeyPatch()
    patch.setitem(METHODS, "mesh", "tests.support.mesh_method.MeshMethod")
    folders = [root / name for name in ("gaussians", "mesh")]
    train(scene, folders[0], replace(QUICK, poses="fit"), scene.track, GaussiansConfig(count=600))
    track = refined_poses(load_archive(folders[0] / "avatar.tar"), scene.frames, scene.track, QUICK.hold_out)
    train(scene, folders[1], replace(QUICK, method="mesh", align_steps=0, lr_betas=0.0), track)
    patch.undo()
    return folders


def train(scene, folder, config, track, options=None):
    """Train, save and measure an avatar into a folder."""
    folder.mkdir()
    training = train_avatar(scene.frames, scene.alpha, track, scene.canonical, scene.body, config, options=options)
    save_avatar(folder / "avatar.tar", training, scene.canonical, scene.frames)
    archive, measure = load_archive(folder / "avatar.tar"), EvaluateConfig(refine_steps=1, pictures=2, device="cpu")
    metrics = evaluate_avatar(archive, scene.frames, scene.alpha, measure, folder / "held_out")
    write_json(folder / "metrics.json", metrics)


@pytest.fixture
def avatars(made):
    return read_measured(files(made))


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    """The page of both, with its figures beside it."""
    page, patch = tmp_path_factory.mktemp("page") / "comparison.html", pytest.MonkeyPatch()
    patch.setitem(METHODS, "mesh", "tests.support.mesh_method.MeshMethod")
    write_comparison(page, "Zoë <b>", read_measured(files(made)), CPU)
    patch.undo()
    return page


def files(folders):
    return [folder / "avatar.tar" for folder in folders]


def copied(made, folder):
    """Copies of both avatars' folders, to be changed."""
    return [shutil.copytree(one, folder / one.name) for one in made]


def test_the_page_needs_no_other_file_and_names_every_avatar(written):
    text = written.read_text()
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//[^"')]*""", text)
    assert "Zoë &lt;b&gt;: 2 avatars compared" in text
    for words in (
        "of the fit, aligned by its own training",
        "of the Gaussian avatar, held",
        "A lunge with raised arms",
    ):
        assert words in text
    # two held-out frames of truth and avatars, given and aligned; a strip of sides each; a new pose from two views
    assert text.count("data:image/jpeg;base64,") == 2 * 2 * 3 + 2 + 2 * 2


def test_its_figures_are_those_that_were_measured(written, made):
    told = json.loads(written.with_suffix(".json").read_text())
    rows = list(csv.DictReader(io.StringIO(written.with_suffix(".tsv").read_text()), delimiter="\t"))
    assert [row["name"] for row in rows] == ["gaussians", "mesh"] and told["held_out_frames"] == [2, 6, 10]
    for folder, row, again in zip(made, told["avatars"], rows, strict=True):
        metrics = read_json(folder / "metrics.json")
        for poses in ("without_pose_refinement", "with_pose_refinement", "reconstruction"):
            for key in ("psnr_person_box_on_white", "ssim_full_frame_on_white", "alpha_iou"):
                assert row[f"{poses}.{key}"] == metrics[poses][key]["mean"] == float(again[f"{poses}.{key}"])
        assert row["megabytes"] == pytest.approx((folder / "avatar.tar").stat().st_size / 1e6, abs=1e-3)
        assert row["seconds_a_picture"] > 0 and row["training_steps"] == QUICK.steps
        assert row["without_pose_refinement.lpips_person_box_on_white"] is None
        assert again["without_pose_refinement.lpips_person_box_on_white"] == ""


def test_a_comparison_replaces_its_own_page_and_no_other(written, avatars, tmp_path):
    page = tmp_path / "comparison.html"
    page.write_text("mine")
    with pytest.raises(InputError, match=r"comparison\.html"):
        write_comparison(page, "anna", avatars, CPU)
    assert page.read_text() == "mine" and [path.name for path in tmp_path.iterdir()] == ["comparison.html"]
    write_comparison(written, "Zoë <b>", avatars, CPU)
    assert {path.name for path in written.parent.iterdir() if path.name[0] != "."} == set(files_of(written))


def test_held_out_frames_are_cut_into_truth_and_avatars(made, avatars):
    first, second = held_out(avatars)
    assert (first.frame, second.frame) == (2, 10)
    sheet = np.asarray(Image.open(made[1] / "held_out/000002.png"))
    np.testing.assert_array_equal(np.concatenate([first.truth, first.given[1], first.aligned[1]], axis=1), sheet)


def test_where_no_pose_was_aligned_there_are_two_pictures(made, avatars, tmp_path):
    metrics = {key: value for key, value in avatars[0].metrics.items() if key != "with_pose_refinement"}
    sheet = np.asarray(Image.open(made[0] / "held_out/000002.png"))
    both = sheet[:, : sheet.shape[1] // 3 * 2]
    Image.fromarray(both).save(tmp_path / "000002.png")
    [frame] = held_out([replace(avatars[0], metrics=metrics, pictures=tmp_path)])
    np.testing.assert_array_equal(np.concatenate([frame.truth, *frame.given], axis=1), both)
    assert frame.aligned == []
    Image.fromarray(both[:, :-1]).save(tmp_path / "000002.png")
    with pytest.raises(InputError, match="is not 2 pictures of one width"):
        held_out([replace(avatars[0], metrics=metrics, pictures=tmp_path)])


def test_pictures_of_other_frames_or_another_truth_are_refused(made, tmp_path):
    folders = copied(made, tmp_path)
    (folders[1] / "held_out/000010.png").rename(folders[1] / "held_out/000006.png")
    with pytest.raises(InputError, match="show different frames"):
        held_out(read_measured(files(folders)))
    (folders[1] / "held_out/000006.png").rename(folders[1] / "held_out/000010.png")
    sheet = Image.open(folders[1] / "held_out/000010.png")
    sheet.putpixel((0, 0), (1, 2, 3))
    sheet.save(folders[1] / "held_out/000010.png")
    with pytest.raises(InputError, match="another truth of the same frame"):
        held_out(read_measured(files(folders)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out_frames": [2, 6], "reconstruction": {}}, "different measured frames"),
        ({"protocol": {"held_out": "otherwise"}}, "different ways of measuring"),
        ({"held_out_frames": [2, 6, 11]}, "has figures of frames that .* learned from"),
        ({"held_out_frames": []}, "set avatar.hold_out"),
    ],
)
def test_what_was_measured_otherwise_is_refused(made, tmp_path, change, message):
    folders = copied(made, tmp_path)
    metrics = {**read_json(folders[1] / "metrics.json"), **change}
    if len(metrics["held_out_frames"]) < 3:
        metrics |= {"without_pose_refinement": {}, "with_pose_refinement": {}}
    write_json(folders[1] / "metrics.json", metrics)
    with pytest.raises(InputError, match=message):
        read_measured(files(folders))


def test_avatars_of_other_held_out_frames_or_another_video_are_refused(scene, made, tmp_path):
    other = tmp_path / "other"
    train(scene, other, replace(QUICK, steps=2, hold_out=3), scene.track, GaussiansConfig(count=300))
    with pytest.raises(InputError, match="different held-out frames"):
        read_measured(files([made[0], other]))
    longer = replace(scene, frames=replace(scene.frames, source_sha256="2" * 64))
    train(longer, tmp_path / "video", replace(QUICK, steps=2), scene.track, GaussiansConfig(count=300))
    with pytest.raises(InputError, match="different videos"):
        read_measured(files([made[0], tmp_path / "video"]))


def test_two_avatars_of_one_method_are_told_apart_by_their_folders(made):
    names = [one.name for one in read_measured(files([made[0], made[0]]))]
    assert names == [f"gaussians ({made[0]})"] * 2


def test_all_avatars_stand_in_the_same_place_of_a_picture(avatars):
    pose, *_ = new_poses(avatars[0].archive.avatar.body, avatars[0].archive.poses)
    pairs = [*in_new_pose(avatars, pose), turntables(avatars)]
    for one, other in pairs:
        assert one.shape == other.shape
        assert np.abs(outline(one) - outline(other)).max() < 20  # of 480 px: what Gaussians stick out


def test_what_is_cut_off_is_white_in_all_pictures():
    one, other = (np.full((40, 30, 3), 255, np.uint8) for _ in range(2))
    one[10, 12], other[20, 5] = 0, 0
    pair = trimmed([one, other])
    assert [picture.shape for picture in pair] == [(11 + 2 * MARGIN, 8 + 5 + MARGIN, 3)] * 2
    assert (pair[0] == 0).any() and (pair[1] == 0).any()
    blank = np.full((40, 30, 3), 255, np.uint8)
    assert trimmed([blank])[0].shape == blank.shape


def outline(picture):
    """Least and largest row and column of what is not white."""
    places = np.argwhere((picture < 225).any(axis=-1))
    return np.stack([places.min(axis=0), places.max(axis=0)])


def test_poses_are_said_to_be_whose_they_are(avatars):
    assert [poses_of(one, avatars) for one in avatars] == [
        "of the fit, aligned by its own training", "of the Gaussian avatar, held",
    ]  # fmt: skip
    config = {**avatars[1].archive.info["config"], "poses": "fit"}
    fitted = replace(avatars[1], archive=replace(avatars[1].archive, info={"config": config}))
    assert poses_of(fitted, avatars) == "of the fit, held"
    archive = avatars[1].archive
    moved = replace(archive, poses=replace(archive.poses, transl=archive.poses.transl + np.float32([0.0, 0.0, 0.01])))
    assert poses_of(replace(avatars[1], archive=moved), avatars) == "of a Gaussian avatar that is not here, held"


def test_what_a_stranger_wrote_of_the_training_is_no_figure():
    assert [number(value) for value in (7, 0.5, "7", True, -1, float("inf"), float("nan"), None, [1])] == [
        7, 0.5, None, None, None, None, None, None, None,
    ]  # fmt: skip


def test_without_pictures_of_held_out_frames_there_are_none(avatars, tmp_path):
    assert held_out([replace(one, pictures=tmp_path) for one in avatars]) == []


def test_the_distance_of_poses_is_that_of_their_joints(avatars):
    archive = avatars[0].archive
    assert poses_apart(archive, avatars[1].archive) < 0.01
    moved = archive.poses.transl.copy()
    moved[list(archive.held_out)] += np.float32([0.0, 0.003, 0.004])
    assert poses_apart(archive, replace(archive, poses=replace(archive.poses, transl=moved))) == pytest.approx(
        5.0, abs=1e-2
    )


def test_the_time_of_a_picture_is_the_median_without_the_first(avatars, monkeypatch):
    shown, clock = [], iter([0.0, 1.0, 10.0, 13.0, 20.0, 22.0])
    monkeypatch.setattr(pictures_module, "drawn", lambda act, frame, camera: shown.append((frame, camera.size)))
    monkeypatch.setattr(pictures_module.time, "perf_counter", lambda: next(clock))
    assert seconds_a_picture(avatars[0]) == 2.0
    assert shown == [(frame, (90, 160)) for frame in (2, 2, 6, 10)]


def test_of_many_held_out_frames_few_are_timed_from_first_to_last(avatars, monkeypatch):
    shown, measured = [], list(range(40, 70))
    monkeypatch.setattr(pictures_module, "drawn", lambda act, frame, camera: shown.append(frame))
    seconds_a_picture(replace(avatars[0], metrics={"held_out_frames": measured}))
    assert len(shown) == 1 + 8 and shown[1] == 40 and shown[-1] == 69


def test_a_file_of_another_name_is_not_taken_for_what_was_measured(made):
    with pytest.raises(InputError, match=r"other\.tar is not called avatar\.tar"):
        read_measured([made[0] / "other.tar"])


def test_without_avatars_there_is_nothing_to_compare():
    with pytest.raises(InputError, match=r"give the avatar\.tar of each"):
        read_measured([])


def test_the_machine_is_named(avatars):
    assert re.fullmatch(r".+, \d+ threads?", machine_of(avatars[0].archive.avatar))


def test_a_picture_is_on_white(avatars, scene):
    act = in_camera_frame(avatars[0].archive.avatar, avatars[0].archive.poses)
    picture = drawn(act, 2, scene.camera)
    assert picture.dtype == np.uint8 and picture.shape == (160, 90, 3) and (picture[0] == 255).all()


def test_the_distance_of_a_pose_is_the_turn_to_the_most_similar_one(scene):
    body, poses = scene.body, scene.track.body_pose
    turned = poses[[3]].reshape(1, -1, 3).copy()
    knee = body.joint("left_knee") - 1
    assert not turned[0, knee].any()
    turned[0, knee, 0] = np.radians(50.0)
    clip = Clip(np.zeros((2, 3)), np.concatenate([poses[[3]], turned.reshape(1, -1)]), np.zeros((2, 3)), 10.0)
    same, other = distances(clip, scene.track, body)
    joints = 21
    expected = np.degrees(2 * np.arcsin(np.sin(np.radians(25.0)) / np.sqrt(joints)))
    assert same == pytest.approx(0.0, abs=1e-3) and other == pytest.approx(expected, abs=1e-3)
    hidden = replace(scene.track, valid=np.arange(len(scene.track)) != 3)
    assert distances(clip, hidden, body)[0] > 0.1  # a pose without evidence is none that the video shows


def test_of_a_motion_the_pose_least_like_the_video_is_taken(scene, monkeypatch):
    poses = scene.track.body_pose[:5].copy()
    poses[3].reshape(-1, 3)[scene.body.joint("right_hip") - 1] = [-1.5, 0.0, 0.0]
    clip = Clip(np.zeros((5, 3), np.float32), poses, np.zeros((5, 3), np.float32), 10.0)
    monkeypatch.setattr("understudy.comparison.poses.read_motion", lambda path, body: clip)
    lunge, kick = new_poses(scene.body, scene.track, ["moves/kick.bvh"])
    assert kick.name == "kick, 0.3 s" and len(kick.clip) == 1
    np.testing.assert_array_equal(kick.clip.body_pose[0], poses[3])
    assert lunge.degrees > 20.0 and kick.degrees == pytest.approx(distances(clip, scene.track, scene.body)[3])


def row(name, psnr, seconds=1.0, lpips=None, head=None):
    """A row with few figures."""
    keys = [*likeness_keys(), *(f"parts.{poses}.{part}" for poses in POSES for part in PARTS)]
    some = {f"{POSES[0]}.psnr_person_box_on_white": psnr, f"{POSES[0]}.lpips_person_box_on_white": lpips}
    facts = {"name": name, "poses": "of the fit, held", "mm_from_poses_of_first": 0.04, "training_steps": 7}
    costs = {"training_seconds": seconds, "seconds_a_picture": seconds / 40, "megabytes": 6.0}
    return {**dict.fromkeys(keys), **facts, **costs, **some, f"parts.{POSES[0]}.head": head}


POSES, PARTS = ("without_pose_refinement", "with_pose_refinement"), ("head", "torso", "arms", "hands", "legs", "feet")


def likeness_keys():
    kinds = [f"{what}_{where}_on_white" for what in ("psnr", "ssim", "lpips") for where in ("person_box", "full_frame")]
    return [f"{poses}.{kind}" for poses in POSES for kind in (*kinds, "alpha_iou")]


def test_the_best_of_a_column_is_marked_as_far_as_its_digits_tell():
    table = likeness_table([row("a", 28.04, lpips=0.10), row("b", 27.96, lpips=0.20), row("c", 25.0)])
    assert [group["name"] for group in table["groups"]] == ["PSNR, person's box (dB)", "LPIPS, person's box"]
    assert [group["columns"] for group in table["groups"]] == [["given"], ["given"]]
    cells = [[(cell["text"], cell["best"]) for cell in each["cells"]] for each in table["rows"]]
    assert cells == [
        [("28.0", True), ("0.10", True)], [("28.0", True), ("0.20", False)], [("25.0", False), ("", False)],
    ]  # fmt: skip


def test_of_costs_less_is_better_and_one_avatar_alone_is_no_best():
    table = costs_table([row("a", 20.0, 90.0), row("b", 20.0, 30.0)])
    cells = [[(cell["text"], cell["best"]) for cell in each["cells"]] for each in table["rows"]]
    assert cells == [
        [("1 min 30 s", False), ("2.2 s", False), ("6 MB", True)], [("30 s", True), ("750 ms", True), ("6 MB", True)],
    ]  # fmt: skip
    assert not any(cell["best"] for cell in costs_table([row("a", 20.0)])["rows"][0]["cells"])
    assert (in_seconds(0.0251), in_seconds(1.64)) == ("25 ms", "1.6 s")


def test_parts_that_nobody_measured_have_no_column():
    assert parts_table([row("a", 20.0), row("b", 21.0)])["groups"] == []
    [group] = parts_table([row("a", 20.0, head=18.0), row("b", 21.0)])["groups"]
    assert group == {"name": "head", "columns": ["given"]}


def test_a_name_is_no_formula_in_a_spreadsheet():
    assert as_tsv([{"name": "=1+1", "x": None}]) == "name\tx\n'=1+1\t\n"


def test_the_verb_writes_the_page_and_prints_the_headlines(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    avatars = [folder / "avatar.tar" for folder in made]
    status, printed, errors = call(
        monkeypatch, capsys, tmp_path, "compare", *avatars, "--output", "both.html", "--device", "cpu"
    )
    assert status == 0, errors
    assert "mesh" in printed and "wrote both.tsv" in printed
    assert (tmp_path / "both.html").exists() and (tmp_path / "both.json").exists()
    status, _, errors = call(monkeypatch, capsys, tmp_path, "compare", *avatars, "--output", "both.txt")
    assert status == 2 and "ends in .html" in errors
