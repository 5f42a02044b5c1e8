"""SMPL-H and SMPL-X: the same surface as their own code gives, in the stages too."""

import json
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix

from tests.support.avatar_scenes import plain_canonical, truth_avatar, turning_track
from tests.support.bodies import sausage_body
from tests.support.fit_scenes import turning_walk
from tests.support.scenes import film
from tests.support.smpl_files import smpl_arrays, smplh_arrays, smplx_arrays
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.train import Training
from understudy.body.files import load_body, write_body
from understudy.body.joints import BODY_JOINTS, SMPL_JOINTS, SMPL_PARENTS, SMPLX_JOINTS
from understudy.body.smpl_joints import on_smpl_joints
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.errors import InputError
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body

MAKE = {"smpl": smpl_arrays, "smplh": smplh_arrays, "smplx": smplx_arrays}


def write(folder: Path, family: str, form: str = "npz", **changes) -> Path:
    arrays = {**MAKE[family](), **changes}
    path = folder / f"{family}.{form}"
    if form == "npz":
        np.savez(path, **arrays)
    else:
        arrays = {key: value.item() if value.dtype == object else value for key, value in arrays.items()}
        path.write_bytes(pickle.dumps({**arrays, "J_regressor": csc_matrix(arrays["J_regressor"])}, 2))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("licensed")
    return {family: write(folder, family) for family in MAKE}


def own_code(monkeypatch, path: Path, family: str, batch: int):
    """The file in the publishers' own program, whose landmarks are moved onto the small mesh."""
    smplx = pytest.importorskip("smplx")
    few = {name: dict.fromkeys(points, 0) for name, points in smplx.vertex_ids.vertex_ids.items()}
    monkeypatch.setattr(smplx.body_models, "VERTEX_IDS", few)
    options = dict(ext="npz", flat_hand_mean=True, use_pca=False, num_betas=10, batch_size=batch)
    return {"smplh": smplx.SMPLH, "smplx": smplx.SMPLX}[family](str(path), **options)


PARTS_OF_POSE = {
    "smplh": ("body", "left_hand", "right_hand"),
    "smplx": ("body", "jaw", "leye", "reye", "left_hand", "right_hand"),
}
"""What the publishers' code takes the pose in, in the order of the file's joints."""


@pytest.mark.parametrize("family", ["smplh", "smplx"])
def test_surface_and_joints_are_those_of_the_publishers_code(files, monkeypatch, family):
    reference = own_code(monkeypatch, files[family], family, batch=5)
    body = load_body(files[family])
    torch.manual_seed(1)
    betas, orient, transl = torch.randn(5, 10), torch.randn(5, 3), torch.randn(5, 3)
    count = {"body": 63, "left_hand": 45, "right_hand": 45}
    pose = {part: 0.6 * torch.randn(5, count.get(part, 3)) for part in PARTS_OF_POSE[family]}
    with torch.no_grad():
        parts = {f"{part}_pose": values for part, values in pose.items()}
        wanted = reference(betas=betas, global_orient=orient, transl=transl, **parts)
        ours = body(betas, orient, torch.cat(list(pose.values()), dim=1), transl)
    torch.testing.assert_close(ours.vertices, wanted.vertices, rtol=0, atol=2e-5)
    torch.testing.assert_close(ours.joints, wanted.joints[:, : len(body.joint_names)], rtol=0, atol=2e-5)
    assert (body.name, body.free, body.num_betas) == (family, False, 10)


@pytest.mark.parametrize("family", ["smplh", "smplx"])
def test_on_smpls_joints_the_surface_is_the_same_while_fingers_and_face_rest(files, family):
    body = load_body(files[family])
    few = on_smpl_joints(body)
    assert few.joint_names == SMPL_JOINTS and few.parents == SMPL_PARENTS
    torch.manual_seed(2)
    betas, orient, transl = torch.randn(3, 10), torch.randn(3, 3), torch.randn(3, 3)
    pose = 0.6 * torch.randn(3, len(BODY_JOINTS) - 1, 3)
    whole, small = (
        one(
            betas,
            orient,
            torch.nn.functional.pad(pose, (0, 0, 0, len(one.joint_names) - len(BODY_JOINTS))).flatten(1),
            transl,
        )
        for one in (body, few)
    )
    torch.testing.assert_close(small.vertices, whole.vertices, rtol=0, atol=2e-5)
    rows = [body.joint(name) for name in SMPL_JOINTS]
    torch.testing.assert_close(small.joints, whole.joints[:, rows], rtol=0, atol=2e-5)


def test_on_smpls_joints_a_turned_hand_takes_its_fingers_along_and_nothing_else(files):
    body = on_smpl_joints(load_body(files["smplx"]))
    hand = body.joint("left_hand")
    pose = torch.zeros(2, len(body.joint_names) - 1, 3)
    pose[1, hand - 1] = 0.5
    still, turned = replace(body, posedirs=None)(
        torch.zeros(10), torch.zeros(2, 3), pose.flatten(1), torch.zeros(2, 3)
    ).vertices
    moved = (still - turned).norm(dim=1) > 1e-6
    assert moved.any() and torch.equal(moved, (body.lbs_weights[:, hand] > 0) & moved)
    assert torch.allclose(body.lbs_weights.sum(dim=1), torch.ones(len(still)))
    correctives = body.posedirs.unflatten(2, (-1, 9))
    assert not correctives[:, :, hand - 1 :].any() and correctives[:, :, : hand - 1].any()


def test_smpl_itself_comes_back_as_it_is(files):
    body = load_body(files["smpl"])
    assert on_smpl_joints(body) is body and body.joint_names == SMPL_JOINTS


@pytest.mark.parametrize("family", ["smplh", "smplx"])
def test_pickle_and_npz_give_the_same_body(tmp_path, files, family):
    ours, again = load_body(files[family]), load_body(write(tmp_path, family, "pkl"))
    for name in ("v_template", "shapedirs", "posedirs", "J_regressor", "lbs_weights"):
        torch.testing.assert_close(getattr(ours, name), getattr(again, name))
    assert ours.keypoint_names == again.keypoint_names and (ours.ft == again.ft).all()


def test_shape_comes_from_the_first_ten_components_never_from_expressions(tmp_path):
    arrays = smplx_arrays(num_betas=10, expressions=10)
    np.savez(tmp_path / "old.npz", **arrays)
    assert np.allclose(load_body(tmp_path / "old.npz").shapedirs.numpy(), arrays["shapedirs"][..., :10])


def test_hands_keypoints_are_the_knuckles(files):
    arrays, body = smplx_arrays(), load_body(files["smplx"])
    points = dict(zip(body.keypoint_names, body.keypoints(body.v_template[None])[0].numpy(), strict=True))
    joints = arrays["J_regressor"] @ arrays["v_template"]
    at = dict(zip(body.joint_names, joints, strict=True))
    assert np.allclose(points["left_index"], at["left_index1"], atol=1e-5)
    assert np.allclose(points["right_pinky"], at["right_pinky1"], atol=1e-5)
    assert np.allclose(points["left_thumb"], (at["left_thumb2"] + at["left_thumb3"]) / 2, atol=1e-5)
    assert "left_index" not in load_body(files["smpl"]).keypoint_names


@pytest.mark.parametrize(("family", "count", "nose"), [("smplh", 6890, 332), ("smplx", 10475, 9120)])
def test_the_publishers_meshes_have_face_and_feet(tmp_path, family, count, nose):
    random = np.random.default_rng(0)
    small = MAKE[family]()
    joints = small["kintree_table"].shape[1]
    regressor = np.zeros((joints, count))
    regressor[np.arange(joints), np.arange(joints)] = 1.0
    big = {
        **{key: small[key] for key in ("kintree_table", "hands_meanl", "hands_meanr")},
        "v_template": random.normal(size=(count, 3)),
        "shapedirs": random.normal(size=(count, 3, 10)),
        "J_regressor": regressor,
        "weights": np.eye(joints)[random.integers(0, joints, count)],
        "f": random.integers(0, count, (50, 3)),
    }
    np.savez(tmp_path / "big.npz", **big)
    body = load_body(tmp_path / "big.npz")
    points = dict(zip(body.keypoint_names, body.keypoints(body.v_template[None])[0], strict=True))
    assert torch.allclose(points["nose"], body.v_template[nose])
    assert {"left_ear", "right_eye", "left_big_toe", "right_small_toe", "right_heel", "left_thumb"} <= set(points)


@pytest.mark.parametrize(("family", "asked"), [("smplx", "smpl"), ("smpl", "smplh"), ("smplh", "smplx")])
def test_another_model_than_asked_for_is_refused(files, family, asked):
    with pytest.raises(InputError, match=rf"{family}\.npz is of SMPL.* but body.model is {asked}; set it to {family}"):
        load_body(files[family], asked)
    assert load_body(files[family], family).name == load_body(files[family]).name == family


def test_the_free_body_and_unknown_models_are_refused_by_name(tmp_path, files):
    write_body(tmp_path / "own.npz", sausage_body())
    with pytest.raises(InputError, match="own.npz is a body of Understudy's own, but body.model is smpl"):
        load_body(tmp_path / "own.npz", "smpl")
    with pytest.raises(InputError, match="body.model is smply; it must be one of auto, smpl, smplh, smplx"):
        load_body(files["smpl"], "smply")


@pytest.mark.parametrize(("joints", "owner"), [(16, "MANO, a hand"), (5, "FLAME, a head"), (33, "33 joints; give")])
def test_files_of_parts_of_a_body_are_refused_by_name(tmp_path, joints, owner):
    path = tmp_path / "part.npz"
    np.savez(path, **{**smpl_arrays(), "kintree_table": np.zeros((2, joints), int)})
    with pytest.raises(InputError, match=rf"{joints} joints.*{owner}|{owner}.*whole body"):
        load_body(path)


def test_star_is_refused_by_name(tmp_path):
    np.savez(
        tmp_path / "star.npz", **{**smpl_arrays(), "posedirs": np.zeros((len(smpl_arrays()["v_template"]), 3, 93))}
    )
    with pytest.raises(InputError, match="is of STAR"):
        load_body(tmp_path / "star.npz")


def test_fingers_that_hang_on_the_knee_are_refused(tmp_path):
    tree = smplx_arrays()["kintree_table"]
    tree[0, SMPLX_JOINTS.index("right_index1")] = SMPLX_JOINTS.index("left_knee")
    with pytest.raises(InputError, match="55 joints, but not in the tree of SMPL-X"):
        load_body(write(tmp_path, "smplx", kintree_table=tree))


@pytest.mark.parametrize("family", ["smplh", "smplx"])
def test_the_fit_and_the_canonical_stage_run_on_it(tmp_path, files, family):
    body, scene, walk = load_body(files[family]), film(tmp_path, [0.0, 2.0]), turning_walk(length=8)
    track = fit_body(walk.keypoints, walk.frames, tmp_path, body, FittingConfig(silhouettes=False, iterations=10))
    assert track.valid.all() and np.nanmean(track.reprojection_px) < 10
    assert track.body_model == (family, body.sha256) and track.betas.shape == (10,)
    at_rest = np.zeros((len(scene.track), 3 * len(body.joint_names) - 3), np.float32)
    filmed = replace(scene.track, body_pose=at_rest, betas=np.zeros(10, np.float32), body_model=track.body_model)
    config = CanonicalConfig(texture_size=64)
    canonical = prepare_canonical(scene.frames, scene.alpha_folder, filmed, body, config)
    assert len(canonical.faces) == len(body.faces) and (canonical.texture_seen > 0).any()


def test_an_avatar_holds_the_hash_of_it_alone(tmp_path, files):
    body = load_body(files["smplx"])
    walk = turning_walk(length=3)
    avatar = truth_avatar(body, count=200)
    history = {key: [1.0] for key in ("step", "seconds", "shrink", "loss", "psnr")}
    training = Training(
        avatar,
        turning_track(3, body, walk.frames.K),
        np.ones((3, 3), np.float32),
        [1],
        AvatarConfig(),
        GaussiansConfig(),
        history,
    )
    save_avatar(tmp_path / "avatar.tar", training, plain_canonical(body), walk.frames)
    with tarfile.open(tmp_path / "avatar.tar") as archive:
        inside = {member.name: archive.extractfile(member).read() for member in archive}
    assert "body.npz" not in inside
    described = json.loads(inside["avatar.json"])["body"]
    assert described == {"name": "smplx", "sha256": body.sha256, "included": False}
    sizes = {len(body.v_template), len(body.faces), len(body.vt)}
    for name in ("canonical.npz", "poses.npz"):
        (tmp_path / name).write_bytes(inside[name])
        assert not any(sizes & set(array.shape) for array in np.load(tmp_path / name).values())
    with pytest.raises(InputError, match="needs the file of the body smplx, which is licensed"):
        load_archive(tmp_path / "avatar.tar")
    assert load_archive(tmp_path / "avatar.tar", files["smplx"]).avatar.body.sha256 == body.sha256
