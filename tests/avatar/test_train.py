"""Training of an avatar on a small made-up video, its poses, and its figures on held-out frames."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roma
import torch
from PIL import Image

from tests.support.avatar_scenes import Scene, make_scene, render_frame
from tests.support.trainings import QUICK, run
from understudy.avatar import evaluate
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar, refine_pose, track_pose
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training import crops as crop_module
from understudy.avatar.training import losses
from understudy.avatar.training.crops import Crops, person_box
from understudy.avatar.training.losses import photometric_loss
from understudy.avatar.training.poses import CorrectedPoses, Correction
from understudy.avatar.training.train import Training, train_avatar
from understudy.errors import InputError
from understudy.formats.frames import held_out_frames
from understudy.formats.masks import read_alpha, write_alpha, write_trimap
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def training(scene: Scene) -> Training:
    return run(scene)


def test_a_small_video_is_learned_to_25_db_on_frames_never_seen(scene: Scene, training: Training):
    assert training.held_out == [2, 6, 10]
    for frame in training.held_out:
        truth = render_frame(scene.truth, scene.track, frame, scene.camera)
        render = render_frame(training.avatar, training.poses, frame, scene.camera)
        assert psnr(render.rgb, truth.rgb) > 25.0
    psnrs = training.history["psnr"]
    assert np.mean(psnrs[-10:]) > np.mean(psnrs[:5]) + 6.0


def test_the_same_seed_gives_the_same_avatar_and_another_seed_another(scene: Scene):
    config = replace(QUICK, steps=6)
    first, again, other = (run(scene, replace(config, seed=seed), count=500).avatar.state_dict() for seed in (0, 0, 1))
    for name, value in first.items():
        torch.testing.assert_close(value, again[name], rtol=0, atol=0)
    assert not torch.equal(first["rgb_logits"], other["rgb_logits"])


def test_no_pixel_of_a_held_out_or_invalid_frame_is_read(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    opened: set[int] = set()
    read_frame, read_mask = type(scene.frames).read, crop_module.read_alpha

    def frame_spy(self, index):
        opened.add(index)
        return read_frame(self, index)

    def mask_spy(folder, index, size=None):
        opened.add(index)
        return read_mask(folder, index, size)

    monkeypatch.setattr(type(scene.frames), "read", frame_spy)
    monkeypatch.setattr(crop_module, "read_alpha", mask_spy)
    valid = np.ones(12, bool)
    valid[[0, 5]] = False
    run(scene, replace(QUICK, steps=14), replace(scene.track, valid=valid), count=300)
    assert opened == set(range(12)) - {2, 6, 10} - {0, 5}


def test_training_pulls_perturbed_poses_towards_the_truth(scene: Scene):
    shift = np.float32([0.02, -0.02, 0.0]) * np.where(np.arange(12) % 2, 1, -1)[:, None]
    shaken = replace(scene.track, transl=(scene.track.transl + shift).astype(np.float32))
    config = replace(QUICK, steps=60, align_shrink=1)
    refined = run(scene, config, shaken, count=1200).poses
    in_training = np.setdiff1d(np.arange(12), held_out_frames(12, 4))

    def error(track: BodyTrack) -> float:
        # only jitter counts: a common shift could as well be the avatar's
        apart = (track.transl - scene.track.transl)[in_training, :2]
        return float(np.abs(apart - apart.mean(axis=0)).mean())

    assert error(refined) < 0.5 * error(shaken)


def test_a_time_budget_ends_training_early(scene: Scene):
    training = run(scene, replace(QUICK, steps=100_000, minutes=0.05), count=300)
    assert 2.9 < training.history["seconds"][-1] < 10.0
    assert training.history["shrink"][-1] == 1  # the schedule was shortened, not cut off


def test_a_step_without_a_finite_loss_changes_nothing_and_many_of_them_are_an_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    real, calls = losses.photometric_loss, []

    def second_is_broken(rgb, *arguments):
        calls.append(1)
        return real(rgb, *arguments) if len(calls) < 2 else rgb.sum() * float("nan")

    monkeypatch.setattr(losses, "photometric_loss", second_is_broken)
    config = replace(QUICK, align_steps=0)
    twice = run(scene, replace(config, steps=2), count=300).avatar.state_dict()
    monkeypatch.setattr(losses, "photometric_loss", real)
    # the rates fall with the part that is over: the first step of one is the first step of two
    for name, value in run(scene, replace(config, steps=1), count=300).avatar.state_dict().items():
        torch.testing.assert_close(twice[name], value, rtol=0, atol=0)
    monkeypatch.setattr(losses, "photometric_loss", lambda rgb, *_, **__: rgb.sum() * float("nan"))
    with pytest.raises(InputError, match="No finite loss"):
        run(scene, config, count=300)


def test_frames_whose_mask_shows_nobody_are_left_out_and_not_all_may_be(scene: Scene, tmp_path: Path):
    for frame in range(12):
        alpha = read_alpha(scene.alpha, frame)
        write_alpha(tmp_path, frame, alpha if frame == 4 else np.zeros_like(alpha))
    config, options = replace(QUICK, steps=20), GaussiansConfig(count=300)
    training = train_avatar(scene.frames, tmp_path, scene.track, scene.canonical, scene.body, config, options=options)
    assert max(training.history["psnr"]) < 60.0
    write_alpha(tmp_path, 4, np.zeros((160, 90), np.uint8))
    with pytest.raises(InputError, match="no mask of a frame for training shows anybody"):
        train_avatar(scene.frames, tmp_path, scene.track, scene.canonical, scene.body, config, options=options)


def test_masks_of_another_size_are_refused_by_name(scene: Scene, tmp_path: Path):
    for frame in range(12):
        write_alpha(tmp_path, frame, np.full((80, 45), 255, np.uint8))
    with pytest.raises(InputError, match=r"45x80 px but the frames have 90x160"):
        train_avatar(scene.frames, tmp_path, scene.track, scene.canonical, scene.body, QUICK)


def test_poses_of_another_body_or_video_are_refused(scene: Scene):
    with pytest.raises(InputError, match=r"body file other \(22222222\), not to sausage \(00000000\)"):
        run(scene, track=replace(scene.track, body_model=("other", "2" * 64)))
    with pytest.raises(InputError, match="no frame with a valid pose"):
        run(scene, track=replace(scene.track, valid=np.zeros(12, bool)))
    short = replace(scene.track, global_orient=scene.track.global_orient[:5])
    with pytest.raises(InputError, match="5 poses but 12 frames"):
        run(scene, track=short)


def test_corrections_are_interpolated_over_frames_outside_training(scene: Scene):
    poses = CorrectedPoses(scene.track, [0, 4, 8], torch.device("cpu"))
    none = Correction.none(scene.track.joints)
    poses.correct(0, replace(none, shift=none.shift + 0.1))
    turns = none.turns.clone()
    turns[16, 1] = 0.2
    poses.correct(4, replace(none, turns=turns))
    assert poses.neighbours(4).shift.tolist() == pytest.approx([0.05] * 3)
    refined = poses.refined()
    shift = refined.transl - scene.track.transl
    np.testing.assert_allclose(shift[:6, 0], [0.1, 0.075, 0.05, 0.025, 0.0, 0.0], atol=1e-6)
    before, after = (roma.rotvec_to_rotmat(torch.from_numpy(t.body_pose[:, 45:48])) for t in (scene.track, refined))
    turned = roma.rotmat_geodesic_distance(before, after)
    torch.testing.assert_close(turned[[2, 4, 6, 8]], torch.tensor([0.1, 0.2, 0.1, 0.0]), atol=1e-3, rtol=0)


def test_a_crop_shows_the_person_and_its_camera_fits(scene: Scene):
    crops = Crops(scene.frames, scene.alpha, scene.track.K)
    whole, half = crops.get(3), crops.get(3, 2)
    x0, y0, _, _ = whole.box
    alpha = read_alpha(scene.alpha, 3)
    bx0, by0, bx1, by1 = person_box(alpha)
    np.testing.assert_array_equal(whole.alpha[by0 - y0 : by1 - y0, bx0 - x0 : bx1 - x0], alpha[by0:by1, bx0:bx1])
    point = np.array([0.1, 0.2, 3.0])
    pixel = (scene.track.K @ point)[:2] / 3.0
    np.testing.assert_allclose((whole.K @ point)[:2] / 3.0, pixel - [x0, y0])
    np.testing.assert_allclose((half.K @ point)[:2] / 3.0, (pixel - [x0, y0]) / 2)
    assert half.size == (whole.size[0] // 2, whole.size[1] // 2)
    assert half.alpha.mean() == pytest.approx(whole.alpha.mean(), abs=0.5)


def test_beyond_the_border_and_near_the_outline_no_pixel_counts(tmp_path: Path, scene: Scene):
    alpha = np.zeros((160, 90), np.uint8)
    alpha[80:160, 30:60] = 255  # cut off at the lower border
    write_alpha(tmp_path, 0, alpha)
    crop = Crops(scene.frames, tmp_path, scene.track.K, edge_band=0.1).get(0)
    x0, y0, _, y1 = crop.box
    assert y1 > 160
    assert (crop.weight[160 - y0 :] == 0).all()
    column = crop.weight[: 160 - y0, 45 - x0]
    unknown = np.flatnonzero(column == 0) + y0
    assert unknown.min() == 76 and unknown.max() == 83  # 4 px to each side, none at the border


def test_the_cache_is_bounded_by_bytes(scene: Scene):
    one = Crops(scene.frames, scene.alpha, scene.track.K).get(0).nbytes
    crops = Crops(scene.frames, scene.alpha, scene.track.K, cache_bytes=int(2.5 * one))
    for frame in range(12):
        crops.get(frame)
    assert sum(crop.nbytes for crop in crops._kept.values()) <= 2.5 * one
    assert crops.get(11) is crops.get(11)


def test_an_empty_mask_gives_no_crop(tmp_path: Path, scene: Scene):
    write_alpha(tmp_path, 0, np.zeros((160, 90), np.uint8))
    assert Crops(scene.frames, tmp_path, scene.track.K).get(0) is None


def test_pixels_of_weight_zero_do_not_count():
    generator = torch.Generator().manual_seed(0)
    rgb, truth = torch.rand(2, 40, 40, 3, generator=generator)
    alpha, true_alpha = torch.rand(2, 40, 40, generator=generator)
    weight = torch.ones(40, 40)
    weight[10:20] = 0
    changed, changed_alpha = rgb.clone(), alpha.clone()
    changed[10:20], changed_alpha[10:20] = 0.0, 0.0
    first = photometric_loss(rgb, alpha, truth, true_alpha, weight, dssim=0.2, alpha_weight=0.2)
    second = photometric_loss(changed, changed_alpha, truth, true_alpha, weight, dssim=0.2, alpha_weight=0.2)
    assert float(first) == pytest.approx(float(second), abs=1e-7)
    assert float(photometric_loss(truth, true_alpha, truth, true_alpha, weight, 0.2, 0.2)) == pytest.approx(0, abs=1e-6)


def test_every_frame_is_held_out_only_where_asked():
    assert held_out_frames(20, 8) == [4, 12]
    assert held_out_frames(20, 0) == []


def test_pose_refinement_undoes_a_perturbation(scene: Scene):
    crops = Crops(scene.frames, scene.alpha, scene.track.K)
    rotations, transl = track_pose(scene.track, 6, torch.device("cpu"))
    turn = torch.zeros(24, 3)
    turn[16, 2] = 0.08
    moved = transl + torch.tensor([0.015, -0.01, 0.0])
    perturbed = rotations @ roma.rotvec_to_rotmat(turn), moved
    refined = refine_pose(scene.truth, scene.truth.shaped(), crops, 6, perturbed, steps=4)

    def error(pose: tuple[torch.Tensor, torch.Tensor]) -> float:
        # in the picture's plane: depth hardly shows
        apart = scene.truth.gaussians(*pose).means - scene.truth.gaussians(rotations, transl).means
        return float(apart[:, :2].norm(dim=1).mean())

    assert error(refined) < 0.4 * error(perturbed)


def test_figures_on_held_out_frames_name_their_area_and_improve_with_refinement(
    scene: Scene, training: Training, tmp_path: Path
):
    save_avatar(tmp_path / "avatar.tar", training, scene.canonical, scene.frames)
    archive = load_archive(tmp_path / "avatar.tar")
    # poses that are off by 1.5 cm leave something to refine
    shifted = (archive.poses.transl + np.float32([0.015, 0.0, 0.0])).astype(np.float32)
    archive = replace(archive, poses=replace(archive.poses, transl=shifted))
    config = EvaluateConfig(refine_steps=3, pictures=2, device="cpu")
    figures = evaluate_avatar(archive, scene.frames, scene.alpha, config, tmp_path / "held_out")
    assert figures["held_out_frames"] == [2, 6, 10]
    without, refined = figures["without_pose_refinement"], figures["with_pose_refinement"]
    assert without["psnr_full_frame_on_white"]["mean"] > without["psnr_person_box_on_white"]["mean"]
    assert refined["psnr_person_box_on_white"]["mean"] > without["psnr_person_box_on_white"]["mean"] + 0.5
    assert refined["alpha_iou"]["mean"] > without["alpha_iou"]["mean"] + 0.01
    assert len(without["alpha_iou"]["per_frame"]) == 3
    assert figures["reconstruction_frames"] == [0, 3, 4, 7, 8, 11]
    assert len(figures["reconstruction"]["psnr_full_frame_on_white"]["per_frame"]) == 6
    assert not any("lpips" in key for section in (without, refined, figures["reconstruction"]) for key in section)
    pictures = sorted((tmp_path / "held_out").glob("*.png"))
    assert [picture.name for picture in pictures] == ["000002.png", "000010.png"]
    with Image.open(pictures[0]) as picture:
        assert picture.width % 3 == 0
    with pytest.raises(InputError, match="not learned from"):
        evaluate_avatar(archive, replace(scene.frames, source_sha256="3" * 64), scene.alpha, config)


def test_what_the_trimap_is_unsure_of_counts_less_or_not_at_all(scene, tmp_path):
    unknown = np.zeros((160, 90), bool)
    unknown[60:80] = True
    alpha = read_alpha(scene.alpha, 3)
    write_trimap(tmp_path, 3, alpha > 127, unknown)
    plain = Crops(scene.frames, scene.alpha, scene.track.K).get(3)
    crop = Crops(scene.frames, scene.alpha, scene.track.K, trimap_folder=tmp_path).get(3)
    inside = np.zeros_like(crop.weight, bool)
    inside[60 - crop.box[1] : 80 - crop.box[1]] = True
    assert not crop.weight[inside].any()
    np.testing.assert_array_equal(crop.weight[~inside], plain.weight[~inside])
    half = Crops(scene.frames, scene.alpha, scene.track.K, trimap_folder=tmp_path, unknown=0.5).get(3)
    np.testing.assert_array_equal(half.weight[inside], np.minimum(plain.weight[inside], 128))


def test_lpips_is_measured_only_where_its_weights_are_given(
    scene: Scene, training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Constant:
        def __call__(self, picture, truth):
            return 0.25

    monkeypatch.setattr(evaluate.Lpips, "load", lambda folder: Constant())
    save_avatar(tmp_path / "avatar.tar", training, scene.canonical, scene.frames)
    archive = load_archive(tmp_path / "avatar.tar")
    config = EvaluateConfig(refine_steps=0, reconstruction=0, lpips_weights="somewhere", device="cpu")
    figures = evaluate_avatar(archive, scene.frames, scene.alpha, config)
    assert set(figures) == {"protocol", "held_out_frames", "reconstruction_frames", "without_pose_refinement"}
    for area in ("person_box", "full_frame"):
        assert figures["without_pose_refinement"][f"lpips_{area}_on_white"]["mean"] == 0.25
