"""Crops round the person: what is kept, how large, and that everything finds its place in it."""

import cv2
import numpy as np
import pytest

from tests.support.videos import make_video
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.placed import placed_on
from understudy.rendering.footage import footage_of, open_footage
from understudy.video.clip import VideoFile
from understudy.video.config import FramesConfig
from understudy.video.crop import choose_crop, cropped, find_boxes, uncropped
from understudy.video.decode import extract_frames
from understudy.video.pictures import Picture

SIZE = (1920, 1080)


def boxes(*people, count=12, size=SIZE):
    """The same people, (x0, y0, x1, y1) px each, in all frames, as parts of the picture's sides."""
    return [np.array(people, float).reshape(-1, 4) / np.tile(size, 2)] * count


def crop_of(found, size=SIZE, person_height=900, max_size=960):
    return choose_crop(found, 30.0, size, person_height, max_size)


def test_a_small_person_is_cropped_with_room_at_the_videos_own_resolution():
    crop = crop_of(boxes((900, 400, 1100, 800)))
    assert (crop.corner, crop.size) == ((840, 340), (320, 520))  # 0.15 of 400 px on each side
    assert crop.scaled_size == SIZE and not crop.is_whole


def test_a_tall_person_is_scaled_to_the_height_that_was_asked_for():
    large = (3840, 2160)
    crop = crop_of(boxes((1800, 400, 2200, 2000), size=large), size=large, person_height=800)
    assert crop.scaled_size == SIZE
    assert (crop.corner, crop.size) == ((780, 80), (440, 1000))


@pytest.mark.parametrize("max_size", [500, 512, 651, 700])
def test_a_moving_person_stays_in_the_crop_and_its_longest_side_is_kept_to(max_size):
    large = (3840, 2160)
    across = [np.array([[x, 300.0, x + 200, 900]]) / np.tile(large, 2) for x in np.linspace(400, 3200, 60)]
    crop = choose_crop(across, 30.0, large, 900, max_size)
    scale = crop.scaled_size[0] / large[0]
    low, high = np.array(crop.corner), np.add(crop.corner, crop.size)
    assert 0.9 * 2 * max_size < max(crop.size) <= 2 * max_size
    assert (low <= np.array([400, 300]) * scale).all() and (high >= np.array([3400, 900]) * scale).all()


@pytest.mark.parametrize(
    "found",
    [boxes(), boxes((60, 100, 1860, 1000)), boxes((900, 400, 1100, 800))[:5] + boxes()[:7]],
    ids=["nobody", "the person takes most of the picture", "in few frames"],
)
def test_all_of_the_picture_is_kept(found):
    crop = crop_of(found)
    assert crop.is_whole and crop.size == (960, 540) and crop.corner == (0, 0)


def test_the_crop_is_of_the_largest_who_stays_longest_and_not_of_passers_by():
    found = boxes((900, 400, 1100, 800), (100, 600, 150, 700))
    found[3:5] = boxes((900, 400, 1100, 800), (100, 200, 500, 1000), count=2)
    assert crop_of(found).corner == (840, 340)


def test_a_person_who_comes_near_for_a_moment_does_not_shrink_the_rest():
    found = boxes((900, 400, 1100, 800), count=60)
    found[30:33] = boxes((800, 0, 1300, 1000), count=3)
    assert crop_of(found, person_height=400).scaled_size == SIZE


def make_room(path, count=12, size=(640, 360)):
    """A video of noise whose person is a red box of 40x100 px at (300, 120)."""
    rng = np.random.default_rng(0)
    room = cv2.GaussianBlur(rng.integers(0, 255, (size[1], size[0], 3), np.uint8), (0, 0), 3)
    room[120:220, 300:340] = (220, 30, 30)
    return make_video(path, [room] * count, options={"crf": "1"}), room


def find_red(image):
    rows, columns = np.nonzero((image[..., 0] > 180) & (image[..., 1] < 80))
    return [np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)] if len(rows) else []


def extract(source, find=find_red, **options) -> Frames:
    folder = source.parent / "out"
    extract_frames(source, folder / "frames", folder / "frames.json", FramesConfig(**options), find, threads=2)
    return Frames.load(folder / "frames.json")


def test_frames_are_that_part_of_the_pictures_and_the_camera_moves_with_it(tmp_path):
    source, room = make_room(tmp_path / "a.mp4")
    frames = extract(source, focal_px=500.0)
    x0, y0, x1, y1 = frames.crop.astype(int)
    assert (x0, y0) == pytest.approx((285, 105), abs=3) and (x1, y1) == pytest.approx((355, 235), abs=3)
    assert (frames.width, frames.height) == (x1 - x0, y1 - y0)
    assert np.abs(frames.read(5).astype(int) - room[y0:y1, x0:x1]).mean() < 4
    np.testing.assert_allclose(frames.K, [[500, 0, 320 - x0], [0, 500, 180 - y0], [0, 0, 1]])
    assert frames.source_size == (640, 360)


def test_scaled_crops_see_what_the_whole_camera_sees(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4", size=(1280, 720))
    frames = extract(source, K=[900.0, 910.0, 630.0, 365.0], person_height=128)
    whole_K = np.array([[900.0, 0, 630], [0, 910, 365], [0, 0, 1]])
    point = np.array([0.3, -0.2, 3.0])
    px, there = (whole_K @ point)[:2] / point[2], (frames.K @ point)[:2] / point[2]
    np.testing.assert_allclose(frames.placement((1280, 720)).points(px), there, atol=1e-9)
    np.testing.assert_allclose(frames.placement((1280, 720)).camera(whole_K), frames.K, atol=1e-9)


def test_without_a_finder_or_where_it_is_not_wanted_all_is_kept(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4")
    for find, options in ((None, {}), (find_red, {"crop": False}), (lambda image: [], {})):
        frames = extract(source, find, **options)
        assert frames.crop is None and (frames.width, frames.height) == (640, 360)


def test_people_are_looked_for_where_they_are_when_the_lens_distortion_is_gone(tmp_path):
    room = np.full((360, 640, 3), 90, np.uint8)
    room[270:330, 550:575] = (220, 30, 30)  # in a corner, where distortion is strong
    source = make_video(tmp_path / "a.mp4", [room] * 12, options={"crf": "1"})
    lens = {"K": [500.0, 500.0, 320.0, 180.0], "distortion": [-0.3, 0.1, 0.0, 0.0, 0.0]}
    complete = extract(source, crop=False, **lens).read(3)
    (there,) = find_red(complete)
    frames = extract(source, **lens)
    assert frames.crop is not None
    assert (frames.crop[:2] < there[:2]).all() and (frames.crop[2:] > there[2:]).all()
    x0, y0, x1, y1 = frames.crop.astype(int)
    assert np.abs(frames.read(3).astype(int) - complete[y0:y1, x0:x1]).mean() < 3


class Changing:
    """A video whose pictures change their size."""

    times, declared_rate, focal_35mm = np.arange(20) / 30.0, 30.0, None

    def __init__(self, later):
        self.later = later

    def sha256(self):
        return "0" * 64

    def read(self, indices, max_size, crop=None):
        for index in indices:
            size = (640, 360) if index < 12 else self.later
            pixels = np.full((size[1], size[0], 3), 90, np.uint8)
            pixels[120:220, 300:340] = (220, 30, 30)
            yield int(index), Picture(cropped(pixels, crop), size)


@pytest.mark.parametrize("find", [None, find_red])
@pytest.mark.parametrize("later", [(360, 640), (640, 480), (1280, 720)])
def test_a_video_that_changes_the_size_of_its_pictures_is_refused(tmp_path, monkeypatch, find, later):
    (tmp_path / "a.mp4").touch()
    monkeypatch.setattr("understudy.video.decode._open", lambda *_: Changing(later))
    with pytest.raises(InputError, match=rf"from 640x360 px to {later[0]}x{later[1]} px at picture 12"):
        extract(tmp_path / "a.mp4", find)
    assert not (tmp_path / "out/frames").exists()


def test_boxes_are_parts_of_the_pictures_sides(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4", count=9)
    found = find_boxes((picture for _, picture in VideoFile(source).read(np.arange(9), 320)), find_red, threads=2)
    assert len(found) == 9
    np.testing.assert_allclose(found[4] * [640, 360, 640, 360], [[300, 120, 340, 220]], atol=4)
    assert find_boxes([], find_red, 1) == []


FRAMES = {
    "folder": None, "fps": 30.0, "width": 360, "height": 560, "source": "a.mp4", "source_sha256": "0" * 64,
    "source_frames": np.arange(9), "K": np.eye(3), "K_source": "default", "source_size": (1920, 1080),
    "crop": np.array([820.0, 320.0, 1180.0, 880.0]),
}  # fmt: skip


def test_pictures_of_the_frames_and_of_the_whole_video_find_their_places():
    frames = Frames(**FRAMES)
    same = frames.placement((360, 560))
    np.testing.assert_allclose(same.points(np.array([10.0, 20.0])), [10, 20])
    half = frames.placement((180, 280))
    np.testing.assert_allclose(half.points(np.array([10.0, 20.0])), [20, 40])
    small = frames.placement((960, 540))
    np.testing.assert_allclose(small.points(np.array([500.0, 300.0])), [180, 280])
    picture = np.zeros((540, 960), np.uint8)
    picture[160:440, 410:590] = 7
    assert (placed_on(frames, picture)[2:-2, 2:-2] == 7).all()
    assert frames.placement((640, 480)) is None
    assert Frames(**{**FRAMES, "crop": None}).placement((1920, 1080)) is None


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("labels", [False, True])
def test_masks_of_whole_pictures_lie_where_they_should_at_any_scale(scale, labels):
    frames = Frames(**{**FRAMES, "crop": np.array([823.0, 325.0, 1183.0, 885.0])})
    whole = np.zeros((1080, 1920), np.float32)
    whole[432:744, 912:1092] = 1.0
    mask = cv2.resize(whole, (1920 // scale, 1080 // scale), interpolation=cv2.INTER_AREA)
    placed = placed_on(frames, (mask > 0.5).astype(np.uint8) if labels else mask, labels)
    rows, columns = np.nonzero(placed > 0.5)
    x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    np.testing.assert_allclose([x0, y0, x1, y1], [89, 107, 269, 419], atol=1 if scale < 4 else 2)
    assert (x0 + x1) / 2 == pytest.approx(179, abs=1) and (y0 + y1) / 2 == pytest.approx(263, abs=1)


def test_what_pictures_show_can_be_said_where_their_size_does_not_tell():
    frames = Frames(**{**FRAMES, "width": 1280, "height": 720, "crop": np.array([100.0, 100.0, 1380.0, 820.0])})
    np.testing.assert_allclose(frames.placement((1280, 720)).shift, [0, 0])
    assert frames.placement((1280, 720), whole=True).shift[0] < -99
    np.testing.assert_allclose(frames.placement((640, 360), whole=False).factors, [2, 2])
    assert frames.placement((640, 360)).shift[0] < -99
    assert frames.placement((640, 480), whole=True) is None


def test_a_crop_that_is_not_within_the_video_is_refused(tmp_path):
    Frames(**FRAMES).save(tmp_path / "frames.json")
    loaded = Frames.load(tmp_path / "frames.json")
    np.testing.assert_array_equal(loaded.crop, FRAMES["crop"])
    for window in ([820.0, 320.0, 1990.0, 880.0], [820.0, 320.0, 700.0, 880.0]):
        Frames(**{**FRAMES, "crop": np.array(window)}).save(tmp_path / "frames.json")
        with pytest.raises(InputError, match="crop is not within"):
            Frames.load(tmp_path / "frames.json")


def test_whole_pictures_are_scaled_down_and_never_up():
    assert uncropped((1920, 1080), 960).size == (960, 540)
    assert uncropped((320, 180), 960).size == (320, 180)


def test_whole_pictures_of_frames_are_those_of_the_video_which_must_be_long_enough(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4", count=20)
    frames = extract(source, start=0.2)
    footage = footage_of(frames, source)
    assert footage.whole and len(footage) == len(frames)
    assert next(footage.pictures(640)).shape == (360, 640, 3)
    shorter, _ = make_room(tmp_path / "b.mp4", count=12)
    with pytest.raises(InputError, match="has 12 pictures"):
        footage_of(frames, shorter)
    assert open_footage(source).whole and open_footage(tmp_path / "out").whole is False
