"""Feet that stand: in one place, on the ground, with bones of the same length."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.support.bodies import sausage_body
from tests.support.show_scenes import joints_of, walking_clip
from understudy.body.joints import SMPL_JOINTS
from understudy.motion.planting import plant_feet
from understudy.motion.read import read_motion
from understudy.motion.stances import find_stances

BODY = sausage_body()
ANKLES = [SMPL_JOINTS.index("left_ankle"), SMPL_JOINTS.index("right_ankle")]


def lowest(clip):
    parts = (torch.from_numpy(part) for part in (clip.global_orient, clip.body_pose, clip.transl))
    return BODY(torch.zeros(4), *parts).vertices[..., 1].amin(dim=1).numpy()


def slide(clip, stances):
    """Largest way of an ankle over the ground within the given stances, m."""
    joints = joints_of(clip)
    ways = [np.ptp(joints[a:b, ankle][:, [0, 2]], axis=0).max() for ankle, found in stances.items() for a, b in found]
    return max(ways)


def stances_of(clip):
    return {ankle: find_stances(joints_of(clip)[:, ankle], clip.fps) for ankle in ANKLES}


def test_a_foot_that_slips_while_it_stands_is_held():
    clip = walking_clip(60, slip=0.1)
    stances = stances_of(clip)
    assert sum(map(len, stances.values())) >= 3
    planted = plant_feet(clip, BODY)
    assert slide(clip, stances) > 0.03
    assert slide(planted, stances) < 0.3 * slide(clip, stances)


def test_a_motion_whose_feet_stand_well_stays_as_it_is():
    clip = walking_clip(40)
    planted = plant_feet(clip, BODY)
    assert np.abs(joints_of(planted) - joints_of(clip)).max() < 0.02
    assert planted.fps == clip.fps and len(planted) == len(clip)


def test_no_foot_is_under_the_ground():
    clip = walking_clip(40)
    sunk = replace(clip, transl=clip.transl - np.float32([0, 0.06, 0]) * np.sin(np.linspace(0, 9, 40))[:, None])
    sunk = replace(sunk, transl=sunk.transl.astype(np.float32))
    assert lowest(sunk).min() < -0.05
    assert lowest(plant_feet(sunk, BODY)).min() > -0.004


@pytest.mark.parametrize("tilt", [-0.3, 0.25])
def test_soles_that_stand_askew_are_levelled(tilt):
    clip = walking_clip(40)
    pose = clip.body_pose.reshape(40, 23, 3).copy()
    for ankle in ANKLES:
        turn = Rotation.from_rotvec(pose[:, ankle - 1]) * Rotation.from_rotvec([tilt, 0.0, 0.1])
        pose[:, ankle - 1] = turn.as_rotvec()
    planted = plant_feet(replace(clip, body_pose=pose.reshape(40, 69)), BODY)
    parts = (torch.from_numpy(part) for part in (planted.global_orient, planted.body_pose, planted.transl))
    up = BODY(torch.zeros(4), *parts).transforms[:, ANKLES, 1, :3].numpy()
    standing = np.abs(joints_of(clip)[:, ANKLES, 1] - joints_of(clip)[0, ANKLES, 1]) < 1e-3
    assert up[standing][:, 1].min() > 0.995


@given(st.integers(0, 200))
@settings(deadline=None, max_examples=15)
def test_rotations_stay_finite_whatever_the_motion(seed):
    rng = np.random.default_rng(seed)
    clip = walking_clip(20)
    wild = clip.body_pose + rng.normal(scale=0.4, size=(20, 69)).cumsum(axis=0).astype(np.float32) * 0.2
    planted = plant_feet(replace(clip, body_pose=wild.astype(np.float32)), BODY)
    assert np.isfinite(planted.body_pose).all() and np.isfinite(planted.transl).all()
    legs = [SMPL_JOINTS.index(f"{side}_{name}") - 1 for side in ("left", "right") for name in ("hip", "knee", "ankle")]
    others = np.setdiff1d(np.arange(23), legs)
    before = Rotation.from_rotvec(wild.reshape(20, 23, 3)[:, others].reshape(-1, 3))
    after = Rotation.from_rotvec(planted.body_pose.reshape(20, 23, 3)[:, others].reshape(-1, 3))
    assert (before.inv() * after).magnitude().max() < 1e-3, "only the legs bend"


def test_a_first_frame_that_only_shows_the_rig_is_left_out(tmp_path):
    from tests.support.motion_scenes import rest_joints, write_rig

    swing = np.linspace(0.0, 0.2, 12)[:, None]
    arms = {"left_shoulder": swing * [0, 0, 1] + [0, 0, -1.2], "right_shoulder": swing * [0, 0, -1] + [0, 0, 1.2]}
    setup = {name: np.concatenate([np.zeros((1, 3)), turns]) for name, turns in arms.items()}
    write_rig(tmp_path / "with.bvh", setup, rest_joints())
    write_rig(tmp_path / "without.bvh", arms, rest_joints())
    assert len(read_motion(tmp_path / "with.bvh", BODY)) == len(read_motion(tmp_path / "without.bvh", BODY)) == 12


def test_a_motion_over_or_under_the_ground_is_put_on_it():
    clip = walking_clip(40)
    planted = plant_feet(clip, BODY)
    for height in (-0.1, 0.2):
        moved = replace(clip, transl=clip.transl + np.float32([0.0, height, 0.0]))
        np.testing.assert_allclose(plant_feet(moved, BODY).transl, planted.transl, atol=2e-3)


def test_the_pelvis_comes_down_where_straight_legs_do_not_reach_the_ground():
    clip = walking_clip(60)
    still = replace(clip, body_pose=np.zeros_like(clip.body_pose))
    rising = np.float32([0.0, 0.05, 0.0]) * np.sin(np.linspace(0.0, np.pi, 60))[:, None] ** 2
    planted = plant_feet(replace(still, transl=(still.transl + rising).astype(np.float32)), BODY)
    assert np.abs(lowest(planted)).max() < 0.02


def test_who_glides_farther_than_a_slip_is_left_to():
    clip = walking_clip(60)
    way = np.outer(np.arange(60) / clip.fps, [0.0, 0.0, 0.12])
    glide = replace(clip, body_pose=np.zeros_like(clip.body_pose), transl=(clip.transl + way).astype(np.float32))
    planted = plant_feet(glide, BODY)
    np.testing.assert_allclose(joints_of(planted)[:, ANKLES, 2], joints_of(glide)[:, ANKLES, 2], atol=0.01)
