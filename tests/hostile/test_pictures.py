"""Pictures and videos that mean harm: what they claim costs nothing, and no other file is opened."""

import struct
import zlib

import av
import numpy as np
import pytest

from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.videos import make_video, numbered
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha
from understudy.importers.alpha import read_mask
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.timing import frames_on_grid


def png(width, height, data=b"", *chunks):
    """A PNG of any claim."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(data)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def jpeg(width, height):
    return (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x11\x08"
            + struct.pack(">HH", height, width) + b"\x03\x01\x11\x00\x02\x11\x01\x03\x11\x01\xff\xd9")  # fmt: skip


def gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00" + (
        b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\x00\x02\x02L\x01\x00"
    ) * 12 + b";"  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("0.png", png(60_000, 60_000)), ("0.png", png(2**31 - 1, 2**31 - 1)), ("0.jpg", jpeg(65_500, 65_500)),
        ("0.png", png(10, 10, bytes(1 << 26), (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 28))))),
        ("0.png", png(10, 10, bytes(310), (b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 28))))),
        ("0.tif", b"II*\x00\x08\x00\x00\x00\x02\x00\x00\x01\x04\x00\x01\x00\x00\x00\xff\xff\xff\x7f"
                  b"\x01\x01\x04\x00\x01\x00\x00\x00\xff\xff\xff\x7f\0\0\0\0"),
    ],
)  # fmt: skip
def test_pictures_that_claim_to_be_large_cost_nothing(tmp_path, name, data):
    (tmp_path / "a").mkdir()
    for index in range(9):
        (tmp_path / "a" / name.replace("0", str(index))).write_bytes(data)
    (tmp_path / "a/000000.png").write_bytes(data)
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames/000000.jpg").write_bytes(data)
    frames = Frames(tmp_path / "frames", 30.0, 32, 48, "a", "0", np.arange(1), np.eye(3), "default")
    for read in (
        lambda: frames.read(0),
        lambda: read_alpha(tmp_path / "a", 0, (32, 48)),
        lambda: read_mask(tmp_path / "a/000000.png"),
    ):
        with pytest.raises(InputError):
            read()
    with pytest.raises(InputError):
        extract_frames(tmp_path / "a", tmp_path / "out", tmp_path / "out.json", FramesConfig())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("width", "height"), [(65_535, 65_535), (20_000, 20_000), (65_535, 3000)])
def test_videos_that_claim_large_pictures_are_refused(tmp_path, width, height):
    (tmp_path / "a.gif").write_bytes(gif(width, height))
    with pytest.raises(InputError, match=r"a\.gif"):
        extract_frames(tmp_path / "a.gif", tmp_path / "out", tmp_path / "out.json", FramesConfig())


def test_a_playlist_is_no_video_and_opens_nothing(tmp_path):
    make_video(tmp_path / "private.mp4", numbered(12))
    lists = {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{tmp_path}/private.mp4\n#EXT-X-ENDLIST\n",
        "concat.mp4": "ffconcat version 1.0\nfile private.mp4\n",
        "http.mp4": "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="not a video that can be read"):
            extract_frames(tmp_path / name, tmp_path / "out", tmp_path / "out.json", FramesConfig())


def test_times_spread_over_centuries_are_refused():
    with pytest.raises(ValueError, match="spread over"):
        frames_on_grid(np.array([0.0, 0.03, 1e12]), 30.0)


def test_a_video_whose_last_frame_comes_in_a_century_is_refused(tmp_path):
    times = [*range(0, 400, 33), 3_000_000_000_000]
    make_video(tmp_path / "a.mkv", numbered(len(times)), times=times)
    with av.open(str(tmp_path / "a.mkv")) as file:
        assert file.format.name.startswith("matroska")
    with pytest.raises(InputError, match=r"a\.mkv is not a video whose times make sense .* convert it to mp4"):
        extract_frames(tmp_path / "a.mkv", tmp_path / "out", tmp_path / "out.json", FramesConfig())
