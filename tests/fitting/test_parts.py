from dataclasses import replace

import numpy as np
import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fit_scenes import resting_rotations, rig_of, terms_of, turning_walk
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.flips import segments, turn_back
from understudy.fitting.initialise import (
    FACE,
    hinged_limb,
    initial_motion,
    interpolate,
    limb_rotations,
    place,
    smooth_rotations,
    swing,
    torso_rotations,
)
from understudy.fitting.motion import (
    GROUP,
    GROUPS,
    Motion,
    log_map,
)
from understudy.fitting.outline import outline_of
from understudy.fitting.priors import STANCE, beyond_limits, limit_energy, smoothness_energy, stance_energy
from understudy.fitting.terms import geman_mcclure, reprojection_errors
from understudy.fitting.yaw import upright_yaw


def turned(group, degrees):
    rotations = resting_rotations(1)
    rotations[:, GROUP[group]] = roma.rotvec_to_rotmat(torch.deg2rad(torch.tensor([degrees], dtype=torch.float32)))
    return rotations


@pytest.mark.parametrize(
    ("group", "degrees", "allowed"),
    [
        ("left_knee", (90, 0, 0), True),
        ("right_knee", (90, 0, 0), True),
        ("left_knee", (-20, 0, 0), False),
        ("right_knee", (0, 40, 0), False),
        ("left_elbow", (0, -90, 0), True),
        ("left_elbow", (0, 30, 0), False),
        ("right_elbow", (0, 90, 0), True),
        ("right_elbow", (0, -30, 0), False),
        ("left_shoulder", (0, 0, -75), True),
        ("right_shoulder", (0, 0, 75), True),
        ("left_hip", (-100, 0, 0), True),
        ("left_hip", (60, 0, 0), False),
        ("left_hip", (0, 0, 60), True),
        ("right_hip", (0, 0, 60), False),
        ("spine", (20, 0, 0), True),
        ("spine", (0, 0, 30), False),
        ("root", (0, 170, 0), True),
    ],
)
def test_joint_limits(group, degrees, allowed):
    assert (limit_energy(turned(group, degrees)).item() < 1e-6) == allowed


def test_a_limit_counts_the_angle_beyond_it():
    beyond = beyond_limits(turned("left_knee", (-12, 0, 0)))
    assert torch.rad2deg(beyond[0, GROUP["left_knee"], 0]).item() == pytest.approx(10.0, abs=1e-3)
    assert beyond.count_nonzero() == 1


def test_the_usual_stance_has_arms_down_and_costs_nothing():
    walk = turning_walk(length=1)
    assert stance_energy(STANCE[None]).item() == 0.0
    joints = Motion(STANCE[None], torch.zeros(1, 3), torch.zeros(4)).points(rig_of(walk))[1][0]
    for shoulder, wrist, side in ((16, 20, 1), (17, 21, -1)):
        arm = joints[wrist] - joints[shoulder]
        assert arm[1] < -0.3
        assert arm[0] * side > 0.1


@given(seed=st.integers(0, 1000), angle=st.floats(0.0, 3.0))
@settings(max_examples=30, deadline=None)
def test_log_map_inverts_the_exponential(seed, angle):
    axis = torch.nn.functional.normalize(torch.randn(3, generator=torch.Generator().manual_seed(seed)).double(), dim=0)
    assert torch.allclose(log_map(roma.rotvec_to_rotmat(axis * angle)), axis * angle, atol=1e-5)


def test_log_map_has_finite_gradients_everywhere():
    for angle in (0.0, 1e-8, 3.14159265):
        rotation = roma.rotvec_to_rotmat(torch.tensor([0.0, angle, 0.0])).requires_grad_()
        log_map(rotation).sum().backward()
        assert torch.isfinite(rotation.grad).all()


def test_smoothness_is_blind_to_the_wrap_and_the_same_at_every_rate():
    def energy(start, fps, seconds=1.0):
        count = int(seconds * fps)
        angle = start + torch.arange(count) / fps * 2.0
        rotations = resting_rotations(count)
        rotations[:, 0] = roma.rotvec_to_rotmat(angle[:, None] * torch.tensor([0.0, 1.0, 0.0]))
        motion = Motion(rotations, torch.zeros(count, 3), torch.zeros(1))
        return smoothness_energy(motion, torch.zeros(count, 24, 3), fps).item() / count

    assert energy(0.0, 30.0) == pytest.approx(energy(2.5, 30.0), rel=1e-3)
    assert energy(0.0, 30.0) == pytest.approx(energy(0.0, 60.0), rel=0.1)


def test_depth_is_held_steadier_than_what_the_picture_shows():
    def energy(axis):
        transl = torch.zeros(9, 3)
        transl[::2, axis] = 0.01
        return smoothness_energy(Motion(resting_rotations(9), transl, torch.zeros(1)), torch.zeros(9, 24, 3), 30.0)

    assert energy(2) > 3.0 * energy(0) and energy(0) == energy(1)


def test_geman_mcclure_is_quadratic_then_flat():
    assert geman_mcclure(torch.tensor(0.01), 3.0).item() == pytest.approx(0.01, rel=0.01)
    assert geman_mcclure(torch.tensor(1e8), 3.0).item() == pytest.approx(9.0, rel=0.01)


def test_swing_turns_one_direction_into_another_even_when_opposite():
    start = torch.tensor([0.0, -2.0, 0.0])
    ends = torch.tensor([[0.0, -1.0, 0.0], [3.0, 0.0, 0.0], [0.0, 5.0, 0.0]])
    rotations = swing(start, ends)
    assert torch.allclose(rotations @ torch.tensor([0.0, -1.0, 0.0]), torch.nn.functional.normalize(ends), atol=1e-5)
    assert roma.rotmat_geodesic_distance(rotations[:1], torch.eye(3)[None]).item() < 1e-3


def test_a_hinged_limb_bends_about_its_hinge_only():
    bones = torch.tensor([[0.0, -0.4, 0.0], [0.0, -0.4, 0.0]])
    target = torch.tensor([[[0.0, -1.0, 1.0], [0.0, -1.0, -1.0]], [[0.5, 0.0, 1.0], [0.0, -1.0, 0.0]]])
    upper, lower = hinged_limb(bones, target, torch.tensor([1.0, 0.0, 0.0]))
    down = torch.tensor([0.0, -1.0, 0.0])
    assert torch.allclose(upper @ down, torch.nn.functional.normalize(target[:, 0]), atol=1e-5)
    assert torch.allclose(upper @ lower @ down, torch.nn.functional.normalize(target[:, 1]), atol=1e-5)
    assert (log_map(lower)[:, 0] > 0.5).all()
    # a nearly straight limb keeps a little of a plain swing's twist, so its bend leaves the hinge's plane by some degrees
    assert log_map(lower)[:, 1:].abs().max() < 0.2


def test_rotations_are_interpolated_over_frames_without_weight():
    angles = torch.linspace(2.5, 4.0, 11)  # passes a half turn
    rotations = roma.rotvec_to_rotmat(angles[:, None] * torch.tensor([0.0, 1.0, 0.0]))
    weights = torch.ones(11)
    weights[3:6] = 0.0
    broken = rotations.clone()
    broken[3:6] = torch.eye(3)
    smooth = smooth_rotations(broken, weights, fps=10.0)
    assert roma.rotmat_geodesic_distance(smooth, rotations).max() < 0.2
    assert np.allclose(interpolate(np.array([0.0, 9.0, 2.0]), np.array([True, False, True])), [0.0, 1.0, 2.0])


def test_segments_are_bridged_and_longest_first():
    suspect = np.array([1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1], bool)
    assert segments(suspect) == [(0, 4), (13, 15)]


def test_the_first_guess_is_near_and_a_wrong_half_turn_is_turned_back():
    walk = turning_walk(length=12, turn=0.5)
    evidence = gather_evidence(walk.keypoints, walk.frames, walk.body, 0.3)
    motion = initial_motion(evidence, rig_of(walk))
    assert reprojection_errors(motion, evidence, rig_of(walk)).nanmean() < 10.0
    terms = terms_of(walk)
    rotations = motion.rotations.clone()
    rotations[4:9, 0] = rotations[4:9, 0] @ roma.rotvec_to_rotmat(torch.tensor([0.0, torch.pi, 0.0]))
    put_back = turn_back(Motion(rotations, motion.transl, motion.betas), terms, iterations=20)
    facing, truth = put_back.rotations[:, 0, :, 2], walk.truth.transforms[:, 0, :3, 2]
    assert (facing * truth).sum(dim=-1).min() > 0.8


def test_a_face_that_the_torso_cannot_have_is_not_followed():
    walk = turning_walk(length=2, turn=0.2)
    evidence = gather_evidence(walk.keypoints, walk.frames, walk.body, 0.3)
    rest = rig_of(walk).rest(torch.zeros(4))[0]
    root, _ = torso_rotations(evidence, rest)
    face = [evidence.index(name) for name in FACE]
    head = torch.nn.functional.normalize(root @ torch.tensor([0.0, 1.0, 0.0]), dim=-1)
    for degrees, follows in ((40.0, True), (150.0, False)):
        turn = roma.rotvec_to_rotmat(np.deg2rad(degrees) * head)
        world = evidence.world.clone()
        middle = world[:, face].mean(dim=1, keepdim=True)
        world[:, face] = (world[:, face] - middle) @ turn.mT + middle
        rotations, weights = limb_rotations(replace(evidence, world=world), rest, root)
        angle = torch.rad2deg(log_map(rotations[:, GROUP["head"]]).norm(dim=-1))
        assert bool((angle > 12).all()) == follows and bool((weights[:, GROUP["head"]] > 0).all()) == follows


def test_a_frame_at_a_wrong_distance_is_put_beside_its_neighbours():
    walk = turning_walk(length=12, turn=0.2)
    evidence = gather_evidence(walk.keypoints, walk.frames, walk.body, 0.3)
    points = walk.body.keypoints(walk.truth.vertices) - walk.truth.joints[:, :1]
    points = points[:, [walk.body.keypoint_names.index(name) for name in evidence.names]]
    true = walk.truth.joints[:, 0]
    torch.testing.assert_close(place(evidence, points), true, atol=0.05, rtol=0)
    shown = evidence.points.clone()
    shown[5] = 1.5 * (shown[5] - shown[5].mean(dim=0)) + shown[5].mean(dim=0)
    assert (place(replace(evidence, points=shown), points)[:, 2] - true[:, 2]).abs().max() < 0.1


@pytest.mark.parametrize("turn", [1.5, -1.5])
def test_an_upright_person_turns_the_way_that_face_and_feet_say(turn):
    walk = turning_walk(length=16, turn=turn, noise_px=2.0)
    keypoints = replace(walk.keypoints, world=np.zeros_like(walk.keypoints.world))
    evidence = gather_evidence(keypoints, walk.frames, walk.body, 0.3)
    found = upright_yaw(evidence, rig_of(walk).rest(torch.zeros(4))[0])
    true = walk.truth.transforms[:, 0, :3, :3]
    off = torch.rad2deg(roma.rotmat_geodesic_distance(found, true))
    assert off.median() < 10.0 and off.max() < 35.0  # yaws are tried every 15 degrees
    assert torch.rad2deg(roma.rotmat_geodesic_distance(found[1:], found[:-1])).max() < 16.0


def test_without_a_3d_guess_limbs_start_in_the_usual_stance():
    walk = turning_walk(length=6, turn=0.5)
    keypoints = replace(walk.keypoints, world=np.zeros_like(walk.keypoints.world))
    motion = initial_motion(gather_evidence(keypoints, walk.frames, walk.body, 0.3), rig_of(walk))
    torch.testing.assert_close(motion.rotations[:, 1:], STANCE[1:].expand(6, -1, -1, -1), atol=1e-5, rtol=0)


def test_the_outline_of_a_disc_has_its_radius_and_outward_normals():
    y, x = np.mgrid[:400, :300] + 0.5
    alpha = np.where((x - 150) ** 2 + (y - 220) ** 2 < 100**2, 255, 0).astype(np.uint8)
    outline = outline_of(alpha)
    offset = outline[:, :2] - [150, 220]
    radius = np.linalg.norm(offset, axis=1)
    assert np.abs(radius - 100).max() < 1.0
    assert abs(radius.mean() - 100) < 0.4
    assert ((offset / radius[:, None] * outline[:, 2:]).sum(axis=1) > 0.98).all()
    assert outline_of(np.zeros((50, 50), np.uint8)) is None


def test_every_joint_of_the_body_has_a_group():
    motion = Motion(resting_rotations(2), torch.zeros(2, 3), torch.zeros(1))
    assert motion.joint_rotations().shape == (2, 24, 3, 3)
    assert len(set(GROUPS)) == len(GROUPS)
