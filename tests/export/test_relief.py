"""Marching cubes over the Gaussians, the mesh's normal map, and the VRM avatar."""

import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from tests.support.avatar_scenes import truth_avatar
from tests.support.bodies import sausage_body
from tests.support.export_scenes import archive, small_pictures, some_splats, surface
from understudy.body.joints import BIG_POSE
from understudy.errors import InputError
from understudy.export import cubes, relief
from understudy.export.config import ExportConfig
from understudy.export.cubes import DENSE, STEP, cubes_mesh, solid_density
from understudy.export.run import export_avatar
from understudy.export.seams import unwrapped
from understudy.export.splats import Splats, posed_splats, quat_matrices, rest_pose
from understudy.export.vrm import VrmMeta, vrm_extension
from understudy.render.mesh import vertex_normals
from understudy.textures.atlas import make_atlas

__all__ = ["small_pictures"]


@cache
def shell(radius=0.2, count=4000, size=0.012):
    """Flat red Gaussians all over a ball."""
    number = np.arange(count) + 0.5
    height, angle = 1 - 2 * number / count, np.pi * (1 + 5**0.5) * number
    out = np.stack([np.cos(angle) * np.sqrt(1 - height**2), np.sin(angle) * np.sqrt(1 - height**2), height], axis=1)
    axis = np.cross([0, 0, 1], out)
    turns = Rotation.from_rotvec(axis / np.linalg.norm(axis, axis=1, keepdims=True) * np.arccos(height)[:, None])
    scales, color = np.tile([size, size, 0.004], (count, 1)), np.tile([0.8, 0.2, 0.1], (count, 1))
    parts = (radius * out, np.roll(turns.as_quat(), 1, axis=1), scales, np.full(count, 0.8), color)
    return Splats(*(part.astype(np.float32) for part in parts))


@pytest.fixture
def coarse(monkeypatch):
    """Large cubes for whole people, to save time."""
    monkeypatch.setattr(cubes, "STEP", 0.012)
    monkeypatch.setattr(relief, "STEP", 0.012)


# density


def test_the_density_is_the_sum_of_the_gaussians():
    splats = some_splats(20)
    splats = replace(splats, means=0.05 * splats.means, scales=np.clip(splats.scales, 0.01, 0.03))
    field, origin = cubes._field(splats)
    nodes = np.random.default_rng(1).integers(0, field.shape[:3], (200, 3))
    offset = (origin + STEP * nodes)[:, None] - splats.means
    turned = np.einsum("kna,nab->knb", offset, quat_matrices(splats.quats)) / splats.scales
    distance = np.square(turned).sum(axis=-1)
    share = splats.opacities * np.exp(-0.5 * distance) * (distance < 9)
    np.testing.assert_allclose(field[tuple(nodes.T)][:, 0], share.sum(axis=1), atol=1e-4)
    np.testing.assert_allclose(field[tuple(nodes.T)][:, 1:], share @ splats.colors, atol=1e-4)


def test_what_a_shell_encloses_is_solid_and_the_rest_is_not():
    solid, origin = solid_density(shell())
    nodes = origin + STEP * np.stack(np.meshgrid(*map(np.arange, solid.shape), indexing="ij"), axis=-1)
    radius = np.linalg.norm(nodes, axis=-1)
    assert (solid[radius < 0.195] == pytest.approx(2 * DENSE)) and (solid[radius > 0.23] < DENSE).all()


def test_a_gap_in_the_shell_does_not_empty_it_and_a_large_hole_does():
    whole = shell()
    for hole, kept in ((0.03, True), (0.15, False)):
        left = np.linalg.norm(whole.means - [0, 0.2, 0], axis=1) > hole
        solid, origin = solid_density(Splats(*(part[left] for part in vars(whole).values() if part is not None)))
        middle = tuple(np.round(-origin / STEP).astype(int))
        assert (solid[middle] > DENSE) == kept


def test_a_faint_cloud_encloses_nothing_and_has_a_flat_map(coarse):
    faint = truth_avatar(sausage_body(), count=200)
    faint.opacity_logits -= 6.0
    assert solid_density(posed_splats(faint, *rest_pose(faint.body)))[0].max() < DENSE
    assert np.abs(relief.bake_normals(faint, surface(), 64).astype(int) - [128, 128, 255]).max() <= 1


# marching cubes


@pytest.fixture
def skimage():
    return pytest.importorskip("skimage")


def test_a_ball_of_gaussians_becomes_one_closed_ball_of_their_colour(skimage):
    mesh = cubes_mesh(shell())
    ball = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert ball.is_watertight and ball.euler_number == 2
    radius = np.linalg.norm(mesh.vertices, axis=1)
    assert radius.min() > 0.2 and radius.max() < 0.215
    assert ball.volume == pytest.approx(4 / 3 * np.pi * radius.mean() ** 3, rel=0.02)  # not negative: it faces outwards
    np.testing.assert_allclose(mesh.colors, np.tile([0.8, 0.2, 0.1], (len(mesh.vertices), 1)), atol=1e-3)


def test_the_persons_surface_is_closed_and_near_the_moved_bodys(skimage, coarse):
    mesh = cubes_mesh(posed_splats(archive().avatar, *rest_pose(archive().avatar.body)))
    person = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert person.is_watertight
    distance = cKDTree(mesh.vertices).query(surface().vertices)[0]
    assert np.median(distance) < 0.015


def test_thin_clouds_and_a_missing_library_are_told_in_one_sentence(skimage, monkeypatch):
    with pytest.raises(InputError, match="too thin"):
        cubes_mesh(replace(shell(), opacities=np.full(4000, 0.01, np.float32)))
    monkeypatch.setitem(sys.modules, "skimage.measure", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[export\]'"):
        cubes_mesh(shell())


def test_mesh_ply_can_be_made_of_the_gaussians_alone(skimage, coarse, tmp_path, caplog):
    licensed = replace(archive(), avatar=truth_avatar(replace(sausage_body(), free=False), count=3000))
    (written,) = export_avatar(licensed, tmp_path, ExportConfig(mesh="cubes"), files=["mesh.ply"])
    read = trimesh.load(written, process=False)
    assert read.is_watertight and read.bounds[0, 1] == pytest.approx(0, abs=0.02)
    assert not caplog.records  # nothing of the licensed body is in it
    with pytest.raises(InputError, match="mesh is balls"):
        ExportConfig(mesh="balls")


# tangents


def test_tangents_point_along_u_and_the_bitangents_along_v():
    mesh, body = surface(), surface().body
    split = unwrapped(body)
    np.testing.assert_array_equal(split.vertex[split.faces], body.faces)
    np.testing.assert_array_equal(split.uv[split.faces], body.vt[body.ft])
    normals = vertex_normals(mesh.vertices, body.faces)
    tangents = split.tangents(mesh.vertices, normals)
    normal = normals[split.vertex]
    np.testing.assert_allclose(np.linalg.norm(tangents[:, :3], axis=1), 1, atol=1e-5)
    assert np.abs((tangents[:, :3] * normal).sum(axis=1)).max() < 1e-5 and set(np.unique(tangents[:, 3])) <= {-1.0, 1.0}
    # how places change along the edges of faces, by the vertices' own frames
    bitangents = tangents[:, 3:] * np.cross(normal, tangents[:, :3])
    a, b = split.faces[:, 0], split.faces[:, 1]
    edge = mesh.vertices[split.vertex[b]] - mesh.vertices[split.vertex[a]]
    along = np.stack([(edge * frame[a]).sum(axis=1) for frame in (tangents[:, :3], bitangents)], axis=1)
    moved = split.uv[b] - split.uv[a]
    with np.errstate(invalid="ignore"):
        cosine = (along * moved).sum(axis=1) / np.linalg.norm(along, axis=1) / np.linalg.norm(moved, axis=1)
    assert np.nanmedian(cosine) > 0.9  # faces at the poles have edges without length


# normal map


def world_normals(bumps, mesh, rotations):
    """Places [N,3] of the map's texels on the posed mesh, the normals that the map shows there, and the mesh's own."""
    body, split = mesh.body, unwrapped(mesh.body)
    vertices = mesh.posed(rotations, torch.zeros(3))
    atlas = make_atlas(body.vt, body.ft, len(bumps))
    take = atlas.matrix(split.faces, len(split.vertex))
    normals = vertex_normals(vertices, body.faces)
    tangents = split.tangents(vertices, normals)
    normal, tangent = take @ normals[split.vertex], take @ tangents[:, :3]
    bitangent = np.sign(take @ tangents[:, 3])[:, None] * np.cross(normal, tangent)
    red, green, blue = (bumps.reshape(-1, 3)[atlas.texel] / 127.5 - 1).T
    shown = red[:, None] * tangent + green[:, None] * bitangent + blue[:, None] * normal
    return take @ vertices[split.vertex], shown / np.linalg.norm(shown, axis=1, keepdims=True), normal


def test_a_relief_that_the_mesh_has_not_is_in_the_map(coarse):
    smooth, wavy = archive(), archive(thicker=0.0151)
    rotations = smooth.avatar.body.rotations_of(BIG_POSE)
    avatar = wavy.avatar
    body = avatar.body
    anchors = (body.v_template.numpy()[body.faces[avatar.face]] * avatar.bary.numpy()[..., None]).sum(axis=1)
    height, wave = 0.004, 2 * np.pi / 0.1
    avatar.offsets[:, 2] += torch.from_numpy(height * np.sin(wave * anchors[:, 1])).float()
    tilts = []
    for one in (smooth, wavy):
        bumps = relief.bake_normals(one.avatar, surface(), 256)
        assert bumps.shape == (256, 256, 3)
        points, shown, normal = world_normals(bumps, surface(), rotations)
        # the front of the trunk
        chosen = (normal[:, 2] > 0.9) & (np.abs(points[:, 0]) < 0.12) & (points[:, 1] > 0.05) & (points[:, 1] < 0.4)
        assert chosen.sum() > 50
        tilts.append((points[chosen, 1], (shown - normal)[chosen, 1]))
    (places, plain), (_, bumpy) = tilts
    expected = -height * wave * np.cos(wave * places)
    assert np.corrcoef(bumpy - plain, expected)[0, 1] > 0.7 and np.abs(np.corrcoef(plain, expected)[0, 1]) < 0.3


# VRM


def test_a_vrm_without_licences_says_nothing_of_them():
    meta = vrm_extension(VrmMeta("a", "b"), {"hips": 0})["meta"]
    assert "copyrightInformation" not in meta and "thirdPartyLicenses" not in meta
