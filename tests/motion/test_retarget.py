"""Clips, BVH files and other rigs' motions on our joints."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.support.bodies import MORE, more_joints, sausage_body
from tests.support.motion_scenes import PARENT, RIG, rest_joints, wave, write_rig
from understudy.body.joints import SMPL_JOINTS
from understudy.errors import InputError
from understudy.motion.bvh import read_bvh
from understudy.motion.clip import Clip
from understudy.motion.retarget import bvh_clip

SHORT = (
    "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 3 Xrotation Yrotation Zrotation } MOTION Frames: 1 Frame Time: 0.1 1 2"
)


@pytest.mark.parametrize("axes", [np.eye(3), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])], ids=["y up", "z up"])
@pytest.mark.parametrize("unit", [1.0, 100.0], ids=["m", "cm"])
@pytest.mark.parametrize("body", [sausage_body(), more_joints(sausage_body())], ids=["SMPL's joints", "more joints"])
def test_a_rig_that_stands_at_zero_gives_back_its_own_rotations(tmp_path, axes, unit, body):
    motion = wave()
    write_rig(tmp_path / "a.bvh", motion, rest_joints(), axes, unit)
    clip = bvh_clip(tmp_path / "a.bvh", body)
    assert clip.fps == pytest.approx(50)
    for name, expected in motion.items():
        joint = 0 if name == "hip" else body.joint(name)
        np.testing.assert_allclose(clip.rotvecs[:, joint], expected, atol=2e-3)
    assert not clip.rotvecs[:, [joint for joint, name in enumerate(body.joint_names) if name in MORE]].any()


def test_a_retargeted_person_stands_on_the_ground_and_starts_towards_z(tmp_path):
    motion = {"hip": np.tile([0.0, 1.1, 0.0], (5, 1))}
    write_rig(tmp_path / "a.bvh", motion, rest_joints())
    body = sausage_body()
    clip = bvh_clip(tmp_path / "a.bvh", body)
    parts = (torch.from_numpy(part) for part in (clip.global_orient, clip.body_pose, clip.transl))
    low = body.keypoint_body()(torch.zeros(body.num_betas), *parts).vertices[..., 1].min()
    assert abs(float(low)) < 1e-3
    forward = Rotation.from_rotvec(clip.global_orient[0]).apply([0, 0, 1])
    np.testing.assert_allclose(forward, [0, 0, 1], atol=1e-5)


@pytest.mark.parametrize("size", [1.0, 2.5])
def test_ways_are_as_much_longer_as_the_legs_and_begin_at_the_origin(tmp_path, size):
    ways = np.outer(np.arange(10), [0.02, 0.0, 0.1]) + [3.0, 0.0, -2.0]
    places = {name: size * place for name, place in rest_joints().items()}
    write_rig(tmp_path / "a.bvh", {"hip": np.zeros((10, 3))}, places, ways=size * ways)
    clip = bvh_clip(tmp_path / "a.bvh", sausage_body())
    np.testing.assert_allclose(clip.transl[:, [0, 2]], (ways - ways[0])[:, [0, 2]], atol=1e-3)


def test_a_turn_of_the_chest_is_shared_by_the_spine(tmp_path):
    twist = np.outer(np.linspace(0.0, 1.0, 8), [0.0, 0.9, 0.0])
    write_rig(tmp_path / "a.bvh", {"spine3": twist}, rest_joints())
    pose = bvh_clip(tmp_path / "a.bvh", sausage_body()).body_pose.reshape(8, 23, 3)
    spine = [SMPL_JOINTS.index(name) - 1 for name in ("spine1", "spine2", "spine3")]
    np.testing.assert_allclose(pose[:, spine], np.tile(twist[:, None] / 3, (1, 3, 1)), atol=2e-3)


def test_limbs_point_where_a_rig_with_bones_along_its_own_axes_has_them(tmp_path):
    """Rigs whose zero pose is no person: every bone lies along the joint's own y."""
    rest, motion = rest_joints(), wave(30)
    own = {name: Rotation.from_rotvec(np.array([0.3, -0.2, 0.5]) * (1 + len(name) % 3)) for name in RIG}
    tilt = Rotation.from_rotvec([2.5, 0.0, 0.0])
    turned = {}
    for name in RIG:
        parent = own[PARENT[name]] if name in PARENT else Rotation.identity()
        turn = Rotation.from_rotvec(motion.get(name, np.zeros((30, 3))))
        turned[name] = (parent.inv() * turn * own[name]).as_rotvec()
    places = {"hip": rest["hip"]}
    for name, parent in PARENT.items():
        places[name] = places[parent] + own[parent].inv().apply(rest[name] - rest[parent])
    turned["hip"] = (tilt * Rotation.from_rotvec(turned["hip"])).as_rotvec()
    write_rig(tmp_path / "a.bvh", turned, places, axes=tilt.inv().as_matrix() @ np.eye(3))
    bvh = read_bvh(tmp_path / "a.bvh")
    _, seen = bvh.posed()
    body = sausage_body()
    clip = bvh_clip(tmp_path / "a.bvh", body)
    parts = (torch.from_numpy(part) for part in (clip.global_orient, clip.body_pose, clip.transl))
    joints = body.keypoint_body()(torch.zeros(body.num_betas), *parts).joints.numpy()
    for start, stop in (("left_shoulder", "left_elbow"), ("right_elbow", "right_wrist"), ("left_knee", "left_ankle")):
        ours = joints[:, SMPL_JOINTS.index(stop)] - joints[:, SMPL_JOINTS.index(start)]
        theirs = seen[:, bvh.names.index(RIG[stop])] - seen[:, bvh.names.index(RIG[start])]
        hips = seen[:, bvh.names.index("LeftUpLeg")] - seen[:, bvh.names.index("RightUpLeg")]
        own_hips = joints[:, 1] - joints[:, 2]
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), np.linalg.norm(theirs, axis=1), rtol=1e-3)
        np.testing.assert_allclose((ours * own_hips).sum(1), (theirs * hips).sum(1), atol=2e-3)
    # a limb that bends is not twisted about its own bone
    pose = clip.body_pose.reshape(30, -1, 3)
    for name in ("right_shoulder", "right_elbow", "left_hip", "left_knee"):
        true = Rotation.from_rotvec(motion.get(name, np.zeros((30, 3))))
        own = Rotation.from_rotvec(pose[:, SMPL_JOINTS.index(name) - 1])
        assert np.degrees((own.inv() * true).magnitude()).max() < 20


def test_resampling_keeps_the_frames_that_both_rates_have():
    clip = random_clip(1)
    twice = clip.resampled(clip.fps * 2)
    assert len(twice) == 2 * len(clip) - 1
    np.testing.assert_allclose(twice.body_pose[::2], clip.body_pose, atol=1e-4)
    np.testing.assert_allclose(twice.transl[::2], clip.transl, atol=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HIERARCHY\nROOT a\n{\n",
        SHORT,
    ],
)
def test_a_damaged_bvh_file_gives_one_sentence(tmp_path, text):
    path = tmp_path / "broken.bvh"
    path.write_text(text)
    with pytest.raises(InputError, match=r"broken\.bvh"):
        read_bvh(path)


def test_a_rig_without_a_limb_is_refused_by_name(tmp_path):
    write_rig(tmp_path / "a.bvh", wave(3), rest_joints())
    path = tmp_path / "b.bvh"
    path.write_text((tmp_path / "a.bvh").read_text().replace("LeftForeArm", "Tentacle"))
    with pytest.raises(InputError, match="left elbow"):
        bvh_clip(path, sausage_body())


def random_clip(seed):
    rng = np.random.default_rng(seed)
    steps = rng.normal(scale=0.05, size=(6, 75)).cumsum(axis=0).astype(np.float32)
    return Clip(steps[:, :3], steps[:, 3:72], steps[:, 72:], 10.0)
