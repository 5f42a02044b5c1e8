"""Files that another program wrote with no more than it had to: what the rest is taken for."""

import numpy as np

from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import UNKNOWN, read_trimap, write_trimap
from understudy.formats.skeleton import BODY_25
from understudy.formats.smpl import BodyTrack

LENGTH = 4


def test_poses_of_another_program_are_all_valid_and_of_unknown_error(tmp_path):
    np.savez(
        tmp_path / "smpl.npz",
        global_orient=np.zeros((LENGTH, 3)), body_pose=np.zeros((LENGTH, 69)), transl=np.ones((LENGTH, 3)),
        betas=np.zeros(10), K=np.array([[500.0, 0, 100], [0, 500, 100], [0, 0, 1]]),
        body_model=np.array(["theirs", "0" * 64]),
    )  # fmt: skip
    track = BodyTrack.load(tmp_path / "smpl.npz")
    assert track.valid.tolist() == [True] * LENGTH
    assert np.isnan(track.reprojection_px).all() and len(track.reprojection_px) == LENGTH


def test_points_of_another_program_are_of_one_person_seen_in_every_frame(tmp_path):
    points = np.full((LENGTH, len(BODY_25), 3), 0.5)
    box = np.tile([0.0, 0.0, 10.0, 20.0], (LENGTH, 1))
    np.savez(tmp_path / "keypoints.npz", keypoints=points, names=np.array(BODY_25), bbox=box)
    keypoints = Keypoints.load(tmp_path / "keypoints.npz")
    assert keypoints.people.tolist() == [1] * LENGTH
    assert not keypoints.interpolated.any() and not keypoints.swapped.any() and not keypoints.world.any()
    assert keypoints.world.shape == points.shape


def test_what_a_trimap_does_not_know_is_unknown_inside_the_person_too(tmp_path):
    person, unknown = np.array([[False, True, False, True]]), np.array([[False, False, True, True]])
    write_trimap(tmp_path, 0, person, unknown)
    assert read_trimap(tmp_path, 0).tolist() == [[0, 255, UNKNOWN, UNKNOWN]]
