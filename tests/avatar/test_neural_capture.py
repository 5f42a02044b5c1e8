"""Fields on the body's vertices: what a place knows, what they learn, and slopes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import make_scene
from tests.support.field_scenes import FRAME, check_slope, held, held_out_figures, some_rays, subject_of, train
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.evaluate import track_pose
from understudy.avatar.neural_capture.config import NeuralCaptureConfig
from understudy.avatar.neural_capture.learner import NeuralCaptureLearner
from understudy.avatar.neural_capture.networks import RING, SIZES, WIDER, CaptureField, nearest_rings, one_rings

HELD = held("neural_capture", steps=300)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


def begun(scene):
    return NeuralCaptureLearner(subject_of(scene), HELD, NeuralCaptureConfig(), torch.device("cpu")).avatar


def test_it_learns_a_person_to_20_db_on_frames_that_it_never_saw(scene, tmp_path):
    held_out = held_out_figures(scene, train(scene, HELD, NeuralCaptureConfig(rays=192)), tmp_path)
    assert held_out["psnr_person_box_on_white"]["mean"] > 20.0 and held_out["alpha_iou"]["mean"] > 0.85


@pytest.mark.parametrize(
    "name", ["neighbourhood.codes", "neighbourhood.network.linears.0.weight", "fine.density.linears.1.bias"]
)
def test_slopes_of_what_rays_see_are_finite_differences(scene, name):
    avatar = begun(scene)
    place, rays = some_rays(avatar, scene)
    depths = rays.stratified(16)  # where to look more closely has no slope

    def seen():
        drawn = avatar._seen(avatar.fine, place.surface, rays, depths)
        return (drawn.rgb.square().sum(dim=1) + drawn.alpha + 0.1 * drawn.depth).double().sum()

    check_slope(dict(avatar.named_parameters())[name], seen, 0.03 if name.endswith("codes") else 1e-3)


def test_a_place_knows_its_neighbourhood_the_same_in_any_pose(scene):
    """Carried along rigidly, it has the same numbers."""
    avatar = begun(scene).requires_grad_(False)
    rotations, transl = track_pose(scene.track, FRAME, torch.device("cpu"))
    shaped = avatar.shaped()
    here, there = (shaped.posed(rotations, transl + torch.tensor([x, 0.0, 0.0])).surface for x in (0.0, 0.7))
    points = here.anchors[::20] + 0.01
    expected = avatar._features(here, points)
    found = avatar._features(there, points + torch.tensor([0.7, 0.0, 0.0]))
    assert torch.equal(expected[0], found[0])
    # high frequencies magnify rounding
    torch.testing.assert_close(expected[1], found[1], rtol=1e-2, atol=1e-2)


def test_rings_are_neighbours_in_the_order_of_the_faces_then_itself_then_the_first_again():
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    assert one_rings(faces, 5).tolist() == [
        [1, 2, 3, 0, 1, 1, 1],
        [0, 2, 1, 0, 0, 0, 0],
        [0, 1, 3, 2, 0, 0, 0],
        [0, 2, 3, 0, 0, 0, 0],
        [4, 4, 4, 4, 4, 4, 4],
    ]


def test_of_many_neighbours_the_first_seven_are_known():
    fan = np.array([[0, k, k + 1] for k in range(1, 10)])
    assert one_rings(fan, 11)[0].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_nearest_rings_begin_with_the_point_itself():
    points = np.random.default_rng(0).normal(size=(50, 3))
    rings = nearest_rings(points)
    assert rings.shape == (50, RING) and (rings[:, 0] == np.arange(50)).all()
    distances = np.linalg.norm(points[rings] - points[:, None], axis=2)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_published_sizes_are_the_published_ones():
    size = SIZES["published"]
    assert (size.inputs, size.features, size.width, size.layers) == (700, 128, 256, 6)
    field = CaptureField(size, torch.Generator().manual_seed(0))
    assert field.trunk.linears[0].in_features == 155


def test_colours_reach_both_ends():
    field = CaptureField(SIZES["small"], torch.Generator().manual_seed(0))
    torch.nn.init.normal_(field.color.linears[-1].weight, std=100.0, generator=torch.Generator().manual_seed(0))
    _, rgb = field(torch.randn(1000, 91, generator=torch.Generator().manual_seed(1)))
    assert WIDER == 0.01 and float(rgb.detach().min()) == 0.0 and float(rgb.detach().max()) == 1.0


def test_a_pose_that_is_three_degrees_off_moves_towards_the_truth_and_is_saved(scene, tmp_path):
    off, elbow = 7, 3 * (scene.body.joint("right_shoulder") - 1) + 2
    pose = scene.track.body_pose.copy()
    pose[off, elbow] += np.deg2rad(3.0)
    track = replace(scene.track, body_pose=pose)
    config = replace(HELD, steps=200, align_steps=1, final_align_steps=6, refine_from=0.999)
    training = train(scene, config, NeuralCaptureConfig(rays=192), track)
    save_avatar(tmp_path / "avatar.tar", training, scene.canonical, scene.frames)
    poses = load_archive(tmp_path / "avatar.tar").poses
    left = abs(poses.body_pose[off, elbow] - scene.track.body_pose[off, elbow])
    assert np.rad2deg(left) < 2.8
