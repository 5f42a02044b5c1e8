"""What viewers play, what is in the page, and the live view without a browser."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.transform import Rotation

from benchmarks.viewers.viewing import page_cloud, unpacked
from tests.support.export_scenes import LENGTH
from tests.support.view_scenes import archive, many_joints, motion
from understudy.body.joints import SMPL_PARENTS
from understudy.body.lbs import pose_rotations
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.motion.read import SOURCE_MOTION
from understudy.rendering.performance import in_camera_frame
from understudy.viewer import correctives as correctives_module
from understudy.viewer.acts import STANDING, own_motion, scene, sources
from understudy.viewer.config import ViewerConfig
from understudy.viewer.correctives import correctives
from understudy.viewer.page import page_data, write_page

# motions


def test_given_motions_come_before_the_videos_own(tmp_path):
    files = [motion(tmp_path, "b"), motion(tmp_path, "a")]
    assert list(sources(files, ViewerConfig())) == ["b", "a", SOURCE_MOTION]
    assert list(sources(files, ViewerConfig(source_motion=False))) == ["b", "a"]
    assert list(sources([], ViewerConfig(source_motion=False))) == [STANDING]
    with pytest.raises(InputError, match=r"a\.npz: there is a motion a already"):
        sources([files[1], files[1]], ViewerConfig())
    with pytest.raises(InputError, match="there is a motion source_motion already"):
        sources([tmp_path / "source_motion.bvh"], ViewerConfig())


def test_the_videos_own_motion_stands_on_the_ground_and_is_only_shifted():
    act, track = own_motion(archive()), archive().poses
    assert act.boxes()[2][:, 1].max() == pytest.approx(0, abs=0.01)
    np.testing.assert_allclose(act.pelvis()[0, [0, 2]], 0, atol=1e-6)
    turned, known = (Rotation.from_rotvec(one).as_matrix() for one in (act.global_orient.numpy(), track.global_orient))
    np.testing.assert_allclose(turned, known, atol=1e-6)
    shift = act.transl.numpy() - track.transl
    np.testing.assert_allclose(shift, np.tile(shift[0], (LENGTH, 1)), atol=1e-6)


def test_a_motion_loops_for_as_long_as_wished(tmp_path):
    long = scene(archive(), "turn", motion(tmp_path), ViewerConfig(fps=20.0))
    # 12 frames at 24 per second are too short for a cycle
    assert long.fps == 20.0 and len(long.act) == 10
    with pytest.raises(InputError, match="a loop needs"):
        scene(archive(), "turn", motion(tmp_path), ViewerConfig(loop=5.0))


# correctives


def test_few_poses_have_their_correctives_exactly():
    avatar, act = archive().avatar, own_motion(archive())
    fix = correctives(avatar, len(avatar), [act, act.first(2)])
    with torch.no_grad():
        truth = avatar.pose_offsets(pose_rotations(act.global_orient, act.body_pose)).numpy()
    assert np.abs(truth).max() > 1e-4
    np.testing.assert_allclose(np.einsum("tk,kna->tna", fix.bends[0], fix.basis), truth, atol=2e-6)
    np.testing.assert_allclose(fix.bends[1], fix.bends[0][:2], atol=1e-6)


def test_many_poses_have_the_best_basis_that_there_is(monkeypatch):
    monkeypatch.setattr(correctives_module, "RANK", 6)
    avatar = archive().avatar
    poses = torch.from_numpy(np.random.default_rng(0).normal(0, 0.4, (20, 69)).astype(np.float32))
    act = replace(own_motion(archive()), body_pose=poses, global_orient=torch.zeros(20, 3), transl=torch.zeros(20, 3))
    fix = correctives(avatar, len(avatar), [act])
    with torch.no_grad():
        truth = avatar.pose_offsets(pose_rotations(act.global_orient, poses)).flatten(1).double().numpy()
    values = np.linalg.svd(truth, compute_uv=False)
    left = truth - fix.bends[0] @ fix.basis.reshape(6, -1)
    assert np.linalg.norm(left) == pytest.approx(np.sqrt((values[6:] ** 2).sum()), rel=1e-3)
    assert np.abs(fix.basis).max() == pytest.approx(1)


# the page


@pytest.mark.parametrize("name", ["turn", SOURCE_MOTION])
def test_the_page_has_all_that_poses_the_gaussians_as_the_avatar_does(tmp_path, name):
    shown = [scene(archive(), *item, ViewerConfig()) for item in sources([motion(tmp_path)], ViewerConfig()).items()]
    act = next(one.act for one in shown if one.name == name)
    frame = len(act) - 1
    data = page_data(archive().avatar, shown)
    arrays = unpacked(data)
    means, turns, normals = page_cloud(data, arrays, name, frame)
    with torch.no_grad():
        truth = act.posed(frame).cloud
    assert np.linalg.norm(means - truth.means.numpy(), axis=1).max() < 0.0005
    axes = np.abs((turns.as_quat() * np.roll(truth.quats.numpy(), -1, axis=1)).sum(axis=1))
    assert axes.min() > 0.9999
    np.testing.assert_allclose(np.exp(arrays["scales"]), truth.scales.numpy(), rtol=0.03)
    np.testing.assert_allclose(arrays["opacities"][:, 0], truth.opacities.numpy(), atol=0.003)
    bright = np.exp(np.sqrt(3) * normals[:, 1:2] * archive().avatar.light[1].numpy())
    np.testing.assert_allclose(arrays["colors"] * bright, truth.colors.numpy(), atol=0.015)


def test_the_page_poses_bodies_of_many_joints_too():
    act = own_motion(many_joints())
    data = page_data(many_joints().avatar, [scene(many_joints(), SOURCE_MOTION, None, ViewerConfig())])
    means, _, _ = page_cloud(data, unpacked(data), SOURCE_MOTION, 3)
    assert data["names"] == list(many_joints().avatar.body.joint_names) and len(data["names"]) == len(data["parents"])
    assert np.linalg.norm(means - act.posed(3).extent().numpy(), axis=1).max() < 0.0005


def test_the_page_is_one_file_that_names_no_other(tmp_path):
    known = replace(archive(), info={**archive().info, "licences": ["footage: mine </p>"]})
    write_page(tmp_path / "viewer/index.html", known, ViewerConfig(), [motion(tmp_path, "a<b")], "Anna <b>")
    assert [path.name for path in (tmp_path / "viewer").glob("[!.]*")] == ["index.html"]
    page = (tmp_path / "viewer/index.html").read_text()
    assert not re.findall(r"""(?:src|href|url|import|fetch)\s*[=(]|https?://""", page)
    assert page.count("</script>") == page.count("<script>") == 1 and "{{" not in page
    assert "<title>Anna &lt;b&gt;</title>" in page and "mine &lt;/p&gt;" in page
    again = tmp_path / "again.html"
    write_page(again, known, ViewerConfig(), [motion(tmp_path, "a<b")], "Anna <b>")
    assert again.read_text() == page


def test_texts_cannot_leave_their_place_in_the_page(tmp_path):
    words = "</script><!--<script>\u2028\u2029]]>-->{{program}}\"'\\"
    known = replace(
        archive(), info={**archive().info, "licences": [words], "source": {"name": f"{words}.mp4", "sha256": "1" * 64}}
    )
    file = tmp_path / "page.html"
    named = Path(motion(tmp_path)).rename(tmp_path / f"a<!--<script>\u2028-->{'{{about}}'}.npz")
    write_page(file, known, ViewerConfig(), [named])
    page = file.read_text(encoding="utf-8")
    script = page[page.index("<script>") + 8 : page.index("</script>")]
    assert page.count("<script>") == page.count("</script>") == 1
    assert "<!--" not in page and "\u2028" not in script and "\u2029" not in script
    assert '"label":"a\\u003c!--\\u003cscript>\\u2028-->{{about}}"' in script


def test_a_licensed_bodys_page_is_warned_about(tmp_path, caplog):
    known = archive()
    free = known.avatar.body
    known.avatar.body = replace(free, free=False)
    try:
        write_page(tmp_path / "page.html", known, ViewerConfig())
    finally:
        known.avatar.body = free
    assert "skin weights of sausage" in caplog.text
    assert "<title>made_up</title>" in (tmp_path / "page.html").read_text()


def test_the_command_writes_the_page(tmp_path, monkeypatch, capsys):
    from tests.support.show_scenes import save_made_up_avatar
    from understudy.cli import main

    avatar, page = save_made_up_avatar(tmp_path / "avatar.tar"), tmp_path / "page.html"
    command = ["understudy", "view", str(avatar), "--motion", str(motion(tmp_path)), "--page", str(page)]
    monkeypatch.setattr(sys, "argv", command)
    main()
    assert capsys.readouterr().out == f"wrote {page}\n"
    assert '"label":"turn"' in page.read_text()


# the live view


@pytest.fixture
def live(tmp_path):
    """A live view with a motion and the video's, and pictures of the video."""
    pytest.importorskip("viser", reason="needs viser")
    from understudy.viewer.live import LiveView

    known, results = archive(), tmp_path / "results"
    frames = Frames(
        folder=results / "frames", fps=25.0, width=known.width, height=known.height, source="made_up.mp4",
        source_sha256="1" * 64, source_frames=np.arange(LENGTH), K=known.poses.K, K_source="config",
    )  # fmt: skip
    frames.folder.mkdir(parents=True)
    for number in range(LENGTH):
        Image.new("RGB", (known.width, known.height), (40 * number, 0, 0)).save(frames.path(number))
    frames.save(results / "frames.json")
    view = LiveView(known, [motion(tmp_path)], ViewerConfig(fps=24.0), results, port=8765)
    yield view
    view.stop()


def controls(view):
    return view._motion, view._shape, view._layers


def test_the_live_view_plays_and_stops_where_one_moves_the_slider(live):
    panel, _, layers = controls(live)
    live.step(0.0)
    first = layers._gaussians.centers.copy()
    live.step(5 / 24)
    assert panel._slider.value == 5
    assert np.abs(layers._gaussians.centers - first).max() > 0.1
    panel._slider.value = 8
    for _ in range(3):
        live.step(0.1)
    assert panel._slider.value == 8 and not panel._playing.value
    sent = live.pictures
    live.step(0.1)
    assert live.pictures == sent  # nothing new, nothing sent


def test_the_live_view_shows_colours_as_the_first_who_looks_on_sees_them(live):
    from understudy.viewer.layers import packed

    with torch.no_grad():
        cloud = live._scene.act.posed(0).cloud
        cloud = replace(cloud, colors=cloud.colors.clamp(0.3, 0.6), sh=torch.zeros(len(cloud.means), 3, 3))
        cloud.sh[:, 0, 2] = 0.1  # redder along +z
    front, behind = (packed(cloud, np.array([0.0, -1.0, z]))[2] for z in (-50.0, 50.0))
    np.testing.assert_allclose(front - behind, np.broadcast_to([0.2, 0.0, 0.0], front.shape), atol=1e-3)
    live.server.initial_camera.position = (3.0, -1.0, 0.0)
    sent = live.pictures
    live.step(0.0)
    assert live.pictures == sent + 1  # another side, other colours


def test_the_live_view_shows_the_gaussians_where_they_are(live):
    from understudy.viewer.layers import PER_METRE, packed

    live.step(0.0)
    splats, act = live._layers._gaussians, live._scene.act
    with torch.no_grad():
        cloud = act.posed(0).cloud
    np.testing.assert_allclose(splats.centers / PER_METRE, cloud.means.numpy(), atol=1e-6)
    assert splats.scale * PER_METRE == pytest.approx(1)
    axes = Rotation.from_quat(np.roll(cloud.quats.numpy(), -1, axis=1)).as_matrix() * cloud.scales.numpy()[:, None]
    truth = axes @ axes.swapaxes(1, 2)
    np.testing.assert_allclose(packed(cloud, np.zeros(3))[1] / PER_METRE**2, truth, atol=1e-7)
    # half precision, and still the shape
    np.testing.assert_allclose(splats.covariances / PER_METRE**2, truth, rtol=2e-3, atol=2e-3 * truth.max())


def test_the_camera_and_its_pictures_are_there_for_the_videos_motion_alone(live):
    panel, _, layers = controls(live)
    for box in panel._layers.values():
        box.value = True
    live.step(0.0)
    assert not layers._camera.visible and layers._mesh.visible and layers._joints.visible
    panel._motion.value = SOURCE_MOTION
    live.step(0.0)
    live.step(2 / 25)
    assert layers._camera.visible and panel._slider.max == LENGTH - 1
    assert int(layers._camera.image[0, 0, 0]) == pytest.approx(80, abs=4)
    shifted = in_camera_frame(archive().avatar, archive().poses).pelvis()[2] + layers._camera.position
    np.testing.assert_allclose(layers._joints.points[0], shifted, atol=1e-3)  # half precision
    ends = layers._joints.points[[(child, parent) for child, parent in enumerate(SMPL_PARENTS) if child]]
    np.testing.assert_allclose(layers._bones.points, ends, atol=1e-3)


def test_sliders_reshape_the_person_and_lead_back(live):
    _, shape, layers = controls(live)
    live.step(0.0)
    before, tall = layers._gaussians.centers.copy(), shape._height.value
    shape._height.value = tall + 10
    live.step(0.0)
    after = layers._gaussians.centers
    assert np.ptp(after[:, 1]) > 1.03 * np.ptp(before[:, 1])
    assert shape._height.value == tall + 10 and shape._components[0].value != 0
    shape._weight.value = shape._weight.max
    live.step(0.0)
    assert ("no shape of" in shape._note.content) != (shape._weight.value == shape._weight.max)
    shape._back.value = True
    live.step(0.0)
    live.step(0.0)
    np.testing.assert_allclose(layers._gaussians.centers, before, atol=1e-3)
    assert shape._height.value == tall and torch.equal(shape.betas, archive().avatar.betas)


def test_without_viser_one_sentence_says_what_to_do(monkeypatch):
    from understudy.viewer.live import LiveView

    monkeypatch.setitem(sys.modules, "viser", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[viewer\]'"):
        LiveView(archive())


def test_the_picture_before_the_camera_has_the_principal_point_in_its_middle():
    from PIL import Image

    from understudy.viewer.layers import centred

    K = np.array([[500.0, 0, 30.0], [0, 500.0, 90.0], [0, 0, 1]])
    picture = Image.new("RGB", (100, 120), (90, 90, 90))
    picture.putpixel((30, 90), (255, 0, 0))
    found = np.asarray(centred(picture, K))
    assert found.shape == (180, 140, 3)
    assert found[90, 70].tolist() == [255, 0, 0]
    assert not found[:, :39].any() and (found[5:115, 45:135, 1] > 0).sum() > 9000
    plain = np.array([[500.0, 0, 50.0], [0, 500.0, 60.0], [0, 0, 1]])
    assert np.asarray(centred(picture, plain)).shape == (120, 100, 3)
