"""Motion files as they are asked for."""

import json

import numpy as np

from tests.support.bodies import sausage_body
from tests.support.show_scenes import joints_of, walking_clip, write_amass
from understudy.motion.read import read_motion

BODY = sausage_body()


def test_a_rate_that_is_given_counts_more_than_the_files(tmp_path):
    path = write_amass(tmp_path / "walk.npz")
    assert read_motion(path, BODY).fps == 24.0
    assert read_motion(path, BODY, fps=50.0).fps == 50.0


def test_an_actors_poses_have_the_rate_of_the_frames_beside_them(tmp_path):
    path = write_amass(tmp_path / "smpl.npz")
    (tmp_path / "frames.json").write_text(json.dumps({"fps": 12.5}))
    for given in (path, tmp_path):
        assert read_motion(given, BODY).fps == 12.5
    assert read_motion(path, BODY, fps=50.0).fps == 50.0


def test_feet_that_slip_in_the_file_are_held(tmp_path):
    clip = walking_clip(60, slip=0.1)
    pelvis = clip.transl - clip.transl[0]
    np.savez(
        tmp_path / "slip.npz", poses=np.concatenate([clip.global_orient, clip.body_pose], axis=1), trans=pelvis,
        betas=np.zeros(10), fps=clip.fps,
    )  # fmt: skip

    def slowest(clip):
        """How far the stiller foot moves in a frame over the ground, on average."""
        ankles = joints_of(clip)[:, [7, 8]][..., [0, 2]]
        return np.linalg.norm(np.diff(ankles, axis=0), axis=-1).min(axis=1).mean()

    assert slowest(read_motion(tmp_path / "slip.npz", BODY)) < 0.5 * slowest(clip)
