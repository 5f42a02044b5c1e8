"""The free body as it is in the repository."""

import importlib.util

import numpy as np
import pytest
import torch

from tests.support.paths import BODY_FILE
from understudy.body.building.build import mirror_vertices
from understudy.body.files import load_body
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import PARTS
from understudy.formats.skeleton import KEYPOINTS, mirrored

FLIP = torch.tensor([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def body():
    return load_body(BODY_FILE)


def rest(body, *betas):
    vertices, joints = body.shaped(torch.tensor(betas or (0.0,)))
    return vertices, dict(zip(SMPL_JOINTS, joints, strict=True))


def posed(body, **joints):
    """Output of single-frame axis-angle rotations by joint."""
    pose = torch.zeros(1, 24, 3)
    for name, value in joints.items():
        pose[0, SMPL_JOINTS.index(name)] = torch.tensor(value)
    return body(torch.zeros(1), pose[:, 0], pose[:, 1:].flatten(1), torch.zeros(1, 3))


def test_file_may_be_given_away_and_is_small(body):
    assert body.free and "Apache" in body.licence and "CC0" in body.licence
    assert BODY_FILE.stat().st_size < 5e6


def test_rest_pose_is_smpls_t_pose(body):
    vertices, joints = rest(body)
    assert joints["pelvis"].abs().max() < 1e-4
    assert joints["head"][1] > joints["neck"][1] > joints["spine3"][1] > joints["spine1"][1] > 0 > joints["left_hip"][1]
    assert (joints["left_foot"] - joints["left_ankle"])[2] > 0.05, "feet point to +z"
    arm = torch.stack([joints[f"left_{name}"] for name in ("shoulder", "elbow", "wrist", "hand")])
    assert (arm.diff(dim=0)[:, 0] > 0.05).all() and arm[:, 1:].std(dim=0).max() < 1e-3, (
        "the left arm lies level along +x"
    )
    leg = joints["left_ankle"] - joints["left_hip"]
    assert abs(leg[0] / leg[1]) < 0.06, "legs are upright"
    soles = vertices[vertices[:, 1] < vertices[:, 1].min() + 0.02]
    assert np.ptp(soles[:, 2].numpy()) > 0.15, "soles are level"


def test_body_is_symmetric(body):
    vertices, joints = body.shaped(torch.tensor([0.7, -1.0, 0.5]))
    mirror = mirror_vertices(body.v_template.numpy().astype(float))
    assert (vertices[mirror] * FLIP - vertices).abs().max() < 1e-5
    assert (joints[mirrored(SMPL_JOINTS)] * FLIP - joints).abs().max() < 1e-4
    assert (body.lbs_weights[mirror][:, mirrored(SMPL_JOINTS)] - body.lbs_weights).abs().max() < 1e-4
    points = body.keypoints(vertices[None])[0]
    assert (points[mirrored()] * FLIP - points).abs().max() < 1e-3


@pytest.mark.parametrize("rows", ["lbs_weights", "J_regressor", "keypoint_weights"])
def test_rows_sum_to_one(body, rows):
    assert torch.allclose(getattr(body, rows).sum(dim=1), torch.ones(1), atol=1e-5)


def test_heights_are_those_of_adults(body):
    assert 1.6 < np.ptp(rest(body)[0][:, 1].numpy()) < 1.8
    heights = [np.ptp(rest(body, beta)[0][:, 1].numpy()) for beta in (-2.0, -1.0, 1.0, 2.0)]
    assert 1.4 < heights[0] < heights[1] < heights[2] < heights[3] < 2.0
    assert 0.05 < heights[2] - heights[1] < 0.3, "one standard deviation is some centimetres"


def test_components_go_from_strong_to_weak_and_are_independent(body):
    flat = body.shapedirs.reshape(-1, body.num_betas).double()
    strength = flat.norm(dim=0)
    assert body.num_betas >= 10 and (strength.diff() <= 0).all()
    cosines = (flat / strength).T @ (flat / strength)
    assert (cosines - torch.eye(body.num_betas)).abs().max() < 1e-3


@pytest.mark.parametrize("joint", ["left_knee", "left_ankle", "left_hip", "spine3", "neck"])
def test_joints_stay_inside_for_any_shape(body, joint):
    torch.manual_seed(0)
    index = SMPL_JOINTS.index(joint)
    own = body.lbs_weights[:, [index, body.parents[index]]].sum(dim=1) > 0.4
    for betas in torch.randn(20, body.num_betas):
        vertices, joints = body.shaped(betas)
        place = joints[index]
        ring = vertices[own & ((vertices[:, 1] - place[1]).abs() < 0.03)][:, [0, 2]]
        assert (ring.amin(dim=0) < place[[0, 2]] - 0.01).all() and (place[[0, 2]] + 0.01 < ring.amax(dim=0)).all()


def test_keypoints_lie_in_or_on_the_body_on_their_own_side(body):
    vertices = rest(body)[0]
    points = body.keypoints(vertices[None])[0]
    assert body.keypoint_names == KEYPOINTS
    assert torch.cdist(points, vertices).amin(dim=1).max() < 0.1
    for name, point in zip(KEYPOINTS, points, strict=True):
        side = 1 if "left" in name else -1 if "right" in name else 0
        assert point[0] * side > 0.01 if side else abs(point[0]) < 1e-3, name
    at = dict(zip(KEYPOINTS, points, strict=True))
    assert at["nose"][2] > at["left_eye"][2] > at["left_ear"][2]
    assert at["left_eye_outer"][0] > at["left_eye"][0] > at["left_eye_inner"][0] > 0
    assert at["left_big_toe"][2] > at["left_heel"][2] + 0.15
    assert at["left_thumb"][2] > at["left_index"][2] > at["left_pinky"][2], "palms are down, thumbs in front"


@pytest.mark.parametrize("limb", ["shoulder", "elbow", "wrist", "hip", "knee", "ankle"])
def test_limb_keypoints_keep_near_their_joint_in_every_pose(body, limb):
    torch.manual_seed(0)
    output = body(torch.randn(30, body.num_betas), torch.randn(30, 3), torch.randn(30, 69) * 0.3, torch.randn(30, 3))
    point = body.keypoints(output.vertices)[:, KEYPOINTS.index(f"left_{limb}")]
    distance = (point - output.joints[:, SMPL_JOINTS.index(f"left_{limb}")]).norm(dim=1)
    assert distance.max() < 0.07 and distance.std() < 0.012


def test_keypoint_body_gives_the_same_keypoints(body):
    torch.manual_seed(0)
    pose = torch.randn(3, body.num_betas), torch.randn(3, 3), torch.randn(3, 69) * 0.4, torch.randn(3, 3)
    few = body.keypoint_body()
    assert len(few.v_template) < len(body.v_template) / 10
    assert (body.keypoints(body(*pose).vertices) - few.keypoints(few(*pose).vertices)).abs().max() < 1e-4


def test_elbow_bends_the_hand_forwards_and_knee_the_foot_backwards(body):
    elbow = posed(body, left_elbow=(0.0, -1.0, 0.0)).joints[0]
    assert elbow[SMPL_JOINTS.index("left_wrist"), 2] > 0.15
    knee = posed(body, left_knee=(1.0, 0.0, 0.0)).joints[0]
    assert knee[SMPL_JOINTS.index("left_ankle"), 2] < -0.15


def test_arms_down_keep_their_volume(body):
    """Skinning must not thin a shoulder: the widest gap that a rotation of the shoulder may leave."""
    down = posed(body, left_shoulder=(0.0, 0.0, -0.8), right_shoulder=(0.0, 0.0, 0.8)).vertices[0].numpy()
    up = posed(body).vertices[0].numpy()

    def volume(vertices):
        a, b, c = (vertices[body.faces[:, corner]] for corner in range(3))
        return np.einsum("fc,fc->", a, np.cross(b, c)) / 6

    assert 0.03 < volume(up) < 0.12 and abs(volume(down) / volume(up) - 1) < 0.04


def test_atlas_has_no_overlap_and_is_not_mirrored(body):
    assert body.vt.min() >= 0 and body.vt.max() <= 1
    a, b, c = (body.vt[body.ft[:, corner]].astype(float) for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    assert (area > 0).all()
    cv2 = pytest.importorskip("cv2")
    size = 1024
    pixels = np.round(np.stack([a, b, c], axis=1) * size * 16).astype(np.int32)
    picture = np.zeros((size, size), np.uint8)
    for triangle in pixels:
        cv2.fillConvexPoly(picture, triangle, 1, cv2.LINE_8, 4)
    # drawing thickens borders a little; charts on top of one another would leave the picture emptier than their areas' sum
    assert picture.mean() > area.sum() / 2


def test_parts_are_where_they_belong(body):
    vertices, joints = rest(body)
    centre = vertices.numpy()[body.faces].mean(axis=1)
    part = {name: centre[body.parts == index] for index, name in enumerate(PARTS)}
    assert all(len(faces) > 50 for faces in part.values())
    for side, sign in (("left", 1), ("right", -1)):
        for name in ("arm", "hand", "leg", "foot"):
            assert (part[f"{side}_{name}"][:, 0] * sign > -0.03).all(), name
    assert part["hair"][:, 1].mean() > part["face"][:, 1].mean() + 0.03
    assert part["hair"][:, 2].mean() < part["face"][:, 2].mean() - 0.05
    nose = body.keypoints(vertices[None])[0, KEYPOINTS.index("nose")].numpy()
    assert body.parts[np.linalg.norm(centre - nose, axis=1).argmin()] == PARTS.index("face")
    crown = centre[:, 1].argmax()
    assert body.parts[crown] == PARTS.index("hair")


def test_building_again_gives_the_shipped_body(body):
    if importlib.util.find_spec("anny") is None:
        pytest.skip("the package anny is not installed")
    from understudy.body.building.anny_samples import AnnyBodyConfig
    from understudy.body.building.from_anny import build_body

    again, report = build_body(AnnyBodyConfig(samples=40, components=5))
    assert (again.faces == body.faces).all() and (again.ft == body.ft).all()
    assert report.joint_error.max() < 0.006 and (again.parts == body.parts).mean() > 0.98
    assert (again.v_template - body.v_template).norm(dim=1).mean() < 0.05, "the mean of fewer samples is much the same"
    assert (again.lbs_weights - body.lbs_weights).abs().mean() < 1e-3
