"""What a person wears, learned from colours on the body: lengths of clothes, bare skin of any tone, labels that follow."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from tests.support import scenes
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import PARTS
from understudy.body.part_labels import MATERIALS, material_labels
from understudy.formats.masks import CIHP, read_parsing
from understudy.matting.colours import CELLS, cells
from understudy.parsing.anatomy import ARMS, FEET, HANDS, LEGS, anatomy_of
from understudy.parsing.clothing import learn_clothing, material_by_part
from understudy.parsing.config import ParsingConfig
from understudy.parsing.densities import SHADES, log_density, trimmed
from understudy.parsing.label import label_parts
from understudy.parsing.outfit import find_outfit, share_of_hue, skin_cells
from understudy.parsing.sightings import UNSEEN, Sightings, between_thighs, collect
from understudy.parsing.spread import ColourTables, settled_labels

TONES = {"light": (236, 200, 180), "tan": (176, 122, 90), "dark": (78, 52, 42)}
SHIRT, TROUSERS, SHOES, HAIR = (40, 80, 150), (70, 90, 60), (225, 225, 220), (30, 24, 22)


def fine_person():
    """The sausage body with enough vertices to wear something."""
    body = COARSE()
    values = {"weights": body.lbs_weights.numpy(), "shapes": body.shapedirs.flatten(1).numpy()}
    vertices, faces = body.v_template.numpy(), body.faces
    for _ in range(2):
        vertices, faces, values = trimesh.remesh.subdivide(vertices, faces, vertex_attributes=values)
    regressor = torch.zeros(24, len(vertices))
    # subdivision keeps the old vertices in front
    regressor[:, : body.J_regressor.shape[1]] = body.J_regressor
    weights = torch.from_numpy(np.asarray(values["weights"], np.float32))
    joint = weights[torch.from_numpy(faces).long()].sum(dim=1).argmax(dim=1).numpy()
    return replace(
        body,
        v_template=torch.from_numpy(np.asarray(vertices, np.float32)),
        shapedirs=torch.from_numpy(np.asarray(values["shapes"], np.float32)).reshape(len(vertices), 3, -1),
        J_regressor=regressor,
        lbs_weights=weights,
        faces=np.asarray(faces, np.int32),
        parts=np.array([PARTS.index(scenes._part(SMPL_JOINTS[j])) for j in joint], np.uint8),
        ft=np.zeros((len(faces), 3), np.int32),
    )


COARSE = scenes.person
BODY = fine_person()
ANATOMY = anatomy_of(BODY, np.zeros(4, np.float32))


def painted(tone, sleeves=0.5, trousers=2.0, shirt=SHIRT, shoes=SHOES, lower=TROUSERS, hair=HAIR, waist=0.0):
    """Colours [V,3] of the body's vertices in given clothes."""
    colors = np.tile(np.array(tone, float), (len(ANATOMY.part), 1))
    colors[ANATOMY.of("torso")] = shirt
    colors[ANATOMY.of(*ARMS) & (ANATOMY.along < sleeves)] = shirt
    colors[ANATOMY.of(*LEGS) & (ANATOMY.along < trousers)] = lower
    colors[ANATOMY.of("torso") & (ANATOMY.height < waist)] = lower
    colors[ANATOMY.of(*FEET)] = shoes
    colors[ANATOMY.of("hair")] = hair
    return colors


def seen(colors, frames=8, noise=4.0, gap=None):
    """Sightings of painted vertices in changing light, each vertex hidden in half of the frames."""
    random = np.random.default_rng(1)
    light = np.linspace(0.85, 1.05, frames)[:, None, None]
    cell = cells((colors * light + random.normal(0, noise, (frames, *colors.shape))).clip(0, 255).astype(np.uint8))
    cell[random.uniform(size=cell.shape) < 0.5] = UNSEEN
    return Sightings(cell, np.zeros(0, np.int32) if gap is None else gap)


def outfit_of(colors, **more):
    sightings = seen(colors, **more)
    return find_outfit(sightings, ANATOMY, skin_cells(sightings, ANATOMY))[0]


@pytest.mark.parametrize("tone", TONES.values(), ids=TONES)
@pytest.mark.parametrize(("sleeves", "trousers"), [(0.0, 0.5), (0.5, 1.0), (1.4, 2.0), (2.0, 2.0)])
def test_lengths_are_found_on_every_skin(tone, sleeves, trousers):
    outfit = outfit_of(painted(tone, sleeves, trousers))
    assert all(abs(split.place - sleeves) < 0.15 for split in outfit.sleeves)
    assert all(abs(split.place - trousers) < 0.15 for split in outfit.trousers)
    assert not outfit.topless and not outfit.barefoot and not outfit.skirt and not outfit.hat and outfit.socks is None


def test_left_and_right_may_differ_where_the_colours_say_so():
    colors = painted(TONES["tan"], sleeves=2.0)
    bare = ANATOMY.of("left_arm") & (ANATOMY.along > 0.5)
    colors[bare] = TONES["tan"]
    left, right = outfit_of(colors).sleeves
    assert abs(left.place - 0.5) < 0.15 and abs(right.place - 2.0) < 0.15


def test_clothes_of_the_skins_colour_leave_lengths_unknown():
    outfit = outfit_of(painted(TONES["tan"], sleeves=0.5, trousers=1.0, shirt=TONES["tan"], lower=TONES["tan"]))
    assert outfit.trousers is None and outfit.waist is None


def test_bare_feet_and_torso_and_a_cap_are_found():
    tone = TONES["light"]
    outfit = outfit_of(painted(tone, sleeves=0.0, trousers=0.6, shirt=tone, shoes=tone, hair=(20, 110, 170), waist=0.1))
    assert outfit.barefoot and outfit.topless and outfit.hat
    assert abs(outfit.waist - 0.1) < 0.08


def test_bare_feet_are_known_in_brighter_light_but_white_shoes_are_none():
    skin = cells(np.random.default_rng(0).normal((120, 85, 65), 5, (500, 3)).clip(0, 255).astype(np.uint8))
    bright = cells(np.random.default_rng(1).normal((230, 180, 140), 5, (500, 3)).clip(0, 255).astype(np.uint8))
    white = cells(np.random.default_rng(1).normal((225, 225, 222), 3, (500, 3)).clip(0, 255).astype(np.uint8))
    assert share_of_hue(bright, skin) > 0.8 > 0.2 > share_of_hue(white, skin)


def test_socks_begin_where_bare_shins_end():
    colors = painted(TONES["tan"], trousers=0.5)
    colors[ANATOMY.of(*LEGS) & (ANATOMY.along > 1.5)] = (240, 240, 240)
    sightings = seen(colors)
    clothing = learn_clothing(sightings, ANATOMY)
    assert abs(clothing.outfit.socks - 1.5) < 0.15
    socks = ANATOMY.of(*LEGS) & (ANATOMY.along > 1.55)
    assert (clothing.material[socks] == MATERIALS.index("sock")).mean() > 0.9


@pytest.mark.parametrize(
    ("filled", "other", "name"), [(1.0, SHIRT, "skirt"), (0.2, SHIRT, None), (1.0, TROUSERS, "dress")]
)
def test_a_skirt_fills_the_space_between_the_thighs(filled, other, name):
    gap = np.full(2000, UNSEEN, np.int32)
    gap[: int(2000 * filled)] = cells(np.array(TROUSERS, np.uint8))
    outfit = outfit_of(painted(TONES["tan"], trousers=0.9, shirt=other), gap=gap)
    assert outfit.names.get("lower") == name
    assert outfit.names.get("upper") == ("dress" if name == "dress" else None)


def test_materials_follow_the_paint():
    colors = painted(TONES["dark"], sleeves=0.5, trousers=1.0)
    clothing = learn_clothing(seen(colors), ANATOMY)
    for name, color in (
        ("skin", TONES["dark"]),
        ("upper", SHIRT),
        ("lower", TROUSERS),
        ("shoe", SHOES),
        ("hair", HAIR),
    ):
        # the made-up thighs reach up into the belly
        there = (colors == color).all(axis=1) & ~(ANATOMY.of(*LEGS) & (ANATOMY.along <= 0))
        assert (clothing.material[there] == MATERIALS.index(name)).mean() > 0.93, name


def test_each_arm_is_labelled_by_its_own_sleeve():
    colors = painted(TONES["tan"], sleeves=2.0)
    bare = ANATOMY.of("left_arm") & (ANATOMY.along > 0.5)
    colors[bare] = TONES["tan"]
    clothing = learn_clothing(seen(colors), ANATOMY)
    sleeve = ANATOMY.of("right_arm") & (ANATOMY.along > 0.6)
    assert (clothing.material[bare & (ANATOMY.along > 0.6)] == MATERIALS.index("skin")).mean() > 0.95
    assert (clothing.material[sleeve & (ANATOMY.along < 1.9)] == MATERIALS.index("upper")).mean() > 0.95


def test_a_neckline_follows_the_colours():
    colors = painted(TONES["tan"])
    bare = ANATOMY.of("torso") & (ANATOMY.to_neck < 0.09) & (BODY.v_template[:, 2].numpy() > 0)
    assert bare.sum() > 20
    colors[bare] = TONES["tan"]
    for paint, name in ((colors, "skin"), (painted(TONES["tan"]), "upper")):
        material = learn_clothing(seen(paint), ANATOMY).material
        assert (material[bare] == MATERIALS.index(name)).mean() > 0.8, name


def test_without_a_face_the_parts_alone_count():
    sightings = seen(painted(TONES["tan"], sleeves=2.0))
    cell = sightings.cell.copy()
    cell[:, ANATOMY.of("face", "hair")] = UNSEEN
    clothing = learn_clothing(Sightings(cell, sightings.gap), ANATOMY)
    assert clothing.likely is None and np.array_equal(clothing.material, material_by_part(ANATOMY))


def test_hands_in_sleeves_do_not_teach_what_skin_is():
    colors = painted(TONES["tan"])
    colors[ANATOMY.of(*HANDS)] = SHIRT
    sightings = seen(colors)
    assert not np.isin(skin_cells(sightings, ANATOMY), cells(np.array(SHIRT, np.uint8)[None])).any()


def test_densities_know_their_colours_and_their_shades():
    skin = cells(np.random.default_rng(0).normal((190, 140, 110), 4, (300, 3)).astype(np.uint8))
    same, darker, blue = (int(cells(np.array(c, np.uint8))) for c in ((190, 140, 110), (134, 99, 78), (40, 60, 160)))
    plain, shaded = log_density(skin), log_density(skin, SHADES)
    assert plain[same] > plain[darker] + 3 and shaded[darker] > shaded[blue] + 3
    assert np.ptp(log_density(skin[:0])) == 0
    assert not np.isin(trimmed(np.append(skin, [blue] * 9), 0.05), blue).any()


def test_borders_move_to_where_the_colours_change_but_not_far():
    tables = ColourTables.of(
        np.stack([log_density(cells(np.tile(np.array(c, np.uint8), (99, 1)))) for c in (SHIRT, TROUSERS)])
    )
    image = np.zeros((100, 60, 3), np.uint8)
    image[:48], image[48:] = SHIRT, TROUSERS
    image[90:] = SHIRT  # a patch far from the border keeps the body's label
    material = np.repeat(np.repeat([0, 1], [52, 48])[:, None], 60, axis=1).astype(np.uint8)
    labels = settled_labels(image, np.ones((100, 60), bool), material + 5, material, tables)
    assert (labels[:47] == 5).all() and (labels[49:90] == 6).all() and (labels[96:] == 6).all()


def test_what_stands_off_the_body_is_cloth_rather_than_skin():
    against = np.zeros((CELLS, len(MATERIALS)), np.float32)  # colours say nothing
    skin, cloth = MATERIALS.index("skin"), MATERIALS.index("upper")
    drawn = np.zeros((100, 60), np.uint8)
    drawn[20:80, 20:40] = 1  # the body, half of it bare
    material = np.repeat([skin, cloth], 30)[None].repeat(100, axis=0).astype(np.uint8)
    labels = np.where(drawn > 0, material + 1, 0).astype(np.uint8)
    settled = settled_labels(
        np.zeros((100, 60, 3), np.uint8), np.ones((100, 60), bool), labels, material, ColourTables(against)
    )
    assert (settled[30:70, 22:28] == skin + 1).all() and (settled[30:70, 32:38] == cloth + 1).all()
    # beside the body, above the border of both
    assert (settled[10, 28:30] == cloth + 1).all()


def test_pixels_between_thighs_are_off_the_body_and_between():
    thigh = np.zeros((10, 20), np.uint8)
    thigh[2:8, 3:6], thigh[2:8, 14:17] = 1, 2
    gap = between_thighs(thigh, thigh > 0)
    assert gap[2:8, 6:14].all() and np.count_nonzero(gap) == 6 * 8
    assert not between_thighs(np.where(thigh == 1, 1, 0), thigh > 0).any()


def test_every_material_has_a_label_of_the_parts_own_side():
    table = material_labels({"lower": "skirt"})
    for column, part in enumerate(PARTS):
        names = {CIHP[label] for label in table[:, column]}
        assert "pants" not in names and "background" not in names
        for side in ("left", "right"):
            if part.startswith(side):
                assert not any(name.startswith({"left": "right", "right": "left"}[side]) for name in names)


@pytest.fixture
def dressed(tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "person", fine_person)

    def make(**clothes):
        colors = painted(TONES["tan"], **clothes)
        return scenes.film(tmp_path, [-0.5, 0.0, 0.5, np.pi], lambda vertices: colors, size=(320, 440))

    return make


def share(labels, columns, name):
    part = labels[:, columns]
    return (part[part > 0] == CIHP.index(name)).mean()


@pytest.mark.parametrize(("sleeves", "name"), [(2.0, "upper_clothes"), (0.2, "left_arm")])
def test_sleeves_are_labelled_in_every_frame(dressed, tmp_path, sleeves, name):
    scene = dressed(sleeves=sleeves)
    label_parts(scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / "parsing")
    front, back = (read_parsing(tmp_path / "parsing", index) for index in (1, 3))
    # left forearm of the T-pose: right of the middle from the front, left of it from behind
    places = [
        (scene.track.K @ (np.array([x, 0.44, 0.0]) * [1, -1, -1] + scene.track.transl[0]))[:2]
        / scene.track.transl[0, 2]
        for x in (0.5, 0.6, -0.6, -0.5)
    ]
    columns = [int(place[0]) for place in places]
    assert share(front, slice(columns[0], columns[1]), name) > 0.9
    assert share(back, slice(columns[2], columns[3]), name) > 0.9


def test_parts_alone_can_be_asked_for(dressed, tmp_path):
    scene = dressed(sleeves=2.0)
    label_parts(
        scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / "parsing", ParsingConfig(clothing=False)
    )
    labels = read_parsing(tmp_path / "parsing", 1)
    assert not (labels == CIHP.index("pants")).any() and (labels == CIHP.index("left_arm")).any()


def test_sightings_show_what_is_painted(dressed):
    scene = dressed()
    sightings = collect(scene.frames, scene.alpha_folder, scene.track, scene.body, ANATOMY, 4)
    chest = sightings.among(ANATOMY.of("torso") & (ANATOMY.height > 0.3) & (ANATOMY.height < 0.7))
    assert len(chest) > 100 and (log_density(cells(np.array(SHIRT, np.uint8)[None]))[chest] > -6).mean() > 0.95
    assert sightings.mean(np.ones(CELLS)).max() == 1.0
