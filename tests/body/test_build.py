"""The steps of building a body, on a made-up rig: an arm of three boxes with five bones."""

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

from understudy.body.building.anny_points import head_parts, region_edge
from understudy.body.building.build import (
    frame_rotation,
    group_joints,
    joint_regressor,
    mirror_vertices,
    shape_space,
    smooth_weights,
    sparse_regressor,
    strongest,
    unpose,
)
from understudy.body.building.from_anny import bone_groups
from understudy.body.joints import SMPL_JOINTS
from understudy.body.lbs import joint_transforms, skin
from understudy.body.model import PARTS

PARENTS = (-1, 0, 1)
HEADS = np.array([[0.0, 0, 0], [0.3, 0, 0], [0.6, 0, 0]])


def arm(samples=6, seed=0):
    """Samples [S,V,3] of a bent arm, their joints, weights and the bends [S,3,3,3] (of each joint in the world)."""
    random = np.random.default_rng(seed)
    mesh = trimesh.creation.cylinder(radius=0.05, height=0.9, sections=12).subdivide().subdivide()
    straight = np.asarray(mesh.vertices)[:, [2, 0, 1]] + [0.45, 0, 0]
    weights = np.stack([np.clip(1 - np.abs(straight[:, 0] - 0.15 - 0.3 * k) / 0.3, 0, 1) for k in range(3)], axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    stretch = random.uniform(0.8, 1.3, (samples, 1, 3))
    vertices, joints = straight * stretch, HEADS * stretch
    local = Rotation.from_rotvec(random.normal(0, 0.3, (samples * 3, 3))).as_matrix().reshape(samples, 3, 3, 3)
    transforms = joint_transforms(torch.from_numpy(local), torch.from_numpy(joints), PARENTS)
    bent = skin(torch.from_numpy(vertices), torch.from_numpy(weights), transforms).numpy()
    places = np.einsum("sjab,sjb->sja", transforms[..., :3, :3].numpy(), joints) + transforms[..., :3, 3].numpy()
    return straight, vertices, joints, bent, places, weights, transforms[..., :3, :3].numpy(), np.asarray(mesh.faces)


def test_unposing_undoes_posing():
    _, vertices, joints, bent, places, weights, world, _ = arm()
    again, placed = unpose(bent, places, world.swapaxes(-1, -2), weights, PARENTS)
    assert np.abs(again - vertices).max() < 1e-9 and np.abs(placed - joints).max() < 1e-9


def test_joint_regressor_follows_shape_and_pose():
    _, vertices, joints, bent, places, weights, *_ = arm(samples=40)
    chosen, coefficients = joint_regressor(vertices[:20], joints[:20, 1], weights)
    assert coefficients.sum() == pytest.approx(1)
    rest = np.einsum("v,svc->sc", coefficients, vertices[20:, chosen])
    assert np.linalg.norm(rest - joints[20:, 1], axis=1).max() < 1e-3
    posed = np.einsum("v,svc->sc", coefficients, bent[20:, chosen])
    assert np.linalg.norm(posed - places[20:, 1], axis=1).max() < 0.02


def test_sparse_regressor_is_convex_small_and_follows_poses():
    _, vertices, joints, bent, places, weights, *_ = arm(samples=40)
    errors = {}
    for posed in (0.0, 0.2):
        chosen, coefficients = sparse_regressor(vertices[:20], joints[:20, 1], weights, 24, posed=posed)
        assert len(chosen) <= 24 and (coefficients >= 0).all() and coefficients.sum() == pytest.approx(1)
        rest = np.einsum("v,svc->sc", coefficients, vertices[20:, chosen])
        assert np.linalg.norm(rest - joints[20:, 1], axis=1).max() < 0.002
        found = np.einsum("v,svc->sc", coefficients, bent[20:, chosen])
        errors[posed] = np.linalg.norm(found - places[20:, 1], axis=1).mean()
    assert errors[0.2] < errors[0.0] / 2 < 0.05


def test_bones_of_a_group_make_its_joint():
    heads = np.arange(15.0).reshape(1, 5, 3)
    parents, groups = np.array([-1, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1])
    joints = group_joints(heads, parents, groups, 2)
    assert np.allclose(joints[0, 0], heads[0, 0])
    assert np.allclose(joints[0, 1], heads[0, [2, 3]].mean(axis=0)), "the mean of the topmost bones, not of all"


def test_strongest_weights_are_kept():
    kept = strongest(np.array([[0.5, 0.3, 0.15, 0.05], [0.9996, 0.0004, 0, 0]]), most=2)
    assert np.allclose(kept, [[0.625, 0.375, 0, 0], [1, 0, 0, 0]])


def test_smoothing_softens_a_painted_edge_and_keeps_sums():
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=0.3)
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    painted = np.stack([vertices[:, 0] < 0, vertices[:, 0] >= 0], axis=1).astype(float)
    soft = smooth_weights(painted, vertices, faces, 0.05)
    assert np.allclose(soft.sum(axis=1), 1) and soft.min() > -1e-9 and soft.max() < 1 + 1e-9
    steps = [np.abs(w[mesh.edges[:, 0]] - w[mesh.edges[:, 1]]).max() for w in (painted, soft)]
    assert steps[0] == 1 and steps[1] < 0.6
    far = np.abs(vertices[:, 0]) > 0.2
    assert np.abs(soft - painted)[far].max() < 0.02
    assert np.allclose(smooth_weights(painted, vertices, faces, 0.0), painted)


def test_shape_space_has_unit_variance_and_known_signs():
    mesh = trimesh.creation.icosphere(subdivisions=2)
    random = np.random.default_rng(0)
    size = random.normal(0, [[0.2, 0.05]], (300, 2))
    scales = np.stack([size[:, 1], size[:, 0], size[:, 1]], axis=1) + 1
    space = shape_space(np.asarray(mesh.vertices) * scales[:, None], np.asarray(mesh.faces), 2)
    assert np.allclose(space.betas.std(axis=0, ddof=1), 1) and np.allclose(space.betas.mean(axis=0), 0, atol=1e-9)
    assert np.corrcoef(space.betas[:, 0], size[:, 0])[0, 1] > 0.99, "the first is height"
    assert np.corrcoef(space.betas[:, 1], size[:, 1])[0, 1] > 0.99, "more is bulkier"
    assert space.explained[-1] == pytest.approx(1)
    again = space.mean + np.einsum("vcb,sb->svc", space.directions, space.betas)
    assert np.abs(again - np.asarray(mesh.vertices) * scales[:, None]).max() < 1e-9


def test_frame_rotation_takes_both_directions_along():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 5, 3))
    rotations = frame_rotation(first, second, (1.0, 0, 0), (0, -1.0, 0))
    assert np.allclose(rotations @ rotations.swapaxes(-1, -2), np.eye(3)) and np.allclose(np.linalg.det(rotations), 1)
    turned = np.einsum("sab,sb->sa", rotations, first / np.linalg.norm(first, axis=1, keepdims=True))
    assert np.allclose(turned, [1, 0, 0])
    turned = np.einsum("sab,sb->sa", rotations, second)
    assert np.allclose(turned[:, 2], 0) and (turned[:, 1] < 0).all()


def test_mirror_finds_counterparts_and_refuses_a_lopsided_mesh():
    points = np.array([[1.0, 2, 3], [-1, 2, 3], [0, 5, 5]])
    assert mirror_vertices(points).tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="not symmetric"):
        mirror_vertices(points + [0.01, 0, 0])


def test_bones_find_their_joints():
    labels = (
        "root",
        "upperleg02.L",
        "toe3-2.R",
        "finger1-2.L",
        "finger3-1.L",
        "clavicle.R",
        "eye.L",
        "spine01",
        "neck03",
    )
    names = [SMPL_JOINTS[group] for group in bone_groups(labels)]
    wanted = "pelvis left_hip right_foot left_wrist left_hand right_collar head spine3 neck"
    assert names == wanted.split()
    with pytest.raises(ValueError, match=r"tail\.L belongs to no joint"):
        bone_groups(("tail.L",))


def test_scalp_is_above_the_forehead_and_behind_the_ears():
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=0.1)
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    regions = np.full(len(faces), "head", dtype="<U16")
    regions[0] = "tongue"
    parts = np.full(len(faces), PARTS.index("face"), np.uint8)
    marked = head_parts(parts, faces, vertices, regions, np.array([0.03, 0.0, 0.095]), np.array([0.1, -0.01, 0.0]))
    at = lambda *point: PARTS[marked[np.linalg.norm(vertices[faces].mean(axis=1) - point, axis=1).argmin()]]  # noqa: E731
    assert (
        at(0, 0.1, 0) == "hair"
        and at(0, 0, -0.1) == "hair"
        and at(0, 0.0, 0.1) == "face"
        and at(0, -0.05, 0.09) == "face"
    )
    assert at(0.1, -0.01, 0) == "face", "ears are no hair"
    assert marked[0] == PARTS.index("inside")
    assert set(region_edge(faces, regions, "head", "tongue")) == set(faces[0])
