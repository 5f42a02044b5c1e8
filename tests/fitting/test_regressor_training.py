"""The regressor's synthetic clips, its features and its training."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator

from tests.support.bodies import sausage_body
from tests.support.fit_scenes import resting_rotations
from understudy.fitting.regressor.features import NUM_FEATURES, POINTS, Sighting, features, look_at
from understudy.fitting.regressor.losses import mean_joints, parts_of_loss
from understudy.fitting.regressor.model import (
    TURNING,
    NetConfig,
    PoseNet,
    Prediction,
    joint_rotations,
    mirrored_turns,
    orthonormal,
)
from understudy.fitting.regressor.motions import Bank, Mixture, make_motions
from understudy.fitting.regressor.noise import NoiseConfig, sight
from understudy.fitting.regressor.randomness import wander
from understudy.fitting.regressor.synthesis import CameraConfig, exact_view, in_view, make_scenes, points_rig, posed
from understudy.fitting.regressor.train import RegressorConfig, make_batch, train
from understudy.motion.clip import Clip

SMALL = RegressorConfig(
    steps=60, clips=16, frames=12, half_precision=False, report_every=1000,
    net=NetConfig(width=32, dilations=(1, 2), num_betas=4),
)  # fmt: skip
QUIET = NoiseConfig(
    standing=0.0, wandering=0.0, shaking=0.0, hidden=0.0, astray=0.0, exchanged=(0.0, 0.0, 0.0),
    honest_face=0.0, mirrored_face=0.0, missing_point=0.0, missing_frames=0.0, single=0.0,
    cut_off=0.0, unknown_focal=0.0,
)  # fmt: skip


def clip(length=90, seed=0):
    random = np.random.default_rng(seed)
    phase = np.sin(np.arange(length)[:, None] / 8.0 + random.uniform(0, 6, 72)) * random.uniform(0, 0.3, 72)
    return Clip(
        phase[:, :3].astype(np.float32), phase[:, 3:].astype(np.float32), np.zeros((length, 3), np.float32), 30.0
    )


def bank():
    return Bank.of([clip(), clip(40, 1)])


def scenes(count=4, length=10, seed=0):
    body = sausage_body()
    made = make_scenes(
        bank(), points_rig(body), count, length, 1 / 15, Mixture(), CameraConfig(), Generator().manual_seed(seed)
    )
    return body, made


def turns_of(seed, shape=()):
    return orthonormal(torch.randn(*shape, 3, 2, generator=Generator().manual_seed(seed)))


def test_made_motions_are_rotations_and_the_same_for_a_seed():
    a, b = (make_motions(bank(), 6, 9, 1 / 15, Mixture(), Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(a, b)
    torch.testing.assert_close(a @ a.mT, torch.eye(3).expand_as(a), atol=1e-4, rtol=0)
    assert bool((torch.linalg.det(a) > 0.99).all())


def test_drawn_pieces_come_from_the_recordings():
    """At the bank's own rate and no change of speed, steps between frames are those of a recording."""
    store = bank()
    drawn = store.draw(20, 5, 1 / 30, (1.0, 1.0), Generator().manual_seed(0))
    both = torch.cat([store.rotations, mirrored_turns(store.rotations)])
    nearest = torch.cdist(drawn.flatten(0, 1).flatten(1), both.flatten(1)).amin(dim=1)
    assert float(nearest.max()) < 0.15


def test_exchanging_sides_twice_changes_nothing_and_mirrors_the_body():
    body = sausage_body()
    turns = turns_of(0, (1, 1, len(TURNING)))
    assert torch.equal(mirrored_turns(mirrored_turns(turns)), turns)
    rig = points_rig(body)
    _, joints = posed(rig, torch.zeros(1, 4), turns)
    _, mirrored = posed(rig, torch.zeros(1, 4), mirrored_turns(turns))
    left, right = joints[0, 0, 16:22:2], mirrored[0, 0, 17:22:2]
    torch.testing.assert_close(left * torch.tensor([-1.0, 1.0, 1.0]), right, atol=2e-3, rtol=0)


def test_points_are_those_of_the_body_model():
    body, made = scenes()
    rig = points_rig(body)
    points, joints = posed(rig, made.betas, made.rotations)
    for person in range(2):
        rotations = joint_rotations(made.rotations[person])
        whole = body.posed(made.betas[person], rotations, torch.zeros(len(rotations), 3))
        pelvis = whole.joints[:, :1]
        order = [body.keypoint_names.index(name) for name in POINTS]
        torch.testing.assert_close(points[person], body.keypoints(whole.vertices)[:, order] - pelvis, atol=1e-4, rtol=0)
        torch.testing.assert_close(joints[person], whole.joints - pelvis, atol=1e-4, rtol=0)


def test_a_perfect_detector_sees_the_projection():
    _, made = scenes()
    seen = sight(made.points, QUIET, Generator().manual_seed(0))
    torch.testing.assert_close(seen.rays, made.points[..., :2] / made.points[..., 2:])
    assert float((seen.confidence > 0).float().mean()) > 0.99


def test_noise_has_the_size_that_is_asked_for():
    _, made = scenes(60, 16)
    config = dataclasses.replace(QUIET, standing=0.02, spread=0.0)
    gap = sight(made.points, config, Generator().manual_seed(0)).rays - made.points[..., :2] / made.points[..., 2:]
    shoulder = POINTS.index("left_shoulder")
    size = gap[..., shoulder, :] * made.points[..., 2].mean(dim=-1, keepdim=True) / 1.7
    assert 0.017 < float(size.std()) < 0.023


@given(fade=st.floats(1.0, 50.0))
@settings(max_examples=8, deadline=None)
def test_wandering_numbers_have_unit_variance_and_fade(fade):
    values = wander(4000, 6, (1,), fade, Generator().manual_seed(1))[..., 0]
    assert abs(float(values.std()) - 1.0) < 0.03
    together = float((values[:, 0] * values[:, 4]).mean())
    assert abs(together - float(np.exp(-4.0 / fade))) < 0.08


def test_missing_points_are_marked_by_no_confidence():
    _, made = scenes(40, 10)
    seen = sight(made.points, dataclasses.replace(QUIET, single=1.0), Generator().manual_seed(0))
    assert bool(((seen.confidence > 0).any(dim=-1).sum(dim=1) == 1).all())


def test_some_backends_leave_out_the_far_side_of_the_head_and_some_mirror_it():
    _, made = scenes(40, 10)
    eye, left, right = (POINTS.index(name) for name in ("left_eye", "left_ear", "right_ear"))
    view = exact_view(made.points)
    ears = made.points[:, :, [left, right]].mean(dim=2)
    behind = ((made.points[:, :, eye] - ears)[:, :, None] @ view)[:, :, 0, 2]
    honest = sight(made.points, dataclasses.replace(QUIET, honest_face=1.0), Generator().manual_seed(0))
    seen = honest.confidence[..., eye] > 0
    assert not bool(seen[behind > 0.05].any()) and float(seen[behind < 0.03].float().mean()) > 0.98
    mirrored = sight(made.points, dataclasses.replace(QUIET, mirrored_face=1.0), Generator().manual_seed(0))
    exact = made.points[..., :2] / made.points[..., 2:]
    moved = (mirrored.rays - exact).abs().amax(dim=(2, 3)) > 1e-6
    assert bool(moved[behind > 0.05].all()) and not bool(moved[behind < -0.05].any())


@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
@settings(max_examples=20, deadline=None)
def test_a_view_looks_along_its_ray_without_roll(x, y):
    view = look_at(torch.tensor([x, y]))
    torch.testing.assert_close(view.T @ view, torch.eye(3), atol=1e-5, rtol=0)
    assert float(torch.linalg.det(view)) > 0.99 and float(view[1, 0]) == 0.0
    ray = torch.tensor([x, y, 1.0])
    torch.testing.assert_close(view[:, 2], ray / ray.norm())


def test_features_are_those_of_the_view_wherever_the_person_stands():
    """A person turned about the camera looks the same but for the direction."""
    _, made = scenes()
    turn = look_at(torch.tensor([0.4, 0.0]))  # about the vertical axis, so that it brings no roll
    found = []
    for points in (made.points, made.points @ turn.T):
        rays = points[..., :2] / points[..., 2:]
        inputs, view = features(Sighting(rays, torch.ones(rays.shape[:3])))
        found.append((inputs[..., : 3 * len(POINTS)], view))
    torch.testing.assert_close(found[0][0], found[1][0], atol=0.05, rtol=0)
    torch.testing.assert_close(turn @ found[0][1], found[1][1], atol=0.02, rtol=0)


def test_what_is_learned_is_in_the_view():
    _, made = scenes()
    view = look_at(torch.randn(4, 10, 2, generator=Generator().manual_seed(4)) * 0.3)
    joints, rotations = in_view(made, view)
    body = points_rig(sausage_body())
    torch.testing.assert_close(posed(body, made.betas, rotations)[1], joints, atol=1e-4, rtol=0)


def test_unseen_points_leave_no_trace_in_the_features():
    _, made = scenes()
    seen = sight(made.points, QUIET, Generator().manual_seed(0))
    hidden = dataclasses.replace(seen, confidence=seen.confidence.clone())
    hidden.confidence[:, :, 5] = 0.0
    hidden.confidence[:, 3] = 0.0
    other = dataclasses.replace(hidden, rays=torch.where(hidden.confidence[..., None] > 0, hidden.rays, torch.nan))
    (a, view_a), (b, view_b) = features(hidden), features(other)
    assert a.shape[-1] == NUM_FEATURES
    torch.testing.assert_close(a, b)
    torch.testing.assert_close(view_a, view_b)


def test_mirrored_sightings_mirror_twice_to_themselves():
    _, made = scenes()
    seen = sight(made.points, NoiseConfig(), Generator().manual_seed(0))
    for a, b in zip(vars(seen).values(), vars(seen.mirrored().mirrored()).values(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_loss_is_least_at_the_truth():
    body = sausage_body()
    rig = points_rig(body)
    rotations = turns_of(1, (2, 3, len(TURNING)))
    betas = torch.randn(2, 4, generator=Generator().manual_seed(2))
    joints = mean_joints(rig, rotations)
    seen = torch.ones(2, 3, dtype=torch.bool)

    def parts(turns):
        prediction = Prediction(turns, torch.full((2, 3, 24, 2), -3.0), betas[:, None].expand(-1, 3, -1))
        return parts_of_loss(prediction, joints, rotations, betas, seen, rig)[0]

    assert float(parts(rotations).max()) < 2e-3
    assert bool((parts(turns_of(5, (2, 3, len(TURNING))))[:5] > 0.02).all())


def test_a_net_starts_upright_and_takes_one_frame():
    net = PoseNet(SMALL.net)
    prediction = net(torch.zeros(1, 1, NUM_FEATURES))
    expected = resting_rotations(1)[:, : len(TURNING)].clone()
    expected[:, 0] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    torch.testing.assert_close(prediction.rotations[0], expected, atol=0.3, rtol=0)


def test_training_learns_and_repeats_itself():
    body = sausage_body()
    nets = [train(bank(), None, body, SMALL) for _ in range(2)]
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b)
    rig = points_rig(body)
    batch = make_batch(bank(), rig, dataclasses.replace(SMALL, clips=64), Generator().manual_seed(9))
    with torch.no_grad():
        before, after = (
            (mean_joints(rig, net(batch.features).rotations) - batch.joints).norm(dim=-1).mean()
            for net in (PoseNet(SMALL.net), nets[0])
        )
    assert float(after) < 0.8 * float(before)


def test_points_that_a_body_lacks_are_named():
    body = dataclasses.replace(sausage_body(), keypoint_names=("nose",))
    with pytest.raises(ValueError):
        points_rig(body)
