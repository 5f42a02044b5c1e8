"""Avatars and networks that mean harm: nothing lands elsewhere, and what they claim costs nothing."""

import json
import struct
import tarfile

import pytest

from tests.support.harmful import frugal, tarred  # noqa: F401  (frugal is for every test)
from tests.support.show_scenes import save_made_up_avatar
from understudy.avatar.archive import load_archive
from understudy.errors import InputError
from understudy.fitting.regressor.files import load_net, save_net
from understudy.fitting.regressor.model import NetConfig, PoseNet
from understudy.formats.frames import Frames


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    path = save_made_up_avatar(tmp_path_factory.mktemp("avatar") / "avatar.tar")
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


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
    more = {"canonical.npz": {"type": kind, "linkname": "/etc/passwd", "devmajor": 1, "devminor": 3, "size": 0}}
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
    "crop", [[5, 5, 5, 5], [300, 300, 10, 10], [0, 0, 641, 100], [0, 0, 1], "all", [0, 0, 1e30, 1]]
)
def test_an_avatar_of_an_impossible_part_of_its_video_is_refused(tmp_path, avatar, crop):
    info = json.loads(avatar["avatar.json"])
    info["source"] |= {"size": [640, 360], "crop": crop}
    path = tarred(tmp_path / "a.tar", {**avatar, "avatar.json": json.dumps(info).encode()})
    with pytest.raises(InputError, match=r"a\.tar"):
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
