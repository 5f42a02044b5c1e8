"""Bodies of other joints than SMPL's in each room: what rests changes nothing, and what turns is found by name."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy.spatial.transform import Rotation

from tests.support.avatar_scenes import make_scene, plain_canonical, truth_avatar, turning_track
from tests.support.bodies import MORE, more_joints, sausage_body
from tests.support.export_scenes import RELIEF, TEXTURE, parts_of
from tests.support.fit_scenes import turning_walk
from tests.support.scenes import film
from tests.support.show_scenes import write_amass
from tests.support.smpl_files import smplx_arrays
from understudy.avatar.archive import AvatarArchive, load_archive, save_avatar
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar, track_pose
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.poses import CorrectedPoses, Correction
from understudy.avatar.training.train import train_avatar
from understudy.body.files import load_body, write_body
from understudy.body.joints import (
    A_POSE,
    BIG_POSE,
    BODY_JOINTS,
    SMPL_JOINTS,
    SMPLH_JOINTS,
    SMPLX_JOINTS,
    on_joints,
    parents_of,
    pose_of,
)
from understudy.body.smpl_joints import on_smpl_joints
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.errors import InputError
from understudy.export.config import ExportConfig
from understudy.export.rigged import write_rigged
from understudy.export.run import export_avatar
from understudy.export.stance import POSES, recorded, still
from understudy.export.surface import avatar_surface
from understudy.export.vrm import VrmMeta, vrm_bones
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body
from understudy.formats.smpl import BodyTrack
from understudy.importers.tracking import Poses
from understudy.importers.transfer import body_track, place_poses
from understudy.layouts.recording import Recording
from understudy.motion.read import read_motion
from understudy.rendering.config import TurntableConfig
from understudy.rendering.turntable import turntable_pictures
from understudy.viewer.config import ViewerConfig
from understudy.viewer.page import write_page

PLAIN, BODY = sausage_body(posedirs=True), more_joints(sausage_body(posedirs=True))
"""The same person on SMPL's joints, and on more in another order."""
OURS = [BODY.joint(name) for name in SMPL_JOINTS]
"""Where SMPL's joints are among the body's."""


def spread(body_pose: np.ndarray) -> np.ndarray:
    """SMPL's ``body_pose`` [T,3(J-1)] as the body's, the other joints at rest."""
    vectors = body_pose.reshape(len(body_pose), -1, 3)
    return on_joints(vectors, SMPL_JOINTS[1:], BODY.joint_names[1:]).reshape(len(vectors), -1)


def on_ours(track: BodyTrack) -> BodyTrack:
    return replace(track, body_pose=spread(track.body_pose), body_model=(BODY.name, BODY.sha256))


def vectors(clip) -> np.ndarray:
    """Turns [T,J,3] of SMPL's joints; all others must be at rest."""
    others = np.setdiff1d(np.arange(len(BODY.parents)), OURS)
    assert not clip.rotvecs[:, others].any()
    return clip.rotvecs[:, OURS]


# joints by name


@pytest.mark.parametrize("names", [SMPL_JOINTS, SMPLH_JOINTS, SMPLX_JOINTS])
def test_the_three_are_trees_that_begin_with_the_same_joints(names):
    parents = parents_of(names)
    assert len(set(names)) == len(names) in (24, 52, 55) and names[: len(BODY_JOINTS)] == BODY_JOINTS
    assert parents[0] == -1 and all(0 <= parent < joint for joint, parent in enumerate(parents[1:], 1))


def test_poses_are_named_turns():
    big = dict(zip(SMPL_JOINTS[1:], pose_of(SMPL_JOINTS, BIG_POSE).reshape(-1, 3), strict=True))
    assert big["left_hip"][2] == pytest.approx(np.pi / 6) and big["right_hip"][2] == pytest.approx(-np.pi / 6)
    assert sum(turn.any() for turn in big.values()) == 2
    np.testing.assert_array_equal(spread(pose_of(SMPL_JOINTS, A_POSE)[None])[0], pose_of(BODY.joint_names, A_POSE))


def test_an_unknown_joint_is_named():
    with pytest.raises(InputError, match="no joint third_arm"):
        BODY.joint("third_arm")


@given(st.permutations(SMPLX_JOINTS))
def test_turns_go_where_their_names_are_and_come_back(order):
    turns = np.random.default_rng(0).normal(size=(2, len(SMPLX_JOINTS), 3))
    there = on_joints(turns, SMPLX_JOINTS, order)
    np.testing.assert_array_equal(on_joints(there, order, SMPLX_JOINTS), turns)
    head = on_joints(turns, SMPLX_JOINTS, ("head", "tail"), rest=1.0)
    np.testing.assert_array_equal(head[:, 0], turns[:, SMPLX_JOINTS.index("head")])
    assert (head[:, 1] == 1.0).all()


# body


def test_joints_at_rest_change_nothing():
    torch.manual_seed(0)
    pose = 0.4 * torch.randn(4, len(SMPL_JOINTS) - 1, 3)
    values = torch.randn(4, PLAIN.num_betas), torch.randn(4, 3), torch.randn(4, 3)
    plain = PLAIN(values[0], values[1], pose.flatten(1), values[2])
    ours = BODY(values[0], values[1], torch.from_numpy(spread(pose.flatten(1).numpy())), values[2])
    torch.testing.assert_close(ours.vertices, plain.vertices, rtol=0, atol=2e-5)
    torch.testing.assert_close(ours.joints[:, OURS], plain.joints, rtol=0, atol=2e-5)
    few = on_smpl_joints(BODY)
    assert few.parents == PLAIN.parents
    torch.testing.assert_close(few(values[0], values[1], pose.flatten(1), values[2]).vertices, plain.vertices)


def test_its_file_comes_back_with_the_names(tmp_path):
    write_body(tmp_path / "body.npz", BODY)
    again = load_body(tmp_path / "body.npz")
    assert again.joint_names == BODY.joint_names and again.parents == BODY.parents
    for name in ("posedirs", "J_regressor", "lbs_weights"):
        assert torch.equal(getattr(again, name), getattr(BODY, name))
    write_body(tmp_path / "plain.npz", PLAIN)
    assert "joint_names" not in np.load(tmp_path / "plain.npz").files


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda names, tree: (names[:-1], tree), "names for"),
        (lambda names, tree: (["horn" if name == "neck" else name for name in names], tree), "no joint neck"),
        (lambda names, tree: (["x" if name == "left_hand" else name for name in names], tree), "no joint left_hand"),
        (lambda names, tree: (names, np.minimum(tree, 1)), "not those of SMPL"),
        (lambda names, tree: (names, tree[:, ::-1]), "not a tree"),
        (lambda names, tree: (["head", *names[1:]], tree), "twice|no joint"),
        (lambda names, tree: (None, tree), "names for"),
    ],
)
def test_joints_that_do_not_fit_their_names_are_refused(tmp_path, change, message):
    write_body(tmp_path / "body.npz", BODY)
    arrays = dict(np.load(tmp_path / "body.npz"))
    names, tree = change(list(BODY.joint_names), arrays["kintree_table"])
    arrays |= {"kintree_table": tree, "joint_names": np.array(names)}
    if names is None:
        del arrays["joint_names"]
    np.savez(tmp_path / "body.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load_body(tmp_path / "body.npz")


def test_poses_of_other_joints_are_refused_in_a_sentence(tmp_path):
    scene = film(tmp_path, [0.0, 1.0])
    track = replace(scene.track, body_model=(BODY.name, BODY.sha256))
    with pytest.raises(InputError, match="poses are of 24 joints and the body sausage has 30; make them again"):
        prepare_canonical(scene.frames, scene.alpha_folder, track, BODY, CanonicalConfig(texture_size=64))
    on_ours(track).save(tmp_path / "smpl.npz")
    assert BodyTrack.load(tmp_path / "smpl.npz").joints == len(BODY.parents)
    arrays = dict(np.load(tmp_path / "smpl.npz"))
    np.savez(tmp_path / "smpl.npz", **{**arrays, "body_pose": arrays["body_pose"][:, :-1]})
    with pytest.raises(InputError, match="not three a joint"):
        BodyTrack.load(tmp_path / "smpl.npz")


# stages


def test_the_fit_is_that_of_smpls_joints_and_leaves_the_others_at_rest(tmp_path):
    config = FittingConfig(silhouettes=False, iterations=3)
    plain, ours = (
        fit_body(walk.keypoints, walk.frames, tmp_path, walk.body, config)
        for walk in (turning_walk(length=6, turn=1.0, body=body) for body in (PLAIN, BODY))
    )
    assert ours.joints == len(BODY.parents)
    np.testing.assert_allclose(ours.body_pose, spread(plain.body_pose), atol=2e-3)
    np.testing.assert_allclose(ours.transl, plain.transl, atol=2e-3)
    others = [joint for joint, name in enumerate(BODY.joint_names[1:]) if name in MORE]
    assert not ours.body_pose.reshape(6, -1, 3)[:, others].any()


def test_canonical_space_is_the_same_on_more_joints(tmp_path):
    scene, config = film(tmp_path, [0.0, 2.0]), CanonicalConfig(texture_size=64)
    plain = prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, config)
    body = more_joints(scene.body)
    ours = prepare_canonical(scene.frames, scene.alpha_folder, on_ours(scene.track), body, config)
    np.testing.assert_allclose(ours.rest_vertices, plain.rest_vertices, atol=1e-5)
    assert (np.abs(ours.texture.astype(int) - plain.texture) > 2).mean() < 0.01


def test_an_avatar_is_posed_as_on_smpls_joints():
    plain, ours = (truth_avatar(body, count=400) for body in (PLAIN, BODY))
    track = turning_track(4, PLAIN, np.eye(3))
    for frame in range(4):
        there, here = (
            one.shaped().posed(*track_pose(t, frame, torch.device("cpu"))).extent()
            for one, t in ((plain, track), (ours, on_ours(track)))
        )
        torch.testing.assert_close(here, there, rtol=0, atol=2e-5)
    poses = CorrectedPoses(on_ours(track), [0, 3], torch.device("cpu"))
    turns = torch.zeros(len(BODY.parents), 3)
    turns[BODY.joint("left_watch"), 1] = 0.2
    poses.correct(0, Correction(turns, torch.zeros(3)))
    refined = poses.refined().body_pose.reshape(4, -1, 3)[:, BODY.joint("left_watch") - 1, 1]
    np.testing.assert_allclose(refined, [0.2, 0.4 / 3, 0.2 / 3, 0.0], atol=1e-5)


QUICK = AvatarConfig(steps=40, hold_out=4, levels=((2, 0.5), (1, 0.5)), lr_betas=0.0, final_align_steps=1, device="cpu")
FEW = GaussiansConfig(count=1000, lr_colors=0.15, lr_weights=0.01)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """SMPL-X reduced to SMPL's joints, and as its file has it: scene, body's file and the avatar learned."""
    folder, found = tmp_path_factory.mktemp("smplx"), []
    np.savez(folder / "smplx.npz", **smplx_arrays())
    write_body(folder / "reduced.npz", on_smpl_joints(load_body(folder / "smplx.npz")))
    for name in ("reduced", "smplx"):
        body = load_body(folder / f"{name}.npz")
        scene = make_scene(folder / name, length=8, body=body)
        training = train_avatar(scene.frames, scene.alpha, scene.track, scene.canonical, body, QUICK, options=FEW)
        save_avatar(folder / f"{name}.tar", training, scene.canonical, scene.frames)
        found.append((scene, folder / f"{name}.npz", folder / f"{name}.tar"))
    return found


def test_an_avatar_on_all_of_smplx_is_as_good_as_on_smpls_joints(learned):
    scores = []
    for scene, body, path in learned:
        archive = load_archive(path, body)
        result = evaluate_avatar(archive, scene.frames, scene.alpha, EvaluateConfig(refine_steps=2))
        scores.append(result["with_pose_refinement"]["psnr_person_box_on_white"]["mean"])
        assert archive.avatar.weight_logits.shape[1] == archive.poses.joints == len(scene.body.parents)
    assert scores[1] > scores[0] - 0.3 and scores[1] > 20.0


def test_weights_and_poses_of_other_joints_are_refused(learned, tmp_path):
    (_, _, reduced), (_, file, smplx) = learned
    for member, message in (("weights.safetensors", "weight_logits has the length 24"), ("poses.npz", "of 24 joints")):
        folder = tmp_path / member
        with tarfile.open(reduced) as theirs, tarfile.open(smplx) as own:
            own.extractall(folder, filter="data")
            theirs.extract(member, folder, filter="data")
        info = json.loads((folder / "avatar.json").read_text())
        count = len(load_file(folder / "weights.safetensors")["face"])  # pruning leaves each as many as it will
        (folder / "avatar.json").write_text(json.dumps({**info, "gaussians": {"count": count}}))
        with tarfile.open(tmp_path / "bad.tar", "w") as bad:
            for path in sorted(folder.iterdir()):
                bad.add(path, path.name)
        with pytest.raises(InputError, match=message):
            load_archive(tmp_path / "bad.tar", file)


def test_an_avatar_on_all_of_smplx_is_exported_and_shown(learned, tmp_path):
    _, (_, file, path) = learned
    archive = load_archive(path, file)
    config = ExportConfig(texture_size=64, fps=10.0)
    export_avatar(
        archive, tmp_path / "exports", config, [write_amass(tmp_path / "turn.npz")], ["avatar.glb", "avatar.vrm"]
    )
    for name, animations in (("avatar.glb", 2), ("avatar.vrm", 0)):
        content, _ = parts_of(tmp_path / "exports" / name)
        assert len(content["skins"][0]["joints"]) == len(SMPLX_JOINTS)
        assert len(content.get("animations", [])) == animations
    write_page(tmp_path / "page.html", archive, ViewerConfig(), [tmp_path / "turn.npz"])
    assert '"right_thumb3"' in (tmp_path / "page.html").read_text()
    assert next(iter(turntable_pictures(archive.avatar, TurntableConfig(frames=1, width=40, height=60)))).min() < 200


# what is done with results


def archive_of(body) -> AvatarArchive:
    K = np.array([[200.0, 0.0, 45.0], [0.0, 200.0, 80.0], [0.0, 0.0, 1.0]])
    canonical = plain_canonical(body)
    return AvatarArchive(
        truth_avatar(body, count=2500), turning_track(4, body, K), np.ones((4, 3), np.float32), (), 25.0, 90, 160,
        canonical.texture, canonical.texture_seen, {"licences": [], "source": {"name": "a.mp4", "sha256": "1" * 64}},
    )  # fmt: skip


def test_exported_surface_and_poses_are_the_same_on_more_joints():
    archives = [archive_of(body) for body in (PLAIN, BODY)]
    surfaces = [avatar_surface(archive.avatar) for archive in archives]
    np.testing.assert_allclose(surfaces[1].vertices, surfaces[0].vertices, atol=2e-3)
    for pose in (*POSES, "2"):
        plain, ours = (still(*of, pose) for of in zip(archives, surfaces, strict=True))
        np.testing.assert_allclose(vectors(ours), plain.rotvecs, atol=1e-5)
        np.testing.assert_allclose(ours.transl, plain.transl, atol=2e-3)


def test_a_rigged_file_has_a_node_for_each_joint_and_vrm_those_it_knows(tmp_path):
    archive = archive_of(BODY)
    surface = avatar_surface(archive.avatar)
    clips = {"source_motion": recorded(archive, surface)}
    write_rigged(tmp_path / "a.vrm", surface, TEXTURE, RELIEF, clips, [], VrmMeta("a", "b"))
    content, _ = parts_of(tmp_path / "a.vrm")
    joints = content["skins"][0]["joints"]
    names, bones = [content["nodes"][joint]["name"] for joint in joints], vrm_bones(BODY.joint_names)
    assert names == [bones.get(name, name) for name in BODY.joint_names] and len(set(names)) == len(names)
    parent = {child: node["name"] for node in content["nodes"][: len(names)] for child in node.get("children", [])}
    assert [parent[joint] for joint in joints[1:]] == [names[parent] for parent in BODY.parents[1:]]
    humanoid = content["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"]
    assert {bone: names[place["node"]] for bone, place in humanoid.items()} == {bone: bone for bone in humanoid}
    assert {"hips", "jaw", "leftEye", "leftMiddleProximal"} <= set(humanoid) and "tail" not in humanoid
    turned = {channel["target"]["node"] for channel in content["animations"][0]["channels"]}
    assert turned == set(joints)


def test_vrm_has_a_bone_for_each_joint_of_smplx():
    bones = vrm_bones(SMPLX_JOINTS)
    assert set(bones) == set(SMPLX_JOINTS) and len(set(bones.values())) == len(SMPLX_JOINTS)
    assert bones["right_pinky2"] == "rightLittleIntermediate" and bones["left_thumb1"] == "leftThumbMetacarpal"
    assert "left_hand" not in vrm_bones((*SMPLX_JOINTS, "left_hand"))


def test_motions_turn_the_same_joints_at_every_rate(tmp_path):
    path = write_amass(tmp_path / "turn.npz")
    plain, ours = (read_motion(path, body) for body in (PLAIN, BODY))
    for there, here in ((plain, ours), (plain.resampled(50.0), ours.resampled(50.0))):
        np.testing.assert_allclose(vectors(here), there.rotvecs, atol=1e-4)
        np.testing.assert_allclose(here.transl, there.transl, atol=1e-4)


def test_a_loop_is_the_same_on_more_joints(tmp_path):
    plain, ours = (read_motion(write_amass(tmp_path / "turn.npz", 40), body, loop=3.0) for body in (PLAIN, BODY))
    np.testing.assert_allclose(vectors(ours), plain.rotvecs, atol=1e-4)


def test_foreign_poses_are_put_on_the_joints_of_their_names():
    walk = turning_walk(length=5, body=PLAIN)
    count, random = len(walk.frames), np.random.default_rng(0)
    turns = Rotation.from_rotvec(random.normal(0, 0.3, (count * len(SMPL_JOINTS), 3))).as_matrix()
    one = np.broadcast_to(np.eye(3), (count, 3, 3))
    poses = Poses(turns.reshape(count, -1, 3, 3), one, np.tile([0.0, 0.0, 4.0], (count, 1)), np.zeros((count, 10)))
    plain, ours = (
        body_track(place_poses(poses, np.arange(count), body, walk.frames.K, walk.frames.K), np.ones(count, bool), body,
                   walk.frames, walk.keypoints)
        for body in (PLAIN, BODY)
    )  # fmt: skip
    np.testing.assert_allclose(ours.body_pose, spread(plain.body_pose), atol=1e-6)
    np.testing.assert_allclose(ours.reprojection_px, plain.reprojection_px, atol=0.05)


def test_a_recording_on_smpls_joints_has_the_same_surface():
    walk = turning_walk(length=3, body=BODY)
    track = turning_track(3, BODY, walk.frames.K)
    recording = Recording(walk.frames, track, BODY, Path())
    known = recording.on_smpl_joints()
    assert known.body.joint_names == SMPL_JOINTS and known.track.joints == len(SMPL_JOINTS)
    for frame in range(3):
        np.testing.assert_allclose(known.vertices(frame), recording.vertices(frame), atol=2e-5)
