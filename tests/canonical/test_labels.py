"""Labels say which pixels may colour which texels."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from tests.support.scenes import Scene, film, person, track_of
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import PARTS
from understudy.body.part_labels import COVERS, MATERIALS, covered_parts, material_labels, part_labels
from understudy.body.posed import posed_vertices
from understudy.canonical.prepare import CanonicalConfig, prepare_canonical
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.masks import CIHP, read_alpha, write_alpha, write_parsing
from understudy.render.mesh import rasterize_mesh
from understudy.textures.atlas import make_atlas

CONFIG = CanonicalConfig(texture_size=256, mirror=False)
CLOTH, HAND = np.array([40.0, 80.0, 160.0]), np.array([220, 150, 110], np.uint8)
FRAMES = 5


def scene_with_a_hand(folder, hidden, label="left_arm"):
    """A person in one colour who stands still; in the frames ``hidden`` a hand is where the fit has only the belly.

    Returns:
        The scene, its folder of labels, and the hand's rows and columns.
    """
    scene = film(folder, [0.0] * FRAMES, lambda vertices: np.tile(CLOTH, (len(vertices), 1)))
    width, height = scene.frames.width, scene.frames.height
    spot = slice(height // 2 - 18, height // 2 - 6), slice(width // 2 - 8, width // 2 + 8)
    (folder / "parsing").mkdir()
    for frame in range(FRAMES):
        labels = np.where(read_alpha(scene.alpha_folder, frame) >= 128, CIHP.index("upper_clothes"), 0)
        assert labels[spot].all()
        if frame in hidden:
            labels[spot] = CIHP.index(label)
            picture = np.array(Image.open(scene.frames.path(frame)))
            picture[spot] = HAND
            Image.fromarray(picture).save(scene.frames.path(frame), quality=98, subsampling=0)
        write_parsing(folder / "parsing", frame, labels)
    return scene, folder / "parsing", spot


def stain(scene, parsing):
    """Number of the torso's texels that look more like the hand than like the cloth, and how well these were seen."""
    canonical = prepare_canonical(
        scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG, parsing_folder=parsing
    )
    atlas = make_atlas(canonical.vt, canonical.ft, CONFIG.texture_size)
    colours = canonical.texture.reshape(-1, 3)[atlas.texel].astype(float)
    torso = scene.body.parts[atlas.face] == PARTS.index("torso")
    stained = torso & (np.abs(colours - HAND).sum(axis=1) < np.abs(colours - CLOTH).sum(axis=1))
    return int(stained.sum()), canonical.texture_seen.ravel()[atlas.texel][stained]


def test_a_hand_before_the_torso_stains_it_without_labels_and_not_with_them(tmp_path):
    scene, parsing, _ = scene_with_a_hand(tmp_path, hidden=(0, 1, 2))
    assert stain(scene, None)[0] > 50
    assert stain(scene, parsing)[0] == 0


def across(tilts):
    """Rotation vectors of a right shoulder [T,3] that put the arm across the chest, tilted down by each angle."""
    return [(Rotation.from_euler("z", -tilt) * Rotation.from_euler("y", 2.9)).as_rotvec() for tilt in tilts]


def test_an_arm_across_the_chest_that_the_fit_has_3_cm_off_stains_less_than_half_as_much(tmp_path):
    body, size, tilts = person(), (160, 220), np.linspace(0.5, 1.0, FRAMES)
    K, shoulder = np.array([[220.0, 0, 80], [0, 220.0, 110], [0, 0, 1]]), 3 * (SMPL_JOINTS.index("right_shoulder") - 1)
    true = track_of(body, [0.0] * FRAMES, K)
    fitted = replace(true, body_pose=true.body_pose.copy())
    true.body_pose[:, shoulder : shoulder + 3] = across(tilts)
    fitted.body_pose[:, shoulder : shoulder + 3] = across(tilts + 0.1)
    arm = np.isin(PARTS, ("right_arm", "right_hand"))
    off = np.linalg.norm(posed_vertices(body, true, 0) - posed_vertices(body, fitted, 0), axis=1)
    assert off[np.unique(body.faces[arm[body.parts]])].mean() == pytest.approx(0.03, abs=0.001)

    frames = Frames(tmp_path / "frames", 30.0, *size, "made.mp4", "0" * 64, np.arange(FRAMES), K, "config")
    for name in ("frames", "alpha", "parsing"):
        (tmp_path / name).mkdir()
    for frame in range(FRAMES):
        face = rasterize_mesh(posed_vertices(body, true, frame), body.faces, K, size).face
        picture = np.where(arm[body.parts[face]][..., None], HAND, CLOTH)
        picture = np.where(face[..., None] >= 0, picture, [0, 200, 0]).astype(np.uint8)
        Image.fromarray(picture).save(frames.path(frame), quality=98, subsampling=0)
        write_alpha(tmp_path / "alpha", frame, (face >= 0).astype(np.float32))
        write_parsing(tmp_path / "parsing", frame, np.where(face >= 0, part_labels()[body.parts[face]], 0))

    scene = Scene(frames, tmp_path / "alpha", fitted, body, np.tile(CLOTH, (len(body.v_template), 1)))
    plain, labelled = (torso_error(scene, parsing) for parsing in (None, tmp_path / "parsing"))
    assert plain > 3 and labelled < 0.5 * plain


def torso_error(scene, parsing):
    """Mean difference of the torso's texels that were seen from the cloth's colour, of 255."""
    canonical = prepare_canonical(
        scene.frames, scene.alpha_folder, scene.track, scene.body, CONFIG, parsing_folder=parsing
    )
    atlas = make_atlas(canonical.vt, canonical.ft, CONFIG.texture_size)
    torso = scene.body.parts[atlas.face] == PARTS.index("torso")
    torso &= canonical.texture_seen.ravel()[atlas.texel] > 0
    return np.abs(canonical.texture.reshape(-1, 3)[atlas.texel][torso] - CLOTH).mean()


def test_what_may_cover_a_part_colours_it(tmp_path):
    scene, parsing, _ = scene_with_a_hand(tmp_path, hidden=(0, 1, 2), label="hair")
    assert stain(scene, parsing)[0] == stain(scene, None)[0] > 50


def test_what_no_label_agrees_with_keeps_the_colour_that_is_seen_there_but_counts_as_badly_seen(tmp_path):
    scene, parsing, _ = scene_with_a_hand(tmp_path, hidden=range(FRAMES))
    count, seen = stain(scene, parsing)
    assert count > 50 and 0 < seen.max() < 60
    assert stain(scene, None)[1].max() > 200


def test_labels_of_another_size_are_refused(tmp_path):
    scene, parsing, _ = scene_with_a_hand(tmp_path, hidden=())
    write_parsing(parsing, 2, np.zeros((10, 10), np.uint8))
    with pytest.raises(InputError, match=r"000002\.png has 10x10 px but the frames have 160x220"):
        stain(scene, parsing)


def test_every_label_covers_the_parts_that_our_own_labels_give_it():
    covers = covered_parts()
    assert set(COVERS) == set(CIHP) and covers.shape == (len(CIHP), len(PARTS))
    assert covers[part_labels(), np.arange(len(PARTS))].all()
    skin = material_labels()[MATERIALS.index("skin")]
    assert covers[skin, np.arange(len(PARTS))].all()
    assert not covers[CIHP.index("background")].any()


@pytest.mark.parametrize(
    ("label", "part", "may"),
    [
        ("left_arm", "torso", False), ("right_arm", "left_leg", False), ("pants", "left_hand", False),
        ("hair", "torso", True), ("hair", "left_arm", False), ("skirt", "right_leg", True), ("pants", "torso", True),
        ("pants", "right_foot", True), ("upper_clothes", "left_leg", True), ("upper_clothes", "right_hand", False),
        ("coat", "right_hand", True), ("face", "torso", False), ("left_arm", "right_arm", True),
    ],
)  # fmt: skip
def test_labels_cover_what_is_worn_there_and_no_more(label, part, may):
    assert covered_parts()[CIHP.index(label), PARTS.index(part)] == may
