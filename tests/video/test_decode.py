import logging
from fractions import Fraction

import numpy as np
import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from tests.support.videos import LEVELS, make_video, number_of, numbered
from understudy.errors import InputError
from understudy.files.marks import MARKER
from understudy.formats.frames import Frames
from understudy.video.colour import hdr_to_srgb, pq_encode
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames

FAST = {"preset": "ultrafast", "crf": "12"}


def extract(source, **options) -> Frames:
    out = source.parent / "results of" / source.name
    frames = extract_frames(source, out / "frames", out / "frames.json", FramesConfig(**options))
    loaded = Frames.load(out / "frames.json")
    assert sorted(path.name for path in loaded.folder.glob("*.jpg")) == [f"{i:06d}.jpg" for i in range(len(loaded))]
    np.testing.assert_array_equal(loaded.K, frames.K)
    np.testing.assert_array_equal(loaded.source_frames, frames.source_frames)
    return loaded


def shown(frames: Frames) -> list[int]:
    return [number_of(frames.read(i)) for i in range(len(frames))]


def corners() -> np.ndarray:
    """64x48, red top left, green top right, blue bottom left, white bottom right."""
    pixels = np.full((48, 64, 3), 90, np.uint8)
    pixels[:16, :16], pixels[:16, -16:] = (220, 30, 30), (30, 200, 30)
    pixels[-16:, :16], pixels[-16:, -16:] = (40, 40, 220), (240, 240, 240)
    return pixels


def corner_names(pixels: np.ndarray) -> list[str]:
    names = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 220), "white": (240, 240, 240)}
    found = []
    for y, x in ((7, 7), (7, -8), (-8, 7), (-8, -8)):
        found.append(min(names, key=lambda name: np.abs(pixels[y, x].astype(int) - names[name]).sum()))
    return found


@pytest.mark.parametrize("name", ["ann.mp4", "ann b é 走.mov", "a:b.mkv", "ann.avi", "ann.m4v"])
def test_every_frame_of_a_constant_rate_is_kept_once(tmp_path, name):
    source = make_video(tmp_path / name, numbered(40), rate=25, options={"bf": "2"})
    frames = extract(source)
    assert shown(frames) == list(range(40))
    assert frames.source_frames.tolist() == list(range(40))
    assert (frames.fps, frames.width, frames.height, frames.source) == (25.0, 64, 48, name)


def test_ntsc_rate_survives_the_millisecond_times_of_webm(tmp_path):
    rate = Fraction(30000, 1001)
    source = make_video(tmp_path / "a.webm", numbered(40), rate=rate, codec="libvpx-vp9", options={"cpu-used": "8"})
    frames = extract(source)
    assert frames.fps == pytest.approx(float(rate), rel=1e-4)
    assert shown(frames) == list(range(40))


def test_hidden_frames_of_vp8_are_not_counted(tmp_path):
    options = {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5", "deadline": "good", "b:v": "400k"}
    source = make_video(tmp_path / "a.webm", numbered(40), codec="libvpx", options=options)
    frames = extract(source)
    assert shown(frames) == list(range(40))
    assert frames.source_frames.tolist() == list(range(40))


def test_start_stop_and_step_are_exact(tmp_path):
    source = make_video(tmp_path / "a.mp4", numbered(40), rate=30, options={"g": "8", "bf": "3"})
    frames = extract(source, start=0.2, stop=1.2, step=2)
    assert shown(frames) == list(range(6, 36, 2))
    assert frames.source_frames.tolist() == list(range(6, 36, 2))
    assert frames.fps == 15.0


@pytest.mark.parametrize(
    "options", [{"g": "8", "bf": "3"}, {"g": "250"}, {"g": "6", "x264-params": "open-gop=1:bframes=3"}]
)
def test_too_many_frames_are_thinned_evenly(tmp_path, caplog, options):
    source = make_video(tmp_path / "a.mp4", numbered(41), options=options)
    with caplog.at_level(logging.INFO):
        frames = extract(source, max_frames=12)
    assert shown(frames) == list(range(0, 41, 4))
    assert frames.fps == 7.5
    assert sum("max_frames" in message for message in caplog.messages) == 1


def test_a_late_start_in_an_open_group_of_pictures_shows_the_right_frames(tmp_path):
    params = {"x264-params": "open-gop=1:bframes=3:keyint=8:min-keyint=8:scenecut=0"}
    source = make_video(tmp_path / "a.mp4", numbered(42), options=params)
    for start in range(16, 25):
        frames = extract(source, start=start / 30, stop=(start + 9) / 30)
        assert shown(frames) == list(range(start, start + 9))


def test_variable_rate_is_resampled_by_time(tmp_path):
    random = np.random.default_rng(0)
    numbers = [n for n in range(42) if n not in (10, 11, 12, 30)]
    times = [round(n * 100 / 3 + random.uniform(-5, 5)) for n in numbers]
    pictures = numbered(42)
    source = make_video(tmp_path / "a.mkv", [pictures[n] for n in numbers], times=[t - times[0] for t in times])
    frames = extract(source)
    assert frames.fps == pytest.approx(30, rel=5e-3)
    nearest = {10: 9, 11: (9, 13), 12: 13, 30: (29, 31)}
    for moment, seen in enumerate(shown(frames)):
        expected = nearest.get(moment, moment)
        assert seen in (expected if isinstance(expected, tuple) else (expected,))
    assert [numbers[i] for i in frames.source_frames] == shown(frames)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (None, ["red", "green", "blue", "white"]),
        ({"degrees": -90}, ["blue", "red", "white", "green"]),  # a phone held upright
        ({"degrees": 90}, ["green", "white", "red", "blue"]),
        ({"degrees": 180}, ["white", "blue", "green", "red"]),
        ({"degrees": 0, "hflip": True}, ["green", "red", "white", "blue"]),
        ({"degrees": 0, "vflip": True}, ["blue", "white", "red", "green"]),
    ],
)
def test_display_matrix_turns_the_picture(tmp_path, rotation, expected):
    source = make_video(tmp_path / "a.mp4", [corners()] * 9, rotation=rotation, options=FAST)
    frames = extract(source, K=(60, 61, 20, 30))
    assert corner_names(frames.read(4)) == expected
    turned = rotation is not None and abs(rotation["degrees"]) == 90
    assert (frames.width, frames.height) == ((48, 64) if turned else (64, 48))
    np.testing.assert_array_equal(frames.K, [[60, 0, 20], [0, 61, 30], [0, 0, 1]])


@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601, Colorspace.BT2020])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_colours_of_tagged_video_are_right(tmp_path, matrix, full_range, pix_fmt):
    colour = (200, 60, 30)
    pictures = [np.full((144, 192, 3), colour, np.uint8)] * 9
    source = make_video(
        tmp_path / "a.mp4", pictures, matrix=matrix, full_range=full_range, pix_fmt=pix_fmt, options=FAST
    )
    for max_size in (960, 128):
        assert np.abs(extract(source, max_size=max_size).read(3).astype(int) - colour).max() <= 4


def test_untagged_colours_are_bt601_for_small_and_bt709_for_large_video(tmp_path):
    colour = (200, 60, 30)
    for size, matrix in (((1280, 720), Colorspace.ITU709), ((320, 240), Colorspace.ITU601)):
        pictures = [np.full((*size[::-1], 3), colour, np.uint8)] * 9
        source = make_video(
            tmp_path / f"{size[0]}.mp4", pictures, matrix=matrix, tags={"colorspace": 2, "color_range": 0}, options=FAST
        )
        assert np.abs(extract(source, max_size=320).read(0).astype(int) - colour).max() <= 4


@pytest.mark.parametrize(("transfer", "trc"), [("pq", 16), ("hlg", 18)])
def test_hdr_becomes_srgb(tmp_path, transfer, trc):
    codes = [0.2, 0.38, 0.5, 0.58, 0.7]
    pixels = np.zeros((48, 80, 3), np.uint16)
    for i, code in enumerate(codes):
        pixels[:, 16 * i : 16 * i + 16] = round(code * 65535)
    tags = {"color_trc": trc, "color_primaries": 9}
    source = make_video(
        tmp_path / "a.mp4", [pixels] * 9, pix_fmt="yuv420p10le", matrix=Colorspace.BT2020, tags=tags, options=FAST
    )
    seen = extract(source).read(0)[24, 8::16].astype(int)
    expected = hdr_to_srgb(np.repeat(np.array([codes]).T * 65535, 3, axis=1)[None].round().astype(np.uint16), transfer)
    assert np.abs(seen - expected[0]).max() <= 3
    assert (np.diff(seen[:, 0]) > 10).all()


def test_display_p3_is_brought_into_srgb(tmp_path):
    source = make_video(
        tmp_path / "a.mp4",
        [np.full((48, 64, 3), (200, 100, 80), np.uint8)] * 9,
        tags={"color_primaries": 12},
        options=FAST,
    )
    assert np.abs(extract(source).read(0)[20, 20].astype(int) - (215, 93, 73)).max() <= 4


def test_gif_keeps_its_delays_and_is_flattened_over_white(tmp_path):
    images = []
    for i in range(12):
        pixels = np.zeros((48, 64, 4), np.uint8)
        pixels[12:36, 16:48] = (i * LEVELS * 2, 0, 0, 255)
        images.append(Image.fromarray(pixels))
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=30, disposal=2, loop=0)
    frames = extract(tmp_path / "a.gif")
    assert frames.fps == pytest.approx(100 / 3)
    assert len(frames) == 12
    for i in range(12):
        pixels = frames.read(i).astype(int)
        assert np.abs(pixels[24, 32] - (i * LEVELS * 2, 0, 0)).max() <= 8
        assert pixels[3, 3].min() >= 250


def test_non_square_pixels_are_made_square(tmp_path):
    source = make_video(tmp_path / "a.mp4", numbered(9, 64, 48), pixel_aspect=Fraction(3, 2), options=FAST)
    frames = extract(source, focal_px=100)
    assert (frames.width, frames.height) == (96, 48)
    np.testing.assert_allclose(frames.K, [[100, 0, 48], [0, 100, 24], [0, 0, 1]])


def test_scaling_keeps_places_and_scales_the_camera(tmp_path):
    y, x = np.mgrid[:240, :320] + 0.5
    blob = np.exp(-((x - 201.0) ** 2 + (y - 95.0) ** 2) / 2 / 12**2)
    pixels = np.repeat((20 + 200 * blob)[..., None], 3, axis=2).round().astype(np.uint8)
    source = make_video(tmp_path / "a.mp4", [pixels] * 9, options=FAST)
    frames = extract(source, max_size=128, K=(300, 310, 201, 95))
    assert (frames.width, frames.height) == (128, 96)
    np.testing.assert_allclose(frames.K, [[120, 0, 80.4], [0, 124, 38], [0, 0, 1]])
    weights = frames.read(2)[..., 1].astype(float) - 20
    weights[weights < 30] = 0
    y, x = np.mgrid[:96, :128] + 0.5
    centre = np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()
    np.testing.assert_allclose(centre, frames.K[:2, 2], atol=0.1)


@pytest.mark.parametrize(
    ("name", "metadata", "options", "focal", "K_source"),
    [
        ("a.mov", {"com.apple.quicktime.camera.focal_length.35mm_equivalent": "24"}, {}, 24, "metadata"),
        ("a.mov", {"com.apple.quicktime.camera.focal_length.35mm_equivalent": "24"}, {"focal_35mm": 50}, 50, "config"),
        ("a.mp4", {}, {}, 26, "default"),
    ],
)
def test_focal_length_comes_from_config_then_metadata_then_a_phone(tmp_path, name, metadata, options, focal, K_source):
    source = make_video(
        tmp_path / name,
        numbered(9),
        metadata=metadata,
        options=FAST,
        container_options={"movflags": "use_metadata_tags"},
    )
    frames = extract(source, **options)
    assert frames.K_source == K_source
    assert frames.K[0, 0] == pytest.approx(focal / np.hypot(36, 24) * 80)  # 80 px: the diagonal
    assert frames.K[1, 1] == frames.K[0, 0]
    np.testing.assert_allclose(frames.K[:2, 2], [32, 24])


def test_distortion_is_removed(tmp_path):
    import cv2

    K, distortion = np.array([[150.0, 0, 80], [0, 150.0, 60], [0, 0, 1]]), (-0.25, 0.05, 0.002, -0.001, 0.0)
    centres_at_zero = K.copy()
    centres_at_zero[:2, 2] -= 0.5
    points = np.array([[20.0, 20], [140, 25], [80, 60], [30, 100], [130, 95]])
    rays = np.c_[(points - K[:2, 2]) / 150, np.ones(len(points))]
    bent = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), K, np.array(distortion))[0][:, 0]
    y, x = np.mgrid[:120, :160] + 0.5
    blobs = sum(np.exp(-((x - u) ** 2 + (y - v) ** 2) / 2 / 3**2) for u, v in bent)
    pixels = np.repeat((20 + 200 * blobs)[..., None], 3, axis=2).round().astype(np.uint8)
    source = make_video(tmp_path / "a.mp4", [pixels] * 9, options=FAST)
    frames = extract(source, K=(150, 150, 80, 60), distortion=distortion)
    np.testing.assert_array_equal(frames.K, K)
    straight = frames.read(0)[..., 1].astype(float) - 20
    straight[straight < 40] = 0
    for u, v in points:
        near = straight * (np.hypot(x - u, y - v) < 12)
        centre = np.array([(near * x).sum(), (near * y).sum()]) / near.sum()
        np.testing.assert_allclose(centre, [u, v], atol=0.25)


def test_a_truncated_video_gives_what_is_there_and_says_so(tmp_path, caplog):
    random = np.random.default_rng(0)
    pictures = [np.clip(p + random.integers(-8, 8, p.shape), 0, 255).astype(np.uint8) for p in numbered(40, 128, 96)]
    options = {"g": "10", "preset": "ultrafast"}
    source = make_video(tmp_path / "a.mp4", pictures, options=options, container_options={"movflags": "+faststart"})
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    with caplog.at_level(logging.WARNING):
        frames = extract(source)
    assert 15 <= len(frames) < 35
    assert shown(frames)[:15] == list(range(15))
    assert "of its 40 frames" in caplog.text


def test_a_damaged_stretch_is_bridged(tmp_path):
    source = make_video(tmp_path / "a.mp4", numbered(40), options={"g": "5", "crf": "1"})
    content = bytearray(source.read_bytes())
    middle = content.index(b"mdat") + 4 + (len(content) // 3)
    content[middle : middle + 200] = bytes(200)
    source.write_bytes(content)
    frames = extract(source)
    assert len(frames) >= 35
    assert shown(frames)[0] == 0


def test_same_input_gives_the_same_bytes(tmp_path):
    source = make_video(tmp_path / "a.mp4", numbered(12), options=FAST)
    first = [path.read_bytes() for path in sorted(extract(source).folder.glob("*.jpg"))]
    assert [path.read_bytes() for path in sorted(extract(source).folder.glob("*.jpg"))] == first


def _not_a_video(folder):
    (folder / "a.mp4").write_bytes(b"this is not a video at all" * 100)


def _empty(folder):
    (folder / "a.mp4").touch()


def _short(folder):
    make_video(folder / "a.mp4", numbered(5), options=FAST)


def _headless(folder):
    path = make_video(folder / "a.mp4", numbered(30))
    path.write_bytes(path.read_bytes()[:800])


def _sound_only(folder):
    import av

    with av.open(str(folder / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _other_names(folder):
    make_video(folder / "anna.mov", numbered(9), options=FAST)


def _good(folder):
    make_video(folder / "a.mp4", numbered(30), options=FAST)


@pytest.mark.parametrize(
    ("prepare", "options", "message"),
    [
        (_not_a_video, {}, "is not a video"),
        (_empty, {}, "is empty"),
        (_short, {}, "has 5 frames; at least 9 are needed"),
        (_headless, {}, "is not a video"),
        (_sound_only, {}, "no pictures"),
        (_other_names, {}, r"no such file; .* has anna.mov\."),
        (_good, {"start": 2.0}, "lasts 1 s"),
        (_good, {"step": 6}, "leave 5 of the 30 frames"),
    ],
)
def test_bad_sources_are_refused_in_one_sentence_and_leave_nothing(tmp_path, prepare, options, message):
    prepare(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        extract_frames(tmp_path / "a.mp4", tmp_path / "frames", tmp_path / "frames.json", FramesConfig(**options))
    assert "\n" not in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if "frames" in path.name]


def test_a_failure_on_the_way_leaves_the_former_result(tmp_path, monkeypatch):
    source = make_video(tmp_path / "a.mp4", numbered(12), options=FAST)
    before = extract(source)
    calls = []

    def fail_later(self, *args, **options):
        calls.append(self)
        if len(calls) > 5:
            raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail_later)
    with pytest.raises(OSError, match="disk full"):
        extract_frames(source, before.folder, before.folder.parent / "frames.json", FramesConfig())
    assert len(list(before.folder.glob("*.jpg"))) == 12
    assert {path.name for path in before.folder.parent.iterdir()} == {"frames", "frames.json", MARKER}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "step is 0; it must be 1 to"),
        ({"start": -1}, "start is -1"),
        ({"start": 2, "stop": 1}, "frames.stop is 1"),
        ({"max_frames": 3}, "max_frames is 3"),
        ({"K": (1, 2, 3)}, "fx, fy, cx, cy"),
        ({"K": (0, 2, 3, 4)}, "focal lengths"),
        ({"distortion": (1, 2, 3, 4)}, "k1, k2, p1, p2, k3"),
        ({"focal_px": -5}, "focal_px is -5"),
        ({"focal_px": 5, "focal_35mm": 5}, "both given"),
        ({"start": float("nan")}, "start is nan"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        FramesConfig(**options)


def test_reference_white_of_hdr_is_bright_but_not_clipped():
    white = hdr_to_srgb(np.full((1, 1, 3), round(float(pq_encode(np.array(203.0))) * 65535), np.uint16), "pq")
    assert 220 < white[0, 0, 0] < 240
