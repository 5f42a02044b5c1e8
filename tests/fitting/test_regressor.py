"""The regressor in use: any clip in, a motion out."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from tests.support.fit_scenes import Scene, rig_of, turning_walk
from tests.support.paths import ROOT
from understudy.body.files import load_body
from understudy.body.joints import SMPL_JOINTS
from understudy.errors import InputError
from understudy.fitting.config import FittingConfig
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.fit import fit_body
from understudy.fitting.motion import body_height
from understudy.fitting.regressor import regress as module
from understudy.fitting.regressor.files import load_net, save_net
from understudy.fitting.regressor.model import NetConfig, PoseNet, mirrored_turns
from understudy.fitting.regressor.regress import predict, regress, sighting_of
from understudy.fitting.regressor.start import lacks_guess, regressed_motion, with_guess
from understudy.formats.skeleton import BODY_25
from understudy.metrics.pose import pa_mpjpe

SHIPPED = ROOT / "models/pose_regressor.safetensors"
NO_MASKS = ROOT / "no masks"


def small_net(seed=0, num_betas=4):
    torch.manual_seed(seed)
    net = PoseNet(NetConfig(width=16, dilations=(1, 2), num_betas=num_betas))
    with torch.no_grad():
        net.leave.weight.mul_(10.0)
    return net.eval()


@pytest.fixture
def weights(tmp_path):
    save_net(tmp_path / "net.safetensors", small_net(), 1 / 15, {"licence": "ours"})
    return tmp_path / "net.safetensors"


def cut(walk, start, stop, fps=None):
    points = {
        key: value[start:stop] if isinstance(value, np.ndarray) else value
        for key, value in vars(walk.keypoints).items()
    }
    frames = dataclasses.replace(
        walk.frames, source_frames=walk.frames.source_frames[start:stop], fps=fps or walk.frames.fps
    )
    return dataclasses.replace(walk.keypoints, **points), frames


def test_weights_survive_being_written_and_read(tmp_path):
    net = small_net()
    save_net(tmp_path / "a.safetensors", net, 0.05, {"licence": "ours"})
    again, step = load_net(tmp_path / "a.safetensors")
    assert step == 0.05 and again.config == net.config
    for name, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], value.half().float())


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x10\0\0\0\0\0\0\0{}"])
def test_damaged_weights_are_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_net(tmp_path / "a.safetensors")


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_net(tmp_path / "none.safetensors")


def test_weights_of_another_kind_are_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="not a pose regressor of this version"):
        load_net(tmp_path / "a.safetensors")


@pytest.mark.parametrize("fps", [5.0, 15.0, 24.0, 59.94, 120.0])
@pytest.mark.parametrize("length", [1, 2, 37])
def test_any_rate_and_length_gives_rotations_for_every_frame(weights, fps, length):
    keypoints, frames = cut(turning_walk(), 0, length, fps)
    found = regress(keypoints, frames, turning_walk().body, weights)
    assert len(found) == length and found.sigma.shape == (length, 24) and bool((found.sigma > 0).all())
    turns = found.rotations.double()
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).double().expand_as(turns), atol=1e-4, rtol=0)
    assert bool((torch.linalg.det(turns) > 0.99).all())


def test_frames_and_points_that_are_missing_leave_no_gap(weights):
    walk = turning_walk()
    points = walk.keypoints.keypoints.copy()
    points[:5] = 0.0
    points[20:23] = np.nan
    points[10, 4:9] = 0.0
    lost = walk.keypoints.interpolated.copy()
    lost[30:] = True
    keypoints = dataclasses.replace(walk.keypoints, keypoints=points, interpolated=lost)
    found = regress(keypoints, walk.frames, walk.body, weights)
    assert bool(torch.isfinite(found.rotations).all()) and bool(torch.isfinite(found.betas).all())


def test_points_of_low_confidence_or_lost_frames_do_not_matter(weights):
    walk = turning_walk()
    points = walk.keypoints.keypoints.copy()
    points[:, 3, 2] = 0.1
    moved = points.copy()
    moved[:, 3, :2] += 500.0
    a, b = (
        regress(dataclasses.replace(walk.keypoints, keypoints=values), walk.frames, walk.body, weights)
        for values in (points, moved)
    )
    assert torch.equal(a.rotations, b.rotations)


def test_order_of_names_does_not_matter_and_body_25_is_enough(weights):
    walk = turning_walk()
    columns = [walk.keypoints.names.index(name) for name in BODY_25]

    def picked(order):
        return dataclasses.replace(
            walk.keypoints, keypoints=walk.keypoints.keypoints[:, order], world=walk.keypoints.world[:, order],
            names=tuple(walk.keypoints.names[i] for i in order),
        )  # fmt: skip

    a, b = (regress(picked(order), walk.frames, walk.body, weights) for order in (columns, columns[::-1]))
    torch.testing.assert_close(a.rotations, b.rotations, atol=1e-6, rtol=0)


def test_a_mirrored_clip_gives_the_mirrored_motion(weights):
    """Left and right are treated alike, whatever the weights."""
    net, step = load_net(weights)
    walk = turning_walk()
    clip = sighting_of(walk.keypoints, walk.frames)
    there, back = predict(net, clip, walk.frames.fps * step), predict(net, clip.mirrored(), walk.frames.fps * step)
    torch.testing.assert_close(mirrored_turns(back.rotations), there.rotations, atol=1e-4, rtol=0)


def test_long_clips_come_out_the_same_in_chunks(weights, monkeypatch):
    net = load_net(weights)[0]
    walk = turning_walk(length=150)
    clip = sighting_of(walk.keypoints, walk.frames)
    whole = predict(net, clip, 1.0)
    monkeypatch.setattr(module, "CHUNK", 30)
    torch.testing.assert_close(predict(net, clip, 1.0).rotations, whole.rotations, atol=1e-5, rtol=0)


def test_betas_are_for_the_free_body_alone(weights):
    walk = turning_walk()
    licensed = dataclasses.replace(walk.body, free=False)
    assert bool((regress(walk.keypoints, walk.frames, walk.body, weights).betas != 0).any())
    assert not bool((regress(walk.keypoints, walk.frames, licensed, weights).betas != 0).any())


def test_nobody_and_other_numbers_of_frames_are_refused(weights):
    walk = turning_walk()
    nobody = dataclasses.replace(walk.keypoints, keypoints=np.zeros_like(walk.keypoints.keypoints))
    with pytest.raises(InputError, match="No frame of made-up.mp4"):
        regress(nobody, walk.frames, walk.body, weights)
    with pytest.raises(InputError, match="run the keypoints stage again"):
        regress(cut(walk, 0, 5)[0], walk.frames, walk.body, weights)


@pytest.fixture(scope="module")
def seen_from_all_sides():
    """The free body's walk and turn, as a camera sees it."""
    body = load_body(ROOT / "models/understudy_body.npz")
    walk = turning_walk(length=60, fps=30.0)
    poses = torch.zeros(60, 69).unflatten(1, (23, 3))
    poses[:, 15, 2], poses[:, 16, 2] = -1.1, 1.1
    swing = torch.sin(torch.arange(60) / 30.0 * 5.0)
    poses[:, 0, 0], poses[:, 1, 0] = -0.4 * swing, 0.4 * swing
    poses[:, 3, 0], poses[:, 4, 0] = 0.3 + 0.3 * swing, 0.3 - 0.3 * swing
    yaw = torch.linspace(0, 2 * torch.pi, 60)[:, None] * torch.tensor([0.0, 1.0, 0.0])
    root = roma.rotvec_to_rotmat(torch.tensor([torch.pi, 0.0, 0.0])) @ roma.rotvec_to_rotmat(yaw)
    transl = torch.tensor([0.3, 0.1, 4.0]).repeat(60, 1)
    posed = body(torch.zeros(16), roma.rotmat_to_rotvec(root), poses.flatten(1), transl)
    points = body.keypoints(posed.vertices)
    K = torch.tensor(walk.frames.K).float()
    pixels = (points @ K.T)[..., :2] / points[..., 2:]
    values = torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1).numpy()
    keypoints = dataclasses.replace(
        walk.keypoints, keypoints=values, names=body.keypoint_names, world=np.zeros_like(values)
    )
    return Scene(body, keypoints, walk.frames, posed)


def test_shipped_weights_follow_a_turning_walker_from_2d_points_alone(seen_from_all_sides):
    scene = seen_from_all_sides
    track = fit_body(scene.keypoints, scene.frames, NO_MASKS, scene.body, FittingConfig(backend="regressor"), SHIPPED)
    joints, true = scene.posed(track).joints.numpy(), scene.truth.joints.numpy()
    left, right = SMPL_JOINTS.index("left_hip"), SMPL_JOINTS.index("right_hip")
    across, truly = joints[:, left] - joints[:, right], true[:, left] - true[:, right]
    cosine = (across * truly).sum(axis=1) / np.linalg.norm(across, axis=1) / np.linalg.norm(truly, axis=1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 40.0
    assert pa_mpjpe(joints, true).mean() < 0.06
    assert np.median(np.linalg.norm(track.transl - [0.3, 0.1, 4.0], axis=1)) < 0.3
    assert track.valid.all() and np.array_equal(track.K, scene.frames.K)


def test_keypoints_without_a_guess_start_from_the_networks(weights, monkeypatch):
    monkeypatch.setattr("understudy.fitting.fit.initial_motion", None)
    walk = turning_walk(length=6, turn=1.0)
    keypoints = dataclasses.replace(walk.keypoints, world=np.zeros_like(walk.keypoints.world))
    config = FittingConfig(silhouettes=False, iterations=2)
    track = fit_body(keypoints, walk.frames, NO_MASKS, walk.body, config, weights)
    assert track.valid.all() and np.nanmean(track.reprojection_px) < 10.0


def test_a_detectors_guess_is_not_replaced():
    """The weights are not even opened."""
    walk = turning_walk(length=6, turn=1.0)
    tracks = [
        fit_body(
            walk.keypoints, walk.frames, NO_MASKS, walk.body, FittingConfig(silhouettes=False, iterations=2), weights
        )
        for weights in (None, Path("nowhere"))
    ]
    assert np.array_equal(tracks[0].body_pose, tracks[1].body_pose)


@pytest.mark.parametrize("guessed, lacking", [(0, True), (4, True), (6, False), (10, False)])
def test_a_guess_in_few_frames_counts_as_none(guessed, lacking):
    walk = turning_walk(length=10)
    world = walk.keypoints.world.copy()
    world[guessed:] = 0.0
    keypoints = dataclasses.replace(walk.keypoints, world=world)
    assert lacks_guess(gather_evidence(keypoints, walk.frames, walk.body, 0.3)) == lacking


def test_a_motion_as_guess_is_given_where_points_are_seen(weights):
    walk = turning_walk(length=6)
    points = walk.keypoints.keypoints.copy()
    points[2, 4] = 0.0
    keypoints = dataclasses.replace(walk.keypoints, keypoints=points, world=np.zeros_like(points))
    evidence = gather_evidence(keypoints, walk.frames, walk.body, 0.3)
    motion = regressed_motion(keypoints, walk.frames, evidence, walk.body, rig_of(walk), weights)
    guessed = with_guess(evidence, motion, rig_of(walk))
    assert guessed.world_weights[2, 4] == 0.0 and not lacks_guess(guessed)
    still = dataclasses.replace(motion, transl=torch.zeros(6, 3))
    torch.testing.assert_close(guessed.world, still.points(rig_of(walk))[0], atol=1e-4, rtol=0)


def test_frames_without_points_are_not_valid_for_the_regressor_either(weights):
    walk = turning_walk(length=20)
    lost = np.zeros(20, bool)
    lost[8:11] = True
    keypoints = dataclasses.replace(walk.keypoints, interpolated=lost)
    track = fit_body(keypoints, walk.frames, NO_MASKS, walk.body, FittingConfig(backend="regressor"), weights)
    assert not track.valid[lost].any() and np.isfinite(track.body_pose).all() and np.isfinite(track.transl).all()


def test_a_given_height_is_the_regressed_bodys_too(weights):
    walk = turning_walk(length=5, turn=1.0)
    config = FittingConfig(backend="regressor", height_m=1.9)
    track = fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, config, weights)
    assert float(body_height(walk.body, torch.from_numpy(track.betas))) == pytest.approx(1.9, abs=0.01)


def test_the_regressor_as_backend_needs_its_weights():
    walk = turning_walk(length=5)
    with pytest.raises(InputError, match=r"fitting\.regressor"):
        fit_body(walk.keypoints, walk.frames, NO_MASKS, walk.body, FittingConfig(backend="regressor"))


def test_shipped_weights_say_whose_they_are():
    from safetensors import safe_open

    with safe_open(SHIPPED, framework="pt") as file:
        about = file.metadata()
    assert "Apache-2.0" in about["licence"] and "CMU" in about["licence"] and about["seed"].isdigit()
    assert SHIPPED.stat().st_size < 6e6
