"""The canonical stage as a whole: big pose, texture, filling, normal map."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import trimesh

from tests.support.scenes import film, person
from understudy.body.joints import BIG_POSE, pose_of
from understudy.body.model import PARTS
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.fill import smooth_unseen
from understudy.canonical.prepare import prepare_canonical
from understudy.errors import InputError
from understudy.formats.canonical import Canonical
from understudy.textures.atlas import Atlas, make_atlas
from understudy.textures.views import BestViews

CONFIG = CanonicalConfig(texture_size=512)
ALL_ROUND = [0.0, 0.8, 1.6, 2.4, 3.2, 4.0, 4.8, 5.6]


def true_texture(scene, canonical: Canonical) -> tuple[Atlas, np.ndarray]:
    """The atlas and the colours [N,3] that its texels should have."""
    atlas = make_atlas(canonical.vt, canonical.ft, canonical.texture.shape[0])
    return atlas, atlas.interpolate(scene.colors, scene.body.faces)


@pytest.fixture(scope="module")
def turning(tmp_path_factory):
    scene = film(tmp_path_factory.mktemp("turning"), ALL_ROUND)
    return scene, prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG)


def joints_in(body, turns):
    """Joints [J,3] of the mean body in a pose of turns by name."""
    zero, pose = torch.zeros(1, 3), torch.from_numpy(pose_of(body.joint_names, turns))[None]
    return body(torch.zeros(body.num_betas), zero, pose, zero).joints[0].numpy()


def test_big_pose_has_its_legs_apart_and_its_arms_where_they_rest():
    body = person()
    rest, big = (joints_in(body, turns) for turns in ({}, BIG_POSE))
    moved = dict(zip(body.joint_names, big - rest, strict=True))
    assert moved["left_knee"][0] > 0.15 and moved["right_knee"][0] < -0.15
    assert moved["left_ankle"][0] > 0.3 and moved["right_ankle"][0] < -0.3
    for name in set(moved) - {f"{side}_{part}" for side in ("left", "right") for part in ("knee", "ankle", "foot")}:
        assert np.abs(moved[name]).max() < 1e-6, name
    # thirty degrees between the thigh's old and new direction, whatever the body's proportions
    for side in ("left", "right"):
        hip, knee = body.joint(f"{side}_hip"), body.joint(f"{side}_knee")
        old, new = (j[knee] - j[hip] for j in (rest, big))
        cosine = old @ new / np.linalg.norm(old) / np.linalg.norm(new)
        assert np.degrees(np.arccos(cosine)) == pytest.approx(30, abs=0.5)


def test_texture_of_a_painted_body_is_found_again(turning):
    scene, canonical = turning
    atlas, truth = true_texture(scene, canonical)
    quality = canonical.texture_seen.ravel()[atlas.texel]
    error = np.abs(canonical.texture.reshape(-1, 3)[atlas.texel] - truth).mean(axis=1)
    assert (quality > 0).mean() > 0.5
    assert np.median(error[quality > 0]) < 3 and np.percentile(error[quality > 100], 95) < 10
    # the green behind the person shows nowhere
    assert (np.abs(canonical.texture.astype(int) - [0, 200, 0]).max(axis=2) > 30).all()


def test_seen_is_zero_outside_the_layout_and_where_no_frame_looked(tmp_path):
    scene = film(tmp_path, [0.0])
    canonical = prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG)
    atlas = make_atlas(canonical.vt, canonical.ft, CONFIG.texture_size)
    outside = np.ones(canonical.texture_seen.size, bool)
    outside[atlas.texel] = False
    assert not canonical.texture_seen.ravel()[outside].any()
    normals = canonical.normal.reshape(-1, 3)[atlas.texel] / 127.5 - 1
    quality = canonical.texture_seen.ravel()[atlas.texel]
    assert not quality[normals[:, 2] < -0.1].any()  # its back
    assert quality[normals[:, 2] > 0.9].max() > 200


def test_unseen_side_takes_the_colours_of_the_other_side(tmp_path):
    def symmetric(vertices):
        return 127.0 + 100.0 * np.sin(np.abs(vertices) * [5.0, 6.0, 9.0])

    scene = film(tmp_path, [1.4, 1.57, 1.8], symmetric)  # only one flank
    errors = {}
    for mirror in (True, False):
        config = replace(CONFIG, mirror=mirror)
        canonical = prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, config)
        atlas, truth = true_texture(scene, canonical)
        unseen = canonical.texture_seen.ravel()[atlas.texel] == 0
        error = np.abs(canonical.texture.reshape(-1, 3)[atlas.texel] - truth).mean(axis=1)
        errors[mirror] = error[unseen].mean()
    assert errors[True] < 0.8 * errors[False]


def test_one_colour_is_continued_everywhere_without_holes(tmp_path):
    scene = film(tmp_path, [0.0], lambda vertices: np.full((len(vertices), 3), [200.0, 90.0, 40.0]))
    canonical = prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG)
    assert np.abs(canonical.texture.astype(int) - [200, 90, 40]).max() <= 6  # JPEG


def strip_of_texels() -> tuple[Atlas, np.ndarray, np.ndarray, np.ndarray]:
    """A strip of squares one metre long; texels in all corners, their x."""
    x = np.linspace(0, 1, 11)
    vertices = np.array([[a, b, 0.0] for a in x for b in (0.0, 0.1)])
    first = 2 * np.arange(10)
    faces = np.concatenate([np.add.outer(first, [0, 2, 1]), np.add.outer(first, [1, 2, 3])])
    face = np.repeat(np.arange(20), 3)
    atlas = Atlas(8, np.arange(60), face.astype(np.int32), np.tile(np.eye(3, dtype=np.float32), (20, 1)))
    return atlas, faces, vertices, vertices[faces[face]][np.arange(60), np.tile(np.arange(3), 20), 0]


def test_unseen_texels_run_linearly_from_one_seen_end_to_the_other():
    atlas, faces, vertices, x = strip_of_texels()
    quality = ((x < 1e-9) | (x > 1 - 1e-9)).astype(float)
    truth = np.stack([100 * x, 50 + 0 * x, 200 - 100 * x], axis=1)
    filled = smooth_unseen(
        np.where(quality[:, None] > 0, truth, 0.0), quality, atlas, faces, np.zeros(20, np.uint8), vertices
    )
    assert np.abs(filled - truth).max() < 4.0  # the squares' diagonals all lean one way
    assert np.array_equal(filled[quality > 0], truth[quality > 0])


def test_a_poorly_seen_speckle_fades_and_a_well_seen_one_stays():
    atlas, faces, vertices, x = strip_of_texels()
    speckle = np.abs(x - 0.5) < 1e-9
    colors = np.where(speckle[:, None], 250.0, np.full((60, 3), 50.0))
    for quality, expected in ((0.02, 50.0), (1.0, 250.0)):
        filled = smooth_unseen(colors, np.where(speckle, quality, 1.0), atlas, faces, np.zeros(20, np.uint8), vertices)
        assert np.abs(filled[speckle] - expected).max() < 25
        assert np.array_equal(filled[~speckle], colors[~speckle])


def test_unseen_texels_take_the_colour_of_their_own_body_part():
    atlas, faces, vertices, x = strip_of_texels()
    quality = ((x < 1e-9) | (x > 1 - 1e-9)).astype(float)
    parts = (vertices[faces, 0].mean(axis=1) > 0.5).astype(np.uint8)
    colors = np.where(x[:, None] > 0.5, 200.0, np.full((60, 3), 20.0))
    filled = smooth_unseen(colors * quality[:, None], quality, atlas, faces, parts, vertices)
    assert np.abs(filled - colors)[np.abs(x - 0.5) > 0.11].max() < 12


def test_the_back_of_a_garment_takes_the_colour_of_its_front_and_the_back_of_a_head_does_not():
    sphere = trimesh.creation.icosphere(subdivisions=4)
    vertices, faces = np.asarray(sphere.vertices), np.asarray(sphere.faces)
    front = vertices[faces].mean(axis=1)[:, 2] > 0.15
    # one texel in the middle of every face; the seam round the waist was seen in a colour of its own
    size = int(np.ceil(np.sqrt(len(faces))))
    atlas = Atlas(size, np.arange(len(faces)), np.arange(len(faces)), np.full((len(faces), 3), 1 / 3))
    seam = np.abs(vertices[faces].mean(axis=1)[:, 2] - 0.2) < 0.05
    colors = np.where(seam[:, None], 250.0, np.full((len(faces), 3), 40.0))
    back = vertices[faces].mean(axis=1)[:, 2] < -0.6
    for part, low, high in (("torso", 30.0, 60.0), ("hair", 150.0, 260.0)):
        parts = np.full(len(faces), PARTS.index(part), np.uint8)
        filled = smooth_unseen(colors, front.astype(float), atlas, faces, parts, vertices)
        assert low < filled[back].mean() < high


def test_best_views_keep_the_best_and_take_their_weighted_median():
    views = BestViews(texels=2, keep=3)
    for weight, value in [(0.5, 10), (0.4, 20), (0.1, 250), (0.3, 30), (0.05, 0)]:
        views.add(np.array([1]), np.array([weight], np.float32), np.full((1, 3), value, np.uint8))
    assert sorted(views.weights[1].tolist()) == pytest.approx([0.3, 0.4, 0.5])
    assert views.median()[1].tolist() == [20, 20, 20]
    assert views.median()[0].tolist() == [0, 0, 0] and not views.weights[0].any()


def test_normal_map_holds_unit_normals_that_point_outwards(turning):
    scene, canonical = turning
    atlas = make_atlas(canonical.vt, canonical.ft, CONFIG.texture_size)
    normals = canonical.normal.reshape(-1, 3)[atlas.texel] / 127.5 - 1
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 0.02
    head = scene.body.parts[atlas.face] == 2
    centre = joints_in(scene.body, BIG_POSE)[scene.body.joint("head")] + [0, 0.06, 0]
    outwards = atlas.interpolate(canonical.rest_vertices, canonical.faces)[head] - centre  # in which the head stays
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    assert np.median((outwards * normals[head]).sum(axis=1)) > 0.98


def test_gutters_repeat_the_nearest_island_so_that_bilinear_look_ups_do_not_bleed():
    low, high = np.array([0.1, 0.3]), np.array([0.4, 0.7])
    island = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    vt = np.concatenate([island, island + np.array([0.5, 0.0])]).astype(np.float32)
    ft = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    atlas = make_atlas(vt, ft, 100)
    assert len(atlas.texel) == 2 * 30 * 40
    image = atlas.image(np.where(atlas.face[:, None] < 2, [[250.0, 10, 10]], [[10.0, 10, 250]]))
    assert (image[:, :49] == [250, 10, 10]).all() and (image[:, 51:] == [10, 10, 250]).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_same_input_gives_the_same_file_on_any_number_of_threads(turning, threads):
    scene, canonical = turning
    again = prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG, threads=threads)
    for field in fields(Canonical):
        assert np.array_equal(getattr(again, field.name), getattr(canonical, field.name)), field.name


def test_canonical_file_round_trip(tmp_path, turning):
    _, canonical = turning
    canonical.save(tmp_path / "canonical.npz")
    again = Canonical.load(tmp_path / "canonical.npz")
    for field in fields(Canonical):
        assert np.array_equal(getattr(again, field.name), getattr(canonical, field.name)), field.name
    broken = tmp_path / "broken.npz"
    broken.write_bytes((tmp_path / "canonical.npz").read_bytes()[:1000])
    with pytest.raises(InputError, match=r"broken\.npz"):
        Canonical.load(broken)


def test_held_out_frames_are_never_opened(tmp_path):
    scene = film(tmp_path, ALL_ROUND)
    scene.frames.path(1).unlink()
    prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG, held_out=[1])
    with pytest.raises(InputError, match="no such file; move .* away and run"):
        prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG)


def test_a_texture_from_few_frames_is_from_the_whole_video(tmp_path):
    scene = film(tmp_path, [0.0, 1.0, 2.0, np.pi])
    for frame in (1, 2):
        scene.frames.path(frame).unlink()
    config = replace(CONFIG, max_frames=2, mirror=False)
    canonical = prepare_canonical(scene.frames, scene.alpha_folder, scene.track, scene.body, config)
    atlas = make_atlas(canonical.vt, canonical.ft, CONFIG.texture_size)
    towards = (canonical.normal.reshape(-1, 3)[atlas.texel] / 127.5 - 1)[:, 2]
    quality = canonical.texture_seen.ravel()[atlas.texel]
    assert (quality[towards > 0.95] > 0).mean() > 0.5 and (quality[towards < -0.95] > 0).mean() > 0.5


def test_foreign_tracks_and_empty_masks_are_refused(tmp_path):
    scene = film(tmp_path, [0.0])
    other = replace(scene.track, body_model=("sausage", "1" * 64))
    with pytest.raises(InputError, match="another file"):
        prepare_canonical(scene.frames, scene.alpha_folder, other, scene.body, CONFIG)
    beside = replace(scene.track, transl=scene.track.transl + np.float32([50, 0, 0]))
    with pytest.raises(InputError, match="no frame shows"):
        prepare_canonical(scene.frames, scene.alpha_folder, beside, scene.body, CONFIG)
    nowhere = replace(scene.track, valid=np.zeros(1, bool))
    with pytest.raises(InputError, match="valid body pose"):
        prepare_canonical(scene.frames, scene.alpha_folder, nowhere, scene.body, CONFIG)


def test_every_face_of_the_made_up_body_has_texels():
    body = person()
    assert len(np.unique(make_atlas(body.vt, body.ft, 512).face)) == len(body.faces)
