"""Avatars in motions, seen by cameras: places, directions, layers, backgrounds and shapes."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.avatar_scenes import truth_avatar
from tests.support.bodies import sausage_body
from tests.support.show_scenes import walking_clip, write_views
from understudy.body.config import ShapeConfig
from understudy.body.joints import SMPL_JOINTS
from understudy.body.shape_edit import chosen_betas, height, of_measures, shaped_body, volume
from understudy.errors import InputError
from understudy.render.camera import look_at
from understudy.rendering.backdrop import Backdrop, cover, open_backdrop
from understudy.rendering.cameras import read_cameras
from understudy.rendering.config import PathConfig
from understudy.rendering.paths import FILLED, camera_path, fitted
from understudy.rendering.performance import a_pose, in_world_frame
from understudy.rendering.pictures import render_performance, to_pixels

AVATAR = truth_avatar(sausage_body(), count=1200)
ACT = a_pose(AVATAR)
SIZE = (60, 90)


def pictures(act, cameras, layer="color"):
    return list(render_performance(act, cameras, layer))


def test_a_person_at_rest_stands_on_the_ground_and_faces_the_first_camera():
    joints = ACT.posed(0).extent().numpy()
    assert abs(joints[:, 1].max()) < 1e-5 and -2.0 < joints[:, 1].min() < -1.5
    camera = camera_path(ACT, 1, 24.0, SIZE, PathConfig())[0]
    hand = ACT.pelvis()[0] + [0.5, 0.0, 0.0]
    assert camera.project(hand)[0] > camera.width / 2, "the person's left is on the right of the picture"
    assert camera.to_camera(ACT.pelvis()[0])[2] > 0


def test_a_motion_goes_forward_towards_the_camera_that_filmed():
    act = in_world_frame(AVATAR, walking_clip(slip=1.0))
    way = act.pelvis()[-1] - act.pelvis()[0]
    np.testing.assert_allclose(way, [0.0, 0.0, -39 / 30], atol=1e-5)


@pytest.mark.parametrize("path", ["still", "turntable", "circle", "line"])
@pytest.mark.parametrize("size", [(60, 90), (90, 50)], ids=["tall", "wide"])
def test_paths_keep_the_whole_person_in_the_picture(path, size):
    act = in_world_frame(AVATAR, walking_clip(12, slip=1.0))
    cameras = camera_path(act, 12, 30.0, size, PathConfig(path, azimuth=20.0, elevation=10.0))
    used = 0.0
    for frame, camera in enumerate(cameras):
        spots = camera.project(act.posed(frame).cloud.means.numpy())
        share = np.abs(spots / camera.size * 2 - 1)
        assert share.max() < 1.0
        used = max(used, share.max())
    assert used > FILLED - 0.25, "and fill it"


def test_the_turntable_starts_in_front_and_goes_to_the_persons_left():
    cameras = camera_path(ACT, 4, 24.0, SIZE, PathConfig("turntable"))
    front, left, back, right = (camera.centre - ACT.pelvis()[0] for camera in cameras)
    assert front[2] < -1 and left[0] > 1 and back[2] > 1 and right[0] < -1


def test_zooming_ends_at_head_and_shoulders():
    first, last = camera_path(ACT, 30, 24.0, SIZE, PathConfig("zoom"))[::29]
    cloud = ACT.posed(0).extent().numpy()
    head, foot = cloud[cloud[:, 1].argmin()], cloud[cloud[:, 1].argmax()]
    assert 0 < first.project(head)[1] < first.project(foot)[1] < SIZE[1]
    assert 0 < last.project(head)[1] < SIZE[1] / 3 and last.project(foot)[1] > SIZE[1]


def test_elevation_looks_down_and_azimuth_from_the_persons_left():
    camera = camera_path(ACT, 1, 24.0, SIZE, PathConfig("still", azimuth=90.0, elevation=30.0))[0]
    away = camera.centre - ACT.pelvis()[0]
    assert away[1] < -0.5, "y is down"
    assert away[0] > 1.0 and abs(away[2]) < 0.1


def test_a_size_that_is_not_chosen_lies_where_the_motion_is_wide():
    assert camera_path(ACT, 1, 24.0, None, PathConfig())[0].size == (540, 960)
    act = in_world_frame(AVATAR, walking_clip(40, slip=4.0))
    assert camera_path(act, 40, 30.0, None, PathConfig(azimuth=90.0))[0].size == (960, 540)


def test_alpha_depth_and_normals_agree_with_the_scene():
    camera = camera_path(ACT, 1, 24.0, SIZE, PathConfig())[0]
    picture = pictures(ACT, [camera], "normal")[0]
    solid = picture.alpha > 0.95
    distance = camera.to_camera(ACT.pelvis()[0])[2]
    assert np.abs(picture.depth[solid] - distance).max() < 0.35
    length = np.linalg.norm(picture.rgb[solid], axis=-1)
    assert length.mean() > 0.7
    middle = solid[:, SIZE[0] // 2 - 1 : SIZE[0] // 2 + 1]
    facing = picture.rgb[:, SIZE[0] // 2 - 1 : SIZE[0] // 2 + 1][middle].mean(axis=0)
    assert facing[2] < -0.6, "the chest faces the camera"
    millimetres = to_pixels(picture, "depth", 0, Backdrop())
    assert millimetres.dtype == np.uint16 and abs(np.median(millimetres[solid]) / 1000 - distance) < 0.3
    assert (millimetres[picture.alpha < 0.1] == 0).all()
    shown = to_pixels(picture, "normal", 0, open_backdrop("black"))
    assert shown[solid].mean(axis=0)[2] > 180, "blue is towards the viewer"


def test_transparent_pictures_over_a_colour_are_the_pictures_over_that_colour():
    camera = camera_path(ACT, 1, 24.0, SIZE, PathConfig())[0]
    picture = pictures(ACT, [camera])[0]
    clear = to_pixels(picture, "color", 0, open_backdrop("transparent")).astype(float) / 255
    over = clear[..., :3] * clear[..., 3:] + (1 - clear[..., 3:]) * np.array([1.0, 0.4, 0.0])
    direct = to_pixels(picture, "color", 0, open_backdrop("#ff6600")) / 255
    assert np.abs(over - direct).max() < 2.5 / 255


def test_images_cover_the_whole_background(tmp_path):
    pixels = np.zeros((10, 40, 3), np.uint8)
    pixels[:, :20] = [255, 0, 0]
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    behind = open_backdrop(tmp_path / "wide.png").pixels(0, (30, 60))
    assert behind.shape == (60, 30, 3)
    assert behind[0, 0].tolist() == [1.0, 0.0, 0.0] and behind[-1, -1].tolist() == [0.0, 0.0, 0.0]


def test_a_folder_of_frames_behind_goes_on_and_its_last_one_stays(tmp_path):
    for number, value in enumerate((10, 20)):
        Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(tmp_path / f"{number}.png")
    backdrop = open_backdrop(tmp_path)
    assert [round(float(backdrop.pixels(n, (4, 4)).mean() * 255)) for n in range(3)] == [10, 20, 20]


@pytest.mark.parametrize("name", ["#12345", "nowhere.png", "purple"])
def test_backgrounds_that_are_none_are_refused_in_one_sentence(name):
    with pytest.raises(InputError, match="background is"):
        open_backdrop(name)


@given(st.integers(2, 90), st.integers(2, 90), st.integers(2, 90), st.integers(2, 90))
@settings(deadline=None)
def test_covering_gives_the_size_that_was_asked_for(width, height, wide, tall):
    assert cover(np.zeros((tall, wide, 3), np.uint8), (width, height)).shape == (height, width, 3)


# cameras


def standing_views(up, distance=3.0):
    """Cameras round the origin of a world with ``up`` up, at the height of the hips."""
    up = np.asarray(up, float)
    side = np.roll(up, 1)
    return [look_at(distance * direction + 0.9 * up, 0.9 * up, up) for direction in (side, np.cross(up, side), -side)]


@pytest.mark.parametrize("up", [[0, 1, 0], [0, 0, 1], [0, -1, 0], [1, 0, 0], [0, 0, -1], [-1, 0, 0]])
def test_whatever_axis_is_up_the_person_stands_upright_before_the_cameras(tmp_path, up):
    path = write_views(tmp_path / "cameras.json", np.stack(standing_views(up)), (60, 90))
    for camera in read_cameras(path):
        spots = camera.project(ACT.posed(0).extent().numpy())
        cloud = ACT.posed(0).extent().numpy()
        assert ((spots > 0) & (spots < camera.size)).all()
        assert spots[cloud[:, 1].argmin(), 1] < spots[cloud[:, 1].argmax(), 1] - 40, "head above feet"


def test_the_same_camera_in_every_format_gives_the_same_picture(tmp_path):
    view = standing_views([0, 0, 1])[0]
    K = np.array([[100.0, 0, 30], [0, 100.0, 45], [0, 0, 1]])
    own = write_views(tmp_path / "ours.json", view[None], (60, 90))
    outward = np.linalg.inv(view) @ np.diag([1.0, -1, -1, 1])
    frames = [{"file_path": "a", "transform_matrix": outward.tolist()}]
    angle = 2 * np.arctan(30 / 100)
    nerf = tmp_path / "transforms.json"
    nerf.write_text(json.dumps({"camera_angle_x": angle, "w": 60, "h": 90, "frames": frames}))
    mocap = tmp_path / "mocap"
    mocap.mkdir()
    half = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    for name, values in (("intri", {"K_07": K - half}), ("extri", {"Rot_07": view[:3, :3], "T_07": view[:3, 3:]})):
        storage = cv2.FileStorage(str(mocap / f"{name}.yml"), cv2.FILE_STORAGE_WRITE)
        storage.startWriteStruct("names", cv2.FileNode_SEQ)
        storage.write("", "07")
        storage.endWriteStruct()
        for key, value in values.items():
            storage.write(key, value)
        storage.release()
    nvr = {"cams": {"K": [K - half], "R": [view[:3, :3]], "T": [view[:3, 3:] * 1000], "D": [np.zeros(5)]}, "ims": []}
    np.save(tmp_path / "annots.npy", nvr, allow_pickle=True)
    from scipy.io import savemat

    savemat(tmp_path / "camera.mat", {"camK": K, "c2w": np.linalg.inv(view)})
    expected = read_cameras(own)[0]
    for path in (nerf, mocap, tmp_path / "annots.npy", tmp_path / "camera.mat"):
        camera = read_cameras(path)[0]
        np.testing.assert_allclose(camera.K, expected.K, atol=1e-6, err_msg=str(path))
        np.testing.assert_allclose(camera.view, expected.view, atol=1e-6, err_msg=str(path))
        assert camera.size == (60, 90), path


def test_a_camera_is_chosen_by_number_and_the_person_put_where_it_is_wished(tmp_path):
    views = np.stack(standing_views([0, 0, 1]))
    path = write_views(tmp_path / "cameras.json", views)
    every, second = read_cameras(path), read_cameras(path, "1")
    assert len(every) == 3 and len(second) == 1
    np.testing.assert_allclose(second[0].view, every[1].view)
    moved = read_cameras(path, "1", at=(0.5, 0.25, 0.0))[0]
    np.testing.assert_allclose(moved.to_camera(np.zeros(3)), views[1][:3, :3] @ [0.5, 0.25, 0.0] + views[1][:3, 3])


def test_cameras_for_another_size_still_see_all(tmp_path):
    camera = read_cameras(write_views(tmp_path / "cameras.json", np.stack(standing_views([0, 0, 1]))))[0]
    wide = fitted([camera], (320, 160))[0]
    assert wide.size == (320, 160)
    spot = np.array([0.2, -1.0, 0.1])
    ours, theirs = camera.project(spot), wide.project(spot)
    np.testing.assert_allclose(theirs - [160, 80], 2 * (ours - [30, 40]), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{}"), ("a.json", '{"views": [[1]], "K": 1, "width": 2, "height": 2}'), ("a.json", '{"frames": []}'),
        ("a.json", '{"frames": [{"transform_matrix": 3}]}'), ("a.txt", ""), ("a.json", "[1]"),
        ("a.json", '{"views": [], "K": [[1,0,0],[0,1,0],[0,0,1]], "width": 2, "height": 2}'),
    ],
)  # fmt: skip
def test_files_that_hold_no_cameras_are_refused_in_one_sentence(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=name):
        read_cameras(tmp_path / name)


# shapes


@given(st.floats(1.5, 1.9))
@settings(deadline=None, max_examples=10)
def test_a_height_is_met_by_the_smallest_change(wanted):
    body = sausage_body()
    own = torch.tensor([0.1, 0.5, -0.3, 0.2])
    betas = of_measures(body, own, wanted)
    assert height(body, betas) == pytest.approx(wanted, abs=2e-5)
    # of the made-up body's components, the first alone makes taller
    np.testing.assert_allclose(betas[[1, 3]], own[[1, 3]], atol=1e-5)


def test_a_weight_is_met_at_the_same_height():
    body = sausage_body()
    before = float(volume(body, torch.zeros(4)))
    betas = of_measures(body, torch.zeros(4), height(body, torch.zeros(4)), 1000 * 1.2 * before)
    assert float(volume(body, betas)) == pytest.approx(1.2 * before, rel=1e-4)
    assert height(body, betas) == pytest.approx(height(body, torch.zeros(4)), abs=1e-4)


def test_betas_replace_the_persons_own():
    body = sausage_body()
    betas = chosen_betas(body, torch.full((4,), 3.0), ShapeConfig(betas=(1.0, -1.0)))
    assert betas.tolist() == [1.0, -1.0, 0.0, 0.0]
    with pytest.raises(InputError, match="up to 4"):
        chosen_betas(body, torch.zeros(4), ShapeConfig(betas=(0.0,) * 5))
    with pytest.raises(InputError, match="height"):
        ShapeConfig(height=1.8)


def test_gaussians_and_motions_follow_the_shape():
    betas = of_measures(AVATAR.body, torch.zeros(4), 1.9).float()
    tall = a_pose(AVATAR, betas).posed(0).extent()
    own = ACT.posed(0).extent()
    grown = float((tall[:, 1].max() - tall[:, 1].min()) / (own[:, 1].max() - own[:, 1].min()))
    assert grown == pytest.approx(1.9 / height(AVATAR.body, torch.zeros(4)), rel=0.02)
    body = shaped_body(AVATAR.body, betas)
    knee = SMPL_JOINTS.index("left_knee")
    rest = AVATAR.shaped(betas).joints[knee]
    np.testing.assert_allclose((body.J_regressor @ body.v_template)[knee], rest, atol=1e-5)


def test_the_shadow_is_under_the_feet_and_leaves_the_persons_colours():
    camera = camera_path(ACT, 1, 24.0, SIZE, PathConfig("still", elevation=25.0))[0]
    plain = pictures(ACT, [camera])[0]
    shadowed = next(iter(render_performance(ACT, [camera], shadow=True)))
    np.testing.assert_array_equal(shadowed.rgb, plain.rgb)
    added = shadowed.alpha - plain.alpha
    assert added.min() > -1e-6 and added.max() > 0.1
    weights = added * (plain.alpha < 0.05)
    rows, columns = (np.indices(weights.shape) * weights).sum(axis=(1, 2)) / weights.sum()
    cloud = ACT.posed(0).extent().numpy()
    feet = camera.project(cloud[cloud[:, 1] > -0.1]).mean(axis=0)
    assert abs(columns + 0.5 - feet[0]) < 4 and abs(rows + 0.5 - feet[1]) < 8
    high = replace(ACT, transl=ACT.transl - torch.tensor([0.0, 0.5, 0.0]))
    assert (
        next(iter(render_performance(high, [camera], shadow=True))).alpha[-20:].max() < 0.5 * shadowed.alpha[-20:].max()
    )
