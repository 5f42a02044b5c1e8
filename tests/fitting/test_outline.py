"""Silhouettes as evidence: what of an outline pulls the body, and where to."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from tests.support.fit_scenes import K as CAMERA
from tests.support.fit_scenes import resting_rotations, turning_walk
from understudy.body.rig import PointRig
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body
from understudy.fitting.motion import Motion, project
from understudy.fitting.outline import Matches, Outlines, Surface, _match, outline_energy, read_outlines
from understudy.formats.masks import write_alpha

K = torch.from_numpy(CAMERA).float()
RIG = PointRig.of_keypoints(sausage_body())
STANDING = Motion(resting_rotations(1), torch.tensor([[0.0, 0.0, 3.0]]), torch.zeros(4))
HEIGHT_PX = 300.0


def energy(px: float, slack: float = 0.02) -> float:
    """Of an outline that lies ``px`` outside the body all along, where clothes may stand off ``slack`` of the height."""
    pixels = project(STANDING.points(RIG)[0], K)
    normals = torch.nn.functional.normalize(
        torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    same, ones = torch.arange(pixels.shape[1])[None], torch.ones(1, pixels.shape[1])
    outlines = Outlines(torch.tensor([0]), pixels + px * normals, normals, ones, (512, 512))
    surface = Surface(RIG, torch.ones(pixels.shape[1], 3))
    matches = Matches(same, ones, same, ones)
    return outline_energy(outlines, matches, surface, STANDING, K, torch.tensor([HEIGHT_PX]), slack).item()


def test_clothes_may_stand_off_a_little_and_the_body_may_not_stand_out():
    assert energy(0.015 * HEIGHT_PX) == pytest.approx(0.0, abs=1e-6)
    assert energy(0.04 * HEIGHT_PX) > 1.0
    assert energy(0.04 * HEIGHT_PX, slack=0.04) == pytest.approx(0.0, abs=1e-2)
    assert energy(-0.015 * HEIGHT_PX) > 1.0


def test_where_the_picture_cuts_the_person_there_is_no_outline(tmp_path):
    alpha = np.zeros((200, 160), np.uint8)
    alpha[40:160, :60] = 255  # cut off at the left
    write_alpha(tmp_path, 0, alpha)
    outlines = read_outlines(tmp_path, [0])
    at_border = outlines.points[0, :, 0] < 2.0
    assert at_border.any() and not outlines.weights[0, at_border].any()
    assert (outlines.weights[0, outlines.points[0, :, 0] > 10.0] == 1.0).all()


def test_an_outline_looks_for_what_faces_its_way_even_a_little_farther_off():
    left, right = [-1.0, 0.0], [1.0, 0.0]
    # the outline of an arm's right side; nearest is the torso's left side
    points, outward = torch.tensor([[[100.0, 50.0], [10.0, 50.0], [190.0, 50.0]]]), torch.tensor([[right, left, right]])
    outlines = Outlines(torch.tensor([0]), points, outward, torch.tensor([[1.0, 0.0, 1.0]]), (200, 100))
    pixels = torch.tensor([[[104.0, 50.0], [90.0, 50.0], [12.0, 50.0], [230.0, 50.0]]])
    normals = torch.tensor([[left, right, left, right]])
    vertex, close, nearest, known = _match(outlines, slice(0, 1), pixels, normals)
    assert vertex[0, 0] == 1 and close[0, 0] == 1.0
    # vertices beside the cut outline, and those outside the picture, say nothing
    assert nearest[0].tolist() == [0, 0, 1, 2] and known[0].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_as_many_silhouettes_are_read_as_asked_for_and_count_as_much(tmp_path):
    walk = turning_walk(length=5, turn=0.5)
    for frame in (0, 2, 4):  # all others are missing
        left, top, right, bottom = walk.keypoints.bbox[frame].round().astype(int)
        alpha = np.zeros((512, 512), np.uint8)
        alpha[top:bottom, left - 20 : right + 20] = 255
        write_alpha(tmp_path, frame, alpha)
    config = FittingConfig(silhouette_frames=3, iterations=2)
    plain, none, some = (
        fit_body(walk.keypoints, walk.frames, tmp_path, walk.body, changed)
        for changed in (
            replace(config, silhouettes=False), replace(config, silhouette_weight=0.0), config,
        )
    )  # fmt: skip
    moved = [float(np.abs(track.betas - plain.betas).max()) for track in (none, some)]
    assert moved[0] < 0.2 * moved[1]
