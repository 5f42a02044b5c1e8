"""Motions in SMPL parameters, from worlds with other axes."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.support.bodies import sausage_body
from understudy.errors import InputError
from understudy.motion.smpl_npz import MEAN_LEGS, smpl_clip

LENGTH = 20
BODY = sausage_body()
LEGS = float(np.linalg.norm([0.01, -0.40, 0.0]) + np.linalg.norm([0.0, -0.42, -0.02]))


def walk():
    """Root, pose and pelvis of a person who walks 1 m along +z, y up."""
    time = np.linspace(0, 1, LENGTH)
    pose = np.zeros((LENGTH, 69))
    pose[:, 0], pose[:, 3] = -0.4 * np.sin(6 * time), 0.4 * np.sin(6 * time)
    root = Rotation.from_rotvec(np.outer(0.3 * np.sin(3 * time), [0, 1, 0]))
    return root, pose, np.stack([0 * time, 0.9 + 0 * time, time], axis=1)


def write(path, turn, width=156, **more):
    """The walk in a world turned by ``turn``, with places as AMASS has them (the pelvis less its rest place)."""
    root, pose, pelvis = walk()
    thetas = np.zeros((LENGTH, width))
    thetas[:, :3] = (turn * root).as_rotvec()
    thetas[:, 3:66] = pose[:, :63]
    thetas[:, 66:] = 0.2
    rest = np.array([0.0, -0.22, 0.03]) if width == 156 else np.array([0.0, -0.35, 0.01])
    np.savez(path, poses=thetas, trans=turn.apply(pelvis) - rest, betas=np.zeros(16), gender="male", **more)


@pytest.mark.parametrize("width", [156, 165])
@pytest.mark.parametrize("turn", [
    Rotation.from_euler("x", 90, degrees=True), Rotation.from_euler("xz", [90, 70], degrees=True),
    Rotation.from_euler("x", 180, degrees=True), Rotation.identity()])  # fmt: skip
def test_whatever_is_up_the_person_stands_and_starts_towards_z(tmp_path, turn, width):
    write(tmp_path / "walk.npz", turn, width, mocap_framerate=120.0)
    clip = smpl_clip(tmp_path / "walk.npz", BODY)
    root, pose, pelvis = walk()
    assert clip.fps == 120.0
    # turned axes may differ by a quarter turn about the vertical, which facing +z settles
    np.testing.assert_allclose(Rotation.from_rotvec(clip.global_orient).as_matrix(), root.as_matrix(), atol=1e-5)
    np.testing.assert_allclose(clip.body_pose, pose, atol=1e-5)
    moved = (clip.transl - clip.transl[0]) * (MEAN_LEGS / LEGS)
    np.testing.assert_allclose(moved, pelvis - pelvis[0], atol=1e-4)


def test_feet_are_on_the_ground(tmp_path):
    write(tmp_path / "walk.npz", Rotation.from_euler("x", 90, degrees=True))
    clip = smpl_clip(tmp_path / "walk.npz", BODY, fps=25.0)
    values = (torch.from_numpy(value) for value in (clip.global_orient, clip.body_pose, clip.transl))
    low = BODY.keypoint_body()(torch.zeros(4), *values).vertices[..., 1].amin(dim=1)
    assert clip.fps == 25.0
    assert abs(float(np.percentile(low.numpy(), 5))) < 1e-3


def write_track(path, pitch):
    """The walk as a camera saw it that looks down by ``pitch`` degrees."""
    root, pose, pelvis = walk()
    seen = Rotation.from_euler("x", 180 + pitch, degrees=True)
    places = seen.apply(pelvis - [0, 1, 0]) + [0.0, 0.0, 4.0]
    np.savez(
        path, global_orient=(seen * root).as_rotvec(), body_pose=pose, transl=places + [0.0, 0.22, -0.03],
        betas=np.zeros(10), K=np.eye(3),
    )  # fmt: skip
    return path


def test_a_camera_that_looked_down_does_not_tilt_the_person(tmp_path):
    level = smpl_clip(write_track(tmp_path / "level.npz", 0.0), BODY)
    down = smpl_clip(write_track(tmp_path / "down.npz", 15.0), BODY)
    np.testing.assert_allclose(down.global_orient, level.global_orient, atol=0.02)
    np.testing.assert_allclose(down.transl, level.transl, atol=0.02)
    up = Rotation.from_rotvec(down.global_orient).apply([0.0, 1.0, 0.0]).mean(axis=0)
    assert np.degrees(np.arccos(up[1] / np.linalg.norm(up))) < 6


def test_the_places_of_aist_are_brought_to_metres(tmp_path):
    root, pose, pelvis = walk()
    thetas = np.concatenate([root.as_rotvec(), pose], axis=1)
    trans = 93.8 * (pelvis - [0.0, -0.22, 0.03])
    np.savez(tmp_path / "dance.npz", smpl_poses=thetas, smpl_trans=trans, smpl_scaling=np.array([93.8]))
    clip = smpl_clip(tmp_path / "dance.npz", BODY)
    assert clip.fps == 60.0
    np.testing.assert_allclose(clip.body_pose, pose, atol=1e-5)
    moved = (clip.transl - clip.transl[0]) * (MEAN_LEGS / LEGS)
    np.testing.assert_allclose(moved, pelvis - pelvis[0], atol=1e-4)


def test_files_without_poses_are_refused(tmp_path):
    np.savez(tmp_path / "shape.npz", betas=np.zeros(10))
    with pytest.raises(InputError, match="betas"):
        smpl_clip(tmp_path / "shape.npz", BODY)
