"""Data sets of other programs: read back by our importers, and as those programs themselves compute."""

import json
from dataclasses import replace
from typing import get_type_hints

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import loadmat
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from tests.support.bodies import more_joints, sausage_body
from tests.support.import_sources import LENGTH, SIZE, K, body_25, pixels
from tests.support.recordings import GREY, LABELS, recording_of
from understudy.body.files import write_body
from understudy.body.joints import SMPL_JOINTS, on_joints
from understudy.cli.dataset import Dataset
from understudy.errors import InputError
from understudy.files.safe_arrays import read_any
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha, voc_palette
from understudy.formats.smpl import BodyTrack
from understudy.importers.run import import_tracking
from understudy.layouts.config import LAYOUT_NAMES, LayoutName
from understudy.layouts.nearest import nearest_surface_points
from understudy.layouts.recording import HALF_PIXEL, Recording, open_recording
from understudy.layouts.run import LAYOUTS, write_dataset
from understudy.render.mesh import vertex_normals

"""Of the video's own texture."""


@pytest.fixture(scope="module")
def recording(known, tmp_path_factory) -> Recording:
    folder = recording_of(known, tmp_path_factory.mktemp("results") / "anna")
    file = tmp_path_factory.getbasetemp() / "body0/SMPL_NEUTRAL.npz"
    return open_recording(folder, file, hold_out=5)


@pytest.fixture(scope="module")
def written(recording, tmp_path_factory):
    """Folder of each layout."""
    folder = tmp_path_factory.mktemp("datasets")
    return {layout: write_dataset(recording, folder / layout, layout) for layout in LAYOUTS}


@pytest.mark.parametrize("layout", ["easymocap", "instant-nvr", "ntc", "instant-avatar"])
def test_our_own_importer_gets_back_what_was_written(layout, written, recording, tmp_path):
    result = import_tracking(written[layout], tmp_path / "again", body=recording.body)
    track = BodyTrack.load(tmp_path / "again/smpl.npz")
    values = [torch.from_numpy(part) for part in (track.betas, track.global_orient, track.body_pose, track.transl)]
    again = recording.body(*values).vertices.numpy()
    assert max(np.abs(again[frame] - recording.vertices(frame)).max() for frame in range(LENGTH)) < 1e-4
    frames = Frames.load(tmp_path / "again/frames.json")
    # InstantAvatar sends rays through whole numbers, and our importer takes its files at their word
    off = HALF_PIXEL if layout == "instant-avatar" else 0.0
    np.testing.assert_allclose(frames.K, K - [[0, 0, off], [0, 0, off], [0, 0, 0]], atol=1e-4)
    assert np.abs(frames.read(4).astype(int) - recording.frames.read(4)).max() <= 2
    soft = 255 if layout == "ntc" else 2
    assert np.abs(read_alpha(tmp_path / "again/alpha", 4).astype(int) - recording.alpha(4)).max() <= soft
    assert np.array_equal(read_alpha(tmp_path / "again/alpha", 4) >= 128, recording.alpha(4) >= 128)
    if layout in ("easymocap", "instant-avatar"):
        assert result.reprojection == pytest.approx(np.hypot(off, off), abs=0.01)


def numbers_in(value):
    """All numbers of a file's content, one after another."""
    if isinstance(value, dict):
        return np.concatenate([numbers_in(value[key]) for key in sorted(value)])
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return np.concatenate([np.zeros(0), *(numbers_in(part) for part in np.atleast_1d(np.asarray(value, object)))])
    array = np.asarray(value)
    return array.ravel().astype(float) if array.dtype.kind in "biuf" else np.zeros(0)


def numbers_of(path):
    if path.suffix == ".json":
        return numbers_in(json.loads(path.read_text()))
    return numbers_in(np.loadtxt(path) if path.suffix == ".txt" else read_any(path))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_body_of_more_joints_is_written_on_those_of_smpl(layout, written, recording, tmp_path, caplog):
    body = more_joints(recording.body)
    turns = recording.track.body_pose.reshape(LENGTH, -1, 3)
    pose = on_joints(turns, SMPL_JOINTS[1:], body.joint_names[1:]).reshape(LENGTH, -1)
    more = replace(recording, body=body, track=replace(recording.track, body_pose=pose))
    folder = write_dataset(more, tmp_path / layout, layout)
    assert "smpl has 30 joints, and the data set SMPL's 24: fingers and face are at rest" in caplog.text
    compared = 0
    for path in sorted(written[layout].rglob("*")):
        if path.suffix in (".npy", ".npz", ".json", ".txt") and path.name != "understudy.json":
            there, here = numbers_of(path), numbers_of(folder / path.relative_to(written[layout]))
            np.testing.assert_allclose(here, there, atol=2e-4, err_msg=str(path))
            compared += len(there)
    assert compared > 1000


def test_every_layout_says_of_which_body_and_frames_it_is(written, recording):
    for layout, folder in written.items():
        origin = json.loads((folder / "understudy.json").read_text())
        assert origin["layout"] == layout and origin["body"]["sha256"] == recording.body.sha256
        assert origin["not_valid"] == [3] and origin["held_out"] == [2, 7]


def test_easymocaps_points_are_at_whole_numbers_and_its_poses_without_the_root(written, known):
    frame = json.loads((written["easymocap"] / "annots/0/000002.json").read_text())
    (person,) = frame["annots"]
    points = np.array(person["keypoints"])
    seen = points[:, 2] > 0
    np.testing.assert_allclose(points[seen, :2] + 0.5, body_25(known)[2, seen, :2], atol=1e-3)
    assert (frame["width"], frame["height"]) == SIZE and not points[~seen].any()
    (pose,) = json.loads((written["easymocap"] / "smpl/000002.json").read_text())
    assert [np.shape(pose[key]) for key in ("Rh", "Th", "poses", "shapes")] == [(1, 3), (1, 3), (1, 69), (1, 10)]


# instant-nvr, as its reader computes


def nvr_frame(folder, frame):
    params = read_any(folder / f"smpl_params/{frame}.npy")
    vertices = np.load(folder / f"smpl_vertices/{frame}.npy")
    return params, vertices, (vertices - params["Th"]) @ cv2.Rodrigues(params["Rh"])[0].astype(np.float32)


def test_instant_nvrs_camera_is_in_millimetres_and_poses_have_an_empty_root(written, known):
    annots = read_any(written["instant-nvr"] / "annots.npy")
    camera = {key: np.asarray(value[0]) for key, value in annots["cams"].items()}
    assert camera["T"].shape == (3, 1) and camera["D"].shape == (1, 5)
    np.testing.assert_allclose(camera["K"][:2, 2], K[:2, 2] - 0.5)
    params, vertices, _ = nvr_frame(written["instant-nvr"], 4)
    assert params["poses"].shape == (1, 72) and not params["poses"][0, :3].any()
    places = vertices @ camera["R"].T + camera["T"].T / 1000.0
    np.testing.assert_allclose(pixels(places, camera["K"]) + 0.5, pixels(known.vertices()[4]), atol=1e-3)


def test_instant_nvr_finds_the_parts_by_colour(written):
    annots = read_any(written["instant-nvr"] / "annots.npy")
    (name,) = annots["ims"][4]["ims"]
    path = written["instant-nvr"] / name.replace("images", "schp")
    with Image.open(path.with_suffix(".png")) as image:
        assert image.mode == "RGB"
        colours = np.array(image)
    found = (colours[:, :, None] == voc_palette()[:20]).all(axis=-1).argmax(axis=-1)
    np.testing.assert_array_equal(found[:, : LABELS.shape[1]], LABELS)


def test_instant_nvrs_volumes_say_at_each_node_how_far_the_body_is(written, recording):
    folder = written["instant-nvr"]
    _, _, unposed = nvr_frame(folder, 4)
    for name, vertices in (
        ("bweights/4", unposed), ("bigpose_bw", np.load(folder / "smpl_lbs/bigpose_vertices.npy")),
    ):  # fmt: skip
        volume = np.load(folder / f"smpl_lbs/{name}.npy").astype(np.float32)
        # the reader's box, and its look-up with the first and last nodes on the box's faces
        low, high = vertices.min(axis=0) - 0.05, vertices.max(axis=0) + 0.05
        points = low + np.random.default_rng(0).uniform(0.1, 0.9, (300, 3)) * (high - low)
        place = ((points - low) / (high - low) * (np.array(volume.shape[:3]) - 1)).T
        found = map_coordinates(volume[..., 24], place, order=1)
        true = nearest_surface_points(points, vertices, recording.body.faces).distance
        # between nodes the distance bends near the surface and the body's middle alone
        assert np.median(np.abs(found - true)) < 0.002 and np.abs(found - true).max() < 0.025
        np.testing.assert_allclose(volume[..., :24].sum(axis=-1), 1.0, atol=2e-3)
    assert np.load(folder / "bigpose_uv.npy").shape == (*volume.shape[:3], 2)


def test_parts_of_a_licensed_bodys_file_are_not_given_away_but_the_free_bodys_are(written, recording, tmp_path, caplog):
    assert not (written["instant-nvr"] / "smpl-meta").exists()
    write_dataset(recording, tmp_path / "licensed", "easymocap")
    assert "its licence says" in caplog.text
    free = sausage_body()
    short = replace(recording, body=free, track=replace(recording.track, betas=np.zeros(free.num_betas, np.float32)))
    write_dataset(short, tmp_path / "free", "instant-nvr")
    np.testing.assert_allclose(np.load(tmp_path / "free/smpl-meta/weights.npy"), free.lbs_weights, atol=1e-6)
    assert "table of body parts" in caplog.text


# NTC


def test_ntcs_masks_are_zero_and_one_and_its_splits_count_from_one(written, recording):
    folder = written["ntc"]
    with Image.open(folder / "mask/mask_frame_4.png") as image:
        assert set(np.unique(np.array(image))) == {0, 1}
    np.testing.assert_allclose(loadmat(str(folder / "camera.mat"))["camK"], K)
    assert np.loadtxt(folder / "test_frames.txt").tolist() == [3, 8]
    assert np.loadtxt(folder / "train_frames.txt").tolist() == [1, 2, 4, 5, 6, 7, 9, 10, 11, 12]
    lines = [line.split() for line in (folder / "obj/smpl_frame_4.obj").read_text().splitlines()]
    assert all(lines)  # its reader fails at empty ones
    vertices = np.array([line[1:] for line in lines if line[0] == "v"], np.float32)
    np.testing.assert_allclose(vertices, recording.vertices(4), atol=1e-6)


# Neural Actor, as its reader and extract_normal.py compute


def actor_transform(folder, name):
    return {key: np.array(value) for key, value in json.loads((folder / name).read_text()).items()}


def skinned(folder, joints_RT):
    weights = np.loadtxt(folder / "skinning_weight.txt")
    rows = (line.split() for line in (folder / "canonical.obj").read_text().splitlines())
    vertices = np.array([row[1:] for row in rows if row[0] == "v"], float)
    moves = (weights @ joints_RT.transpose(2, 0, 1).reshape(-1, 16)).reshape(-1, 4, 4)
    return np.einsum("vab,vb->va", moves, np.pad(vertices, ((0, 0), (0, 1)), constant_values=1))[:, :3]


def test_neural_actor_poses_the_canonical_mesh_as_we_do(written, recording):
    folder, plain = written["neural-actor"], replace(recording.body, posedirs=None)
    values = actor_transform(folder, "transform/000004.json")
    world = skinned(folder, values["joints_RT"]) @ values["rotation"] + values["translation"]
    np.testing.assert_allclose(world, replace(recording, body=plain).vertices(4), atol=1e-5)
    track = recording.track
    pose = [torch.from_numpy(part[4:5]) for part in (track.global_orient, track.body_pose, track.transl)]
    np.testing.assert_allclose(values["joints"], plain(torch.from_numpy(track.betas), *pose).joints[0], atol=1e-5)
    assert values["motion"].shape == (3, 24, 3) and values["pose"].shape == (1, 72)
    before = actor_transform(folder, "transform/000003.json")
    np.testing.assert_array_equal(values["motion"][1], before["joints"])
    start = actor_transform(folder, "transform_tpose.json")
    np.testing.assert_allclose(skinned(folder, start["joints_RT"]), recording.big_pose_vertices(), atol=1e-5)


def test_neural_actors_camera_sees_the_person_before_white(written, recording):
    folder = written["neural-actor"]
    with Image.open(folder / "rgb/000004/0000.png") as image:
        picture = np.array(image).astype(int)
    alpha = recording.alpha(4)
    assert (picture[alpha == 0] == 255).all() and np.abs(picture[alpha == 255] - 40).max() <= 2
    np.testing.assert_allclose(np.loadtxt(folder / "intrinsic/0000.txt"), recording.K, atol=1e-5)
    np.testing.assert_array_equal(np.loadtxt(folder / "pose/0000.txt"), np.eye(4))


def test_neural_actors_textures_show_the_frame_where_it_shows_the_body(written):
    folder = written["neural-actor"]
    for frame in (1, 6):
        with Image.open(folder / f"tex/{frame:06d}.png") as image:
            texture = np.array(image)[..., 0].astype(int)
        own, filled = np.abs(texture - 10 * frame) <= 2, np.abs(texture - GREY) <= 2
        # mixtures where a view is poor
        assert own.mean() > 0.1 and filled.mean() > 0.3 and ((texture >= 10 * frame - 3) & (texture <= GREY + 2)).all()


def test_neural_actors_normal_maps_are_the_worlds_with_blue_for_x(written, recording):
    folder, body = written["neural-actor"], recording.body
    with Image.open(folder / "normal/000004.png") as image:
        picture = np.array(image)
    corners = body.vt[body.ft].mean(axis=1)  # the faces' middles
    column, row = (corners * [512, -512] + [0, 512]).astype(int).T
    normals = vertex_normals(recording.vertices(4), body.faces)[body.faces].mean(axis=1)
    found = picture[row, column, ::-1] / 127.5 - 1
    angle = (found * normals).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(normals, axis=1)
    assert np.median(angle) > 0.995
    lines = (folder / "uvmapping.obj").read_text().splitlines()
    places = np.array([line.split(" ")[1:] for line in lines if line.startswith("vt")], float)
    faces = (
        np.array([[part.split("/")[1] for part in line.split(" ")[1:]] for line in lines if line[0] == "f"], int) - 1
    )
    np.testing.assert_allclose(places[faces], body.vt[body.ft], atol=1e-6)


# InstantAvatar


def test_instant_avatars_rays_go_through_our_pixels_middles(written, known):
    cameras = np.load(written["instant-avatar"] / "cameras.npz")
    assert (int(cameras["width"]), int(cameras["height"])) == SIZE
    ours, theirs = (pixels(known.joints()[4], camera) for camera in (K, cameras["intrinsic"]))
    np.testing.assert_allclose(theirs + 0.5, ours, atol=1e-6)
    poses = np.load(written["instant-avatar"] / "poses_optimized.npz")
    assert {key: poses[key].shape for key in poses} == {
        "betas": (10,), "global_orient": (LENGTH, 3), "body_pose": (LENGTH, 69), "transl": (LENGTH, 3),
    }  # fmt: skip


def test_programs_with_an_smpl_of_their_own_get_the_free_bodys_poses_with_the_pelvis_in_its_place(recording, tmp_path):
    free = sausage_body()
    track = replace(recording.track, betas=np.zeros(free.num_betas, np.float32))
    short = replace(recording, body=free, track=track, keypoints=None)
    pelvis = track.transl + (free.J_regressor @ free.v_template)[0].numpy()
    for layout in ("easymocap", "ntc", "instant-avatar"):
        folder = write_dataset(short, tmp_path / layout, layout)
        import_tracking(folder, tmp_path / f"{layout}_again", body=free)
        again = BodyTrack.load(tmp_path / f"{layout}_again/smpl.npz")
        placed = again.transl + (free.J_regressor @ free.v_template)[0].numpy()
        np.testing.assert_allclose(placed, pelvis, atol=1e-5)
        turns = [Rotation.from_rotvec(one.global_orient) for one in (again, track)]
        assert (turns[0].inv() * turns[1]).magnitude().max() < 1e-5
    assert not np.load(tmp_path / "instant-avatar/poses.npz")["betas"].any()


def test_every_layout_that_can_be_asked_for_can_be_written():
    assert get_type_hints(Dataset)["layout"] == LayoutName and tuple(LAYOUTS) == LAYOUT_NAMES


# what cannot be written


def test_the_root_about_the_origin_puts_the_body_where_it_was(recording, known):
    Rh, Th = recording.root_about_origin()
    unturned = replace(
        known, global_orient=np.zeros_like(known.global_orient), transl=np.zeros_like(known.transl)
    ).vertices()
    turned = np.einsum("tab,tvb->tva", Rotation.from_rotvec(Rh).as_matrix(), unturned) + Th[:, None]
    assert np.abs(turned - known.vertices()).max() < 1e-5


@pytest.mark.parametrize(
    ("missing", "layout", "words"),
    [
        ("parsing", "instant-nvr", "stage parsing"),
        ("canonical", "neural-actor", "stage canonical"),
        (None, "nerf", "nerf is not a layout"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(recording, tmp_path, missing, layout, words):
    short = replace(recording, **{missing: None}) if missing else recording
    with pytest.raises(InputError, match=words):
        write_dataset(short, tmp_path / "out", layout)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_finished_is_refused(known, tmp_path):
    folder = recording_of(known, tmp_path / "anna")
    write_body(tmp_path / "other.npz", sausage_body())
    with pytest.raises(InputError, match=r"give its file with --body"):
        open_recording(folder)
    with pytest.raises(InputError, match="another body"):
        open_recording(folder, tmp_path / "other.npz")
    (folder / "smpl.npz").unlink()
    with pytest.raises(InputError, match=r"no smpl\.npz yet"):
        open_recording(folder)
