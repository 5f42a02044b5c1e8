"""Gaussians on the body: where they sit, and how they follow pose and shape."""

import numpy as np
import pytest
import roma
import torch
from scipy.spatial import cKDTree

from tests.support.avatar_scenes import plaid, truth_avatar
from tests.support.bodies import sausage_body
from understudy.avatar.gaussians.model import GaussianAvatar
from understudy.avatar.gaussians.sampling import Anchors, sample_surface
from understudy.body.lbs import pose_rotations
from understudy.body.model import PARTS
from understudy.errors import InputError
from understudy.render.rotations import blend, from_matrix, product

ZERO = torch.zeros(3)
REST = torch.zeros(69)


@pytest.fixture(scope="module")
def avatar() -> GaussianAvatar:
    avatar = truth_avatar(sausage_body(), count=800)
    generator = torch.Generator().manual_seed(0)
    avatar.offsets += 0.01 * torch.randn(avatar.offsets.shape, generator=generator)
    avatar.quats += 0.3 * torch.randn(avatar.quats.shape, generator=generator)
    return avatar


def some_pose(seed: int = 1) -> torch.Tensor:
    return 0.4 * torch.randn(69, generator=torch.Generator().manual_seed(seed))


def test_anchors_are_well_spaced_and_as_many_as_asked_for():
    body = sausage_body()
    anchors = sample_surface(body.v_template.numpy(), body.faces, body.parts, 1000, seed=0)
    assert len(anchors.face) == 1000
    np.testing.assert_allclose(anchors.bary.sum(axis=1), 1.0, atol=1e-6)
    assert (anchors.bary >= 0).all()
    points = (body.v_template.numpy()[body.faces[anchors.face]] * anchors.bary[..., None]).sum(axis=1)
    nearest = cKDTree(points).query(points, 2)[0][:, 1] / anchors.spacing
    # of independent random points a third would be nearer than 0.35 of the spacing
    assert (nearest < 0.35).mean() < 0.1
    assert 0.55 < nearest.mean() < 1.1


def test_the_face_gets_more_anchors_and_the_inside_none():
    body = sausage_body()
    parts = body.parts.copy()
    height = body.v_template.numpy()[body.faces].mean(axis=1)[:, 1]
    parts[height > 0.55] = PARTS.index("face")
    parts[height < -0.5] = PARTS.index("inside")
    face = sample_surface(body.v_template.numpy(), body.faces, parts, 2000, seed=0).face
    plain = sample_surface(body.v_template.numpy(), body.faces, body.parts, 2000, seed=0).face
    assert not (parts[face] == PARTS.index("inside")).any()
    is_face = parts == PARTS.index("face")
    assert is_face[face].sum() > 3 * is_face[plain].sum()


def test_a_seed_gives_the_same_anchors():
    body = sausage_body()
    first, again, other = (
        sample_surface(body.v_template.numpy(), body.faces, body.parts, 300, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.face, again.face)
    np.testing.assert_array_equal(first.bary, again.bary)
    assert not np.array_equal(first.bary, other.bary)


def test_the_rest_pose_leaves_gaussians_in_place(avatar: GaussianAvatar):
    rest = avatar.shaped()
    posed = avatar.gaussians(torch.eye(3).expand(24, 3, 3), ZERO)
    local = roma.rotmat_to_unitquat(roma.unitquat_to_rotmat(rest.quats.roll(-1, -1))).roll(1, -1)
    np.testing.assert_allclose(np.abs((local * rest.quats).sum(-1)), 1.0, atol=1e-5)
    frames = roma.unitquat_to_rotmat(rest.quats.roll(-1, dims=-1))
    expected = rest.means + (frames @ avatar.offsets[..., None])[..., 0]
    torch.testing.assert_close(posed.means, expected, atol=1e-5, rtol=0)


def test_new_gaussians_lie_flat_on_the_surface():
    body = sausage_body()
    avatar = truth_avatar(body, count=300)
    posed = avatar.gaussians(torch.eye(3).expand(24, 3, 3), ZERO)
    corners = body.v_template[torch.from_numpy(body.faces[avatar.face].astype(np.int64))]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    thin = roma.unitquat_to_rotmat(posed.quats.roll(-1, dims=-1))[..., 2]
    torch.testing.assert_close(
        (thin * torch.nn.functional.normalize(normal, dim=-1)).sum(-1), torch.ones(300), atol=1e-4, rtol=0
    )
    assert (posed.scales[:, 2] < 0.5 * posed.scales[:, 0]).all()


def test_turning_the_root_turns_everything_about_the_pelvis(avatar: GaussianAvatar):
    turn, shift, pose = torch.tensor([0.3, -1.2, 0.5]), torch.tensor([0.1, 0.2, 3.0]), some_pose()
    before, after = (
        avatar.gaussians(pose_rotations(root[None], pose[None])[0], transl)
        for root, transl in ((ZERO, ZERO), (turn, shift))
    )
    rotation, pelvis = roma.rotvec_to_rotmat(turn), avatar.shaped().joints[0]
    torch.testing.assert_close(after.means, (before.means - pelvis) @ rotation.T + pelvis + shift, atol=1e-5, rtol=0)
    turned = product(from_matrix(rotation), before.quats)
    torch.testing.assert_close((turned * after.quats).sum(-1).abs(), torch.ones(len(avatar)), atol=1e-4, rtol=0)


def test_posing_never_shears_or_stretches_a_gaussian(avatar: GaussianAvatar):
    rest = avatar.gaussians(torch.eye(3).expand(24, 3, 3), ZERO)
    posed = avatar.gaussians(pose_rotations(ZERO[None], some_pose()[None])[0], ZERO)
    torch.testing.assert_close(posed.scales, rest.scales)
    torch.testing.assert_close(posed.quats.norm(dim=-1), torch.ones(len(avatar)), atol=1e-5, rtol=0)


def test_gaussians_without_offset_lie_on_the_posed_body():
    body = sausage_body(posedirs=True)
    avatar = truth_avatar(body, count=400)
    pose, transl = some_pose(), torch.tensor([0.0, 0.1, 2.0])
    vertices = body(torch.zeros(4), torch.tensor([[0.1, 0.2, 0.3]]), pose[None], transl[None]).vertices[0]
    corners = vertices[torch.from_numpy(body.faces[avatar.face].astype(np.int64))]
    surface = (avatar.bary[..., None] * corners).sum(dim=1)
    rotations = pose_rotations(torch.tensor([[0.1, 0.2, 0.3]]), pose[None])[0]
    means = avatar.shaped().posed(rotations, transl).extent()
    assert (means - surface).norm(dim=-1).quantile(0.9) < 2e-3
    assert (means - surface).norm(dim=-1).max() < 0.02  # weights mix before skinning here, after it there


def test_gaussians_follow_a_new_shape(avatar: GaussianAvatar):
    taller = torch.tensor([2.0, 0.0, 0.0, 0.0])  # grows the sausage by 8 % all over
    grown, own = avatar.shaped(taller), avatar.shaped()
    torch.testing.assert_close(grown.means, 1.08 * own.means, atol=1e-5, rtol=0)
    torch.testing.assert_close(grown.size, torch.full_like(grown.size, 1.08), atol=1e-3, rtol=0)
    scales = avatar.gaussians(torch.eye(3).expand(24, 3, 3), ZERO, grown).scales
    torch.testing.assert_close(scales, 1.08 * avatar.log_scales.exp(), atol=1e-4, rtol=1e-3)


def test_adopting_a_shape_changes_no_gaussian():
    avatar = truth_avatar(sausage_body(), count=200)
    avatar.offsets += 0.01
    avatar.betas[0] = 1.5
    before = avatar.gaussians(torch.eye(3).expand(24, 3, 3), ZERO)
    avatar.rebase_to_betas()
    after = avatar.gaussians(torch.eye(3).expand(24, 3, 3), ZERO)
    torch.testing.assert_close(before.means, after.means)
    torch.testing.assert_close(before.scales, after.scales)
    torch.testing.assert_close(avatar.shaped().size, torch.ones(200))


def test_blending_equal_and_opposite_quaternions_is_their_rotation():
    quats = torch.nn.functional.normalize(torch.tensor([[0.9, 0.1, -0.3, 0.2]]).repeat(2, 1), dim=-1)
    quats[1] *= -1
    mean = blend(quats, torch.tensor([[0.6, 0.4]]), torch.tensor([0]))
    torch.testing.assert_close(mean[0], quats[0])


def test_blending_two_turns_halfway_is_half_the_turn():
    quats = from_matrix(roma.rotvec_to_rotmat(torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]])))
    mean = blend(quats, torch.tensor([[0.5, 0.5]]), torch.tensor([1]))
    expected = from_matrix(roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 1.0])))
    torch.testing.assert_close((mean[0] * expected).sum().abs(), torch.tensor(1.0), atol=1e-5, rtol=0)


def test_gradients_reach_pose_place_and_shape():
    avatar = truth_avatar(sausage_body(), count=100)
    avatar.betas.requires_grad_(True)
    rotations = pose_rotations(ZERO[None], some_pose()[None])[0].requires_grad_(True)
    transl = ZERO.clone().requires_grad_(True)
    gaussians = avatar.gaussians(rotations, transl)
    (gaussians.means.square().sum() + gaussians.quats[:, 1].sum()).backward()
    for name, tensor in (("rotations", rotations), ("transl", transl), ("betas", avatar.betas)):
        assert tensor.grad is not None and tensor.grad.isfinite().all() and tensor.grad.abs().sum() > 0, name


def test_too_many_betas_and_a_foreign_body_are_refused():
    body = sausage_body()
    avatar = truth_avatar(body, count=50)
    with pytest.raises(InputError, match="4 shape components but 9 betas"):
        avatar.shaped(torch.zeros(9))
    anchors = Anchors(np.array([len(body.faces)]), np.full((1, 3), 1 / 3, np.float32), np.ones(1, np.float32))
    with pytest.raises(InputError, match="more faces"):
        GaussianAvatar(body, anchors, np.zeros(4), plaid(np.zeros((1, 3))))
