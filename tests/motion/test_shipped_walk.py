"""The walk that avatars are shown in."""

import runpy

import numpy as np
import pytest
import torch

from tests.support.paths import ROOT
from understudy.body.files import load_body
from understudy.motion.read import read_motion

FILE = ROOT / "data/motions/walk.npz"


@pytest.fixture(scope="module")
def body():
    return load_body(ROOT / "models/understudy_body.npz")


def test_the_file_is_what_its_program_makes(body):
    made, file = runpy.run_path(str(FILE.with_name("make_walk.py")))["walk"](body), np.load(FILE)
    np.testing.assert_allclose(file["poses"][:, 3:], made.body_pose, atol=1e-5)
    np.testing.assert_allclose(file["trans"], made.transl, atol=1e-4)
    assert file["mocap_framerate"] == made.fps


def test_it_leads_back_to_its_start_and_feet_stay_on_the_ground(body):
    clip = read_motion(FILE, body)
    steps = np.linalg.norm(np.diff(clip.transl, axis=0), axis=1)
    assert np.linalg.norm(clip.transl[-1] - clip.transl[0]) < 1.5 * steps.max()
    assert np.abs(clip.body_pose[-1] - clip.body_pose[0]).max() < 2.0 * np.abs(np.diff(clip.body_pose, axis=0)).max()
    values = (torch.from_numpy(part) for part in (clip.global_orient, clip.body_pose, clip.transl))
    lowest = body(torch.zeros(body.num_betas), *values).vertices[..., 1].amin(dim=1)
    assert lowest.abs().max() < 0.02
