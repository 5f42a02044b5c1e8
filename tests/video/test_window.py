"""Windows round the person: what is kept, how large, and that everything finds its place in it."""

import cv2
import numpy as np
import pytest

from tests.support.videos import make_video
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.window import choose_window, find_boxes, whole

SIZE = (1920, 1080)


def boxes(*people, count=12):
    """The same people, (x0, y0, x1, y1) each, in all frames."""
    return [np.array(people, float).reshape(-1, 4)] * count


def window_of(found, size=SIZE, person_height=900, longest=1920):
    return choose_window(found, 30.0, size, person_height, longest)


def test_a_small_person_has_a_window_with_room_at_the_videos_own_resolution():
    window = window_of(boxes((900, 400, 1100, 800)))
    assert (window.corner, window.size) == ((860, 360), (280, 480))  # a tenth of 400 px on each side
    assert window.scale == 1.0 and window.whole == SIZE


def test_a_tall_person_is_scaled_to_the_height_that_was_asked_for():
    window = window_of(boxes((1800, 400, 2200, 2000)), size=(3840, 2160), person_height=800)
    assert window.scale == 0.5 and window.whole == SIZE
    assert window.corner == (820, 120)
    assert window.size == (360, 960)


def test_a_moving_person_stays_in_the_window_and_its_longest_side_is_kept():
    across = [np.array([[x, 300.0, x + 200, 900]]) for x in np.linspace(400, 3200, 60)]
    window = choose_window(across, 30.0, (3840, 2160), 900, 1200)
    low, high = np.array(window.corner), np.add(window.corner, window.size)
    assert max(window.size) <= 1201
    assert (low <= np.array([400, 300]) * window.scale).all() and (high >= np.array([3400, 900]) * window.scale).all()


@pytest.mark.parametrize(
    "found", [boxes(), boxes((60, 100, 1860, 1000))], ids=["nobody", "the person takes most of the picture"]
)
def test_all_of_the_picture_is_kept(found):
    window = window_of(found)
    assert window.size == window.whole == SIZE and window.corner == (0, 0)


def test_a_portrait_of_a_tall_person_is_scaled_as_a_whole():
    window = window_of(boxes((100, 100, 980, 1900)), size=(1080, 1920))
    assert window.size == window.whole == (540, 960)


def test_the_window_is_of_the_largest_who_stays_longest_and_not_of_passers_by():
    found = boxes((900, 400, 1100, 800), (100, 600, 150, 700))
    found[3:5] = boxes((900, 400, 1100, 800), (100, 200, 500, 1000), count=2)
    assert window_of(found).corner == (860, 360)


def test_a_person_who_comes_near_for_a_moment_does_not_shrink_the_rest():
    found = boxes((900, 400, 1100, 800), count=60)
    found[30:33] = boxes((800, 0, 1300, 1000), count=3)
    assert window_of(found, person_height=400).scale == 1.0


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
    x0, y0, x1, y1 = frames.window.astype(int)
    assert (x0, y0) == pytest.approx((290, 110), abs=3) and (x1, y1) == pytest.approx((350, 230), abs=3)
    assert (frames.width, frames.height) == (x1 - x0, y1 - y0)
    assert np.abs(frames.read(5).astype(int) - room[y0:y1, x0:x1]).mean() < 4
    np.testing.assert_allclose(frames.K, [[500, 0, 320 - x0], [0, 500, 180 - y0], [0, 0, 1]])
    assert frames.source_size == (640, 360)


def test_scaled_windows_see_what_the_whole_camera_sees(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4", size=(1280, 720))
    frames = extract(source, K=[900.0, 910.0, 630.0, 365.0], person_height=128)
    whole_K = np.array([[900.0, 0, 630], [0, 910, 365], [0, 0, 1]])
    point = np.array([0.3, -0.2, 3.0])
    px, there = (whole_K @ point)[:2] / point[2], (frames.K @ point)[:2] / point[2]
    np.testing.assert_allclose(frames.placement((1280, 720)).points(px), there, atol=1e-9)
    np.testing.assert_allclose(frames.placement((1280, 720)).camera(whole_K), frames.K, atol=1e-9)


def test_without_a_finder_or_where_it_is_not_wanted_all_is_kept(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4")
    for find, options in ((None, {}), (find_red, {"window": False}), (lambda image: [], {})):
        frames = extract(source, find, **options)
        assert frames.window is None and (frames.width, frames.height) == (640, 360)


def test_lens_distortion_is_removed_before_the_window_is_cut(tmp_path):
    source, _ = make_room(tmp_path / "a.mp4")
    lens = {"K": [500.0, 500.0, 320.0, 180.0], "distortion": [-0.3, 0.1, 0.0, 0.0, 0.0]}
    frames = extract(source, **lens)
    part = frames.read(3).astype(int)
    x0, y0, x1, y1 = frames.window.astype(int)
    complete = extract(source, window=False, **lens).read(3).astype(int)
    assert np.abs(part - complete[y0:y1, x0:x1]).mean() < 3


def test_boxes_are_in_px_of_the_pictures_before_scaling(tmp_path):
    from understudy.video.clip import VideoFile

    source, _ = make_room(tmp_path / "a.mp4", count=9)
    pictures = (picture for _, picture in VideoFile(source).read(np.arange(9), 320))
    found, size = find_boxes(pictures, find_red, threads=2)
    assert size == (640, 360) and len(found) == 9
    np.testing.assert_allclose(found[4], [[300, 120, 340, 220]], atol=4)
    assert find_boxes([], find_red, 1) == ([], None)


FRAMES = {
    "folder": None, "fps": 30.0, "width": 360, "height": 560, "source": "a.mp4", "source_sha256": "0" * 64,
    "source_frames": np.arange(9), "K": np.eye(3), "K_source": "default", "source_size": (1920, 1080),
    "window": np.array([820.0, 320.0, 1180.0, 880.0]),
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
    assert (small.cut(picture, 360, 560) == 7).all() and small.cut(picture, 360, 560).shape == (280, 180)
    assert frames.placement((640, 480)) is None
    assert Frames(**{**FRAMES, "window": None}).placement((1920, 1080)) is None


def test_a_window_that_is_not_within_the_video_is_refused(tmp_path):
    Frames(**FRAMES).save(tmp_path / "frames.json")
    loaded = Frames.load(tmp_path / "frames.json")
    np.testing.assert_array_equal(loaded.window, FRAMES["window"])
    for window in ([820.0, 320.0, 1990.0, 880.0], [820.0, 320.0, 700.0, 880.0]):
        Frames(**{**FRAMES, "window": np.array(window)}).save(tmp_path / "frames.json")
        with pytest.raises(InputError, match="window is not within"):
            Frames.load(tmp_path / "frames.json")


def test_all_of_a_picture_has_a_scale_like_a_window():
    assert whole((1920, 1080), 960).scale == 0.5 and whole((320, 180), 960).scale == 1.0
