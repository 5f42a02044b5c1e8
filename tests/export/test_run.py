"""A whole export: every file, the same place, the same bytes, other shapes, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.support.avatar_scenes import plaid, truth_avatar
from tests.support.bodies import sausage_body
from tests.support.export_scenes import archive, parts_of, read_spz, small_pictures, surface
from understudy.body.config import ShapeConfig
from understudy.errors import InputError
from understudy.export.config import ExportConfig
from understudy.export.run import export_avatar, reshaped
from understudy.export.splats import posed_splats, rest_pose
from understudy.export.surface import avatar_surface

__all__ = ["small_pictures"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return folder, export_avatar(archive(), folder, ExportConfig(texture_size=128, author="Anna"))


def test_an_export_writes_every_file(exported):
    folder, written = exported
    assert sorted(written) == sorted(folder.glob("[!.]*"))
    assert {path.name for path in written} == {
        "avatar.glb", "avatar.vrm", "avatar.ply", "avatar.spz", "splats.glb", "mesh.obj", "mesh.mtl", "mesh.jpg",
        "mesh_normal.jpg", "mesh.ply",
    }  # fmt: skip
    content, _ = parts_of(folder / "avatar.glb")
    assert [animation["name"] for animation in content["animations"]] == ["source_motion"]


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


def test_the_vrm_names_every_bone_that_the_format_requires_and_grants_nothing(exported):
    content, _ = parts_of(exported[0] / "avatar.vrm")
    assert content["extensionsUsed"] == ["VRMC_vrm"] and "animations" not in content
    extension = content["extensions"]["VRMC_vrm"]
    assert extension["specVersion"] == "1.0"
    bones = {name: bone["node"] for name, bone in extension["humanoid"]["humanBones"].items()}
    limbs = ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
    required = {"hips", "spine", "head"} | {f"{side}{limb}" for side in ("left", "right") for limb in limbs}
    assert required <= set(bones) and len(set(bones.values())) == len(bones)
    assert all(content["nodes"][node]["name"] == name for name, node in bones.items())
    meta = extension["meta"]
    assert (meta["name"], meta["authors"]) == ("anna", ["Anna"]) and meta["copyrightInformation"] == "footage: mine"
    assert meta["avatarPermission"] == "onlyAuthor" and meta["modification"] == "prohibited"
    assert not any(value for key, value in meta.items() if key.startswith("allow"))


def test_the_normal_map_is_in_the_glb_and_beside_the_obj(exported):
    folder, _ = exported
    content, _ = parts_of(folder / "avatar.glb")
    material = content["materials"][0]
    assert content["images"][content["textures"][material["normalTexture"]["index"]]["source"]]["name"] == "relief"
    assert "TANGENT" in content["meshes"][0]["primitives"][0]["attributes"]
    assert "map_Bump mesh_normal.jpg" in (folder / "mesh.mtl").read_text()
    with Image.open(folder / "mesh_normal.jpg") as image:
        assert image.size == (128, 128) and np.median(np.array(image)[..., 2]) > 200


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
        ({"files": ["avatar.fbx"]}, "avatar.fbx is not an export"),
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
    clouds = [posed_splats(one.avatar, *rest_pose(one.avatar.body)).means for one in (own, tall)]
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
