"""Round trips: the same body, written in other programs' formats, stands where it stood."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.support.bodies import sausage_body
from tests.support.import_sources import (
    LENGTH,
    SIZE,
    K,
    body_25,
    centred_at_whole,
    pictures,
    pixels,
    posed,
    posed_joints,
    rh_th,
    track_joints,
    truth,
    world_of,
    write_annots,
    write_cameras,
    write_easymocap_poses,
    write_instant_nvr,
    write_joblib,
    write_ntc,
    write_openpose,
    write_phalp,
)  # fmt: skip
from understudy.errors import InputError
from understudy.files.safe_arrays import read_any
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack
from understudy.importers.config import ReadOptions
from understudy.importers.parameters import CROP_FOCAL, full_translation, poses_from
from understudy.importers.place import refocused
from understudy.importers.rotations import joint_rotations
from understudy.importers.run import import_tracking
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames

OUTER = Rotation.from_rotvec([0.4, -0.9, 0.2]).as_matrix()
PLACE = np.array([0.5, -1.2, 2.0])


def imported(source, out, known, kind="auto", **more):
    """The track that an import writes, and its result."""
    more.setdefault("pictures", pictures(out.parent / "shown"))
    result = import_tracking(source, out, kind=kind, body=known.body, **more)
    return BodyTrack.load(out / "smpl.npz"), result


def check_joints(known, track, tolerance=1e-4):
    assert np.abs(track_joints(known.body, track) - known.joints()).max() < tolerance
    assert track.body_model == (known.body.name, known.body.sha256)


def as_parameters(known, **more):
    values = {
        "global_orient": known.global_orient,
        "body_pose": known.body_pose,
        "transl": known.transl,
        "betas": known.betas,
    }
    return {**values, "K": K, **more}


def test_easymocap_turns_about_the_origin_and_its_camera_is_left_behind(tmp_path, known):
    source = tmp_path / "mocap"
    write_easymocap_poses(source / "output/smpl", *world_of(OUTER, PLACE, *rh_th(known)), known.body_pose, known.betas)
    write_cameras(source, {"01": (centred_at_whole(), np.zeros(5), OUTER, PLACE)})
    track, result = imported(source, tmp_path / "out", known)
    assert result.kind == "easymocap" and result.posed == LENGTH
    check_joints(known, track)
    np.testing.assert_allclose(track.K, K, atol=1e-9)


def test_rh_and_th_taken_for_smplx_would_be_off_by_centimetres(known):
    Rh, Th = rh_th(known)
    wrong = posed_joints(known.body, known.betas, Rh, known.body_pose, Th)
    assert np.abs(wrong - known.joints()).max() > 0.2


def test_easymocaps_three_decimals_cost_millimetres(tmp_path, known):
    source = tmp_path / "mocap"
    write_easymocap_poses(source / "smpl", *rh_th(known), known.body_pose, known.betas, decimals=3)
    write_cameras(source, {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    track, _ = imported(source, tmp_path / "out", known)
    check_joints(known, track, 0.006)


def test_easymocap_with_72_poses_is_the_same(tmp_path, known):
    source = tmp_path / "mocap"
    poses = np.concatenate([np.zeros((LENGTH, 3)), known.body_pose], axis=1)
    write_easymocap_poses(source / "smpl", *rh_th(known), poses, known.betas)
    write_cameras(source, {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    check_joints(known, imported(source, tmp_path / "out", known)[0])


def test_several_cameras_must_be_chosen_from(tmp_path, known):
    source = tmp_path / "mocap"
    write_easymocap_poses(source / "smpl", *world_of(OUTER, PLACE, *rh_th(known)), known.body_pose, known.betas)
    write_cameras(source, {"01": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3)),
                           "07": (centred_at_whole(), np.zeros(5), OUTER, PLACE)})  # fmt: skip
    with pytest.raises(InputError, match="01, 07"):
        imported(source, tmp_path / "out", known)
    check_joints(known, imported(source, tmp_path / "out", known, options=ReadOptions(camera="07"))[0])


def test_easymocap_without_calibration_has_its_default_camera(tmp_path, known):
    source = tmp_path / "mocap"
    write_easymocap_poses(source / "smpl", *rh_th(known), known.body_pose, known.betas)
    track, _ = imported(source, tmp_path / "out", known)
    np.testing.assert_allclose(track.K, [[288, 0, 160], [0, 288, 120], [0, 0, 1]])
    check_joints(known, track)


@pytest.mark.parametrize("keys", [
    {"global_orient": "root_orient", "body_pose": "pose_body", "transl": "trans"}, {"transl": "trans"}, {}])  # fmt: skip
def test_parameters_by_any_of_their_names(tmp_path, known, keys):
    values = {keys.get(key, key): value for key, value in as_parameters(known).items()}
    np.savez(tmp_path / "poses.npz", **values)
    check_joints(known, imported(tmp_path / "poses.npz", tmp_path / "out", known)[0])


@pytest.mark.parametrize("length", [66, 72, 156, 165])
def test_poses_of_all_lengths(tmp_path, known, length):
    thetas = np.concatenate([known.global_orient, known.body_pose], axis=1)
    pose = np.full((LENGTH, length), 0.3)  # fingers that must not matter
    pose[:, : min(length, 72)] = thetas[:, : min(length, 72)]
    if length > 72:
        pose[:, 66:] = 0.3
    np.savez(tmp_path / "poses.npz", poses=pose, trans=known.transl, betas=np.append(known.betas, np.zeros(6)), K=K)
    track, _ = imported(tmp_path / "poses.npz", tmp_path / "out", known)
    np.testing.assert_allclose(track.body_pose, known.body_pose, atol=1e-6)
    if length <= 72:
        check_joints(known, track)


def test_other_lengths_are_refused(known, tmp_path):
    with pytest.raises(InputError, match="71 numbers"):
        joint_rotations(tmp_path, None, np.zeros((3, 71)))


def test_rotation_matrices_are_read_too(tmp_path, known):
    values = as_parameters(known)
    for key in ("global_orient", "body_pose"):
        flat = Rotation.from_rotvec(values[key].reshape(-1, 3)).as_matrix()
        values[key] = flat.reshape(LENGTH, -1, 3, 3)
    values["global_orient"] = values["global_orient"][:, 0]
    np.savez(tmp_path / "poses.npz", **values)
    check_joints(known, imported(tmp_path / "poses.npz", tmp_path / "out", known)[0])


def test_three_poses_by_axis_angle_are_not_taken_for_a_matrix(tmp_path, known):
    values = {key: value[:3] for key, value in as_parameters(known).items() if key != "betas"}
    poses = poses_from({**values, "betas": known.betas}, tmp_path)
    expected = Rotation.from_rotvec(known.global_orient[:3]).as_matrix()
    np.testing.assert_allclose(poses.rotations[:, 0], expected, atol=1e-6)


def test_instant_avatars_folder(tmp_path, known):
    source = tmp_path / "subject"
    pictures(source / "images")
    np.savez(source / "poses_optimized.npz", **{**as_parameters(known), "betas": known.betas[None]})
    np.savez(source / "cameras.npz", intrinsic=K, extrinsic=np.eye(4), height=SIZE[1], width=SIZE[0])
    (source / "masks_sam").mkdir()
    for index in range(LENGTH):
        np.save(source / "masks_sam" / f"mask_{index:04d}.npy", np.full(SIZE[::-1], index % 2, np.uint8))
    np.save(source / "keypoints.npy", body_25(known) - [0.5, 0.5, 0])
    track, result = imported(source, tmp_path / "out", known, pictures=None)
    check_joints(known, track)
    assert {path.name for path in result.files} == {"frames", "frames.json", "keypoints.npz", "alpha", "smpl.npz"}
    assert result.reprojection < 0.01


def test_ntc_metres_and_millimetres(tmp_path, known):
    outward = np.eye(4)
    outward[:3, :3], outward[:3, 3] = OUTER, PLACE
    for name, scale in (("m", 1.0), ("mm", 1000.0)):
        write_ntc(tmp_path / name, known, outward, scale)
        track, result = imported(tmp_path / name, tmp_path / f"out_{name}", known)
        assert result.kind == "ntc"
        check_joints(known, track)
        assert any("millimetres" in note for note in result.notes) == (scale == 1000.0)


def test_instant_nvrs_camera_is_in_millimetres_and_its_poses_are_not(tmp_path, known):
    write_instant_nvr(tmp_path / "CoreView", known, OUTER, PLACE)
    track, result = imported(tmp_path / "CoreView", tmp_path / "out", known)
    assert result.kind == "instant-nvr"
    check_joints(known, track)


def test_romps_camera_sees_60_degrees_of_the_longer_side(tmp_path, known):
    results = {
        f"{index:08d}.png": {
            "smpl_thetas": np.concatenate([known.global_orient[index], known.body_pose[index]])[None],
            "smpl_betas": np.stack([known.betas]), "cam_trans": known.transl[index][None], "cam": np.ones((1, 3)),
        }
        for index in range(LENGTH)
    }  # fmt: skip
    np.savez(tmp_path / "video_results.npz", results=np.array(results, dtype=object))
    track, result = imported(tmp_path / "video_results.npz", tmp_path / "out", known)
    assert result.kind == "romp"
    check_joints(known, track)
    assert 2 * np.degrees(np.arctan(160 / track.K[0, 0])) == pytest.approx(60, abs=0.1)


def test_romps_folder_with_two_people_follows_the_nearest_one(tmp_path, known):
    """One npz a frame; people change places in the list, and one frame has nobody."""
    folder = tmp_path / "romp"
    folder.mkdir()
    thetas = np.concatenate([known.global_orient, known.body_pose], axis=1)
    for index in range(LENGTH):
        order = [0, 1] if index % 3 else [1, 0]
        both = {
            "smpl_thetas": np.stack([thetas[index], thetas[index] * 0.9])[order],
            "smpl_betas": np.stack([known.betas, -known.betas])[order],
            "cam_trans": np.stack([known.transl[index], known.transl[index] + [1.5, 0, 2.0]])[order],
        }
        np.savez(folder / f"{index:06d}.npz", results=np.array({} if index == 4 else both, dtype=object))
    track, result = imported(folder, tmp_path / "out", known)
    assert result.kind == "romp" and track.valid.nonzero()[0].tolist() == [0, 1, 2, 3, *range(5, LENGTH)]
    error = np.abs(track_joints(known.body, track) - known.joints()).max(axis=(1, 2))
    assert error[track.valid].max() < 1e-4


def test_another_person_by_number(tmp_path, known):
    write_phalp(tmp_path / "demo_clip.pkl", known, known.transl + [0, 0, 100.0], compress=False)
    config = FramesConfig(focal_px=300.0)
    track, _ = imported(
        tmp_path / "demo_clip.pkl", tmp_path / "out", known, frames_config=config, options=ReadOptions(person="7")
    )
    assert track_joints(known.body, track)[:, 0, 2].mean() > 8
    with pytest.raises(InputError, match="there are 1, 7"):
        imported(tmp_path / "demo_clip.pkl", tmp_path / "again", known, options=ReadOptions(person="3"))


def test_gvhmrs_parameters_are_smplxs_and_move_another_body(tmp_path, known):
    shift = np.array([0.0, -0.35, 0.01])  # its mean pelvis
    pelvis = known.transl + known.pelvis_rest()
    inside = {"global_orient": known.global_orient, "body_pose": known.body_pose[:, :63], "transl": pelvis - shift,
              "betas": np.tile(known.betas, (LENGTH, 1))}  # fmt: skip
    tensors = {key: torch.from_numpy(value).float() for key, value in inside.items()}
    K_fullimg = torch.from_numpy(np.tile(K, (LENGTH, 1, 1)))
    content = {"smpl_params_incam": tensors, "smpl_params_global": tensors, "K_fullimg": K_fullimg}
    torch.save(content, tmp_path / "hmr4d_results.pt")
    track, result = imported(tmp_path / "hmr4d_results.pt", tmp_path / "out", known)
    assert result.kind == "gvhmr" and any("SMPL-X" in note for note in result.notes)
    np.testing.assert_allclose(track_joints(known.body, track)[:, 0], pelvis, atol=1e-4)
    np.testing.assert_allclose(track.body_pose, known.body_pose, atol=1e-5)
    assert not track.betas.any()


@pytest.mark.parametrize("compress", [False, True])
def test_whams_results_are_read_without_running_them(tmp_path, known, compress):
    write_wham(tmp_path / "wham_output.pkl", known, compress)
    track, result = imported(tmp_path / "wham_output.pkl", tmp_path / "out", known)
    assert result.kind == "wham"
    check_joints(known, track)
    assert track.K[0, 0] == pytest.approx(400.0)  # the diagonal


def cropped_folder(folder, shown):
    """An actor's folder whose frames show a part of the pictures."""

    def find(image):
        return [np.array([110.0, 40.0, 230.0, 220.0]) * image.shape[1] / SIZE[0]]

    config = FramesConfig(focal_px=400.0)
    frames = extract_frames(shown, folder / "frames", folder / "frames.json", config, find)
    assert frames.crop is not None
    return frames


def write_wham(path, known, compress=False):
    from collections import defaultdict

    person = {"pose": np.concatenate([known.global_orient, known.body_pose], axis=1), "trans": known.transl,
              "betas": np.tile(known.betas, (LENGTH, 1)), "frame_ids": np.arange(LENGTH)}  # fmt: skip
    write_joblib(path, defaultdict(dict, {0: person}), compress)


def test_poses_of_whole_pictures_stay_where_they_are_in_frames_that_were_cropped(tmp_path, known):
    frames = cropped_folder(tmp_path / "out", pictures(tmp_path / "shown"))
    write_wham(tmp_path / "wham_output.pkl", known)
    import_tracking(tmp_path / "wham_output.pkl", tmp_path / "out", body=known.body)
    track, after = BodyTrack.load(tmp_path / "out/smpl.npz"), Frames.load(tmp_path / "out/frames.json")
    np.testing.assert_allclose(after.K, frames.K, atol=0.1)
    true = pixels(known.joints(), np.array([[400.0, 0, 160], [0, 400, 120], [0, 0, 1]]))
    seen = pixels(track_joints(known.body, track), track.K) + frames.crop[:2]
    np.testing.assert_allclose(seen, true, atol=0.2)


def test_keypoints_of_cropped_frames_say_nothing_of_frames_that_are_made_anew(tmp_path, known):
    shown = pictures(tmp_path / "shown")
    cropped_folder(tmp_path / "out", shown)
    write_openpose(tmp_path / "json", body_25(known))
    import_tracking(tmp_path / "json", tmp_path / "out", kind="openpose", options=ReadOptions(size=SIZE))
    write_wham(tmp_path / "wham_output.pkl", known)
    result = import_tracking(
        tmp_path / "wham_output.pkl", tmp_path / "out", pictures=shown, body=known.body,
        frames_config=FramesConfig(focal_px=400.0),
    )  # fmt: skip
    assert Frames.load(tmp_path / "out/frames.json").crop is None
    assert result.reprojection is None


def test_phalps_camera_is_a_convention_and_the_person_keeps_place_and_size_in_the_picture(tmp_path, known):
    focal = CROP_FOCAL * max(SIZE)
    far = known.transl + [0, 0, 100.0]
    write_phalp(tmp_path / "demo_clip.pkl", known, far)
    config = FramesConfig(K=(K[0, 0], K[0, 0], 160.0, 120.0))
    track, result = imported(tmp_path / "demo_clip.pkl", tmp_path / "out", known, frames_config=config)
    assert result.kind == "4d-humans" and result.posed == LENGTH
    np.testing.assert_allclose(np.diag(track.K), [300, 300, 1])
    old_K = np.array([[focal, 0, 160], [0, focal, 120], [0, 0, 1]])
    before = pixels(posed_joints(known.body, known.betas, known.global_orient, known.body_pose, far), old_K)
    after = pixels(track_joints(known.body, track), track.K)
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-2)
    size = np.ptp(before[..., 1], axis=1)
    # the nearer camera's perspective changes the outline a little, the person's size in the picture not
    assert np.abs(np.ptp(after[..., 1], axis=1) / size - 1).max() < 0.12


def test_pymafs_camera_without_perspective(tmp_path, known):
    scale_px, width, height = 50.0, *SIZE
    cam = np.stack([np.full(LENGTH, 2 * scale_px / width), np.full(LENGTH, 2 * scale_px / height),
                    known.transl[:, 0], known.transl[:, 1]], axis=1)  # fmt: skip
    person = {"pose": np.concatenate([known.global_orient, known.body_pose], axis=1), "orig_cam": cam,
              "betas": np.tile(known.betas, (LENGTH, 1)), "frame_ids": np.arange(LENGTH)}  # fmt: skip
    write_joblib(tmp_path / "output.pkl", {3: person})
    track, _ = imported(tmp_path / "output.pkl", tmp_path / "out", known, frames_config=FramesConfig(focal_px=500.0))
    pelvis = track_joints(known.body, track)[:, 0]
    place = known.transl + known.pelvis_rest()
    np.testing.assert_allclose(pixels(pelvis, track.K), place[:, :2] * scale_px + [160, 120], atol=0.2)
    np.testing.assert_allclose(500.0 / pelvis[:, 2], scale_px, rtol=0.01)


def test_crop_cameras_are_those_of_the_whole_picture():
    random = np.random.default_rng(0)
    wide = np.array([[5000.0 / 256 * 1920, 0, 960], [0, 5000.0 / 256 * 1920, 540], [0, 0, 1]])
    cam = np.stack([random.uniform(0.6, 1.2, 5), *random.normal(0, 0.2, (2, 5))], axis=1)
    centre, side = random.uniform(200, 900, (5, 2)), random.uniform(200, 500, 5)
    points = random.normal(0, 0.3, (5, 20, 3))
    in_crop = cam[:, None, :1] * (points[..., :2] + cam[:, None, 1:])
    expected = centre[:, None] + in_crop * side[:, None, None] / 2
    full = pixels(points + full_translation(cam, centre, side, wide)[:, None], wide)
    assert np.abs(full - expected).max() < 2.0  # what is left is the little perspective of a camera so far away


def test_crop_cameras_by_name(tmp_path, known):
    cam = np.tile([0.9, 0.05, 0.1], (LENGTH, 1))
    values = as_parameters(known, pred_cam=cam, box_center=np.tile([170.0, 110.0], (LENGTH, 1)), box_size=np.full(LENGTH, 150.0),
                           img_size=np.array(SIZE))  # fmt: skip
    del values["transl"], values["K"]
    np.savez(tmp_path / "hmr2.npz", **values)
    track, _ = imported(tmp_path / "hmr2.npz", tmp_path / "out", known, frames_config=FramesConfig(focal_px=400.0))
    pelvis = track_joints(known.body, track)[:, 0]
    assert pelvis[:, 2].mean() == pytest.approx(400 / (0.9 * 75), rel=0.01)


def test_another_focal_length_keeps_the_view_of_a_person_at_the_edge(known):
    """A crop network sees a person along their own line of sight, whatever the camera."""
    far = np.array([[5000.0, 0, 160], [0, 5000.0, 120], [0, 0, 1]])
    pelvis, root = np.array([[1.2, 0.3, 60.0]]), np.eye(3)[None]
    place, turned = refocused(pelvis, root, far, K)
    old, new = pelvis[0] / np.linalg.norm(pelvis), place[0] / np.linalg.norm(place)
    np.testing.assert_allclose(turned[0].T @ new, old, atol=1e-9)
    np.testing.assert_allclose(pixels(place, K), pixels(pelvis, far), atol=1e-9)
    same, still = refocused(pelvis, root, far, far)
    np.testing.assert_allclose(same, pelvis, atol=1e-9)
    np.testing.assert_allclose(still, root, atol=1e-9)


def test_poses_behind_the_camera_are_refused_in_one_sentence(tmp_path, known):
    np.savez(tmp_path / "poses.npz", **as_parameters(known, transl=known.transl * [1, -1, -1]))
    with pytest.raises(InputError, match="behind the camera"):
        imported(tmp_path / "poses.npz", tmp_path / "out", known)


def test_gaps_are_filled_on_the_shortest_way_and_not_valid(tmp_path, known):
    from tests.support.import_sources import write_easymocap_poses

    source = tmp_path / "mocap"
    write_easymocap_poses(source / "smpl", *rh_th(known), known.body_pose, known.betas)
    for index in (0, 5, 6):
        (source / "smpl" / f"{index:06d}.json").unlink()
    write_cameras(source, {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    track, result = imported(source, tmp_path / "out", known)
    assert not track.valid[[0, 5, 6]].any() and track.valid.sum() == LENGTH - 3 == result.posed
    error = np.abs(track_joints(known.body, track) - known.joints()).max(axis=(1, 2))
    assert error[[5, 6]].max() < 0.06 and error[track.valid].max() < 1e-4
    np.testing.assert_allclose(track.global_orient[0], track.global_orient[1])


@pytest.mark.parametrize("start", [0, 1])
def test_pictures_counted_from_0_or_1(tmp_path, known, start):
    source = tmp_path / "mocap"
    write_easymocap_poses(source / "smpl", *rh_th(known), known.body_pose, known.betas, start=start)
    names = [f"{start + index:06d}.jpg" for index in range(LENGTH)]
    write_cameras(source, {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    track, result = imported(source, tmp_path / "out", known, pictures=pictures(tmp_path / "named", names))
    assert result.posed == LENGTH
    check_joints(known, track)


def test_a_list_of_every_second_picture(tmp_path, known):
    values = as_parameters(known)
    values |= {key: values[key][::2] for key in ("global_orient", "body_pose", "transl")}
    np.savez(tmp_path / "poses.npz", **values)
    track, _ = imported(tmp_path / "poses.npz", tmp_path / "out", known, options=ReadOptions(every=2))
    assert track.valid.tolist() == [True, False] * (LENGTH // 2)
    error = np.abs(track_joints(known.body, track) - known.joints()).max(axis=(1, 2))
    assert error[::2].max() < 1e-4 and error[1:-1].max() < 0.03


def test_frames_that_were_thinned_and_scaled_get_their_own_poses(tmp_path, known):
    source = tmp_path / "poses.npz"
    many = truth(known.body, 24)
    np.savez(source, **as_parameters(many))
    from PIL import Image

    shown = tmp_path / "many"
    shown.mkdir()
    for index in range(24):
        Image.new("RGB", SIZE).save(shown / f"{index}.png")
    config = FramesConfig(step=2, max_size=160)
    track, _ = imported(source, tmp_path / "out", known, pictures=shown, frames_config=config)
    frames = Frames.load(tmp_path / "out/frames.json")
    assert frames.width == 160 and len(track) == 12
    np.testing.assert_allclose(track.K[:2], K[:2] / 2)
    np.testing.assert_allclose(track_joints(known.body, track), many.joints()[::2], atol=1e-4)


def test_on_the_free_body_poses_are_kept_and_size_follows_the_keypoints(tmp_path, known):
    """The free body at 1.1 times the distance looks as the person did; where the person's pelvis rests is unknown."""
    free = sausage_body()
    small = replace(known, betas=np.zeros(10))
    source = tmp_path / "mocap"
    write_easymocap_poses(source / "smpl", *rh_th(small), small.body_pose, small.betas)
    write_cameras(source, {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    pelvis = small.transl + small.pelvis_rest()
    rest = free.shaped(torch.zeros(4))[1][0].numpy()
    places = posed(free, np.zeros(4), small.global_orient, small.body_pose, pelvis * 1.1 - rest).vertices
    points = np.zeros((LENGTH, 25, 3))
    points[..., :2], points[..., 2] = pixels(free.keypoints(places).numpy()[:, :25]), 0.9
    write_annots(source / "annots", points)
    result = import_tracking(source, tmp_path / "out", body=free, pictures=pictures(tmp_path / "shown"))
    track = BodyTrack.load(tmp_path / "out/smpl.npz")
    assert track.body_model[0] == "sausage"
    assert any("means nothing" in note for note in result.notes)
    np.testing.assert_allclose(track.body_pose, small.body_pose, atol=1e-5)
    ratio = track_joints(free, track)[:, 0, 2] / pelvis[:, 2]
    assert result.reprojection < 0.5
    assert np.abs(ratio - 1.1).max() < 0.02


def test_objects_other_than_arrays_are_refused_and_not_run(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    for name, data in (("a.pkl", pickle.dumps({"x": Evil()})), ("b.pkl", pickle.dumps(Evil(), protocol=2))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="not loaded for safety"):
            read_any(tmp_path / name)
    np.savez(tmp_path / "c.npz", results=np.array({"x": Evil()}, dtype=object))
    torch.save({"x": Evil()}, tmp_path / "d.pt")
    for name in ("c.npz", "d.pt"):
        with pytest.raises(InputError, match=r"save the numbers with numpy\.savez"):
            read_any(tmp_path / name)
    assert not (tmp_path / "written").exists()


def test_foreign_files_are_refused_with_what_is_known(tmp_path, known):
    np.savez(tmp_path / "x.npz", something=np.zeros(3))
    with pytest.raises(InputError, match="something"):
        imported(tmp_path / "x.npz", tmp_path / "out", known)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="known are easymocap"):
        imported(tmp_path / "empty", tmp_path / "out", known)
    with pytest.raises(InputError, match="no such file"):
        imported(tmp_path / "nowhere", tmp_path / "out", known)
    (tmp_path / "torn.pkl").write_bytes(b"\x80\x04torn")
    with pytest.raises(InputError, match="torn.pkl"):
        imported(tmp_path / "torn.pkl", tmp_path / "out", known)


def test_poses_onto_frames_that_snakemake_made(tmp_path, known):
    """The calibrated camera takes the place of the guessed one, and nothing that Snakemake made looks outdated."""
    import os

    from understudy.video.decode import extract_frames

    out = tmp_path / "out"
    extract_frames(pictures(tmp_path / "shown"), out / "frames", out / "frames.json", FramesConfig())
    os.utime(out / "frames.json", (1e9, 1e9))
    np.savez(tmp_path / "poses.npz", **as_parameters(known))
    result = import_tracking(tmp_path / "poses.npz", out, body=known.body, options=ReadOptions(size=SIZE))
    frames = Frames.load(out / "frames.json")
    np.testing.assert_allclose(frames.K, K)
    assert frames.K_source == "config" and (out / "frames.json").stat().st_mtime == 1e9
    check_joints(known, BodyTrack.load(out / "smpl.npz"))
    assert any("no keypoints.npz and no alpha" in note for note in result.notes)


def test_wrong_numbers_of_frames_show_in_the_keypoints(tmp_path, known):
    source = tmp_path / "mocap"
    late = np.roll(np.arange(LENGTH), 4)
    Rh, Th = rh_th(known)
    write_easymocap_poses(source / "smpl", Rh[late], Th[late] + [0.4, 0, 0], known.body_pose[late], known.betas)
    write_cameras(source, {"0": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})
    write_annots(source / "annots", body_25(known))
    _, result = imported(source, tmp_path / "out", known)
    assert any("numbers of frames may be wrong" in note for note in result.notes)
