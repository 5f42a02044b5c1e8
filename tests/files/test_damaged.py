"""Handed-over files that are cut short or changed: every reader names the file and says what to do."""

import errno
import io
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import plain_canonical, turning_track
from tests.support.bodies import sausage_body
from tests.support.show_scenes import save_made_up_avatar
from understudy.avatar.archive import MEMBERS, load_archive
from understudy.avatar.training.checkpoint import Checkpoint
from understudy.body.files import load_body, write_body
from understudy.errors import InputError
from understudy.files.arrays import read_json, reading, write_json
from understudy.fitting.regressor.files import load_net, save_net
from understudy.fitting.regressor.model import NetConfig, PoseNet
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import read_alpha, read_parsing, read_trimap, write_alpha, write_parsing, write_trimap
from understudy.formats.skeleton import BODY_25
from understudy.formats.smpl import BodyTrack
from understudy.video import clip

K = np.array([[200.0, 0.0, 48.0], [0.0, 200.0, 64.0], [0.0, 0.0, 1.0]])
GREY = np.random.default_rng(0).integers(0, 255, (48, 32)).astype(np.uint8)


def _frames(folder):
    from PIL import Image

    (folder / "frames").mkdir()
    Image.fromarray(np.repeat(GREY[..., None], 3, axis=-1)).save(folder / "frames/000000.jpg")
    frames = Frames(folder / "frames", 30.0, 32, 48, "a.mp4", "0", np.arange(1), np.eye(3), "default")
    frames.save(folder / "frames.json")


def _keypoints(folder):
    zeros = np.zeros(3, bool)
    points = np.random.default_rng(0).random((3, 25, 3))
    Keypoints(points, BODY_25, np.ones((3, 4)), "none", points, zeros, zeros, np.ones(3, int)).save(
        folder / "keypoints.npz"
    )


def _mask(write):
    def make(folder):
        (folder / "m").mkdir()
        write(folder / "m")

    return make


def _load_frame(path):
    Frames.load(path.parents[1] / "frames.json").read(0)


READERS = {
    "keypoints.npz": (_keypoints, Keypoints.load, "snakemake"),
    "smpl.npz": (lambda f: turning_track(3, sausage_body(), K).save(f / "smpl.npz"), BodyTrack.load, "snakemake"),
    "canonical.npz": (
        lambda f: plain_canonical(sausage_body()).save(f / "canonical.npz"), Canonical.load, "snakemake"
    ),
    "frames.json": (_frames, Frames.load, "snakemake"),
    "frames/000000.jpg": (_frames, _load_frame, "snakemake"),
    "m/000000.png alpha": (_mask(lambda f: write_alpha(f, 0, GREY)), lambda p: read_alpha(p.parent, 0), "snakemake"),
    "m/000000.png trimap": (
        _mask(lambda f: write_trimap(f, 0, GREY > 99, GREY > 200)), lambda p: read_trimap(p.parent, 0), "snakemake"
    ),
    "m/000000.png parsing": (
        _mask(lambda f: write_parsing(f, 0, GREY % 20)), lambda p: read_parsing(p.parent, 0), "snakemake"
    ),
    "metrics.json": (lambda f: write_json(f / "metrics.json", {"psnr": [1.0] * 50}), read_json, "snakemake"),
    "avatar.tar": (lambda f: save_made_up_avatar(f / "avatar.tar"), load_archive, "train the avatar again"),
    "body.npz": (lambda f: write_body(f / "body.npz", sausage_body(), "free"), load_body, "build|give the"),
    "net.safetensors": (
        lambda f: save_net(f / "net.safetensors", PoseNet(NetConfig(8, (1,), 4)), 0.1, {}), load_net,
        "get it again|train it again"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder of each reader's valid files."""
    folders = {}
    for name, (make, read, _) in READERS.items():
        folders[name] = tmp_path_factory.mktemp("whole")
        make(folders[name])
        read(folders[name] / name.split()[0])
    return folders


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_cut_short_is_named_with_what_to_do(whole, name, share):
    path = whole[name] / name.split()[0]
    data = path.read_bytes()
    try:
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(InputError) as error:
            READERS[name][1](path)
    finally:
        path.write_bytes(data)
    said = str(error.value)
    assert str(path) in said and "\n" not in said and said.endswith(".")
    assert any(word in said for word in READERS[name][2].split("|")), said


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "m").mkdir()
    if name.startswith("frames/"):
        _frames(tmp_path)
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match="no such file"):
        READERS[name][1](tmp_path / name.split()[0])


@pytest.mark.parametrize("name", ["keypoints.npz", "smpl.npz", "canonical.npz", "body.npz"])
def test_arrays_that_do_not_fit_together_are_named(whole, tmp_path, name):
    """Every array in turn: another shape, another type, one less."""
    good = dict(np.load(whole[name] / name))
    read = READERS[name][1]
    for key, array in good.items():
        if array.ndim == 0 or key in ("body_model", "betas", "part_names"):
            continue
        for wrong in (
            array[None],
            array[:-1],
            array.astype("U3") if array.dtype.kind != "U" else np.zeros(array.shape),
        ):
            np.savez(tmp_path / name, **{**good, key: wrong})
            try:
                read(tmp_path / name)
            except InputError as error:
                assert name in str(error)
        np.savez(tmp_path / name, **{**good, key: np.zeros((3, 1, 2, 2))})
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "change",
    [
        {"fps": 0}, {"fps": "NaN"}, {"width": -1}, {"width": 10**400}, {"K": [1, 2]}, {"K": [[0.0] * 3] * 3},
        {"source_frames": 3},
        {"source_frames": [[1]]}, {"height": None}, {"fps": []},
    ],
)  # fmt: skip
def test_impossible_frames_are_named(tmp_path, change):
    _frames(tmp_path)
    write_json(tmp_path / "frames.json", read_json(tmp_path / "frames.json") | change)
    with pytest.raises(InputError, match=r"frames\.json is not a frames\.json .*run: \S*snakemake"):
        Frames.load(tmp_path / "frames.json")


def test_a_name_with_spaces_is_quoted_in_what_to_do(tmp_path):
    path = tmp_path / "it's me" / "smpl.npz"
    path.parent.mkdir()
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match="snakemake --cores all '"):
        BodyTrack.load(path)


def test_members_of_an_avatar_are_named_as_such(tmp_path):
    save_made_up_avatar(tmp_path / "good.tar")
    with tarfile.open(tmp_path / "good.tar") as archive:
        content = {info.name: archive.extractfile(info).read() for info in archive}
    for member in set(content) & set(MEMBERS) - {"preview.png"}:
        path = tmp_path / "bad.tar"
        with tarfile.open(path, "w") as archive:
            for name, data in content.items():
                data = data[: len(data) // 2] if name == member else data
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        with pytest.raises(InputError, match=r"bad\.tar") as error:
            load_archive(path)
        assert "understudy-" not in str(error.value) and "snakemake" not in str(error.value), member


def test_a_damaged_state_of_a_training_is_begun_anew(tmp_path, caplog):
    checkpoint = Checkpoint(tmp_path / "state", "key")
    checkpoint.save({"x": torch.ones(3)})
    data = Path(tmp_path / "state").read_bytes()
    for share in (0.0, 0.5, 0.99):
        Path(tmp_path / "state").write_bytes(data[: int(share * len(data))])
        assert checkpoint.load(torch.device("cpu")) is None


@pytest.mark.parametrize(
    "error", [ImportError("no module"), NameError("x"), MemoryError(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_what_no_file_brings_about_is_not_blamed_on_it(error):
    with pytest.raises(type(error)) as told, reading("a.npz", "a readable npz file", "delete it"):
        raise error
    assert told.value is error


def test_a_file_that_may_not_be_read_is_not_to_be_deleted():
    refused = pytest.raises(InputError, match=r"^a\.npz cannot be read: Permission denied; ")
    with refused as error, reading("a.npz", "a readable npz file", "delete it"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a.npz")
    assert "delete" not in str(error.value)


def test_a_state_of_a_training_is_kept_where_memory_lacks(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "state", "key")
    checkpoint.save({"x": torch.ones(3)})
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory")):
        monkeypatch.setattr("understudy.avatar.training.checkpoint.load_torch", _failing(error))
        with pytest.raises(type(error)):
            checkpoint.load(torch.device("cpu"))


def test_a_video_does_not_end_where_memory_lacks():
    lacking, damaged = av.error.MemoryError(errno.ENOMEM, "no memory"), av.error.InvalidDataError(1, "damaged")
    with pytest.raises(MemoryError):
        list(clip._packets(SimpleNamespace(demux=_failing(lacking)), None))
    assert list(clip._packets(SimpleNamespace(demux=_failing(damaged)), None)) == []


def _failing(error):
    def fail(*arguments, **options):
        raise error

    return fail
