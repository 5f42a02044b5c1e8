"""What every method of avatars must keep: drawing, moving, reshaping, saving, and training that can be killed."""

import inspect
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from tests.support.avatar_scenes import make_scene
from tests.support.harmful import tarred
from tests.support.trainings import killed_at
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.base import Subject
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar, track_pose
from understudy.avatar.registry import METHODS, find_method
from understudy.avatar.splats import SplatAvatar
from understudy.avatar.training import crops as crops_module
from understudy.avatar.training.train import train_avatar
from understudy.errors import InputError
from understudy.export.config import ExportConfig
from understudy.export.run import export_avatar
from understudy.render.camera import Camera
from understudy.rendering.performance import in_camera_frame
from understudy.rendering.pictures import render_performance
from understudy.sections import SECTIONS
from understudy.viewer.config import ViewerConfig
from understudy.viewer.page import write_page

MESH = {"mesh": "tests.support.mesh_method.MeshMethod"}
FEW = {
    "gaussians": {"count": 600},
    "instant_nvr": {"rays": 256},
    "neural_capture": {"rays": 128},
    "neural_actor": {"count": 600, "texture_size": 32},
}
"""Options that make a method quick."""
FIELDS = ("instant_nvr", "neural_capture")
FRAME = 6
QUICK = AvatarConfig(steps=12, hold_out=4, levels=((2, 0.5), (1, 0.5)), device="cpu")
LONGER = {"gaussians": 40, "instant_nvr": 150, "neural_capture": 200, "neural_actor": 40, "mesh": 40}
"""Steps by which a method has learned something."""
every_method = pytest.mark.parametrize("name", [*METHODS, *MESH])


@pytest.fixture(autouse=True)
def _mesh_is_a_method(monkeypatch):
    for name, place in MESH.items():
        monkeypatch.setitem(METHODS, name, place)


@pytest.fixture(scope="module")
def short(scene):
    """A short training by each method, made once."""
    made = {}
    return lambda name: made[name] if name in made else made.setdefault(name, trained(name, scene))


@pytest.fixture(scope="module")
def longer(scene):
    """A longer one."""
    made = {}
    return lambda name: (
        made[name] if name in made else made.setdefault(name, trained(name, scene, replace(QUICK, steps=LONGER[name])))
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


def options_of(name):
    return find_method(name).config(**FEW.get(name, {}))


def config_of(name, config):
    """A field keeps the shape and the poses that it is given: aligning it takes as long as all the rest."""
    held = {"lr_betas": 0.0, "align_steps": 0} if name in FIELDS else {}
    return replace(config, method=name, **held)


def begun(name, scene):
    """An avatar of which nothing was learned yet."""
    subject = Subject(scene.canonical, scene.body, scene.track, tuple(range(len(scene.frames))))
    learner = find_method(name).learner(subject, config_of(name, QUICK), options_of(name), torch.device("cpu"))
    return learner.avatar.requires_grad_(False)


def trained(name, scene, config=QUICK, path=None):
    config = config_of(name, config)
    data = (scene.frames, scene.alpha, scene.track, scene.canonical, scene.body)
    return train_avatar(*data, config, None, path, options_of(name))


def posed(avatar, scene, shift=(0.0, 0.0, 0.0), betas=None):
    rotations, transl = track_pose(scene.track, FRAME, torch.device("cpu"))
    return avatar.shaped(betas).posed(rotations, transl + torch.tensor(shift))


@every_method
def test_a_picture_is_premultiplied_and_within_zero_and_one(name, scene):
    drawn = posed(begun(name, scene), scene).draw(scene.camera)
    assert drawn.rgb.shape == (*drawn.alpha.shape, 3) and drawn.alpha.shape == scene.camera.size[::-1]
    assert drawn.alpha.min() >= 0 and drawn.alpha.max() <= 1 and drawn.alpha.max() > 0.9
    assert drawn.rgb.min() >= 0 and (drawn.rgb <= drawn.alpha[..., None] + 1e-5).all()
    assert drawn.depth[drawn.alpha > 0.9].sub(3.0).abs().max() < 1.0


@every_method
def test_the_background_shows_where_the_avatar_does_not(name, scene):
    avatar, behind = posed(begun(name, scene), scene), torch.tensor([0.2, 0.5, 0.9])
    plain, over = avatar.draw(scene.camera), avatar.draw(scene.camera, behind)
    torch.testing.assert_close(over.rgb, plain.rgb + (1.0 - plain.alpha)[..., None] * behind)


@every_method
def test_a_shift_shifts_the_picture_and_the_extent(name, scene):
    avatar = begun(name, scene)
    here, there = (posed(avatar, scene, (x, 0.0, 0.0)) for x in (0.0, 0.1))
    torch.testing.assert_close(there.extent() - here.extent(), torch.tensor([0.1, 0.0, 0.0]).expand_as(here.extent()))
    columns = torch.arange(scene.camera.width)
    middles = [
        (one.draw(scene.camera).alpha.sum(dim=0) * columns).sum() / one.draw(scene.camera).alpha.sum()
        for one in (here, there)
    ]
    assert float(middles[1] - middles[0]) == pytest.approx(0.1 * scene.camera.K[0, 0] / 3.0, rel=0.1)


@every_method
def test_body_and_camera_that_turn_together_leave_the_picture_as_it_was(name, scene):
    avatar = begun(name, scene)
    rotations, transl = track_pose(scene.track, FRAME, torch.device("cpu"))
    shaped, turn = avatar.shaped(), roma.rotvec_to_rotmat(torch.tensor([0.3, -0.5, 0.2]))
    about = shaped.joints[0]  # the pelvis, about which the root turns
    turned = torch.cat([(turn @ rotations[0])[None], rotations[1:]])
    view = np.eye(4)
    view[:3, :3] = turn.T.double().numpy()
    before = shaped.posed(rotations, transl).draw(scene.camera)
    moved = shaped.posed(turned, turn @ (transl + about) - about)
    after = moved.draw(Camera(scene.camera.K, *scene.camera.size, view))
    assert (before.rgb - after.rgb).abs().mean() < 2e-3 and (before.alpha - after.alpha).abs().mean() < 2e-3


@every_method
def test_betas_change_the_height(name, scene):
    avatar = begun(name, scene)
    taller = torch.zeros(scene.body.num_betas)
    taller[0] = 1.0
    grown, own = (np.ptp(posed(avatar, scene, betas=betas).extent()[:, 1].numpy()) for betas in (taller, None))
    expected, known = (np.ptp(scene.body.shaped(betas)[0][:, 1].numpy()) for betas in (taller, 0 * taller))
    assert grown / own == pytest.approx(expected / known, rel=0.02) and abs(grown / own - 1) > 0.01


@every_method
def test_carriers_lie_where_the_picture_shows_them_and_gather_from_there(name, scene):
    """Sums of the pixels' places, over those of one, are where the carriers are."""
    carriers = posed(begun(name, scene), scene).carriers(scene.camera, 3)
    height, width = carriers.picture.alpha.shape
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    sums = carriers.gather(torch.stack([torch.ones(height, width), columns, rows], dim=-1))
    assert sums.shape == (len(carriers.points), 3) and sums[:, 0].min() >= 0
    torch.testing.assert_close(sums[:, 0].sum(), carriers.picture.alpha.sum(), rtol=1e-3, atol=1e-3)
    seen = sums[:, 0] > 0.5
    places = scene.camera.project(carriers.points[seen].double().numpy())
    assert np.abs(places - (sums[seen, 1:] / sums[seen, :1]).numpy()).mean() < 1.5
    weights = carriers.blend_weights()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(weights)), rtol=0, atol=1e-4)


@every_method
def test_no_held_out_frame_is_read(name, scene, monkeypatch):
    opened, read = set(), crops_module.read_alpha

    def spy(folder, frame, size=None):
        opened.add(frame)
        return read(folder, frame, size)

    monkeypatch.setattr(crops_module, "read_alpha", spy)
    training = trained(name, scene)
    assert not opened & set(training.held_out) and len(opened) == len(scene.frames) - len(training.held_out)


@every_method
def test_something_is_learned(name, longer):
    curve = longer(name).history["psnr"]
    assert np.mean(curve[-10:]) > np.mean(curve[:10]) + 1.0


@every_method
def test_saved_read_and_drawn_it_is_the_same_to_the_bit(name, scene, short, tmp_path):
    training = short(name)
    save_avatar(tmp_path / "avatar.tar", training, scene.canonical, scene.frames)
    archive = load_archive(tmp_path / "avatar.tar")
    assert archive.info["method"] == archive.avatar.method == name
    before, after = (posed(avatar, scene).draw(scene.camera) for avatar in (training.avatar, archive.avatar))
    assert torch.equal(before.rgb, after.rgb) and torch.equal(before.alpha, after.alpha)


@every_method
def test_killed_and_resumed_equals_not_killed(name, scene, short, tmp_path, monkeypatch):
    whole = short(name)
    path, steps = tmp_path / ".checkpoint", killed_at(monkeypatch, 8)
    with pytest.raises(KeyboardInterrupt):
        trained(name, scene, path=path)
    again = trained(name, scene, path=path)
    assert len(steps) == 8 + QUICK.steps - 7  # it went on, and did not start over
    for key, value in whole.avatar.state_dict().items():
        assert torch.equal(value, again.avatar.state_dict()[key]), key
    np.testing.assert_array_equal(whole.poses.body_pose, again.poses.body_pose)


@every_method
def test_held_out_frames_are_measured_and_rendered_through_the_contract(name, scene, longer, tmp_path):
    save_avatar(tmp_path / "avatar.tar", longer(name), scene.canonical, scene.frames)
    archive = load_archive(tmp_path / "avatar.tar")
    config = EvaluateConfig(refine_steps=2, reconstruction=0, pictures=0, device="cpu")
    figures = evaluate_avatar(archive, scene.frames, scene.alpha, config)
    given, aligned = (
        figures[key]["psnr_person_box_on_white"]["mean"] for key in ("without_pose_refinement", "with_pose_refinement")
    )
    assert aligned >= given - 0.5 and given > 15.0
    act = in_camera_frame(archive.avatar, archive.poses).first(1)
    [picture] = render_performance(act, [scene.camera], shadow=True)
    assert picture.alpha.max() > 0.9 and act.rest_height() == pytest.approx(1.7, abs=0.2)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_one_name_and_a_section_of_its_options(name):
    method = find_method(name)
    [section] = [one for one in SECTIONS if one.name == name]
    assert method.name == name == begun_name(method) and section.groups[0] is method.config


def begun_name(method):
    """What the avatars of a method call it."""
    hints = inspect.get_annotations(type(method).restore, eval_str=True)
    return hints["return"].method


@every_method
def test_normals_are_drawn_or_refused(name, scene):
    act = in_camera_frame(begun(name, scene), scene.track).first(1)
    if posed(act.avatar, scene).draw(scene.camera, normals=True).normal is None:
        with pytest.raises(InputError, match=f"method {name} draws no normals"):
            next(render_performance(act, [scene.camera], "normal"))
        return
    picture = next(render_performance(act, [scene.camera], "normal"))
    inside = picture.alpha > 0.95
    assert np.abs(np.linalg.norm(picture.rgb[inside], axis=-1) / picture.alpha[inside] - 1).mean() < 0.3
    assert (picture.rgb[inside][:, 2] < 0).mean() > 0.95  # towards the camera


def test_what_needs_gaussians_says_so_where_there_are_none(scene, short, tmp_path):
    save_avatar(tmp_path / "avatar.tar", short("mesh"), scene.canonical, scene.frames)
    archive = load_archive(tmp_path / "avatar.tar")
    assert not isinstance(archive.avatar, SplatAvatar)
    for attempt in (
        lambda: export_avatar(archive, tmp_path / "exports", ExportConfig()),
        lambda: write_page(tmp_path / "page.html", archive, ViewerConfig()),
    ):
        with pytest.raises(InputError, match="method mesh has no Gaussians"):
            attempt()
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["avatar.tar"]


def test_an_unknown_method_is_refused_in_a_sentence(scene, short, tmp_path):
    with pytest.raises(InputError, match=r"method is spells.*gaussians"):
        trained("spells", scene)
    save_avatar(tmp_path / "avatar.tar", short("mesh"), scene.canonical, scene.frames)
    with tarfile.open(tmp_path / "avatar.tar") as tar:
        parts = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    info = json.loads(parts["avatar.json"])
    for change, words in (
        ({"method": "spells", "spells": {}}, r"spells.*gaussians"),
        ({"method": "gaussians"}, "gaussians"),
        ({"version": info["version"] + 1}, "newer"),
    ):
        changed = {**parts, "avatar.json": json.dumps(info | change).encode()}
        with pytest.raises(InputError, match=words):
            load_archive(tarred(tmp_path / "other.tar", changed))
