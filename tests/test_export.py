"""Exports: the surface, the files of Gaussians and meshes, and the rigged GLB, read back by other programs' readers."""

import gzip
import io
import json
import struct
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from avatar_scenes import plaid, plain_canonical, truth_avatar, turning_track
from bodies import sausage_body
from understudy.avatar.archive import AvatarArchive
from understudy.avatar.model import splat
from understudy.body.lbs import joint_transforms, pose_rotations
from understudy.body.model import JOINTS
from understudy.errors import InputError
from understudy.export import outline, spz, texture
from understudy.export.gltf import Glb
from understudy.export.meshes import write_mesh_ply, write_obj
from understudy.export.rigged import BONES, main_joints, write_rigged
from understudy.export.run import ExportConfig, export_avatar, reshaped
from understudy.export.splat_gltf import write_splat_gltf
from understudy.export.splats import REST, SH_C0, Splats, albedo, posed_splats, write_splats
from understudy.export.spz import write_spz
from understudy.export.stance import frame_pose, recorded, still
from understudy.export.surface import avatar_surface
from understudy.motion.clip import Clip
from understudy.render.camera import Camera, look_at
from understudy.render.mesh import rasterize_mesh
from understudy.show.shape import ShapeConfig

LENGTH = 5
THICKER = 0.015
TEXTURE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """The person is looked at in small pictures, to save time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture, "HEIGHT", 400)
        patch.setattr(outline, "HEIGHT", 500)
        yield


@cache
def archive(thicker=THICKER):
    """A person in clothes: the Gaussians lie ``thicker`` m outside of the body."""
    body = sausage_body(posedirs=True)
    avatar = truth_avatar(body, count=9000)
    avatar.offsets[:, 2] = thicker
    avatar.log_scales -= 0.3
    K = np.array([[200.0, 0.0, 45.0], [0.0, 200.0, 80.0], [0.0, 0.0, 1.0]])
    canonical = plain_canonical(body)
    return AvatarArchive(
        avatar, turning_track(LENGTH, body, K), (), 25.0, 90, 160, canonical.texture, canonical.texture_seen,
        {"licences": ["footage: mine"]},
    )  # fmt: skip


@cache
def surface():
    return avatar_surface(archive().avatar)


def some_splats(count=50, seed=0):
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    parts = (
        rng.normal(size=(count, 3)), quats / np.linalg.norm(quats, axis=1, keepdims=True),
        np.exp(rng.uniform(-7, -3, (count, 3))), rng.uniform(0.01, 0.99, count), rng.uniform(0, 1, (count, 3)),
    )  # fmt: skip
    return Splats(*(part.astype(np.float32) for part in parts))


def covariances(quats_wxyz, scales):
    axes = Rotation.from_quat(np.roll(quats_wxyz, -1, axis=1)).as_matrix() * scales[:, None, :]
    return axes @ axes.transpose(0, 2, 1)


# surface


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
    head = surface().posed(rotations, transl)[surface().body.lbs_weights[:, JOINTS.index("head")].argmax()]
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
    for rotations in (REST[0], pose):
        splats = posed_splats(archive().avatar, rotations, torch.zeros(3))
        np.testing.assert_array_equal(splats.colors, albedo(archive().avatar).numpy())


def read_spz(data):
    """A reader of version 3 written from its description."""
    raw = gzip.decompress(data)
    magic, version, count, degree, bits, flags, reserved = struct.unpack("<IIIBBBB", raw[:16])
    assert (magic, version, degree, flags, reserved) == (0x5053474E, 3, 0, 0, 0)
    stream = io.BytesIO(raw[16:])

    def take(per_splat):
        return np.frombuffer(stream.read(count * per_splat), np.uint8).reshape(count, per_splat).astype(np.int64)

    b = take(9).reshape(count, 3, 3)
    places = b[..., 0] | b[..., 1] << 8 | b[..., 2] << 16
    places = np.where(places >= 1 << 23, places - (1 << 24), places) / 2**bits
    alpha, color, scale = take(1)[:, 0] / 255, take(3) / 255, take(3)
    b = take(4)
    assert stream.read() == b""
    words = b[:, 0] | b[:, 1] << 8 | b[:, 2] << 16 | b[:, 3] << 24
    quats = np.zeros((count, 4))
    for row, word in enumerate(words):
        largest = word >> 30
        rest = [i for i in range(4) if i != largest]
        for place, component in enumerate(rest):
            part = word >> (10 * (2 - place)) & 1023
            quats[row, component] = (part & 511) / 511 / np.sqrt(2) * (-1 if part & 512 else 1)
        quats[row, largest] = np.sqrt(1 - np.square(quats[row]).sum())
    return places, alpha, 0.5 + SH_C0 * (color - 0.5) / 0.15, np.exp(scale / 16 - 10), np.roll(quats, 1, axis=1)


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
    files = write_obj(tmp_path / "mesh.obj", mesh.vertices, mesh.body, TEXTURE)
    assert [file.name for file in files] == ["mesh.obj", "mesh.mtl", "mesh.jpg"]
    read = trimesh.load(tmp_path / "mesh.obj", process=False)
    assert read.faces.shape == mesh.body.faces.shape
    np.testing.assert_allclose(read.triangles, mesh.vertices[mesh.body.faces], atol=1e-5)
    np.testing.assert_allclose(read.visual.uv[read.faces], mesh.body.vt[mesh.body.ft], atol=1e-5)
    assert read.visual.material.image.size == (32, 32)


def test_the_mesh_ply_opens_with_colours_from_the_texture(tmp_path):
    mesh = surface()
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:32, :, 0], halves[32:, :, 1] = 255, 255  # red where v is large
    write_mesh_ply(tmp_path / "mesh.ply", mesh.vertices, mesh.body, halves)
    read = trimesh.load(tmp_path / "mesh.ply", process=False)
    np.testing.assert_array_equal(read.vertices, mesh.vertices)
    np.testing.assert_array_equal(read.faces, mesh.body.faces)
    red = read.visual.vertex_colors[:, 0] == 255
    np.testing.assert_array_equal(red, mesh.body.vt[:, 1] > 0.5)


# GLB


def parts_of(path):
    """JSON and buffer of a GLB."""
    data = path.read_bytes()
    magic, version, length = struct.unpack("<III", data[:12])
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack("<II", data[12:20])
    assert kind == 0x4E4F534A and size % 4 == 0
    rest, kind = struct.unpack("<II", data[20 + size : 28 + size])
    assert kind == 0x004E4942 and len(data) == 28 + size + rest
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def accessor(content, data, index):
    entry = content["accessors"][index]
    view = content["bufferViews"][entry["bufferView"]]
    kind = {5126: "<f4", 5125: "<u4", 5121: "u1"}[entry["componentType"]]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[entry["type"]]
    flat = np.frombuffer(data, kind, entry["count"] * width, view["byteOffset"])
    return flat.reshape(entry["count"], width)


def wave(frames=7, fps=10.0):
    rng = np.random.default_rng(4)
    turns = rng.normal(scale=0.4, size=(1, 72)) * np.linspace(0, 6, frames)[:, None]
    return Clip(turns[:, :3].astype(np.float32), turns[:, 3:].astype(np.float32), rng.normal(size=(frames, 3)), fps)


@cache
def glb_parts(folder):
    write_rigged(folder / "a.glb", surface(), TEXTURE, {"wave": wave()}, ["footage: mine"])
    return parts_of(folder / "a.glb")


@pytest.fixture(scope="module")
def glb(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glb")
    return folder / "a.glb", *glb_parts(folder)


def global_transforms(content, pose):
    """Of the joint nodes [24,4,4], with rotations and translations of ``pose`` by node in place of the nodes' own."""
    done = {}

    def visit(node, above):
        entry = content["nodes"][node]
        local = np.eye(4)
        local[:3, 3] = pose.get((node, "translation"), entry.get("translation", [0, 0, 0]))
        local[:3, :3] = Rotation.from_quat(pose.get((node, "rotation"), [0, 0, 0, 1])).as_matrix()
        done[node] = above @ local
        for child in entry.get("children", []):
            visit(child, done[node])

    for node in content["scenes"][0]["nodes"]:
        visit(node, np.eye(4))
    return np.stack([done[joint] for joint in content["skins"][0]["joints"]])


def test_a_viewer_that_skins_the_glb_sees_our_own_skinning(glb):
    """What a viewer does, step by step, against our body in the motion's poses, but for the pose correctives."""
    _, content, data = glb
    values = {k: accessor(content, data, i) for k, i in content["meshes"][0]["primitives"][0]["attributes"].items()}
    inverse = accessor(content, data, content["skins"][0]["inverseBindMatrices"]).reshape(24, 4, 4).transpose(0, 2, 1)
    animation, clip, mesh = content["animations"][0], wave(), surface()
    triangles = accessor(content, data, content["meshes"][0]["primitives"][0]["indices"])[:, 0]
    weights = np.zeros((len(mesh.vertices), 24))
    joint, weight = main_joints(mesh.body.lbs_weights.numpy())
    np.add.at(weights, (np.arange(len(weights))[:, None], joint), weight)
    for frame in (0, 3, 6):
        pose = {}
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            target = channel["target"]["node"], channel["target"]["path"]
            values_over_time = accessor(content, data, sampler["output"])
            pose[target] = values_over_time[min(frame, len(values_over_time) - 1)]
        skin = global_transforms(content, pose) @ inverse
        homogeneous = np.pad(values["POSITION"], ((0, 0), (0, 1)), constant_values=1)
        blended = np.einsum("vk,vkab->vab", values["WEIGHTS_0"], skin[values["JOINTS_0"]])
        theirs = np.einsum("vab,vb->va", blended, homogeneous)[:, :3]

        rotations, _ = frame_pose(clip, frame)
        rest, joints = mesh.vertices, torch.from_numpy(mesh.joints)
        transforms = joint_transforms(rotations[None], joints, mesh.body.parents)[0].numpy()
        ours = np.einsum("vj,jab,vb->va", weights, transforms, np.pad(rest, ((0, 0), (0, 1)), constant_values=1))[:, :3]
        ours = ours + clip.transl[frame]
        np.testing.assert_allclose(theirs[triangles], ours[mesh.body.faces.ravel()], atol=1e-4)


def test_the_glb_rests_in_a_t_pose_on_the_ground_facing_z_with_humanoid_names(glb):
    path, content, data = glb
    scene = trimesh.load(path)
    low, high = scene.bounds
    assert low[1] == pytest.approx(0, abs=1e-5) and 1.5 < high[1] < 1.9
    names = [content["nodes"][joint]["name"] for joint in content["skins"][0]["joints"]]
    assert names == list(BONES) and len(set(names)) == 24
    at = global_transforms(content, {})[:, :3, 3]
    place = dict(zip(names, at, strict=True))
    assert place["leftHand"][0] > 0.5 and place["rightHand"][0] < -0.5  # the person's left at +x
    assert place["leftToes"][2] > place["leftFoot"][2] + 0.1  # towards +z
    inverse = accessor(content, data, content["skins"][0]["inverseBindMatrices"]).reshape(24, 4, 4).transpose(0, 2, 1)
    np.testing.assert_allclose(global_transforms(content, {}) @ inverse, np.tile(np.eye(4), (24, 1, 1)), atol=1e-5)


def test_the_glbs_mesh_has_our_uv_and_texture(glb):
    path, content, _ = glb
    mesh = next(iter(trimesh.load(path).geometry.values()))
    body = surface().body
    assert len(mesh.faces) == len(body.faces) and mesh.visual.material.baseColorTexture.size == (32, 32)
    np.testing.assert_allclose(mesh.visual.uv[mesh.faces], body.vt[body.ft], atol=1e-5)
    assert content["asset"]["copyright"] == "footage: mine"


def test_quaternions_never_jump_and_times_start_at_zero(glb):
    _, content, data = glb
    animation = content["animations"][0]
    for sampler in animation["samplers"]:
        times, values = (accessor(content, data, sampler[key]) for key in ("input", "output"))
        np.testing.assert_allclose(times[:, 0], np.arange(len(values)) / 10.0, atol=1e-6)
        if values.shape[1] == 4:
            assert ((values[1:] * values[:-1]).sum(axis=1) > 0).all()
            np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-6)


def test_nothing_in_the_glb_is_left_unused(glb):
    _, content, _ = glb
    used = {sampler[end] for sampler in content["animations"][0]["samplers"] for end in ("input", "output")}
    primitive = content["meshes"][0]["primitives"][0]
    used |= {*primitive["attributes"].values(), primitive["indices"], content["skins"][0]["inverseBindMatrices"]}
    assert used == set(range(len(content["accessors"])))
    views = {entry["bufferView"] for entry in content["accessors"]} | {content["images"][0]["bufferView"]}
    assert views == set(range(len(content["bufferViews"])))


def test_joints_that_stand_still_have_one_key_and_every_joint_has_one(tmp_path):
    clip = Clip(np.zeros((3, 3), np.float32), np.zeros((3, 69), np.float32), np.zeros((3, 3), np.float32), 10.0)
    clip.body_pose[1, 3 * 17 : 3 * 18] = 0.5
    write_rigged(tmp_path / "a.glb", surface(), TEXTURE, {"elbow": clip})
    content, _ = parts_of(tmp_path / "a.glb")
    animation = content["animations"][0]
    keys = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        counts = {content["accessors"][sampler[end]]["count"] for end in ("input", "output")}
        keys[channel["target"]["node"], channel["target"]["path"]] = counts
    assert keys[0, "translation"] == keys[0, "rotation"] == keys[JOINTS.index("left_elbow"), "rotation"] == {3}
    assert [keys[joint, "rotation"] for joint in range(24)].count({1}) == 22


def test_the_gltf_of_gaussians_says_what_the_splats_are(tmp_path):
    splats = some_splats()
    write_splat_gltf(tmp_path / "a.glb", splats)
    content, data = parts_of(tmp_path / "a.glb")
    assert content["extensionsUsed"] == ["KHR_gaussian_splatting"]
    primitive = content["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    values = {name.split(":")[-1]: accessor(content, data, i) for name, i in primitive["attributes"].items()}
    np.testing.assert_array_equal(values["POSITION"], splats.means)
    np.testing.assert_array_equal(values["SCALE"], splats.scales)
    np.testing.assert_array_equal(values["ROTATION"][:, [3, 0, 1, 2]], splats.quats)
    np.testing.assert_array_equal(values["OPACITY"][:, 0], splats.opacities)
    np.testing.assert_allclose(0.5 + SH_C0 * values["SH_DEGREE_0_COEF_0"], splats.colors, atol=1e-6)
    assert len(trimesh.load(tmp_path / "a.glb", force="scene").geometry["person"].vertices) == len(splats)


def test_weights_are_cut_to_four_and_sum_to_one():
    weights = np.random.default_rng(0).dirichlet(np.full(24, 0.2), 200).astype(np.float32)
    weights[0] = np.eye(24)[7]
    joint, weight = main_joints(weights)
    np.testing.assert_allclose(weight.sum(axis=1), 1, atol=1e-6)
    assert (np.take_along_axis(weights, joint.astype(int), 1)[weight > 0] > 0).all()
    assert joint[0].tolist() == [7, 0, 0, 0] and weight[0].tolist() == [1, 0, 0, 0]


def test_views_are_aligned_and_bounds_are_those_of_the_values(tmp_path):
    glb = Glb({})
    glb.view(b"odd")
    values = np.float32([[1, 2, 3], [-1, 5, 0]])
    glb.accessor(values, bounds=True)
    glb.write(tmp_path / "a.glb")
    content, data = parts_of(tmp_path / "a.glb")
    assert content["bufferViews"][1]["byteOffset"] == 4
    assert (content["accessors"][0]["min"], content["accessors"][0]["max"]) == ([-1, 2, 0], [1, 5, 3])
    np.testing.assert_array_equal(accessor(content, data, 0), values)


# all together


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return folder, export_avatar(archive(), folder, ExportConfig(texture_size=128))


def test_an_export_writes_every_file(exported):
    folder, written = exported
    assert sorted(written) == sorted(folder.iterdir())
    assert {path.name for path in written} == {
        "avatar.glb", "avatar.ply", "avatar.spz", "splats.glb", "mesh.obj", "mesh.mtl", "mesh.jpg", "mesh.ply",
    }  # fmt: skip
    content, _ = parts_of(folder / "avatar.glb")
    assert [animation["name"] for animation in content["animations"]] == ["take"]


def test_all_files_show_the_person_in_the_same_place(exported):
    folder, _ = exported
    places = read_spz((folder / "avatar.spz").read_bytes())[0]
    np.testing.assert_allclose(places, trimesh.load(folder / "avatar.ply").vertices * [1, -1, -1], atol=1e-4)
    mesh = trimesh.load(folder / "mesh.ply")
    np.testing.assert_allclose(mesh.bounds, trimesh.load(folder / "mesh.obj").bounds, atol=1e-5)
    np.testing.assert_allclose(np.stack([places.min(axis=0), places.max(axis=0)]), mesh.bounds, atol=0.05)


def test_the_same_avatar_gives_the_same_bytes(exported, tmp_path):
    folder, _ = exported
    (written,) = export_avatar(archive(), tmp_path, ExportConfig(texture_size=128), files=["avatar.glb"])
    assert written.read_bytes() == (folder / "avatar.glb").read_bytes()


def test_the_baked_texture_has_the_gaussians_colours(exported):
    read = trimesh.load(exported[0] / "mesh.ply", process=False)
    # the front of the chest and of the hips, which is seen well
    bare = surface().body.v_template.numpy()
    front = (np.asarray(read.vertex_normals)[:, 2] > 0.8) & (np.abs(bare[:, 0]) < 0.15) & (bare[:, 1] < 0.4)
    error = np.abs(read.visual.vertex_colors[front, :3] / 255 - plaid(bare[front]))
    assert front.sum() > 20 and np.median(error) < 0.08


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"files": ["avatar.fbx"]}, "avatar.fbx is no export"),
        ({"motions": ["walk.txt"], "files": ["avatar.glb"]}, "walk.txt"),
    ],
)
def test_what_cannot_be_exported_is_named(tmp_path, arguments, words):
    with pytest.raises(InputError, match=words):
        export_avatar(archive(), tmp_path, ExportConfig(texture_size=32), **arguments)
    assert not list(tmp_path.iterdir())


def test_mesh_joints_and_gaussians_follow_another_shape():
    own, tall = archive(), reshaped(archive(), ShapeConfig(height=200.0))
    before, after = surface(), avatar_surface(tall.avatar)
    grown = np.ptp(after.vertices[:, 1]) / np.ptp(before.vertices[:, 1])
    assert grown > 1.1
    assert np.ptp(after.joints[:, 1]) / np.ptp(before.joints[:, 1]) == pytest.approx(grown, rel=0.05)
    clouds = [posed_splats(one.avatar, *REST).means for one in (own, tall)]
    assert np.ptp(clouds[1][:, 1]) / np.ptp(clouds[0][:, 1]) == pytest.approx(grown, rel=0.05)
    assert reshaped(own, ShapeConfig()) is own


def test_a_mesh_of_a_licensed_body_comes_with_a_warning_and_gaussians_without(tmp_path, caplog):
    avatar = truth_avatar(replace(sausage_body(), free=False, name="licensed"), count=500)
    licensed = replace(archive(), avatar=avatar)
    export_avatar(licensed, tmp_path, ExportConfig(texture_size=32), files=["avatar.ply", "avatar.spz"])
    assert not caplog.records
    export_avatar(licensed, tmp_path, ExportConfig(texture_size=32), files=["mesh.ply"])
    assert "skin weights of licensed" in caplog.text


@pytest.mark.parametrize("wrong", [{"texture_size": 5}, {"fps": 0.0}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ExportConfig(**wrong)


def test_the_quaternion_of_the_identity_packs_to_nothing_but_its_largest_component():
    assert spz._turns(np.float32([[1, 0, 0, 0]])) == struct.pack("<I", 3 << 30)
