"""``understudy render``: what a user types, and what is written."""

import json
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from tests.support.motion_scenes import RIG, rest_joints, wave, write_rig
from tests.support.show_scenes import LENGTH, save_made_up_avatar, write_amass, write_views
from tests.support.verbs import call
from understudy.errors import InputError
from understudy.render.camera import look_at


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")


@pytest.fixture
def render(monkeypatch, capsys, tmp_path, avatar):
    """Run the verb in a folder of its own: status, what it printed, and its errors."""

    return lambda output, *arguments: call(monkeypatch, capsys, tmp_path, "render", avatar, output, *arguments)


def video(path):
    with av.open(str(path)) as container:
        return float(container.streams.video[0].average_rate), [
            f.to_ndarray(format="rgb24") for f in container.decode(video=0)
        ]


def test_the_turntable_is_a_video_of_three_seconds(render, tmp_path):
    status, printed, errors = render("turn.mp4", "--size", "40x60", "--fps", "8")
    assert status == 0, errors
    rate, frames = video(tmp_path / "turn.mp4")
    assert rate == 8 and len(frames) == 24 and frames[0].shape == (60, 40, 3)
    assert "24 pictures" in printed
    assert frames[0][0, 0].min() > 250 and (frames[0].min(axis=-1) < 180).sum() > 100, "a person on white"


def test_a_bvh_motion_is_resampled_to_the_rate_of_the_pictures(render, tmp_path):
    write_rig(tmp_path / "wave.bvh", wave(26), rest_joints())  # at 50 a second
    status, _, errors = render("wave.mp4", "--motion", "wave.bvh", "--fps", "10", "--size", "40x60")
    assert status == 0, errors
    rate, frames = video(tmp_path / "wave.mp4")
    assert rate == 10 and len(frames) == 6
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1, "the person moves"


def test_a_frozen_motion_is_seen_once_round(render, tmp_path):
    write_rig(tmp_path / "wave.bvh", wave(26), rest_joints())
    look = ("--motion", "wave.bvh", "--fps", "10", "--size", "40x60")
    status, printed, errors = render("round", *look, "--freeze", "0.3")
    assert status == 0 and "30 pictures" in printed, errors
    shown = [np.array(Image.open(path)) for path in sorted((tmp_path / "round").glob("*.png"))]
    assert np.abs(shown[0].astype(int) - shown[15]).mean() > 1, "from behind"
    assert render("still", *look, "--freeze", "0.3", "--path", "still", "--frames", "2")[0] == 0
    assert render("played", *look, "--path", "still")[0] == 0
    first, second = (np.array(Image.open(path)) for path in sorted((tmp_path / "still").glob("*.png")))
    np.testing.assert_array_equal(first, second)
    # both cameras see the same pose; the one that saw the whole motion is a little farther away
    moment, other = (np.array(Image.open(tmp_path / f"played/{i:06d}.png")).astype(int) for i in (3, 0))
    assert np.abs(moment - first).mean() < np.abs(other - first).mean()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--motion", "wave.bvh", "--freeze", "9"), "the motion ends at 0.5"),
        (("--freeze", "0"), "no motion to freeze"),
        (("--video", "anna", "--freeze", "0"), "leave out --size, --fps, --freeze"),
    ],
)
def test_what_cannot_be_frozen_is_said(render, tmp_path, more, said):
    write_rig(tmp_path / "wave.bvh", wave(26), rest_joints())
    status, _, errors = render("out.mp4", "--fps", "10", "--size", "40x60", *more)
    assert status != 0 and said in errors and not (tmp_path / "out.mp4").exists()


def test_amass_and_our_own_tracks_are_motions(render, tmp_path):
    write_amass(tmp_path / "amass.npz")
    status, _, errors = render("amass", "--motion", "amass.npz", "--size", "30x40", "--frames", "3")
    assert status == 0 and len(list((tmp_path / "amass").glob("*.png"))) == 3, errors
    from tests.support.avatar_scenes import turning_track
    from tests.support.bodies import sausage_body
    from tests.support.show_scenes import K

    (tmp_path / "anna").mkdir()
    turning_track(9, sausage_body(), K).save(tmp_path / "anna/smpl.npz")
    (tmp_path / "anna/frames.json").write_text(json.dumps({"fps": 12.0}))
    status, _, errors = render("other", "--motion", "anna", "--size", "30x40")
    assert status == 0 and len(list((tmp_path / "other").glob("*.png"))) == 17, errors


def test_a_motion_is_repeated_and_the_shape_changed_on_the_way(render, tmp_path):
    write_rig(tmp_path / "wave.bvh", wave(50), rest_joints())
    shape = ("--height", "190", "--weight", "60", "--shadow")
    status, _, errors = render("long", "--motion", "wave.bvh", "--loop", "2", "--fps", "5", "--size", "30x40", *shape)
    assert status == 0, errors
    assert len(list((tmp_path / "long").glob("*.png"))) == 10
    status, _, errors = render("long", "--motion", "wave.bvh", "--loop", "-2")
    assert status == 2 and "loop is -2" in errors


def test_an_unknown_rig_is_named_joint_by_joint_and_a_map_helps(render, tmp_path):
    write_rig(tmp_path / "a.bvh", wave(4), rest_joints())
    text = (tmp_path / "a.bvh").read_text().replace("LeftForeArm", "Tentacle").replace("RightLeg", "Peg")
    (tmp_path / "a.bvh").write_text(text)
    status, _, errors = render("a.mp4", "--motion", "a.bvh")
    assert status == 2 and "right knee, left elbow" in errors and "Tentacle" in errors and "joint map" in errors
    (tmp_path / "map.json").write_text(json.dumps({"left_elbow": "Tentacle", "right_knee": "Peg"}))
    given = ("--motion", "a.bvh", "--joint-map", "map.json", "--size", "30x40")
    status, _, errors = render("a.mp4", *given)
    assert status == 0, errors
    (tmp_path / "map.json").write_text(json.dumps({"left_ear": "Tentacle"}))
    status, _, errors = render("a.mp4", *given)
    assert status == 2 and "left_ear" in errors


def test_names_of_other_programs_are_known(tmp_path):
    from understudy.motion.rigs import read_rig

    write_rig(tmp_path / "a.bvh", wave(4), rest_joints())
    plain = (tmp_path / "a.bvh").read_text()
    unreal = {
        "Hips": "pelvis", "UpLeg": "thigh_", "Leg": "calf_", "Foot": "foot_", "Arm": "upperarm_", "ForeArm": "lowerarm_",
        "Hand": "hand_", "Spine": "spine_03", "Head": "head",
    }  # fmt: skip
    for kind in ("mixamorig:{}", "mixamorig1:{}", "Bip01 {}", "unreal"):
        text = plain
        for name in sorted(RIG.values(), key=len, reverse=True):
            side, bare = ("l" if "Left" in name else "r"), name.removeprefix("Left").removeprefix("Right")
            other = kind.format(name).replace(" ", "_")
            if kind == "unreal":
                other = unreal[bare] + (side if unreal[bare].endswith("_") else "")
            text = text.replace(f"T {name}\n", f"T {other}\n")
        (tmp_path / "b.bvh").write_text(text)
        points = read_rig(tmp_path / "b.bvh").points
        original = read_rig(tmp_path / "a.bvh").points
        for name in original:
            np.testing.assert_array_equal(points[name], original[name], err_msg=f"{kind} {name}")


def test_given_cameras_decide_size_and_number(render, tmp_path):
    up = np.array([0.0, 0.0, 1.0])
    views = [look_at(np.array([3 * np.cos(a), 3 * np.sin(a), 1.0]), up * 0.9, up) for a in (0.0, 1.0, 2.0)]
    write_views(tmp_path / "cameras.json", np.stack(views), (50, 70))
    status, _, errors = render("seen", "--cameras", "cameras.json", "--background", "transparent")
    assert status == 0, errors
    pictures = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "seen").glob("*.png"))]
    assert [picture.shape for picture in pictures] == [(70, 50, 4)] * 3
    assert all((picture[..., 3] > 200).sum() > 100 and picture[0, 0, 3] == 0 for picture in pictures)


@pytest.mark.parametrize("suffix", [".webm", ".mov"])
def test_videos_for_pages_and_editors_keep_transparency(render, tmp_path, suffix):
    given = ("--background", "transparent", "--size", "31x40", "--frames", "3")
    status, _, errors = render(f"clear{suffix}", *given)
    assert status == 0, errors
    render("pictures", *given)
    with av.open(str(tmp_path / f"clear{suffix}")) as container:
        if suffix == ".webm":  # the decoder that is chosen by itself passes over transparency
            codec = av.CodecContext.create("libvpx-vp9", "r")
            frames = [frame for packet in container.demux(video=0) for frame in codec.decode(packet)]
        else:
            frames = list(container.decode(video=0))
    assert len(frames) == 3
    for number, frame in enumerate(frames):
        depth = np.uint8 if suffix == ".webm" else np.uint16
        plane = np.frombuffer(bytes(frame.planes[3]), depth).reshape(frame.height, -1)[:40, :31].astype(float)
        alpha = np.asarray(Image.open(tmp_path / f"pictures/{number:06d}.png"))[..., 3]
        assert np.abs(plane / (1 if suffix == ".webm" else 4095 / 255) - alpha).mean() < 4


def test_a_turn_can_be_a_gif(render, tmp_path):
    status, printed, errors = render("turn.gif", "--size", "30x40", "--fps", "10", "--frames", "4")
    assert status == 0 and "4 pictures" in printed, errors
    with Image.open(tmp_path / "turn.gif") as image:
        assert (image.n_frames, image.size, image.info["duration"]) == (4, (30, 40), 100)


def test_depth_pictures_are_millimetres(render, tmp_path):
    status, _, errors = render("depth", "--layer", "depth", "--frames", "1", "--size", "30x40")
    assert status == 0, errors
    depth = np.asarray(Image.open(tmp_path / "depth/000000.png"))
    assert depth.max() > 1000 and depth[0, 0] == 0
    status, _, errors = render("depth.mp4", "--layer", "depth", "--frames", "2", "--size", "30x40")
    assert status == 0 and video(tmp_path / "depth.mp4")[1][0].max() > 60, errors


def draw_frames(archive, camera, folder):
    """The avatar in its own poses, as a folder of images."""
    import torch

    folder.mkdir(parents=True)
    for frame in range(LENGTH):
        poses = (archive.poses.global_orient, archive.poses.body_pose, archive.poses.transl)
        pose = (torch.from_numpy(values[frame]) for values in poses)
        with torch.no_grad():
            rgb = archive.avatar.render(*pose, camera=camera, background=torch.ones(3)).rgb
        pixels = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(folder / f"{frame:06d}.png")


def test_an_avatar_of_a_window_stands_where_the_person_is_in_whole_pictures(tmp_path, avatar):
    from tests.support.avatar_scenes import HEIGHT, WIDTH
    from understudy.avatar.archive import load_archive
    from understudy.render.camera import Camera
    from understudy.rendering.reenactment import render_reenactment

    found = load_archive(avatar)
    size, corner = (3 * WIDTH, 2 * HEIGHT), (WIDTH + 20, HEIGHT // 2)
    crop = [*corner, corner[0] + WIDTH, corner[1] + HEIGHT]
    source = {**found.info["source"], "size": list(size), "crop": [float(value) for value in crop]}
    cut = replace(found, info={**found.info, "source": source})
    K = found.poses.K.copy()
    K[:2, 2] += corner
    draw_frames(found, Camera(K, *size), tmp_path / "whole")
    assert render_reenactment(cut, tmp_path / "whole", tmp_path / "both") == LENGTH
    for path in sorted((tmp_path / "both").glob("*.png")):
        shown = np.asarray(Image.open(path)).astype(int)
        assert shown.shape == (size[1], 2 * size[0], 3)
        assert np.abs(shown[:, : size[0]] - shown[:, size[0] :]).max() <= 1
    draw_frames(found, Camera(found.poses.K, WIDTH, HEIGHT), tmp_path / "frames")
    render_reenactment(cut, tmp_path / "frames", tmp_path / "part")
    assert np.asarray(Image.open(tmp_path / "part/000000.png")).shape == (HEIGHT, 2 * WIDTH, 3)
    draw_frames(found, Camera(found.poses.K, HEIGHT, HEIGHT), tmp_path / "other")
    with pytest.raises(InputError, match="not of the shape"):
        render_reenactment(cut, tmp_path / "other", tmp_path / "both")


def test_the_reenactment_has_the_video_on_the_left_and_the_same_pose_on_the_right(render, tmp_path, avatar):
    from tests.support.avatar_scenes import HEIGHT, WIDTH
    from understudy.avatar.archive import load_archive
    from understudy.render.camera import Camera

    archive = load_archive(avatar)
    draw_frames(archive, Camera(archive.poses.K, WIDTH, HEIGHT), tmp_path / "anna/frames")
    (tmp_path / "anna/frames.json").write_text(json.dumps({"fps": 25.0}))
    status, _, errors = render("both", "--video", "anna")
    assert status == 0, errors
    shown = [np.asarray(Image.open(path)).astype(int) for path in sorted((tmp_path / "both").glob("*.png"))]
    assert len(shown) == LENGTH and shown[0].shape == (HEIGHT, 2 * WIDTH, 3)
    assert all(np.abs(picture[:, :WIDTH] - picture[:, WIDTH:]).max() <= 1 for picture in shown)
    status, _, errors = render("both", "--video", "anna", "--background", "video", "--frames", "2")
    assert status == 0 and len(list((tmp_path / "both").glob("*.png"))) == 2, errors


@pytest.mark.parametrize(
    ("output", "arguments", "words"),
    [
        ("a.avi", (), ".avi"),
        ("a.gif", ("--fps", "60"), "no GIF shows more than 50"),
        ("a.png", (), "one picture"),
        ("a.mp4", ("--background", "transparent"), "transparent"),
        ("a.mp4", ("--size", "big"), "big is not a size"),
        ("a.mp4", ("--motion", "nothing.bvh"), "nothing.bvh"),
        ("a.mp4", ("--motion", "dance.mp4"), "is a video"),
        ("a.mp4", ("--cameras", "nothing.json"), "nothing.json"),
        ("a.mp4", ("--video", "nowhere"), "nowhere"),
        ("a.mp4", ("--video", "x", "--motion", "y"), "--video"),
        ("a.mp4", ("--video", "x", "--path", "line", "--shadow", "--height", "180"), "a path, --shadow, --shape"),
        ("a.mp4", ("--camera", "2"), "give --cameras too"),
        ("a.mp4", ("--cameras", "x.json", "--azimuth", "90"), "leave out the path"),
        ("a.mp4", ("--height", "20"), "height is 20"),
        ("a.mp4", ("--fps", "0"), "fps is 0"),
        ("full", (), "notes.txt"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence_and_nothing_is_left(render, tmp_path, output, arguments, words):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    (tmp_path / "dance.mp4").write_bytes(b"")
    status, printed, errors = render(output, *arguments)
    assert status == 2 and printed == ""
    assert errors.startswith("error: ") and words in errors and len(errors.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dance.mp4", "full"]
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]
