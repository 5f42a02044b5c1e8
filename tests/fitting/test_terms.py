"""The fit's further knowledge: limbs in depth, standing feet, focal length, the prior of poses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from tests.support.bodies import sausage_body
from tests.support.fit_scenes import resting_rotations, terms_of, turning_walk
from understudy.body.joints import SMPL_JOINTS
from understudy.body.rig import PointRig
from understudy.errors import InputError
from understudy.fitting.config import FittingConfig
from understudy.fitting.curvature import fit_terms
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.fit import fit_body
from understudy.fitting.ground import SLIDE, find_contacts, ground_energy, height_above_ground
from understudy.fitting.initialise import HINGED, initial_motion
from understudy.fitting.limbs import mirrored_limb, turn_limbs
from understudy.fitting.motion import FREE, GROUP, Motion
from understudy.fitting.pose_prior import PRIOR_GROUPS, features_of, learn_prior, mirrored, prior_of, shipped_prior
from understudy.fitting.priors import STANCE, limit_energy, stance_energy


def test_bones_mirrored_in_depth_are_put_back():
    walk = turning_walk(length=16, turn=0.5)
    terms = terms_of(walk)
    motion = fit_terms(initial_motion(terms.evidence, terms.rig), terms, FREE, 0, 20).motion
    choices = mirrored_limb(motion, terms, HINGED[0])
    wrong = motion.rotations.clone()
    wrong[:, list(choices.groups)] = choices.rotations[3]

    def wrist_depth(motion):
        joints = motion.points(terms.rig)[1]
        return (joints[:, 20] - joints[:, 16])[:, 2]

    true = walk.truth.joints[:, 20, 2] - walk.truth.joints[:, 16, 2]
    broken = Motion(wrong, motion.transl, motion.betas)
    assert (wrist_depth(broken) * true < 0).float().mean() > 0.9, "the trial starts from the wrong side"
    assert (wrist_depth(turn_limbs(broken, terms, 30)) * true > 0).all()


def test_the_ground_holds_standing_feet_and_lets_moving_ones_go():
    evidence = gather_evidence(turning_walk(length=30).keypoints, turning_walk(length=30).frames, sausage_body(), 0.3)
    size = torch.full((30,), 300.0)
    still = replace(evidence, points=evidence.points[:1].expand(30, -1, -1).clone())
    assert (find_contacts(still, size).standing == 1.0).all()
    running = replace(still, points=still.points + torch.arange(30)[:, None, None] * 40.0)
    assert find_contacts(running, size).standing.max() < 0.01
    contacts = find_contacts(still, size)
    points = torch.zeros(30, len(evidence.names), 3)
    points[..., 0], points[..., 2] = torch.linspace(-0.2, 0.2, points.shape[1]), 3.0
    assert ground_energy(contacts, points, 30.0).item() == pytest.approx(0.0, abs=1e-6)
    sliding = points.clone()
    sliding[..., 0] += torch.arange(30)[:, None] / 30.0 * SLIDE
    expected = 29 * len(contacts.points)
    assert ground_energy(contacts, sliding, 30.0).item() == pytest.approx(expected, rel=0.01)


def test_a_standing_foot_off_the_others_ground_costs():
    evidence = gather_evidence(turning_walk(length=6).keypoints, turning_walk(length=6).frames, sausage_body(), 0.3)
    still = replace(evidence, points=evidence.points[:1].expand(6, -1, -1).clone())
    contacts = find_contacts(still, torch.full((6,), 300.0))
    points = torch.zeros(6, len(evidence.names), 3)
    points[..., 0], points[..., 2] = torch.linspace(-0.2, 0.2, points.shape[1]), 3.0
    level = ground_energy(contacts, points, 20.0)
    points[:, contacts.points[0], 1] = -0.1
    assert ground_energy(contacts, points, 20.0) > level + 1.0


@pytest.mark.parametrize("name", ["limit_energy", "stance_energy", "smoothness_energy", "ground_energy"])
def test_each_kind_of_knowledge_counts_in_the_energy(monkeypatch, name):
    walk = turning_walk(length=4)
    terms = terms_of(walk)
    motion = initial_motion(terms.evidence, terms.rig)

    def energy(value):
        monkeypatch.setattr(f"understudy.fitting.terms.{name}", lambda *_: torch.tensor(value))
        return terms.energy(motion).item()

    assert energy(1000.0) > energy(0.0) + 100.0


def test_an_unlikely_pose_costs_more_where_nothing_was_seen():
    walk = turning_walk(length=2)
    terms = terms_of(walk, guess=0.0)
    evidence = terms.evidence
    blind = replace(terms, evidence=replace(evidence, weights=0 * evidence.weights), smoothness=0.0)
    rotations = STANCE.expand(2, -1, -1, -1).clone()
    rotations[:, GROUP["left_hip"]] = rotation((0.5, 0, -0.5))  # within the limits
    rotations[:, GROUP["right_shoulder"]] = rotation((0.0, 0.8, 1.5))

    def cost(rotations):
        prior = shipped_prior().energy(rotations).sum().item()
        return blind.energy(Motion(rotations, torch.tensor([[0.0, 0.0, 3.0]] * 2), torch.zeros(4))).item(), prior

    (usual, likely), (odd, unlikely) = cost(STANCE.expand(2, -1, -1, -1)), cost(rotations)
    without_prior = stance_energy(rotations).item() + limit_energy(rotations).item()
    assert unlikely > likely + 20.0
    assert odd - usual > without_prior + 0.1 * (unlikely - likely)


def test_height_above_a_sloping_ground_is_nothing():
    generator = torch.Generator().manual_seed(0)
    feet = torch.rand(200, 4, 3, generator=generator) * torch.tensor([1.0, 0.0, 2.0]) + torch.tensor([0.0, 1.0, 3.0])
    feet[..., 1] += 0.2 * feet[..., 2]
    assert height_above_ground(feet, torch.ones(200, 4)).abs().max() < 0.005


def test_the_focal_length_of_a_walk_towards_the_camera_is_found_only_where_it_is_a_guess():
    walk = turning_walk(length=40)
    wrong = walk.frames.K.copy()
    wrong[:2, :2] *= 0.7
    config = FittingConfig(silhouettes=False, iterations=60)
    guessed = fit_body(walk.keypoints, replace(walk.frames, K=wrong, K_source="default"), Path(), walk.body, config)
    given = fit_body(walk.keypoints, replace(walk.frames, K=wrong), Path(), walk.body, config)
    assert np.array_equal(given.K, wrong.astype(np.float32))
    assert wrong[0, 0] * 1.05 < guessed.K[0, 0] < walk.frames.K[0, 0] * 1.2


@pytest.mark.parametrize("bounds", [(1.2, 2.0), (0.0, 1.5), (0.9, 0.8)])
def test_impossible_bounds_of_the_focal_length_are_refused(bounds):
    walk = turning_walk(length=4)
    with pytest.raises(InputError, match="focal_range"):
        fit_body(walk.keypoints, walk.frames, Path(), walk.body, FittingConfig(focal_range=bounds))


def test_a_rig_moves_points_as_skinning_does():
    body = sausage_body()
    rig = PointRig.of_keypoints(body)
    rotations = torch.linalg.qr(torch.randn(5, 24, 3, 3, generator=torch.Generator().manual_seed(0)))[0]
    rotations = rotations * torch.linalg.det(rotations)[..., None, None]
    betas, transl = torch.tensor([0.4, -1.0, 0.3, 0.0]), torch.randn(5, 3)
    points, joints = rig.posed(betas, rotations, transl)
    skinned = body.posed(betas, rotations, transl)
    assert torch.allclose(points, body.keypoints(skinned.vertices), atol=1e-4)
    assert torch.allclose(joints, skinned.joints, atol=1e-4)
    assert torch.allclose(rig.rest(betas)[0], body.keypoints(body.shaped(betas)[0][None])[0], atol=1e-6)
    assert torch.allclose(rig.at(torch.tensor([3, 1])).posed(betas, rotations, transl)[0], points[:, [3, 1]], atol=1e-5)


STANCE_ROTATIONS = Motion(STANCE[None], torch.zeros(1, 3), torch.zeros(1)).joint_rotations()


def test_a_rig_carries_pose_correctives_nearly():
    body = sausage_body(posedirs=True)
    rotations = STANCE_ROTATIONS.expand(1, -1, -1, -1)
    points, _ = PointRig.of_keypoints(body).posed(torch.zeros(4), rotations, torch.zeros(1, 3))
    exact = body.keypoints(body.posed(torch.zeros(4), rotations, torch.zeros(1, 3)).vertices)
    plain, _ = PointRig.of_keypoints(sausage_body()).posed(torch.zeros(4), rotations, torch.zeros(1, 3))
    assert (points - exact).norm(dim=-1).max() < 0.2 * (plain - exact).norm(dim=-1).max()


def test_the_shipped_prior_likes_standing_and_walking_more_than_contortions():
    prior = shipped_prior()
    stand = STANCE[None]
    walk = stand.clone()
    walk[:, GROUP["left_hip"]] = rotation((-0.4, 0, 0))
    walk[:, GROUP["left_knee"]] = rotation((0.5, 0, 0))
    twisted = stand.clone()
    twisted[:, GROUP["left_hip"]] = rotation((0.6, 0, -0.6))
    twisted[:, GROUP["right_shoulder"]] = rotation((0.0, -1.6, -0.8))
    usual, odd = prior.energy(torch.cat([stand, walk])), prior.energy(twisted)
    assert usual.max() + 20 < odd.min()


def test_the_prior_sees_no_difference_between_left_and_right():
    poses = torch.randn(20, 3 * len(PRIOR_GROUPS), generator=torch.Generator().manual_seed(1)) * 0.3
    prior = shipped_prior()
    assert torch.allclose(prior.log_likelihood(poses), prior.log_likelihood(mirrored(poses)), rtol=0.15, atol=8.0)
    assert torch.allclose(mirrored(mirrored(poses)), poses)


def test_a_learned_prior_has_a_density_that_fits_its_sample():
    generator = torch.Generator().manual_seed(0)
    size = 3 * len(PRIOR_GROUPS)
    sample = torch.cat([torch.randn(300, size, generator=generator) * 0.2 + shift for shift in (-2.0, 2.0)])
    prior = prior_of(learn_prior(sample, 4, apart=0.0, floor=0.05, seed=0))
    one = prior_of(learn_prior(sample, 1, apart=0.0, floor=0.05, seed=0))
    fresh = torch.randn(200, size, generator=generator) * 0.2 + 2.0
    assert prior.log_likelihood(fresh).mean() > one.log_likelihood(fresh).mean() + 1.0
    assert prior.log_likelihood(fresh).mean() > prior.log_likelihood(fresh + 0.5).mean() + 5.0


def test_the_prior_counts_the_joints_that_its_groups_share():
    pose = np.zeros((1, 69), np.float32)
    pose[0, 3 * (SMPL_JOINTS.index("spine1") - 1)] = 0.1
    features = features_of(pose).reshape(-1, 3)
    assert features[PRIOR_GROUPS.index("spine"), 0] == pytest.approx(0.1)
    assert features.count_nonzero() == 1


def test_the_prior_has_a_gradient_in_every_pose():
    rotations = resting_rotations(2).requires_grad_()
    shipped_prior().energy(rotations).sum().backward()
    assert torch.isfinite(rotations.grad).all()


def rotation(vector):
    return roma.rotvec_to_rotmat(torch.tensor(vector, dtype=torch.float32))
