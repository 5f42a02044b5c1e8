"""Files that mean harm: nothing in them is run, nothing lands elsewhere, and what they claim costs nothing."""

import io
import json
import os
import pickle
import resource
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
import scipy.io
import yaml

from bodies import sausage_body
from show_scenes import save_made_up_avatar
from smpl_files import smpl_arrays
from understudy.avatar.archive import load_archive
from understudy.avatar.checkpoint import Checkpoint
from understudy.batch.sheet import read_sheet
from understudy.body.files import load_body
from understudy.errors import InputError
from understudy.files import read_npz
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha
from understudy.importers.alpha import read_mask
from understudy.importers.easymocap import easymocap_cameras
from understudy.importers.inert import read_any, read_pickle
from understudy.importers.matlab import read_matlab
from understudy.importers.registry import guess_format, read_tracking
from understudy.importers.tracking import ReadOptions
from understudy.motion.bvh import read_bvh
from understudy.motion.read import read_motion
from understudy.regressor.files import load_net, save_net
from understudy.regressor.model import NetConfig, PoseNet
from understudy.settings import check_settings
from understudy.show.cameras import read_cameras
from understudy.video.decode import FramesConfig, extract_frames
from understudy.video.timing import frames_on_grid
from videos import make_video, numbered

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def frugal():
    """No test may take much memory, whatever a file claims."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


class Harm:
    """What runs when a pickle of it is loaded."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def npy(array, **header):
    """An npy, with other things in its header than are true."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    if not header:
        return buffer.getvalue()
    content = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | header
    text = (repr(content) + " " * 40 + "\n").encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + array.tobytes()


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


@pytest.mark.parametrize(
    "read",
    [read_npz, Keypoints.load, load_body, read_any, guess_format, lambda path: read_motion(path, sausage_body())],
)
def test_objects_in_an_npz_are_not_made(tmp_path, read):
    harm = npy(np.array([Harm(tmp_path / "harmed")], dtype=object))
    path = zipped(tmp_path / "a.npz", keypoints=harm, names=harm, bbox=harm, poses=harm, v_template=harm)
    with pytest.raises(InputError, match=r"a\.npz"):
        read(path)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("read", [load_body, read_pickle, read_any, guess_format])
def test_code_in_a_pickled_body_is_not_run(tmp_path, read, protocol):
    content = {**smpl_arrays(3), "J_regressor": Harm(tmp_path / "harmed")}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(InputError, match=r"a\.pkl"):
        read(tmp_path / "a.pkl")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'touch harmed'\ntR.", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\nI0\nS'b'\ntR.", b"cnumpy\nload\n(S'x'\ntR.",
        b"X\x01\x00\x00\x00ar\xff\xff\xff\xff.", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x0f" + b"a.", b"(" * 10_000 + b".",
        b"\x80\x02cnumpy\ndtype\nq\x00U\x02f8K\x00K\x01\x87q\x01Rq\x02(K\x03U\x01<NNNJ@B\x0f\x00J\xff\xff\xff\xffK\x00tb.",
        b"\x80\x02cnumpy\ndtype\nU\x02V8K\x00K\x01\x87R(K\x03U\x01|NU\x01a\x85}U\x01acnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
        b"J@B\x0f\x00\x86sK\x08K\x01K\x10tb.",
    ],
)  # fmt: skip
def test_malicious_pickles_are_refused_at_once(tmp_path, monkeypatch, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(code)
    with pytest.raises(InputError):
        load_body(tmp_path / "a.pkl")
    with suppress(InputError):
        assert not isinstance(read_pickle(tmp_path / "a.pkl"), np.ndarray)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


@pytest.mark.parametrize("protocol", [2, 4])
def test_no_byte_of_a_pickled_array_makes_the_reader_crash(tmp_path, protocol):
    """NumPy's own functions crash on some of these."""
    content = {
        "x": np.arange(3.0),
        "o": np.array([{"a": np.arange(2, dtype=">i4")}, "b"], object),
        "s": np.float64(2.0),
        "u": np.array(["ab"]),
    }
    data, path = pickle.dumps(content, protocol=protocol), tmp_path / "a.pkl"
    path.write_bytes(data)
    read = read_pickle(path)
    assert (
        read["x"].tolist() == [0.0, 1.0, 2.0]
        and read["o"][0]["a"].tolist() == [0, 1]
        and read["s"] == 2.0
        and read["u"].tolist() == ["ab"]
    )
    for place in range(len(data)):
        for value in (data[place] ^ 1, 0xFF):
            path.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
            with suppress(InputError):
                read_pickle(path)


def test_no_byte_of_a_matlab_file_makes_the_reader_crash(tmp_path):
    """SciPy's reader crashes on some of these."""
    matrices = {
        "camK": np.arange(9.0).reshape(3, 3),
        "c2w": np.arange(32, dtype=np.float32).reshape(2, 4, 4),
        "name": "text",
        "n": np.uint8(3),
    }
    path = tmp_path / "camera.mat"
    for compress in (False, True):
        scipy.io.savemat(
            path, {**matrices, "z": np.ones(2) * 1j, "cell": np.array([1, "a"], object)}, do_compression=compress
        )
        read = read_matlab(path)
        assert set(read) == {"camK", "c2w", "n"} and all(
            np.array_equal(read[key].squeeze(), matrices[key]) for key in read
        )
        data = path.read_bytes()
        for place in range(126, len(data)):
            for value in (data[place] ^ 3, 0xFF):
                path.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
                with suppress(InputError):
                    read_matlab(path)


def test_a_state_of_a_training_with_code_is_begun_anew(tmp_path):
    import torch

    torch.save({"key": "key", "state": Harm(tmp_path / "harmed")}, tmp_path / "state")
    assert Checkpoint(tmp_path / "state", "key").load(torch.device("cpu")) is None
    torch.save(Harm(tmp_path / "harmed"), tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt"):
        read_any(tmp_path / "a.pt")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "header",
    [
        {"shape": (10**12,)}, {"shape": (-1,)}, {"shape": (2**62, 4)}, {"descr": "<U100000000"}, {"descr": "|O"},
        {"descr": "<U4022402871"},
        {"shape": "(" * 100}, {"descr": [("a", "<f8", (10**9,))]},
    ],
)  # fmt: skip
def test_arrays_that_claim_to_be_large_cost_nothing(tmp_path, header):
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(4), **header))
    with pytest.raises(InputError, match=r"a\.npz"):
        read_npz(path)
    with pytest.raises(InputError):
        read_any(path)


def test_bombs_of_zip_are_not_unfolded(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.files.LARGEST", 1 << 24)
    monkeypatch.setattr("understudy.importers.inert.MAX_BYTES", 1 << 24)
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(1 << 22)), skin_joints=b"", v_template=npy(np.zeros(3)))
    assert path.stat().st_size < 1 << 20
    for read in (read_npz, read_any, load_body):
        with pytest.raises(InputError, match="unfolds to"):
            read(path)
    (tmp_path / "b.pkl").write_bytes(zlib.compress(bytes(1 << 26)))
    with pytest.raises(InputError, match="unpacks to more"):
        read_pickle(tmp_path / "b.pkl")


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path):
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(1 << 18)))
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 200)
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_npz(path)


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    path = save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def tarred(path, members, **more):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in more.get(name, {}).items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    "name", ["../../harmed", "/tmp/harmed", "a/../../harmed", "avatar.json/../../harmed", "\x00harmed"]
)
def test_names_that_lead_out_of_an_avatar_are_refused(tmp_path, avatar, name):
    with pytest.raises(InputError, match="is refused"):
        load_archive(tarred(tmp_path / "a.tar", {name: b"x", **avatar}))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_and_devices_in_an_avatar_are_refused(tmp_path, avatar, kind):
    more = {"preview.png": {"type": kind, "linkname": "/etc/passwd", "devmajor": 1, "devminor": 3, "size": 0}}
    with pytest.raises(InputError, match="not a plain file"):
        load_archive(tarred(tmp_path / "a.tar", avatar, **more))


def _header(**fields):
    info = tarfile.TarInfo("avatar.json")
    for key, value in fields.items():
        setattr(info, key, value)
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))


def _summed(header):
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header)


def test_sizes_that_no_avatar_has_are_refused_at_once(tmp_path):
    sparse = _header(type=tarfile.GNUTYPE_SPARSE)
    sparse[483:495] = b"77777777777\0"
    negative = _header()
    negative[124:136] = b"\xff" * 12
    long = b"".join(_summed(_header(type=tarfile.GNUTYPE_LONGNAME, size=1)) + b"a" + bytes(511) for _ in range(2000))
    huge = _header(size=1 << 40)
    path = tmp_path / "a.tar"
    for data in (_summed(sparse), _summed(negative), _summed(negative) * 3, long, _summed(huge)):
        path.write_bytes(data + bytes(1024))
        with pytest.raises(InputError):
            load_archive(path)


@pytest.mark.parametrize(
    "change",
    [
        {"source": None}, {"source": {"name": {"a": 1}}}, {"version": 10**400}, {"version": "4"}, {"body": []}, {"licences": 3},
        {"body": {"name": 1, "sha256": {}, "included": "x"}},
    ],
)  # fmt: skip
def test_avatars_that_say_impossible_things_are_refused_or_read(tmp_path, avatar, change):
    info = json.dumps(json.loads(avatar["avatar.json"]) | change).encode()
    path = tarred(tmp_path / "a.tar", {**avatar, "avatar.json": info})
    try:
        assert isinstance(load_archive(path).info["source"]["name"], str)
    except InputError as error:
        assert "a.tar" in str(error)


def test_nested_json_is_refused(tmp_path, avatar):
    path = tarred(tmp_path / "a.tar", {**avatar, "avatar.json": b"[" * 200_000})
    with pytest.raises(InputError, match=r"a\.tar"):
        load_archive(path)
    (tmp_path / "frames.json").write_bytes(b'{"fps": ' + b"[" * 200_000)
    with pytest.raises(InputError, match=r"frames\.json"):
        Frames.load(tmp_path / "frames.json")


@pytest.mark.parametrize(
    "header",
    [
        {"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}},
        {"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1 << 33, 1 << 33], "data_offsets": [0, 16]}},
        {"face": {"dtype": "F4", "shape": [4], "data_offsets": [0, 16]}},
        {"__metadata__": {"format": "understudy-regressor-1"}, "x": []},
    ],
)
def test_safetensors_that_claim_to_be_large_cost_nothing(tmp_path, avatar, header):
    text = json.dumps(header).encode()
    for length in (len(text), 1 << 62, 2**64 - 1):
        data = struct.pack("<Q", length) + text + bytes(16)
        with pytest.raises(InputError, match=r"a\.tar"):
            load_archive(tarred(tmp_path / "a.tar", {**avatar, "weights.safetensors": data}))
        (tmp_path / "n.safetensors").write_bytes(data)
        with pytest.raises(InputError, match=r"n\.safetensors"):
            load_net(tmp_path / "n.safetensors")


@pytest.mark.parametrize(
    "config", [{"width": 10**9}, {"dilations": [1] * 10**6}, {"num_betas": 10**12}, {"width": 1e400}]
)
def test_a_network_that_claims_to_be_large_costs_nothing(tmp_path, config):
    from safetensors.torch import load_file, save_file

    save_net(tmp_path / "n.safetensors", PoseNet(NetConfig(8, (1,), 4)), 0.1, {})
    from safetensors import safe_open

    with safe_open(tmp_path / "n.safetensors", framework="pt") as file:
        about = file.metadata()
    about["net"] = json.dumps(json.loads(about["net"]) | config)
    save_file(load_file(tmp_path / "n.safetensors"), tmp_path / "bad.safetensors", metadata=about)
    with pytest.raises(InputError, match=r"bad\.safetensors"):
        load_net(tmp_path / "bad.safetensors")


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
    with pytest.raises(InputError, match="times are damaged"):
        frames_on_grid(np.array([0.0, 0.03, 1e12]), 30.0)


def test_a_video_whose_last_frame_comes_in_a_century_is_refused(tmp_path):
    times = [*range(0, 400, 33), 3_000_000_000_000]
    make_video(tmp_path / "a.mkv", numbered(len(times)), times=times)
    with av.open(str(tmp_path / "a.mkv")) as file:
        assert file.format.name.startswith("matroska")
    with pytest.raises(InputError):
        extract_frames(tmp_path / "a.mkv", tmp_path / "out", tmp_path / "out.json", FramesConfig())


BVH = "HIERARCHY ROOT a {{ OFFSET 0 0 0 CHANNELS {channels} }} MOTION Frames: {frames} Frame Time: {time} {values}"


@pytest.mark.parametrize(
    "text",
    [
        BVH.format(channels="0", frames=10**12, time=0.1, values=""),
        BVH.format(channels="1 Xrotation", frames=10**18, time=0.1, values="1"),
        BVH.format(channels=f"{10**9} Xrotation", frames=1, time=0.1, values="1"),
        BVH.format(channels="1 Xrotation", frames=-1, time=0.1, values="1"),
        BVH.format(channels="1 Wposition", frames=1, time=0.1, values="1"),
        BVH.format(channels="3 Xrotation Xrotation Xrotation", frames=1, time="nan", values="1 1 1"),
        BVH.format(channels="3 Wrotation Xrotation Xrotation", frames=1, time=1, values="1 1 1"),
        "HIERARCHY " + "ROOT a { " * 100_000, "HIERARCHY " + "} " * 10 + " MOTION", "MOTION", "",
        "HIERARCHY " + "JOINT a { OFFSET 0 0 0 CHANNELS 0 } " * 30_000
        + "ROOT b { OFFSET 0 0 0 CHANNELS 1 Xrotation } MOTION Frames: 20000 Frame "
        + "Time: 0.1 " + "1 " * 20_000,
    ],
)  # fmt: skip
def test_motions_that_claim_to_be_large_cost_nothing(tmp_path, text):
    (tmp_path / "a.bvh").write_text(text)
    with pytest.raises(InputError, match=r"a\.bvh"):
        read_bvh(tmp_path / "a.bvh")
    with pytest.raises(InputError, match=r"a\.bvh"):
        read_motion(tmp_path / "a.bvh", sausage_body())


def test_a_deep_rig_is_read_without_a_stack(tmp_path):
    text = (
        "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 1 Xrotation "
        + "JOINT b { OFFSET 0 1 0 CHANNELS 0 " * 3000
        + "} " * 3001
    )
    (tmp_path / "a.bvh").write_text(f"{text} MOTION Frames: 1 Frame Time: 0.1 1")
    assert len(read_bvh(tmp_path / "a.bvh").names) == 3001
    with pytest.raises(InputError, match=r"a\.bvh"):
        read_motion(tmp_path / "a.bvh", sausage_body())


MATRIX = "%YAML:1.0\n---\nK_01: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: {dt}\n   data: [ 1., 2. ]\n"


@pytest.mark.parametrize(
    "text",
    [
        "%YAML:1.0\n---\na: " + "[" * 100_000, "%YAML:1.0\n---\na: " + "{a:" * 100_000,
        '<?xml version="1.0"?>\n<opencv_storage>' + "<a>" * 100_000,
        '{"a": ' + "[" * 100_000, "%YAML:1.0\n---\na:\n   " + "- " * 1_000_000,
        MATRIX.format(rows=10**9, cols=10**9, dt="d"),
        MATRIX.format(rows=-3, cols=3, dt="d"), MATRIX.format(rows=3, cols=3, dt='"999999999d"'),
        MATRIX.format(rows=3, cols=3, dt="d"),
        '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<opencv_storage><K_01>&b;</K_01></opencv_storage>\n',
        "%YAML:1.0\n---\nK_01: !!python/object/apply:os.mkdir [harmed]\n", "K_01: x", "", "\x00" * 100,
    ],
)  # fmt: skip
def test_malicious_cameras_of_opencv_are_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "intri.yml").write_text(text)
    for read in (lambda: easymocap_cameras(tmp_path), lambda: read_cameras(tmp_path)):
        with pytest.raises(InputError):
            read()
    (tmp_path / "annots").mkdir()
    (tmp_path / "annots/000000.json").write_text('{"annots": [], "height": 3, "width": 3}')
    with pytest.raises(InputError):
        read_tracking(tmp_path, "easymocap", ReadOptions())
    assert not (tmp_path / "harmed").exists()


SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.mkdir [harmed]", "!!python/name:os.system", "!!python/object/new:os.mkdir [harmed]"],
)
def test_tags_in_a_configuration_make_nothing(tmp_path, tag):
    (tmp_path / "c.yaml").write_text(f"avatar:\n  steps: {tag}\n")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--configfile",
        "c.yaml",
    ]
    if tag.startswith("!!python/object/apply"):  # the others go the same way
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load((tmp_path / "c.yaml").read_text())
    assert not (tmp_path / "harmed").exists()


def test_a_bomb_of_references_is_told_in_few_words():
    text = (
        "a: &a0 [x]\n"
        + "".join(f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
        + "avatar: {steps: *a8}\n"
    )
    content = {"avatar": yaml.safe_load(text)["avatar"]}
    with pytest.raises(InputError, match="references") as error:
        check_settings(content, SCHEMA)
    with pytest.raises(InputError, match="steps") as long:
        check_settings({"avatar": {"steps": "x" * 10**6}}, SCHEMA)
    assert max(len(str(error.value)), len(str(long.value))) < 1100


@pytest.mark.parametrize(
    "text",
    [
        "name\tstart\nanna\t" + "[" * 100_000,
        "name\tstart\n" + "a" * 1_000_000,
        "name\0\tvideo\n",
        "name\n../x\n",
        "name\tframes.K\na\t" + "[" * 5000,
    ],
)
def test_malicious_tables_are_refused_or_read(tmp_path, text):
    (tmp_path / "v.tsv").write_text(text)
    try:
        check_settings({"actors": read_sheet(tmp_path / "v.tsv", SCHEMA)}, SCHEMA, "v.tsv")
    except InputError as error:
        assert "v.tsv" in str(error) and len(str(error)) < 6000


def test_a_number_of_a_frame_that_no_video_has_costs_nothing(tmp_path):
    rows = [{"image_id": f"{number}.jpg", "keypoints": [*range(1, 52)], "score": 1.0} for number in (1, 10**12)]
    (tmp_path / "alphapose.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match="no video has so many"):
        read_tracking(tmp_path / "alphapose.json", "alphapose", ReadOptions())


@pytest.mark.parametrize("rate", [1e18, 0.0, -1.0, float("nan"), float("inf"), 1e-9])
def test_a_rate_that_no_motion_has_costs_nothing(tmp_path, rate):
    np.savez(tmp_path / "a.npz", poses=np.zeros((4, 72)), trans=np.zeros((4, 3)), mocap_framerate=rate)
    with pytest.raises(InputError, match=r"a\.npz"):
        read_motion(tmp_path / "a.npz", sausage_body())
