"""Fields of hash grids: sizes, parts, what they learn, and slopes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from tests.support.avatar_scenes import make_scene
from tests.support.field_scenes import (
    FRAME,
    check_slope,
    held,
    held_out_figures,
    posed,
    some_rays,
    subject_of,
    train,
)  # fmt: skip
from understudy.avatar.evaluate import track_pose
from understudy.avatar.fields.meshing import field_mesh
from understudy.avatar.fields.rays import Shell
from understudy.avatar.instant_nvr.avatar import InstantNvrAvatar
from understudy.avatar.instant_nvr.config import InstantNvrConfig
from understudy.avatar.instant_nvr.learner import InstantNvrLearner
from understudy.avatar.instant_nvr.method import InstantNvrMethod
from understudy.avatar.instant_nvr.parts import FARTHEST, JOINTS, SIZES, Moves
from understudy.body.model import PARTS
from understudy.errors import InputError

HELD = held("instant_nvr", steps=250)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


def learner_of(scene, **options):
    return InstantNvrLearner(subject_of(scene), HELD, InstantNvrConfig(**options), torch.device("cpu"))


def test_it_learns_a_person_to_22_db_on_frames_that_it_never_saw(scene, tmp_path):
    held_out = held_out_figures(scene, train(scene, HELD, InstantNvrConfig(rays=384)), tmp_path)
    assert held_out["psnr_person_box_on_white"]["mean"] > 24.0 and held_out["alpha_iou"]["mean"] > 0.93


@pytest.mark.parametrize(
    "name",
    [
        "fields.0.occupancy.linears.1.weight",
        "fields.2.color.linears.0.weight",
        "fields.1.latents",
        "moves.network.linears.2.bias",
    ],
)
def test_slopes_of_what_rays_see_are_finite_differences(scene, name):
    avatar = learner_of(scene).avatar
    for table in (*avatar.tables, avatar.moves.grid.table):
        torch.nn.init.normal_(table, std=0.3, generator=torch.Generator().manual_seed(1))

    place, rays = some_rays(avatar, scene)

    def seen():
        drawn = avatar.trace(place.surface, rays, FRAME, torch.Generator().manual_seed(3)).composite
        return (drawn.rgb.square().sum(dim=1) + drawn.alpha + 0.1 * drawn.depth).double().sum()

    check_slope(dict(avatar.named_parameters())[name], seen, 1e-4 if "moves" in name else 1e-3)


def test_following_rays_from_the_front_shows_what_all_their_samples_do(scene):
    avatar = learner_of(scene).avatar.requires_grad_(False)
    place, rays = some_rays(avatar, scene, every=1)
    depths = rays.stratified(avatar.space.samples)
    whole = avatar.samples(place.surface, rays, depths, rays.steps(depths), torch.ones(len(rays)), FRAME)
    drawn = avatar.trace(place.surface, rays, FRAME).composite
    alpha = 1 - (1 - whole[0]).prod(dim=1)
    torch.testing.assert_close(drawn.alpha, alpha, rtol=0, atol=1e-2)
    assert (drawn.alpha - alpha).abs().mean() < 2e-3


def test_every_joint_of_the_body_is_in_one_part():
    named = [name for names in JOINTS.values() for name in names]
    assert len(named) == len(set(named)) == 24


def test_published_parts_have_the_published_sizes():
    sizes = SIZES["published"]
    assert list(sizes) == ["body", "leg", "head", "left_arm", "right_arm"]
    assert [int(size.grid.rows[-1]) for size in sizes.values()] == [1048583, 1048583, 262147, 32771, 32771]
    assert {size.encoded for size in sizes.values()} == {19}
    assert [size.color_layers for size in sizes.values()] == [2, 1, 2, 1, 1]
    assert sizes["body"].grid.sides[-1] == 2005 and sizes["head"].grid.sides[-1] == 250


def test_moves_are_none_at_first_and_never_longer_than_five_centimetres_along_an_axis():
    moves = Moves(torch.Generator().manual_seed(0))
    uv = torch.rand(100, 2, generator=torch.Generator().manual_seed(1))
    assert float(moves(uv, 0.5).detach().abs().max()) == 0
    for parameter in moves.parameters():
        torch.nn.init.normal_(parameter, std=10.0, generator=torch.Generator().manual_seed(2))
    far = moves(uv, 0.5).detach().abs()
    assert 0.04 < float(far.max()) <= FARTHEST + 1e-6 == 0.05 + 1e-6


def test_a_look_is_that_of_the_most_similar_moment(scene):
    avatar = learner_of(scene).avatar
    rotations, _ = track_pose(scene.track, FRAME, torch.device("cpu"))
    assert avatar.nearest_moment(rotations) == FRAME
    turned = rotations.clone()
    turned[0] = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]) @ rotations[0]
    assert avatar.nearest_moment(turned) == FRAME  # whichever way it faces
    assert float(avatar.times[FRAME]) == pytest.approx(FRAME / len(scene.frames))


def test_tables_are_stored_as_they_are_drawn(scene, tmp_path):
    learner = learner_of(scene)
    for table in learner.avatar.tables:
        torch.nn.init.normal_(table, generator=torch.Generator().manual_seed(1))
    avatar = learner.finish()
    assert isinstance(avatar, InstantNvrAvatar)
    assert all(torch.equal(table, table.half().float()) for table in avatar.tables)


def test_a_patch_is_a_square_of_neighbouring_pixels(scene):
    learner = learner_of(scene, patch=24, head_focus=1.0)
    surface = learner.avatar.surface
    high = surface.rest[torch.from_numpy(surface.faces).long(), 1].amin(dim=1).numpy() > 0.55
    surface.face_parts = np.where(high, PARTS.index("hair"), PARTS.index("torso"))
    place = posed(learner.avatar, scene)
    pixels, shape = learner._choose(
        place, Shell.of(place.surface, scene.camera, learner.avatar.space), np.random.default_rng(0)
    )
    assert shape == (24, 24)
    grid = pixels.view(24, 24, 2)
    assert (grid[1:] - grid[:-1]).view(-1, 2).unique(dim=0).tolist() == [[0, 1]]
    assert (grid[:, 1:] - grid[:, :-1]).reshape(-1, 2).unique(dim=0).tolist() == [[1, 0]]
    assert pixels[:, 1].float().mean() < 0.35 * scene.camera.height  # on the head


def first_loss(scene, dssim=0.0, **options):
    return train(scene, replace(HELD, steps=1, dssim=dssim), InstantNvrConfig(**options)).history["loss"][0]


def test_a_patch_is_compared_by_structure_too(scene):
    """By nothing else, the same pixels' loss would shrink with the part that colours have in it."""
    plain, half = (first_loss(scene, dssim, patch=24) for dssim in (0.0, 0.5))
    assert half > 1.5 * plain  # noise is as far from the truth in structure as can be
    assert first_loss(scene, 0.5, rays=100) == first_loss(scene, 0.0, rays=100)  # pixels from anywhere have none


def test_the_mesh_of_a_field_is_a_person_and_the_head_a_part_of_it(scene):
    avatar = learner_of(scene).avatar.requires_grad_(False)
    shown = avatar.shaped().posed(scene.body.rest_rotations, torch.tensor([0.0, 0.0, 2.0]))
    mesh = field_mesh(shown, step=0.02, level=0.5)
    extent = np.ptp(mesh.vertices, axis=0)
    body = np.ptp(shown.surface.vertices.numpy(), axis=0)
    assert np.abs(extent - body).max() < 0.05 and mesh.colors.shape == mesh.vertices.shape
    assert mesh.colors.min() >= 0 and mesh.colors.max() <= 1
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert solid.is_watertight and solid.volume > 0
    head = field_mesh(shown, step=0.02, level=0.5, part="head")
    assert head.vertices[:, 1].min() > mesh.vertices[:, 1].min() + 1.0
    assert np.ptp(head.vertices, axis=0).max() < 0.5


def test_a_part_that_there_is_not_is_refused_in_a_sentence(scene):
    shown = posed(learner_of(scene).avatar, scene)
    with pytest.raises(InputError, match="no part 'tail' .* it has body, leg, head, left_arm, right_arm"):
        field_mesh(shown, part="tail")


def test_a_patch_is_compared_by_a_network_where_its_weights_are_given(scene, tmp_path):
    shapes = {0: (64, 3, 3, 3), 2: (64, 64, 3, 3), 5: (128, 64, 3, 3), 7: (128, 128, 3, 3)}
    state = {f"features.{n}.weight": torch.full(shape, 0.01) for n, shape in shapes.items()}
    torch.save(
        state | {f"features.{n}.bias": torch.ones(shape[0]) for n, shape in shapes.items()}, tmp_path / "vgg.pth"
    )
    plain, more = (first_loss(scene, patch=24, vgg_weights=path) for path in (None, str(tmp_path / "vgg.pth")))
    assert more > plain + 1e-3
    with pytest.raises(InputError, match="vgg_weights compares squares of pixels; give their side too"):
        first_loss(scene, vgg_weights=str(tmp_path / "vgg.pth"))


def test_the_shape_of_a_fields_body_is_not_learned(scene):
    with pytest.raises(InputError, match=r"leave avatar\.lr_betas out"):
        train(scene, replace(HELD, lr_betas=1e-3), InstantNvrConfig())


def test_an_archive_of_other_lengths_is_refused(scene):
    method = InstantNvrMethod()
    avatar = learner_of(scene).avatar
    weights = {name: value.numpy() for name, value in method.weights(avatar).items()}
    for name, other in (("times", np.zeros(5, np.float32)), ("fields.0.box", np.zeros((2, 3), np.float32))):
        with pytest.raises(ValueError, match=r"times|box"):
            method.restore(weights | {name: other}, method.describe(avatar), scene.body)
