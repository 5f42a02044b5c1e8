"""Videos, calibrations and lists that mean harm: no other file is opened, and what they claim takes neither memory nor time."""

import json
import resource
import struct
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.videos import make_video, number_of, numbered
from understudy.backends.external_masks import GivenMasks
from understudy.errors import InputError
from understudy.files import arrays as files
from understudy.files.arrays import read_json
from understudy.formats.frames import Frames
from understudy.importers.calibration import Calibration
from understudy.importers.easymocap import easymocap_cameras
from understudy.rendering.footage import open_footage
from understudy.settings import check_settings
from understudy.video import headers
from understudy.video.capture import open_capture
from understudy.video.clip import VideoFile
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.weights.manifest import read_manifest


def playlists(folder):
    """Videos in name that name others: the hidden video ``private`` of twelve pictures."""
    make_video(folder / "private.mp4", numbered(12))
    make_video(folder / "private.ts", numbered(12))
    for number in range(12):
        Image.fromarray(numbered(12)[number]).save(folder / f"a{number}.gif")
    texts = {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{folder}/private.ts\n#EXT-X-ENDLIST\n",
        "hls.gif": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nprivate.ts\n#EXT-X-ENDLIST\n",
        "concat.mp4": "ffconcat version 1.0\nfile private.mp4\n",
        "dash.mp4": f'<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        f'<AdaptationSet mimeType="video/mp4"><Representation id="0"><BaseURL>file://{folder}/private.mp4</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "avs.avi": f'AviSource("{folder}/private.mp4")\n',
        "a%d.gif": "GIF89a",
        "%d.mp4": "x",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return texts


def test_a_video_that_names_others_shows_nothing_of_them(tmp_path):
    K = np.array([[50.0, 0, 32], [0, 50.0, 24], [0, 0, 1]])
    frames = Frames(tmp_path, 30.0, 64, 48, "anna", "0" * 64, np.arange(12), K, "default")
    for name in playlists(tmp_path):
        for read in (
            lambda name=name: GivenMasks(tmp_path / name).read_mask(frames, 0),
            lambda name=name: open_capture(tmp_path / name),
            lambda name=name: VideoFile(tmp_path / name),
            lambda name=name: next(open_footage(tmp_path / name).pictures(64)),
        ):
            with pytest.raises(InputError, match="can be read"):
                read()


@pytest.mark.parametrize(
    "name", ["-i.mp4", "a:b.mp4", "http:a.mp4", "concat:a.mp4", "a%03d.mp4", "%d.gif", "data:.mp4"]
)
def test_no_name_of_a_video_means_anything(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    gif = name.endswith("gif")
    video = make_video(tmp_path / f"own{Path(name).suffix}", numbered(12), codec="gif" if gif else "libx264",
                       pix_fmt="rgb8" if gif else "yuv420p")  # fmt: skip
    video.rename(tmp_path / name)
    for number in range(12):
        Image.fromarray(numbered(1, first=20)[0]).save(tmp_path / f"{number}.gif")
    for path in (Path(name), tmp_path / name):
        assert [number_of(picture.pixels) for _, picture in VideoFile(path).read([0, 11], 64)] == [0, 11]
        capture = open_capture(path)
        assert capture.grab() and number_of(capture.retrieve()[1]) == 0


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mov", "mpeg4"), ("a.avi", "mpeg4"), ("a.mkv", "libx264"), ("a.webm", "libvpx")],
)
def test_honest_videos_of_masks_are_read_as_opencv_reads_them(tmp_path, name, codec):
    make_video(tmp_path / name, numbered(12), codec=codec)

    def pictures(capture):
        return [capture.retrieve()[1] for _ in range(12) if capture.grab()]

    ours, theirs = pictures(open_capture(tmp_path / name)), pictures(cv2.VideoCapture(str(tmp_path / name)))
    assert len(ours) == 12 and np.array_equal(ours, theirs)


def box(kind, content):
    return struct.pack(">I", 8 + len(content)) + kind + content


def inside(data, path, change):
    """An MP4 with the content of a box changed, and the sizes of those around it."""
    result, place = b"", 0
    while place < len(data):
        size, kind = struct.unpack(">I", data[place : place + 4])[0], data[place + 4 : place + 8]
        content = data[place + 8 : place + size]
        if kind == path[0]:
            content = inside(content, path[1:], change) if len(path) > 1 else change(content)
        result += box(kind, content)
        place += size
    return result


def test_a_video_whose_pictures_are_in_another_file_opens_none(tmp_path):
    private, video = make_video(tmp_path / "private.mp4", numbered(12)), tmp_path / "a.mov"
    alias = box(b"alis", bytes(4) + _alias(b"private.mp4"))
    path = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
    data = inside(private.read_bytes(), path, lambda _: struct.pack(">II", 0, 1) + alias)
    at = data.index(b"mdat")
    size = struct.unpack(">I", data[at - 4 : at])[0]
    video.write_bytes(data[: at + 4] + bytes(size - 8) + data[at + size - 4 :])  # nothing of the pictures is left here
    with av.open(str(video), options={"enable_drefs": "1"}) as followed:
        assert sum(1 for _ in followed.decode(video=0)) == 12
    with pytest.raises(InputError):
        extract_frames(video, tmp_path / "out", tmp_path / "out.json", FramesConfig())
    assert not open_capture(video).grab()


def _alias(name):
    """What QuickTime's alias to a file in the same folder holds."""
    volume = bytes([1]) + b"x".ljust(27, b"\0")
    record = bytes(10) + volume + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    record += struct.pack(">hh", 1, 1) + bytes(16)
    for kind, text in ((2, b"x:" + name), (18, name)):
        record += struct.pack(">hh", kind, len(text)) + text + b"\0" * (len(text) % 2)
    return record + struct.pack(">hh", -1, 0)


def test_a_video_of_2_kb_that_claims_50_million_frames_takes_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(headers, "MOST_BYTES", 1 << 28)
    data = bytearray(make_video(tmp_path / "a.mp4", numbered(12)).read_bytes())
    count = 50_000_000
    for kind, offset, value in ((b"stsz", 8, struct.pack(">II", 1, count)), (b"stsc", 16, struct.pack(">I", count)),
                                (b"stts", 12, struct.pack(">I", count))):  # fmt: skip
        at = data.index(kind) + offset
        data[at : at + len(value)] = value
    (tmp_path / "a.mp4").write_bytes(data)
    began = time.monotonic()
    try:
        assert len(VideoFile(tmp_path / "a.mp4").times) < 2000
    except InputError as error:
        assert "a.mp4" in str(error)
    assert time.monotonic() - began < 5


def test_a_long_key_of_metadata_takes_no_time(tmp_path):
    key = "focal length " * 80_000
    tags, kept = {key: "26", "focal length in 35mm film": "24"}, {"movflags": "use_metadata_tags"}
    make_video(tmp_path / "a.mov", numbered(12), metadata=tags, container_options=kept)
    began = time.monotonic()
    assert VideoFile(tmp_path / "a.mov").focal_35mm == 24
    assert time.monotonic() - began < 5


PLAIN = {
    "flow": "K_1: {rows: 3, cols: 3, dt: d, data: [9, 0, 1.,\n    0., 9e0, 2, 0,\n  0, 1]}\ndist_1: {dt: f, "
    "data: [0.5, 0, 0, 0, 0], cols: 5, rows: 1}\n",
    "lines": "names:\n- '1'\nK_1:\n  cols: 3\n  data:\n  - 9.0\n  - 0\n  - 1\n  - 0\n  - 9\n  - 2\n  - 0\n  - 0\n  - 1\n  dt: d\n"
    "  rows: 3\n\"dist_1\":\n  {rows: 1, cols: 5, dt: d, data: [ 5.0e-1, 0., 0., 0., -0. ]}\n",
    "comments": "%YAML:1.0\n--- # of a room\n# names\nnames: [ \"1\" ] # one\nK_1: !!opencv-matrix # a matrix\n   rows: 3\n"
    "   cols: 3\n   dt: d\n   data: [ 9., 0., 1., # focal\n      0., 9., 2., 0., 0., 1. ]\n"
    "dist_1: !!opencv-matrix\n   rows: 5\n   cols: 1\n   dt: d\n   data: [ 0.5, 0., 0., 0., 0. ]\n",
}  # fmt: skip


@pytest.mark.parametrize("form", PLAIN)
def test_calibrations_by_hand_are_read(tmp_path, form):
    (tmp_path / "intri.yml").write_text(PLAIN[form])
    [(name, K, _, _)] = easymocap_cameras(tmp_path)
    assert name == "1"
    np.testing.assert_array_equal(K, [[9, 0, 1.5], [0, 9, 2.5], [0, 0, 1]])
    assert Calibration(tmp_path / "intri.yml").matrix("dist_1").ravel()[0] == 0.5


def test_matrices_of_opencv_are_read_to_the_bit(tmp_path):
    random = np.random.default_rng(1)
    written = {
        "K_a": random.normal(size=(3, 3)) * 10.0 ** random.integers(-300, 300, (3, 3)),
        "T_a": random.normal(size=(3, 1)).astype(np.float32),
        "n_a": random.integers(-9, 9, (2, 4)).astype(np.int32),
        "t_a": random.normal(size=(2, 5, 3)),
    }
    storage = cv2.FileStorage(str(tmp_path / "a.yml"), cv2.FILE_STORAGE_WRITE)
    for key, matrix in written.items():
        storage.write(key, matrix)
    storage.release()
    for key, matrix in written.items():
        found = Calibration(tmp_path / "a.yml").matrix(key)
        assert found.dtype == matrix.dtype and np.array_equal(found, matrix)


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 2_000_000, '"a' * 1_000_000, "K_1:\n" + "  data: [\n" * 300_000, "K_1:\n" + " rows:" * 500_000,
        "names:\n" + "- a\n" * 800_000, "names: [ " + "'a', " * 600_000 + "]", "K_1: " + "#" * 3_000_000,
        "K_1: {rows: 99999999, cols: 99999999, dt: d, data: [1]}", "K_1: {rows: 3, cols: 3, dt: d, data: [" + "9" * 3_000_000,
        "K_1: &a [*a, *a]\n", "K_1: {rows: " + "9" * 1_000_000 + ", cols: 1, dt: d, data: [1]}",
        "K_1: {rows: 1, cols: 1, dt: d, data: [1]}\nnames: [ K ]\n",
    ],
)  # fmt: skip
def test_calibrations_that_mean_harm_take_no_time(tmp_path, text):
    (tmp_path / "intri.yml").write_text(text)
    began = time.monotonic()
    with pytest.raises(InputError, match=r"intri\.yml"):
        easymocap_cameras(tmp_path)
    assert time.monotonic() - began < 5


MERGED = "a0: &a0 {x: 1}\n" + "".join(
    f"a{each}: &a{each} {{<<: [{', '.join([f'*a{each - 1}'] * 9)}]}}\n" for each in range(1, 12)
)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "a: " + "{a: " * 50_000, MERGED, "a: &a [*a]\n", "\0", "!!python/name:os.system x"]
)
def test_a_manifest_that_means_harm_is_refused(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(InputError, match=r"m\.yaml") as error:
        read_manifest(tmp_path / "m.yaml")
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("text", ["[" * 200_000, "9" * 10_000, '{"a":' * 200_000, "\ufeff{}", "[1,", "\ud800"])
def test_json_that_means_harm_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text, errors="surrogatepass")
    with pytest.raises(InputError, match=r"a\.json is not readable JSON"):
        read_json(tmp_path / "a.json")


def test_json_of_endless_lists_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_VALUES", 1000)
    (tmp_path / "a.json").write_text(json.dumps([[1.5, 2.5]] * 900))
    assert len(read_json(tmp_path / "a.json")) == 900
    (tmp_path / "a.json").write_text("[" + "[]," * 1000 + "[]]")
    with pytest.raises(InputError, match="lists, objects and words"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, float("-inf")]])
def test_an_option_is_a_number(value):
    with pytest.raises(InputError, match=r"c.yaml, fitting.height_m(\.1)?: it is not a finite number"):
        check_settings({"fitting": {"height_m": value}}, {}, "c.yaml")


def test_a_device_by_the_name_of_a_video_is_none(tmp_path):
    (tmp_path / "b.mp4").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not a file"):
        open_capture(tmp_path / "b.mp4")


def test_headers_are_read_without_a_watch_where_the_system_does_not_say_what_a_process_has(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.video.headers.STATM", tmp_path / "nowhere")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with headers.headers_of(tmp_path / "a.mp4"):
        assert resource.getrlimit(resource.RLIMIT_AS) == before
