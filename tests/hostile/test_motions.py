"""Motions of impossible numbers, and options that make endless ones: one sentence, in little time and memory."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bodies import sausage_body
from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.limits import beyond, inside
from tests.support.motion_scenes import rest_joints, wave, write_rig
from tests.support.show_scenes import save_made_up_avatar, walking_clip
from tests.support.verbs import call
from understudy.errors import InputError
from understudy.motion import bvh, clip
from understudy.motion.bvh import read_bvh
from understudy.motion.loop import find_loop, looped
from understudy.motion.read import read_motion
from understudy.motion.rigs import read_rig

BODY = sausage_body()


def written(path, offset="0", seconds="0.1", frames="1", row="1 2 3 4 5 6", channels="6 Xposition Yposition Zposition"):
    path.write_text(
        f"HIERARCHY ROOT a {{ OFFSET 0 {offset} 0 CHANNELS {channels} Zrotation Xrotation Yrotation }} "
        f"MOTION Frames: {frames} Frame Time: {seconds} {row}"
    )
    return path


NUMBERS = {
    "Frame Time": lambda path, value: written(path, seconds=value),
    "an OFFSET": lambda path, value: written(path, offset=value),
    "a position": lambda path, value: written(path, row=f"1 {value} 3 4 5 6"),
    "a rotation": lambda path, value: written(path, row=f"1 2 3 4 {value} 6"),
}


def test_every_number_of_a_bvh_file_has_its_limits():
    assert {*NUMBERS, "the number of joints", "the number of frames"} == set(bvh.POSSIBLE)


@pytest.mark.parametrize("name", NUMBERS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_bvh_file_is_read_up_to_its_limits_and_not_beyond(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / "a.bvh"
    NUMBERS[name](path, repr(data.draw(inside(*bvh.POSSIBLE[name]))))
    assert np.isfinite(read_bvh(path).posed()[1]).all()
    NUMBERS[name](path, repr(data.draw(beyond(*bvh.POSSIBLE[name]))))
    with pytest.raises(InputError, match=rf"a\.bvh is not .*{name} is"):
        read_bvh(path)


def jointed(path, joints, frames):
    inner = "JOINT b { OFFSET 0 1 0 CHANNELS 0 } " * (joints - 1)
    head = f"HIERARCHY ROOT a {{ OFFSET 0 0 0 CHANNELS 1 Xrotation {inner}}} MOTION Frames: {frames} Frame Time: 0.1 "
    path.write_text(head + "1 " * frames)
    return path


def test_so_many_joints_and_frames_and_no_more(tmp_path, monkeypatch):
    _, most = bvh.POSSIBLE["the number of joints"]
    assert len(read_bvh(jointed(tmp_path / "a.bvh", most, 1)).names) == most
    with pytest.raises(InputError, match="the number of joints"):
        read_bvh(jointed(tmp_path / "a.bvh", most + 1, 1))
    assert len(read_bvh(jointed(tmp_path / "a.bvh", 1, clip.MOST_FRAMES)).values) == clip.MOST_FRAMES
    with pytest.raises(InputError, match="the number of frames"):
        read_bvh(jointed(tmp_path / "a.bvh", 1, clip.MOST_FRAMES + 1))
    with pytest.raises(InputError, match="frames of"):
        read_bvh(jointed(tmp_path / "a.bvh", 2100, 10_000))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ({"channels": "-2 Xposition"}, "channels"), ({"channels": "-3 Xposition"}, "channels"),
        ({"channels": "4 Xposition Xposition Yposition"}, "channels"), ({"channels": "4 Wposition"}, "channels"),
        ({"channels": "4 Zrotation"}, "channels"), ({"frames": "2"}, "bytes|numbers"), ({"frames": "0"}, "number of frames"),
        ({"frames": "1e1"}, "invalid literal"), ({"row": "1 2 3 4 5"}, "5 numbers of the 6"),
        ({"row": "1 2 3 4 5 6 7"}, "more than the 6"), ({"row": "1 2 3 4 5 6 \0"}, "more than the 6"),
        ({"row": "1 2 3 4 5 " + "6" * 10**7}, "letters"), ({"offset": "{ " * 1_500_000}, "words"),
        ({"offset": "0 0 End Site { OFFSET 1 1 1 CHANNELS 0 }"}, "End Site"),
        ({"offset": "0 0 End Site { JOINT b { OFFSET 1 1 1 CHANNELS 0 } }"}, "b in an End Site"),
    ],
)  # fmt: skip
def test_what_a_bvh_file_says_of_itself_is_not_believed(tmp_path, text, words):
    with pytest.raises(InputError, match=words) as error:
        read_bvh(written(tmp_path / "a.bvh", **text))
    assert len(str(error.value)) < 500


def rig_of_many(path, joints, frames):
    """A person with hundreds of joints more, which do not move."""
    write_rig(path, wave(frames), rest_joints())
    text = path.read_text()
    place = text.rindex("}\nMOTION")
    path.write_text(text[:place] + "JOINT more { OFFSET 0 1 0 CHANNELS 0 } " * joints + text[place:])
    return path


def test_only_the_joints_of_people_take_memory(tmp_path):
    """All of them would take 1.4 GB."""
    assert len(read_rig(rig_of_many(tmp_path / "a.bvh", 2500, 4000))) == 4000


def test_some_joints_are_where_they_are_among_all(tmp_path):
    rig = read_bvh(rig_of_many(tmp_path / "a.bvh", 3, 5))
    turns, places = rig.posed()
    some = [4, 0, 15, 7]
    for part, whole in zip((*rig.posed(some), *rig.rest(some)), (turns, places, *rig.rest()), strict=True):
        np.testing.assert_array_equal(part, whole.take(some, axis=part.ndim - 3 if part.shape[-2:] == (3, 3) else -2))


def test_channels_in_capital_letters_move_the_joints(tmp_path):
    write_rig(tmp_path / "a.bvh", wave(5), rest_joints())
    text = (tmp_path / "a.bvh").read_text()
    (tmp_path / "b.bvh").write_text(text.replace("rotation", "Rotation").replace("Xposition", "XPOSITION"))
    first, second = (read_motion(tmp_path / name, BODY) for name in ("a.bvh", "b.bvh"))
    np.testing.assert_array_equal(first.body_pose, second.body_pose)


def test_a_rig_of_long_names_is_listed_in_part(tmp_path):
    joints = "".join(f"JOINT {'n' * 900}{number} {{ OFFSET 0 1 0 CHANNELS 0 }} " for number in range(500))
    (tmp_path / "a.bvh").write_text(
        f"HIERARCHY ROOT a {{ OFFSET 0 0 0 CHANNELS 1 Xrotation {joints} }} MOTION Frames: 1 Frame Time: 0.1 1"
    )
    for names in (None, {"left_knee": "x" * 10**6}, {"y" * 10**6: "a"}):
        with pytest.raises(InputError) as error:
            read_rig(tmp_path / "a.bvh", names)
        assert len(str(error.value)) < 12_000


def amass(path, length=4, **arrays):
    content = {"poses": np.zeros((length, 156)), "trans": np.zeros((length, 3)), "mocap_framerate": 30.0} | arrays
    np.savez(path, **content)
    return path


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_rates_are_taken_up_to_their_limits_and_not_beyond(tmp_path_factory, data):
    path, limits = tmp_path_factory.getbasetemp() / "a.npz", clip.POSSIBLE["frames per second"]
    rate = data.draw(inside(*limits))
    assert read_motion(amass(path, mocap_framerate=rate), BODY).fps == rate
    with pytest.raises(InputError, match="frames per second is"):
        read_motion(amass(path, mocap_framerate=data.draw(beyond(*limits))), BODY)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"poses": np.zeros((4, 70))}, "70 numbers"), ({"poses": np.full((4, 156), 1e30)}, "an angle is"),
        ({"poses": np.full((4, 156), np.nan)}, "not finite"), ({"poses": np.zeros((4, 156), complex)}, "real numbers"),
        ({"poses": np.zeros((4, 156), "M8[s]")}, "real numbers"), ({"poses": np.array(3.0)}, "unsized"),
        ({"poses": 5 * np.tile(np.eye(3), (4, 24, 1, 1))}, "rotation"), ({"poses": np.zeros((4, 24, 3, 3))}, "rotation"),
        ({"poses": -np.tile(np.eye(3), (4, 24, 1, 1))}, "rotation"), ({"poses": np.zeros((0, 156))}, "number of poses"),
        ({"trans": np.full((4, 3), 1e30)}, "a translation is"), ({"trans": np.zeros((2, 6))}, "three numbers"),
        ({"trans": np.zeros((4, 3), complex)}, "real numbers"), ({"trans": 9e6 * np.eye(4)[:, :3]}, "way from the start"),
        ({"mocap_framerate": "fast"}, "could not convert"), ({"mocap_framerate": np.zeros(0)}, "out of bounds"),
        ({"mocap_framerate": 3j}, "real numbers"),
        ({"smpl_poses": np.zeros((4, 72)), "smpl_trans": np.zeros((4, 3)), "smpl_scaling": 0.0}, "smpl_scaling is"),
        ({"smpl_poses": np.zeros((4, 72)), "smpl_trans": np.zeros((4, 3)), "smpl_scaling": 1e300}, "smpl_scaling is"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_motion_are_refused(tmp_path, arrays, words):
    with pytest.raises(InputError, match=words):
        read_motion(amass(tmp_path / "a.npz", **arrays), BODY)


@pytest.mark.parametrize(
    "betas", [np.full(16, 1e30), np.zeros((5, 16)), np.full(16, np.nan), np.array("x"), np.zeros(0)]
)
def test_how_the_person_of_a_file_is_built_does_not_matter(tmp_path, betas):
    plain, odd = (read_motion(amass(tmp_path / "a.npz", **more), BODY) for more in ({}, {"betas": betas}))
    np.testing.assert_array_equal(plain.transl, odd.transl)


def test_more_frames_than_anybody_films_are_refused_before_they_are_posed(tmp_path):
    np.savez_compressed(
        tmp_path / "a.npz", poses=np.zeros((500_001, 72), np.float32), trans=np.zeros((500_001, 3), np.float32)
    )
    with pytest.raises(InputError, match="number of poses"):
        read_motion(tmp_path / "a.npz", BODY)


def test_the_parts_of_a_long_motion_are_posed_as_the_whole(monkeypatch):
    from understudy.motion import frames
    from understudy.motion.planting import plant_feet

    walk = walking_clip(100)
    whole = plant_feet(walk, BODY)
    monkeypatch.setattr(frames, "PART", 7)
    parted = plant_feet(walk, BODY)
    np.testing.assert_array_equal(whole.body_pose, parted.body_pose)
    np.testing.assert_array_equal(whole.transl, parted.transl)


def test_the_first_frames_at_another_rate_are_those_of_all():
    walk = walking_clip(40)
    whole, first = walk.resampled(100.0), walk.resampled(100.0, 7)
    assert len(first) == 7 and len(whole) == 131
    np.testing.assert_array_equal(first.body_pose, whole.body_pose[:7])


def test_a_slow_motion_makes_no_endless_pictures(monkeypatch):
    monkeypatch.setattr(clip, "MOST_FRAMES", 5000)
    slow = clip.Clip(*(getattr(walking_clip(6), name) for name in ("global_orient", "body_pose", "transl")), fps=0.01)
    assert len(slow.resampled(9.0)) == 4501
    assert len(slow.resampled(240.0, 5)) == 5
    with pytest.raises(InputError, match="120001 pictures at 240"):
        slow.resampled(240.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan"), float("inf"), 3600.0])
def test_a_loop_has_an_end(seconds):
    with pytest.raises(InputError, match="loop is"):
        looped(walking_clip(60), seconds)


def test_a_loop_of_a_fast_camera_has_an_end_too():
    fast = clip.Clip(
        *(getattr(walking_clip(3000), name) for name in ("global_orient", "body_pose", "transl")), fps=1000.0
    )
    assert len(looped(fast, 30.0)) == 30_000
    with pytest.raises(InputError, match="600000 frames"):
        looped(fast, 600.0)


def test_a_cycle_is_sought_in_a_long_motion_at_once():
    """The poses of all frames would take 1.5 GB."""
    poses = walking_clip(60)
    many = [np.tile(part, (5000, 1)) for part in (poses.global_orient, poses.body_pose, poses.transl)]
    first, last = find_loop(clip.Clip(*many, fps=30.0))
    assert 0 <= first < last < 300_000


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, avatar):
    return lambda verb, *arguments: call(monkeypatch, capsys, tmp_path, verb, avatar, *arguments)


SMALL = ("--size", "30x40")


@pytest.mark.parametrize(
    "verb", [("render", "out", *SMALL), ("export", "out", "--only", "avatar.glb"), ("view", "--page", "page.html")]
)
def test_a_motion_of_three_frames_in_four_hours_is_told_in_a_sentence(run, tmp_path, verb):
    amass(tmp_path / "slow.npz", 3, mocap_framerate=0.0002)
    status, printed, errors = run(*verb, "--motion", "slow.npz")
    assert status == 2 and printed == "" and len(errors.splitlines()) == 1
    assert "slow.npz" in errors and "frames per second is 0.0002" in errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fps", "1e-9"), "fps is 1e-09"), (("--fps", "1e9"), "fps is"), (("--fps", "nan"), "fps is nan"),
        (("--frames", "0"), "frames is 0"), (("--frames", "1000000000"), "frames is 1000000000"),
        (("--size", "10000000x10000000"), "size is 10000000, 10000000"), (("--size", "0x0"), "size is 0, 0"),
        (("--size", "1x1"), "size is 1, 1"), (("--size", "²x²"), "²x² is not a size"),
        (("--size", "9" * 5000 + "x2"), "is not a size"),
        (("--height", "nan"), "height is nan"), (("--weight", "1e30"), "weight is"), (("--betas", "1e30"), "betas is 1e+30"),
        (("--betas", "nan"), "betas is nan"), (("--azimuth", "inf"), "azimuth is inf"), (("--azimuth", "nan"), "azimuth is"),
        (("--azimuth", "1e300"), "azimuth is"), (("--elevation", "nan"), "elevation is"),
        (("--video", "v", "--video-start", "nan"), "start is at nan"),
        (("--video", "v", "--video-start", "-1"), "start is at -1"),
        (("--video", "v", "--video-start", "inf"), "start is at inf"), (("--video", "v", "--video-start", "1e30"), "lasts"),
    ],
)  # fmt: skip
def test_options_that_ask_for_the_impossible_are_told_in_a_sentence(run, tmp_path, options, words):
    from tests.support.import_sources import pictures

    pictures(tmp_path / "v", size=(90, 160))
    size = () if {"--size", "--video"} & set(options) else SMALL
    status, _, errors = run("render", "out", *size, *options)
    assert status == 2 and errors.startswith("error: ") and words in errors, errors
    assert len(errors.splitlines()) == 1 and len(errors) < 500
    assert not (tmp_path / "out").exists()


def test_a_slow_turntable_has_a_picture(run, tmp_path):
    status, printed, errors = run("render", "turn.mp4", *SMALL, "--fps", "0.01")
    assert status == 0 and "1 pictures" in printed, errors


@pytest.mark.parametrize("content", [{"fps": 0.0002}, {"fps": 1e-300}, {"fps": "x"}, [1], {"fps": 10**400}])
def test_frames_beside_a_motion_have_a_rate_that_is_possible(run, tmp_path, content):
    from tests.support.import_sources import pictures

    pictures(tmp_path / "anna/frames", size=(90, 160))
    (tmp_path / "anna/frames.json").write_text(json.dumps(content))
    status, _, errors = run("render", "out", "--video", "anna")
    assert status == 2 and "frames.json" in errors and len(errors.splitlines()) == 1


@pytest.mark.parametrize("hold_out", [-1, 1, -(10**9)])
def test_test_frames_that_leave_none_to_learn_from_are_refused(hold_out):
    from understudy.layouts.recording import open_recording

    with pytest.raises(InputError, match=f"hold_out is {hold_out};"):
        open_recording("nowhere", hold_out=hold_out)
