"""Gaussians baked from an avatar of another method: how alike they are, that they are the same each time, and what they open."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import roma
import torch

from tests.support.avatar_scenes import make_scene
from tests.support.mesh_method import MeshAvatar
from tests.support.verbs import call
from understudy.avatar.archive import load_archive, save_archive, save_avatar
from understudy.avatar.baking.bake import bake_gaussians
from understudy.avatar.baking.config import BakingConfig
from understudy.avatar.baking.poses import choose_poses, far_apart
from understudy.avatar.baking.views import Sight, all_round, camera_from, draw_sights, rest_height
from understudy.avatar.base import Avatar, Posed, Shaped
from understudy.avatar.config import AvatarConfig
from understudy.avatar.registry import METHODS, WITH_GAUSSIANS, find_method
from understudy.avatar.splats import SplatAvatar
from understudy.avatar.training.train import Training
from understudy.errors import InputError
from understudy.export.config import ExportConfig
from understudy.export.run import export_avatar
from understudy.metrics.image import psnr
from understudy.render.mesh import vertex_normals
from understudy.viewer.config import ViewerConfig
from understudy.viewer.page import write_page

QUICK = BakingConfig(count=3000, pictures=40, poses=8, height=128, steps=400, device="cpu")
RAISED = 0.04
"""m; height of the clothes over the body."""


class Veiled(Avatar):
    """An avatar of Gaussians of which no more is known than the contract says."""

    method = "veiled"

    def __init__(self, hidden):
        super().__init__()
        self.hidden, self.body, self.betas = hidden, hidden.body, hidden.betas

    def shaped(self, betas=None):
        return self.hidden.shaped(betas)


class Inflated(MeshAvatar):
    """A mesh that is everywhere off the body by ``RAISED``."""

    def shaped(self, betas=None):
        return Inside(super().shaped(betas))


@dataclass(frozen=True)
class Inside(Shaped):
    bare: Shaped

    @property
    def joints(self):
        return self.bare.joints

    def posed(self, rotations, transl):
        mesh = self.bare.posed(rotations, transl)
        normals = vertex_normals(mesh.vertices.numpy(), mesh.avatar.body.faces)
        return replace(mesh, vertices=mesh.vertices + RAISED * torch.from_numpy(normals).float())

    def detach(self):
        return Inside(self.bare.detach())


@dataclass(frozen=True)
class Blind(Shaped, Posed):
    """Draws what it is told to in place of the avatar."""

    seen: object
    fill: float

    @property
    def joints(self):
        return self.seen.joints

    def posed(self, rotations, transl):
        return Blind(self.seen.posed(rotations, transl), self.fill)

    def detach(self):
        return self

    def extent(self):
        return self.seen.extent()

    def carriers(self, camera, channels):
        raise NotImplementedError

    def draw(self, camera, background=None, normals=False):
        picture = self.seen.draw(camera, background, normals)
        return replace(picture, rgb=picture.rgb * 0 + self.fill, alpha=picture.alpha * 0)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


def archive_of(scene, avatar, path):
    """What is read of an avatar's file; of a method that the registry does not know, what would be."""
    known = avatar.method in METHODS
    config = AvatarConfig(method=avatar.method if known else "gaussians", device="cpu")
    exposure = np.full((len(scene.track), 3), 0.9, np.float32)
    history = {name: [1.0] for name in ("step", "seconds", "shrink", "loss", "psnr")}
    made = avatar if known else scene.truth
    training = Training(made, scene.track, exposure, [4, 8], config, find_method(config.method).config(), history)
    save_avatar(path, training, scene.canonical, scene.frames, ["CC0"])
    archive = load_archive(path)
    return archive if known else replace(archive, avatar=avatar, info={**archive.info, "method": avatar.method})


@pytest.fixture(scope="module")
def clothed(scene, tmp_path_factory):
    """An archive of an avatar whose trunk is wider than the body."""
    avatar = scene.truth
    with torch.no_grad():
        avatar.offsets[:, 2] = RAISED * (avatar.shaped().means[:, 0].abs() < 0.15)
    return archive_of(scene, Veiled(avatar), tmp_path_factory.mktemp("clothed") / "avatar.tar")


@pytest.fixture(scope="module")
def baked(clothed):
    return bake_gaussians(clothed, QUICK)


@pytest.fixture
def mesh(scene, tmp_path, monkeypatch):
    """An archive of the textured mesh, of a red left and a blue right side."""
    monkeypatch.setitem(METHODS, "mesh", "tests.support.mesh_method.MeshMethod")
    texture = torch.full((1, 3, 64, 64), -2.0)
    texture[:, 0, :, :32], texture[:, 2, :, 32:] = 2.0, 2.0
    avatar = MeshAvatar(scene.body, texture, torch.zeros(scene.body.num_betas)).requires_grad_(False)
    return archive_of(scene, avatar, tmp_path / "avatar.tar")


def likeness(source, other, scene, height=128):
    """PSNR over white, dB, from a side and in a pose that no picture of either is of."""
    turns = {"left_shoulder": (0.3, 0.2, -0.5), "right_elbow": (0.0, 0.7, 0.0), "left_hip": (-0.4, 0.0, 0.1)}
    rotations, white = scene.body.rotations_of(turns).clone(), torch.ones(3)
    rotations[0] = roma.rotvec_to_rotmat(torch.tensor([0.0, 2.5, 0.0])) @ torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    shaped, other = source.shaped(), other.shaped()
    distance = 2.0 * rest_height(source, shaped)
    found = []
    for direction in ([0.6, 0.0, 0.8], [-0.8, 0.36, -0.48]):
        posed, like = (each.posed(rotations, torch.zeros(3)) for each in (shaped, other))
        camera = camera_from(posed, rotations[0], np.array(direction), 2.0 * height, distance)
        found.append(psnr(like.draw(camera, white).rgb, posed.draw(camera, white).rgb))
    return min(found)


def test_it_looks_like_the_avatar_from_new_sides_in_new_poses(clothed, baked, scene):
    found = likeness(clothed.avatar, baked.avatar, scene)
    assert found > 32.0
    assert abs(found - baked.info["baked"]["psnr"]) < 4.0  # what the archive says of itself is about right


def test_gaussians_begin_at_the_surface_that_is_drawn(clothed, scene):
    """Before anything is learned they stand off forearms and shins by as much as the avatar does."""
    avatar = Inflated(scene.body, torch.zeros(1, 3, 8, 8), torch.zeros(scene.body.num_betas))
    begun = bake_gaussians(replace(clothed, avatar=avatar), replace(QUICK, steps=1)).avatar
    x, y, _ = begun.shaped().means.unbind(dim=1)
    for limb in ((x.abs() > 0.45) & (x.abs() < 0.68), (y < -0.55) & (y > -0.85)):
        # round limbs look a little thinner than flat ones to those who look aslant
        assert 0.85 * RAISED < begun.offsets[limb, 2].median() < 1.01 * RAISED


def test_the_same_seed_gives_the_same_gaussians(clothed):
    few = replace(QUICK, steps=12, pictures=8)
    one, two, other = (bake_gaussians(clothed, replace(few, seed=seed)).avatar for seed in (1, 1, 2))
    for key, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[key]), key
    assert not torch.equal(one.rgb_logits, other.rgb_logits)


def test_what_is_known_of_the_video_is_kept(clothed, baked, tmp_path):
    save_archive(tmp_path / "baked.tar", baked)
    archive = load_archive(tmp_path / "baked.tar")
    assert archive.avatar.method == archive.info["method"] == "gaussians" and isinstance(archive.avatar, SplatAvatar)
    for key, value in baked.avatar.state_dict().items():
        assert torch.equal(value, archive.avatar.state_dict()[key]), key
    for name in ("global_orient", "body_pose", "transl", "betas", "valid", "K"):
        np.testing.assert_array_equal(getattr(archive.poses, name), getattr(clothed.poses, name))
    for name in ("exposure", "texture", "texture_seen"):
        np.testing.assert_array_equal(getattr(archive, name), getattr(clothed, name))
    for name in ("held_out", "fps", "width", "height"):
        assert getattr(archive, name) == getattr(clothed, name)
    for key in ("source", "training", "licences", "body"):
        assert archive.info[key] == clothed.info[key]
    assert archive.info["baked"]["method"] == "veiled" and archive.info["gaussians"]["count"] == len(archive.avatar)


def test_a_baked_mesh_is_exported_and_played(mesh, scene, tmp_path):
    with pytest.raises(InputError, match="method mesh has no Gaussians.*understudy bake AVATAR OUT"):
        export_avatar(mesh, tmp_path / "exports", ExportConfig())
    baked = bake_gaussians(mesh, QUICK)
    save_archive(tmp_path / "baked.tar", baked)
    archive = load_archive(tmp_path / "baked.tar")
    assert "mesh" not in archive.info and likeness(mesh.avatar, archive.avatar, scene) > 24.0
    files = ("avatar.glb", "avatar.ply")
    written = export_avatar(archive, tmp_path / "exports", ExportConfig(texture_size=128), (), files)
    assert {path.name for path in written} == set(files) and all(path.stat().st_size > 1000 for path in written)
    write_page(tmp_path / "page.html", archive, ViewerConfig())
    assert (tmp_path / "page.html").stat().st_size > 100_000


def test_the_verb_writes_what_is_baked_and_says_how_alike_it_is(mesh, tmp_path, monkeypatch, capsys):
    few = ("--count", 500, "--pictures", 8, "--height", 64, "--steps", 5, "--device", "cpu")
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "bake", "avatar.tar", "baked.tar", *few)
    assert status == 0, errors
    archive = load_archive(tmp_path / "baked.tar")
    assert f"{archive.info['baked']['psnr']:.1f} dB" in printed and len(archive.avatar) <= 500
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "bake", "baked.tar", "again.tar", *few)
    assert status == 2 and "made of Gaussians already" in errors and not (tmp_path / "again.tar").exists()


def test_gaussians_are_refused(scene, tmp_path):
    with pytest.raises(InputError, match="made of Gaussians already"):
        bake_gaussians(archive_of(scene, scene.truth, tmp_path / "avatar.tar"), QUICK)


@pytest.mark.parametrize(("fill", "words"), [(0.0, "draws nothing"), (float("nan"), "no pictures of numbers")])
def test_an_avatar_that_draws_nothing_is_refused(clothed, monkeypatch, fill, words):
    blind = Veiled(clothed.avatar.hidden)
    blind.shaped = lambda betas=None: Blind(clothed.avatar.shaped(betas), fill)
    with pytest.raises(InputError, match=words):
        bake_gaussians(replace(clothed, avatar=blind), replace(QUICK, steps=1, pictures=8))


def test_a_poor_likeness_is_told(clothed, caplog):
    bake_gaussians(clothed, replace(QUICK, steps=1, count=100))
    assert "unlike the avatar" in caplog.text


def test_each_picture_is_drawn_once_and_shows_all_of_the_person(clothed, scene):
    poses = choose_poses(scene.body, scene.track, 4, torch.device("cpu"))
    drawn = [sight for sight, _ in draw_sights(clothed.avatar, poses, all_round(9), 128)]
    assert len(drawn) == 9 and [sight.pose for sight in drawn[4:8]] == poses
    for sight in drawn:
        alpha = sight.layers[..., 3]
        border = torch.cat([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert alpha.max() > 250 and border.max() == 0
        assert all(side % 8 == 0 for side in sight.camera.size)


def test_a_shrunk_picture_is_the_mean_of_its_pixels(clothed, scene):
    [pose] = choose_poses(scene.body, scene.track, 1, torch.device("cpu"))
    [(sight, _)] = draw_sights(clothed.avatar, [pose], all_round(1), 128)
    whole, half = (sight.view(shrink, torch.zeros(3)) for shrink in (1, 2))
    assert half.alpha.shape == tuple(side // 2 for side in whole.alpha.shape)
    torch.testing.assert_close(half.rgb.mean(dim=(0, 1)), whole.rgb.mean(dim=(0, 1)))
    np.testing.assert_allclose(2 * half.camera.K[:2], whole.camera.K[:2])


def test_cameras_stand_on_all_sides_in_any_few_that_follow_one_another():
    directions = all_round(200)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    for first in range(0, 200, 20):
        azimuth = np.sort(np.arctan2(directions[first : first + 20, 0], directions[first : first + 20, 2]))
        assert np.diff(np.append(azimuth, azimuth[0] + 2 * np.pi)).max() < np.radians(75)
    assert directions[:, 1].min() > -0.61 and directions[:, 1].max() > 0.85


def test_poses_are_easy_ones_and_then_the_videos_most_unlike(scene):
    cpu = torch.device("cpu")
    arm, poses = scene.body.joint("left_shoulder"), choose_poses(scene.body, scene.track, 4, cpu)
    assert len(poses) == 4 and not torch.equal(poses[0].rotations[arm], poses[1].rotations[arm])
    swung, back = (pose.rotations[arm] for pose in poses[2:])
    assert (swung - back).norm() > 0.5  # one end of the swing, and the other
    assert len(choose_poses(scene.body, scene.track, 50, cpu)) == 2 + len(scene.track)
    seen = replace(scene.track, valid=np.arange(len(scene.track)) < 3)
    assert len(choose_poses(scene.body, seen, 50, cpu)) == 5


def test_poses_face_all_sides_and_stay_upright(scene):
    poses = choose_poses(scene.body, scene.track, 12, torch.device("cpu"))
    fronts, ups = (torch.stack([pose.rotations[0][:, axis] for pose in poses]) for axis in (2, 1))
    assert (ups[:, 1] < -0.99).all()  # y is down in the camera's world
    angles = np.sort(np.arctan2(fronts[:, 0], fronts[:, 2]))
    assert np.diff(np.append(angles, angles[0] + 2 * np.pi)).max() < np.radians(75)


def test_rows_far_apart_are_chosen_without_repeats():
    features = torch.tensor([[0.0], [1.0], [10.0], [10.0]])
    assert far_apart(features, torch.tensor([[0.0]]), 9) == [2, 1, 0, 3]


def test_the_registry_says_which_methods_have_gaussians_without_importing_them():
    assert set(METHODS) >= WITH_GAUSSIANS
    for name in METHODS:
        hints = find_method(name).restore.__annotations__
        assert issubclass(hints["return"], SplatAvatar) == (name in WITH_GAUSSIANS), name


def test_sights_are_kept_small(clothed, scene):
    poses = choose_poses(scene.body, scene.track, 1, torch.device("cpu"))
    [(sight, picture)] = draw_sights(clothed.avatar, poses, all_round(1), 128)
    assert isinstance(sight, Sight) and sight.layers.dtype == torch.uint8
    torch.testing.assert_close(sight.layers[..., 3] / 255.0, picture.alpha, rtol=0, atol=0.003)
