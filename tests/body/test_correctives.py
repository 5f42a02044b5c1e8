"""Pose correctives: how they are learned, stored and applied, and what the shipped body's do."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from tests.support.bodies import sausage_body
from tests.support.paths import BODY_FILE
from understudy.body.building.anny_rig import AnnyRig, dual_quaternion_skin
from understudy.body.building.build import mirror_vertices
from understudy.body.building.correctives import Unposer, learn_correctives, with_rest_shape
from understudy.body.building.limb_points import keep_limb_points
from understudy.body.building.natural_poses import arm_turn, natural_poses
from understudy.body.files import load_body, write_body
from understudy.body.joints import ARM, LEG, SMPL_JOINTS
from understudy.body.lbs import pose_rotations, skin
from understudy.body.model import BodyModel
from understudy.body.pose_offsets import PoseOffsets
from understudy.errors import InputError
from understudy.files.arrays import read_npz, write_npz
from understudy.formats.skeleton import mirrored

FLIP = torch.tensor([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body(BODY_FILE)


@pytest.fixture(scope="module")
def plain(body: BodyModel) -> BodyModel:
    return replace(body, posedirs=None)


def posed(body: BodyModel, poses: np.ndarray) -> torch.Tensor:
    still = torch.zeros(len(poses), 3)
    with torch.no_grad():
        return body(torch.zeros(1), still, torch.from_numpy(poses.astype(np.float32)), still).vertices


def single(**joints: tuple[float, float, float]) -> np.ndarray:
    pose = np.zeros((24, 3))
    for name, turn in joints.items():
        pose[SMPL_JOINTS.index(name)] = np.radians(turn)
    return pose[None, 1:].reshape(1, 69)


def random_rotations(count: int) -> torch.Tensor:
    torch.manual_seed(0)
    return pose_rotations(torch.randn(count, 3), torch.randn(count, 69) * 0.5)


def sparse_posedirs(count: int) -> torch.Tensor:
    """Correctives of a few joints on a few points, in numbers that half precision holds."""
    random = np.random.default_rng(0)
    directions = np.zeros((count, 3, 23, 9), np.float32)
    directions[: count // 2, :, 3] = random.normal(0, 0.01, (count // 2, 3, 9)).astype(np.float16)
    directions[count // 4 :: 7, :, 20] = 0.5
    return torch.from_numpy(directions.reshape(count, 3, 207))


@pytest.mark.parametrize("kind", ["sparse", "full", "none"])
def test_offsets_are_the_product_of_directions_and_features(kind: str):
    posedirs = {"sparse": sparse_posedirs(50), "full": torch.randn(50, 3, 207), "none": torch.zeros(50, 3, 207)}[kind]
    rotations = random_rotations(4)
    expected = torch.einsum("vcf,tf->tvc", posedirs, (rotations[:, 1:] - torch.eye(3)).flatten(1))
    assert torch.allclose(PoseOffsets(posedirs)(rotations), expected, atol=1e-4)


def test_offsets_of_mixtures_are_mixtures_of_offsets():
    posedirs, rotations = sparse_posedirs(50), random_rotations(2)
    vertices, mixture = torch.randint(0, 50, (30, 3)), torch.rand(30, 3)
    expected = (PoseOffsets(posedirs)(rotations)[:, vertices] * mixture[..., None]).sum(dim=2)
    assert torch.allclose(PoseOffsets.of_mixtures(posedirs, vertices, mixture)(rotations), expected, atol=1e-5)


def test_offsets_have_the_gradient_of_finite_differences():
    offsets = PoseOffsets(sparse_posedirs(20)).double()
    rotations = random_rotations(1).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda turns: offsets(turns), rotations)


def test_what_is_stored_compactly_is_what_was_written(tmp_path: Path):
    made = replace(sausage_body(), posedirs=sparse_posedirs(len(sausage_body().v_template)))
    write_body(tmp_path / "body.npz", made)
    arrays = read_npz(tmp_path / "body.npz")
    assert arrays["corrective_directions"].dtype == np.float16 and "posedirs" not in arrays
    assert torch.equal(load_body(tmp_path / "body.npz").posedirs, made.posedirs)


@pytest.mark.parametrize(("key", "value"), [("corrective_vertices", 10**6), ("corrective_joints", 23)])
def test_correctives_of_vertices_or_joints_that_are_not_there_are_refused(tmp_path: Path, key: str, value: int):
    write_body(tmp_path / "body.npz", sausage_body(posedirs=True))
    arrays = read_npz(tmp_path / "body.npz")
    arrays[key][0] = value
    write_npz(tmp_path / "body.npz", arrays)
    with pytest.raises(InputError, match=key):
        load_body(tmp_path / "body.npz")


def test_half_a_body_file_is_refused(tmp_path: Path):
    write_body(tmp_path / "body.npz", sausage_body(posedirs=True))
    arrays = read_npz(tmp_path / "body.npz")
    del arrays["corrective_directions"]
    write_npz(tmp_path / "body.npz", arrays)
    with pytest.raises(InputError, match="corrective_directions"):
        load_body(tmp_path / "body.npz")


def test_unposing_finds_the_offsets_that_skinning_turned_into_a_mesh(plain: BodyModel):
    offsets, pose = (
        np.random.default_rng(0).normal(0, 0.01, plain.v_template.shape),
        single(left_elbow=(0.0, -60.0, 0.0)),
    )
    still = torch.zeros(1, 3)
    transforms = plain(torch.zeros(1), still, torch.from_numpy(pose).float(), still).transforms
    mesh = skin(plain.v_template + torch.from_numpy(offsets).float(), plain.lbs_weights, transforms)[0]
    found = Unposer(plain).offsets(pose[0], mesh.double().numpy())
    assert np.abs(found - offsets).max() < 2e-3, "but for a little damping"
    assert np.abs(found - offsets).mean() < 1e-5


def test_learning_finds_the_directions_that_made_the_offsets(body: BodyModel, plain: BodyModel):
    poses = natural_poses(150, 5)
    rotations = pose_rotations(torch.zeros(150, 3), torch.from_numpy(poses).float())
    learned = learn_correctives(plain, poses, body.pose_offsets(rotations).numpy())
    others = pose_rotations(torch.zeros(20, 3), torch.from_numpy(natural_poses(20, 12)).float())
    true = body.pose_offsets(others)
    assert (PoseOffsets(learned)(others) - true).norm(dim=-1).mean() < 0.1 * true.norm(dim=-1).mean()


def test_another_rest_shape_leaves_the_joints_where_they_were(plain: BodyModel):
    vertices = plain.v_template.double().numpy()
    bulged = vertices + 0.02 * np.exp(-(((vertices - [0.0, 0.4, 0.0]) / 0.15) ** 2).sum(axis=1, keepdims=True))
    changed, betas = with_rest_shape(plain, bulged), torch.linspace(-2, 2, plain.num_betas)
    assert (changed.v_template - plain.v_template).abs().max() > 0.01
    assert (changed.shaped(betas)[1] - plain.shaped(betas)[1]).abs().max() < 2e-5


def test_keypoints_in_limbs_stay_when_the_flesh_moves(body: BodyModel, plain: BodyModel):
    pushed = replace(body, posedirs=2.0 * body.posedirs)
    kept = keep_limb_points(pushed, plain, natural_poses(150, 6), seed=0)
    poses = natural_poses(20, 7)
    limbs = [plain.keypoint_names.index(f"left_{limb}") for limb in (*ARM, *LEG)]
    bones = plain.keypoints(posed(plain, poses))[:, limbs]
    before, after = (
        (points.keypoints(posed(pushed, poses))[:, limbs] - bones).norm(dim=-1) for points in (pushed, kept)
    )
    assert after.mean() < 0.6 * before.mean()
    assert torch.allclose(kept.keypoint_weights.sum(dim=1), torch.ones(1), atol=1e-5)


def test_shipped_correctives_vanish_at_rest(body: BodyModel, plain: BodyModel):
    assert body.posedirs is not None and body.posedirs.abs().max() > 0.005
    assert torch.equal(posed(body, np.zeros((1, 69))), posed(plain, np.zeros((1, 69))))


def test_shipped_correctives_are_the_same_on_both_sides(body: BodyModel):
    poses = natural_poses(3, 8)
    # a mirrored turn keeps its part about x
    opposite = (poses.reshape(3, 23, 3)[:, mirrored(SMPL_JOINTS)[1:] - 1] * [1.0, -1.0, -1.0]).reshape(3, 69)
    mirror = mirror_vertices(body.v_template.double().numpy())
    assert (posed(body, opposite)[:, mirror] * FLIP - posed(body, poses)).abs().max() < 1e-4


def test_shipped_correctives_do_not_move_joints_or_what_is_far_from_them(body: BodyModel, plain: BodyModel):
    pose = single(left_elbow=(0.0, -100.0, 0.0), left_shoulder=(0.0, 0.0, 60.0))
    moved = (posed(body, pose) - posed(plain, pose))[0].norm(dim=1)
    far = body.lbs_weights[:, [SMPL_JOINTS.index(name) for name in ("head", "right_elbow", "left_knee", "left_hand")]]
    assert moved[far.max(dim=1).values > 0.9].max() < 1e-3 < moved.max()


@pytest.mark.parametrize(
    ("joint", "turn", "lost", "kept"),
    [
        ("shoulder", (0.0, 0.0, 75.0), 0.80, 0.83),
        ("elbow", (0.0, -120.0, 0.0), 0.6, 0.75),
        ("wrist", (90.0, 0.0, 0.0), 0.6, 0.85),
        ("knee", (120.0, 0.0, 0.0), 0.6, 0.80),
        ("hip", (-110.0, 0.0, 0.0), 0.6, 0.80),
    ],
)
def test_bent_and_twisted_limbs_keep_their_section(
    body: BodyModel, plain: BodyModel, joint: str, turn: tuple[float, float, float], lost: float, kept: float
):
    pose = single(**{f"left_{joint}": turn})
    rest = section(body, f"left_{joint}", posed(body, np.zeros((1, 69)))[0])
    without, corrected = (section(model, f"left_{joint}", posed(model, pose)[0]) / rest for model in (plain, body))
    assert without < lost and kept < corrected < 1.15


def section(body: BodyModel, joint: str, vertices: torch.Tensor) -> float:
    """Area of the loop around a joint where the skin belongs half to what hangs on it: the part beyond it, closed by a fan."""
    below = [SMPL_JOINTS.index(joint)]
    for index, parent in enumerate(body.parents):
        if parent in below:
            below.append(index)
    beyond = body.lbs_weights[:, below].sum(dim=1).numpy()[body.faces].mean(axis=1) > 0.5
    a, b, c = (vertices[body.faces[beyond][:, corner]].double() for corner in range(3))
    # the vector areas of a closed surface cancel, so those of an open one sum to its opening's
    return float(torch.linalg.cross(b - a, c - a).sum(dim=0).norm() / 2)


def test_natural_poses_are_the_same_for_the_same_seed_and_within_their_ranges():
    assert np.array_equal(natural_poses(5, 1), natural_poses(5, 1))
    poses = natural_poses(200, 2).reshape(200, 23, 3)
    knees = np.degrees(np.linalg.norm(poses[:, [SMPL_JOINTS.index("left_knee") - 1]], axis=-1))
    assert 100 < knees.max() < 145 and (knees == 0).mean() > 0.3
    hand = Rotation.from_rotvec(arm_turn(90, 90)).apply([1.0, 0.0, 0.0])
    assert np.allclose(arm_turn(90, 0), 0) and np.allclose(hand, [0, 0, 1], atol=1e-9)


def test_dual_quaternions_keep_the_radius_of_a_twisted_limb():
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([np.zeros(8), np.cos(angles), np.sin(angles)], axis=1)
    turns = np.stack([np.eye(3), Rotation.from_rotvec([2.5, 0, 0]).as_matrix()])
    moved = dual_quaternion_skin(ring, np.full((8, 2), 0.5), turns, np.zeros((2, 3)))
    assert np.allclose(np.linalg.norm(moved, axis=1), 1.0)
    assert np.allclose(moved, Rotation.from_rotvec([1.25, 0, 0]).apply(ring))
    shifts = np.array([[0.3, 0.1, -0.2]] * 2)
    rigid = dual_quaternion_skin(ring, np.full((8, 2), 0.5), turns[[1, 1]], shifts)
    assert np.allclose(rigid, ring @ turns[1].T + shifts[0])


def test_annys_rig_keeps_hands_and_feet_with_the_bodys_joints(body: BodyModel, plain: BodyModel):
    if importlib.util.find_spec("anny") is None:
        pytest.skip("the package anny is not installed")
    from understudy.body.building.anny_samples import AnnyBodyConfig, sample_anny

    rig = AnnyRig.of(sample_anny(AnnyBodyConfig(samples=600)), body)
    ends = (
        body.lbs_weights[:, [SMPL_JOINTS.index(name) for name in ("left_hand", "right_hand", "head")]].max(dim=1).values
        > 0.999
    )
    for pose in natural_poses(5, 11):
        assert np.abs(rig.posed(pose) - posed(plain, pose[None])[0].numpy())[ends].max() < 4e-3
    rest = body.v_template.double().numpy()
    assert np.abs(rig.posed(np.zeros(69)) - rest).max() < 5e-4, "the shipped body rests as the rig does"
