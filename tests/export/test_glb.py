"""The rigged GLB and the glTF of Gaussians, read back from their bytes."""

from functools import cache

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

from tests.support.export_scenes import RELIEF, TEXTURE, parts_of, small_pictures, some_splats, surface
from understudy.body.joints import SMPL_JOINTS
from understudy.body.lbs import joint_transforms
from understudy.export.gltf import Glb
from understudy.export.rigged import main_joints, write_rigged
from understudy.export.splat_gltf import write_splat_gltf
from understudy.export.splats import SH_C0
from understudy.export.stance import frame_pose
from understudy.export.vrm import vrm_bones
from understudy.motion.clip import Clip

__all__ = ["small_pictures"]


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
    write_rigged(folder / "a.glb", surface(), TEXTURE, RELIEF, {"wave": wave()}, ["footage: mine"])
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
    assert names == list(vrm_bones(SMPL_JOINTS).values()) and len(set(names)) == len(SMPL_JOINTS)
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
    views = {entry["bufferView"] for entry in content["accessors"]} | {
        image["bufferView"] for image in content["images"]
    }
    assert views == set(range(len(content["bufferViews"])))


def test_joints_that_stand_still_have_one_key_and_every_joint_has_one(tmp_path):
    clip = Clip(np.zeros((3, 3), np.float32), np.zeros((3, 69), np.float32), np.zeros((3, 3), np.float32), 10.0)
    clip.body_pose[1, 3 * 17 : 3 * 18] = 0.5
    write_rigged(tmp_path / "a.glb", surface(), TEXTURE, RELIEF, {"elbow": clip})
    content, _ = parts_of(tmp_path / "a.glb")
    animation = content["animations"][0]
    keys = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        counts = {content["accessors"][sampler[end]]["count"] for end in ("input", "output")}
        keys[channel["target"]["node"], channel["target"]["path"]] = counts
    assert keys[0, "translation"] == keys[0, "rotation"] == keys[SMPL_JOINTS.index("left_elbow"), "rotation"] == {3}
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
