"""The surface, and the files of Gaussians and meshes, read back by other programs' readers."""

import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tests.support.export_scenes import (
    LENGTH,
    RELIEF,
    TEXTURE,
    THICKER,
    archive,
    covariances,
    read_spz,
    small_pictures,
    some_splats,
    surface,
)
from understudy.body.joints import SMPL_JOINTS
from understudy.body.lbs import pose_rotations
from understudy.errors import InputError
from understudy.export import spz
from understudy.export.meshes import vertex_colors, write_mesh_ply, write_obj
from understudy.export.splats import SH_C0, SH_C1, Splats, posed_splats, write_splats
from understudy.export.spz import write_spz
from understudy.export.stance import frame_pose, recorded, still
from understudy.render.camera import Camera, look_at
from understudy.render.cloud import splat
from understudy.render.mesh import rasterize_mesh

__all__ = ["small_pictures"]


def test_the_surface_lies_where_the_gaussians_are():
    body, mesh = archive().avatar.body, surface()
    bare = body.v_template.numpy()
    moved = np.linalg.norm(mesh.vertices - bare, axis=1)
    assert THICKER < np.median(moved) < THICKER + 0.01  # Gaussians are seen beyond their centres
    assert (mesh.vertices - bare)[moved > 0.001].shape[0] > 0.8 * len(bare)
    assert mesh.sole == pytest.approx(THICKER, abs=0.01)


def test_the_surface_has_the_gaussians_silhouette_in_another_pose():
    pose = torch.zeros(1, 69)
    pose[0, 3 * 15 + 2], pose[0, 3 * 16 + 2], pose[0, 3 * 3] = -0.9, 0.9, 0.6
    rotations, transl = pose_rotations(torch.zeros(1, 3), pose)[0], torch.tensor([0.0, 0.1, 0.0])
    camera = Camera(
        np.array([[900.0, 0, 200], [0, 900.0, 300], [0, 0, 1]]), 400, 600,
        look_at(np.array([0.6, 0.0, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0])),
    )  # fmt: skip
    with torch.no_grad():
        K, view = (torch.tensor(part, dtype=torch.float32) for part in (camera.K, camera.view))
        cloud = splat(archive().avatar.gaussians(rotations, transl), K, camera.size, view).alpha.numpy() > 0.5

    def overlap(vertices):
        mesh = rasterize_mesh(camera.to_camera(vertices), surface().body.faces, camera.K, camera.size).face >= 0
        return (mesh & cloud).sum() / (mesh | cloud).sum()

    bare = replace(surface(), vertices=surface().body.v_template.numpy())
    assert overlap(surface().posed(rotations, transl)) > 0.94
    assert overlap(bare.posed(rotations, transl)) < 0.8


def test_no_face_is_turned_over():
    bare = trimesh.Trimesh(surface().body.v_template.numpy(), surface().body.faces, process=False)
    moved = trimesh.Trimesh(surface().vertices, surface().body.faces, process=False)
    agree = (np.cross(*_edges(bare)) * np.cross(*_edges(moved))).sum(axis=1)
    assert (agree > 0).all()
    assert moved.is_watertight == bare.is_watertight


def _edges(mesh):
    a, b, c = np.asarray(mesh.vertices)[mesh.faces].transpose(1, 0, 2)
    return b - a, c - a


# poses


@pytest.mark.parametrize("pose", ["a", "t", "big", "0", 3])
def test_stills_stand_on_the_ground_above_the_origin(pose):
    rotations, transl = frame_pose(still(archive(), surface(), pose), 0)
    vertices = surface().posed(rotations, transl)
    assert vertices[:, 1].min() == pytest.approx(0, abs=1e-4)
    pelvis = surface().joints[0] + transl.numpy()
    np.testing.assert_allclose(pelvis[[0, 2]], 0, atol=1e-5)
    head = surface().posed(rotations, transl)[surface().body.lbs_weights[:, SMPL_JOINTS.index("head")].argmax()]
    assert head[1] > 1.2


def test_the_videos_motion_is_that_of_the_camera_turned_upright():
    clip, track = recorded(archive(), surface()), archive().poses
    turn = np.diag([1.0, -1.0, -1.0])
    for frame in range(LENGTH):
        ours = Rotation.from_rotvec(clip.global_orient[frame]).as_matrix()
        theirs = Rotation.from_rotvec(track.global_orient[frame]).as_matrix()
        np.testing.assert_allclose(ours, turn @ theirs, atol=1e-5)
    np.testing.assert_allclose(np.diff(clip.transl, axis=0), 0, atol=1e-5)
    assert clip.fps == 25.0


@pytest.mark.parametrize("pose", ["sitting", "5", "-1"])
def test_poses_that_there_are_not_are_refused(pose):
    with pytest.raises(InputError, match=rf"pose {pose}: "):
        still(archive(), surface(), pose)


# Gaussians


def test_the_ply_says_what_the_splats_are(tmp_path):
    splats = some_splats()
    write_splats(tmp_path / "a.ply", splats)
    read = trimesh.load(tmp_path / "a.ply")
    rows = read.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(read.vertices, splats.means)
    dc = np.stack([rows[f"f_dc_{i}"] for i in range(3)], axis=1)
    np.testing.assert_allclose(0.5 + SH_C0 * dc, splats.colors, atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-rows["opacity"])), splats.opacities, atol=1e-5)
    np.testing.assert_allclose(np.exp(np.stack([rows[f"scale_{i}"] for i in range(3)], 1)), splats.scales, rtol=1e-5)
    np.testing.assert_array_equal(np.stack([rows[f"rot_{i}"] for i in range(4)], axis=1), splats.quats)
    assert not rows["nx"].any()
    names = [line.split()[-1] for line in (tmp_path / "a.ply").read_bytes().split(b"end_header")[0].splitlines()[3:]]
    assert names[:6] == [b"x", b"y", b"z", b"nx", b"ny", b"nz"] and names[-4:] == [
        b"rot_0",
        b"rot_1",
        b"rot_2",
        b"rot_3",
    ]


def test_turning_upside_down_turns_places_and_shapes_alike():
    splats = some_splats()
    turned, X = splats.upside_down(), np.diag([1.0, -1.0, -1.0])
    np.testing.assert_allclose(turned.means, splats.means @ X, atol=1e-6)
    ours = covariances(turned.quats, turned.scales)
    np.testing.assert_allclose(ours, X @ covariances(splats.quats, splats.scales) @ X, atol=1e-7)
    np.testing.assert_allclose(turned.upside_down().means, splats.means, atol=1e-6)


def test_posed_splats_have_the_avatars_albedo_whatever_the_pose():
    pose = pose_rotations(torch.tensor([[0.3, 1.2, 0.0]]), torch.full((1, 69), 0.1))[0]
    for rotations in (archive().avatar.body.rest_rotations, pose):
        splats = posed_splats(archive().avatar, rotations, torch.zeros(3))
        np.testing.assert_array_equal(splats.colors, archive().avatar.albedo().numpy())


def test_colours_by_the_side_are_in_every_file_of_splats_and_turn_with_it(tmp_path):
    random = np.random.default_rng(0)
    splats = replace(some_splats(), sh=random.normal(0, 0.1, (len(some_splats()), 3, 3)).astype(np.float32))
    sight = random.normal(size=3)
    sight /= np.linalg.norm(sight)
    expected = splats.colors + splats.sh @ sight

    def seen(coefficients, x, y, z):  # as Inria's program adds up degrees zero and one
        zero, *one = coefficients
        return 0.5 + SH_C0 * zero + SH_C1 * (-y * one[0] + z * one[1] - x * one[2])

    np.testing.assert_allclose(seen(splats.harmonics(), *sight), expected, atol=1e-5)
    np.testing.assert_allclose(
        seen(splats.upside_down().harmonics(), sight[0], -sight[1], -sight[2]), expected, atol=1e-5
    )
    write_splats(tmp_path / "a.ply", splats)
    rows = trimesh.load(tmp_path / "a.ply").metadata["_ply_raw"]["vertex"]["data"]
    zero = np.stack([rows[f"f_dc_{c}"] for c in range(3)], axis=1)
    one = [np.stack([rows[f"f_rest_{3 * c + i}"] for c in range(3)], axis=1) for i in range(3)]
    np.testing.assert_allclose(seen([zero, *one], *sight), expected, atol=1e-5)
    write_spz(tmp_path / "a.spz", splats)
    raw = gzip.decompress((tmp_path / "a.spz").read_bytes())
    assert raw[12] == 1
    packed = np.frombuffer(raw[-9 * len(splats) :], np.uint8).reshape(-1, 3, 3).astype(float) / 128 - 1
    np.testing.assert_allclose(packed, np.stack(splats.harmonics()[1:], axis=1), atol=0.5 / 128 + 1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_spz_says_what_the_splats_are(tmp_path_factory, seed):
    path, splats = tmp_path_factory.mktemp("spz") / "a.spz", some_splats(seed=seed)
    write_spz(path, splats)
    places, alpha, color, scale, quats = read_spz(path.read_bytes())
    np.testing.assert_allclose(places, splats.means, atol=2.0**-15 + 1e-7)
    np.testing.assert_allclose(alpha, splats.opacities, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(color, splats.colors, atol=0.5 / 255 * SH_C0 / 0.15 + 1e-6)
    np.testing.assert_allclose(np.log(scale), np.log(splats.scales), atol=1 / 32 + 1e-5)
    np.testing.assert_allclose(np.abs((quats * splats.quats).sum(axis=1)), 1, atol=1e-5)


def test_one_splat_has_the_known_bytes(tmp_path):
    half = float(np.sqrt(0.5))
    one = Splats(
        np.float32([[1.0, -0.5, 0.0]]), np.float32([[half, 0.0, -half, 0.0]]), np.float32(np.exp([[-5.0, -5.5, -6.0]])),
        np.float32([1.0]), np.float32([[0.5, 0.5, 0.5]]),
    )  # fmt: skip
    write_spz(tmp_path / "a.spz", one)
    raw = gzip.decompress((tmp_path / "a.spz").read_bytes())
    assert raw[:16] == bytes.fromhex("4e475350 03000000 01000000 00 0e 00 00")
    assert raw[16:25] == bytes.fromhex("004000 00e0ff 000000")  # 2^14, -2^13, 0
    assert raw[25:32] == bytes([255, 128, 128, 128, 80, 72, 64])
    # y is the largest and made positive, so w is negative, at the end of its range
    assert struct.unpack("<I", raw[32:]) == (1 << 30 | 0 << 20 | 0 << 10 | 512 | 511,)


def test_splats_too_far_for_spz_are_refused(tmp_path):
    splats = some_splats()
    splats.means[3, 1] = 600.0
    with pytest.raises(InputError, match="600 m away"):
        write_spz(tmp_path / "a.spz", splats)
    assert not list(tmp_path.iterdir())


# meshes


def test_the_obj_opens_with_its_texture(tmp_path):
    mesh = surface()
    files = write_obj(tmp_path / "mesh.obj", mesh.vertices, mesh.body, TEXTURE, RELIEF)
    assert [file.name for file in files] == ["mesh.obj", "mesh.mtl", "mesh.jpg", "mesh_normal.jpg"]
    read = trimesh.load(tmp_path / "mesh.obj", process=False)
    assert read.faces.shape == mesh.body.faces.shape
    np.testing.assert_allclose(read.triangles, mesh.vertices[mesh.body.faces], atol=1e-5)
    np.testing.assert_allclose(read.visual.uv[read.faces], mesh.body.vt[mesh.body.ft], atol=1e-5)
    assert read.visual.material.image.size == (32, 32)


def test_the_mesh_ply_opens_with_colours_from_the_texture(tmp_path):
    mesh = surface()
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:32, :, 0], halves[32:, :, 1] = 255, 255  # red where v is large
    write_mesh_ply(tmp_path / "mesh.ply", mesh.vertices, mesh.body.faces, vertex_colors(mesh.body, halves))
    read = trimesh.load(tmp_path / "mesh.ply", process=False)
    np.testing.assert_array_equal(read.vertices, mesh.vertices)
    np.testing.assert_array_equal(read.faces, mesh.body.faces)
    red = read.visual.vertex_colors[:, 0] == 255
    np.testing.assert_array_equal(red, mesh.body.vt[:, 1] > 0.5)


# GLB


def test_the_quaternion_of_the_identity_packs_to_nothing_but_its_largest_component():
    assert spz._turns(np.float32([[1, 0, 0, 0]])) == struct.pack("<I", 3 << 30)
