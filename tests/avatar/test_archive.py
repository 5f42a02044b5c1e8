"""``avatar.tar``: what is in it, and what its reader refuses."""

import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.avatar_scenes import HEIGHT, WIDTH, plain_canonical, truth_avatar, turning_track
from tests.support.bodies import sausage_body
from understudy.avatar.archive import VERSION, load_archive, load_avatar, save_avatar
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.train import Training
from understudy.body.files import load_body, write_body
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files import tar
from understudy.files.arrays import read_npz
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.render.camera import Camera

K = np.array([[200.0, 0.0, WIDTH / 2], [0.0, 200.0, HEIGHT / 2], [0.0, 0.0, 1.0]])


def save(path: Path, body: BodyModel) -> Training:
    avatar = truth_avatar(body, count=300)
    generator = torch.Generator().manual_seed(2)
    avatar.betas += 0.5 * torch.randn(avatar.betas.shape, generator=generator)
    avatar.rebase_to_betas()
    for parameter in (avatar.offsets, avatar.quats, avatar.opacity_logits):
        parameter += 0.01 * torch.randn(parameter.shape, generator=generator)
    track = replace(turning_track(5, body, K), betas=avatar.betas.numpy())
    history: dict[str, list[float]] = {"step": [1.0], "seconds": [2.0], "shrink": [1.0], "loss": [0.1], "psnr": [20.0]}
    training = Training(
        avatar, track, np.ones((len(track), 3), np.float32), [2], AvatarConfig(), GaussiansConfig(), history
    )
    frames = Frames(
        folder=path.parent, fps=25.0, width=WIDTH, height=HEIGHT, source="secret/place/me.mp4", source_sha256="1" * 64,
        source_frames=np.arange(5), K=K, K_source="config",
    )  # fmt: skip
    save_avatar(path, training, plain_canonical(body), frames, licences=("footage: mine",))
    return training


def picture(avatar, betas=None) -> torch.Tensor:
    pose = torch.tensor([torch.pi, 0.2, 0.0]), torch.full((69,), 0.1), torch.tensor([0.0, 0.1, 3.0])
    return avatar.render(*pose, camera=Camera(K, WIDTH, HEIGHT), betas=betas).rgb


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Training]:
    path = tmp_path_factory.mktemp("archive") / "avatar.tar"
    return path, save(path, sausage_body())


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def write(path: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("posedirs", [False, True])
def test_saved_loaded_and_rendered_is_the_same_to_the_bit(tmp_path: Path, posedirs: bool):
    training = save(tmp_path / "avatar.tar", sausage_body(posedirs=posedirs))
    loaded = load_archive(tmp_path / "avatar.tar")
    torch.testing.assert_close(picture(loaded.avatar), picture(training.avatar), rtol=0, atol=0)
    taller = torch.tensor([2.0])
    torch.testing.assert_close(picture(loaded.avatar, taller), picture(training.avatar, taller), rtol=0, atol=0)
    np.testing.assert_array_equal(loaded.poses.body_pose, training.poses.body_pose)
    assert loaded.held_out == (2,) and loaded.fps == 25.0 and (loaded.width, loaded.height) == (WIDTH, HEIGHT)
    assert loaded.avatar.body.sha256 == training.avatar.body.sha256


def test_the_same_content_gives_the_same_bytes(tmp_path: Path, saved: tuple[Path, Training]):
    save(tmp_path / "again.tar", sausage_body())
    assert (tmp_path / "again.tar").read_bytes() == saved[0].read_bytes()


def test_the_archive_names_its_origin_and_no_place_on_disk(saved: tuple[Path, Training]):
    info = json.loads(members(saved[0])["avatar.json"])
    assert info["method"] == "gaussians" and info["version"] == VERSION
    assert info["source"] == {"name": "me.mp4", "sha256": "1" * 64, "frames": 5}
    assert info["licences"] == ["footage: mine"]
    assert info["body"] == {"name": "sausage", "sha256": "0" * 64, "included": True}
    assert b"secret" not in saved[0].read_bytes()


def licensed_body(folder: Path) -> tuple[Path, BodyModel]:
    path = folder / "licensed.npz"
    write_body(path, replace(sausage_body(), free=False, name="licensed"), licence="not to be given away")
    return path, load_body(path)


def test_a_licensed_body_is_not_in_the_archive(tmp_path: Path):
    path, body = licensed_body(tmp_path)
    training = save(tmp_path / "avatar.tar", body)
    inside = members(tmp_path / "avatar.tar")
    assert "body.npz" not in inside
    (tmp_path / "canonical.npz").write_bytes(inside["canonical.npz"])
    assert set(read_npz(tmp_path / "canonical.npz")) == {"texture", "texture_seen"}
    vertices = body.v_template.shape[0]
    from safetensors.torch import load

    for name, value in load(inside["weights.safetensors"]).items():
        assert vertices not in value.shape and len(body.faces) not in value.shape, name
    loaded = load_avatar(tmp_path / "avatar.tar", path)
    torch.testing.assert_close(picture(loaded), picture(training.avatar), rtol=0, atol=0)


def test_a_licensed_body_must_be_given_and_be_the_right_one(tmp_path: Path):
    path, body = licensed_body(tmp_path)
    save(tmp_path / "avatar.tar", body)
    with pytest.raises(InputError, match="needs the file of the body licensed"):
        load_avatar(tmp_path / "avatar.tar")
    other = tmp_path / "other.npz"
    write_body(other, sausage_body(seed=1, num_betas=3), licence="free")
    with pytest.raises(InputError, match=r"belongs to the body licensed .* which .*other.npz is not"):
        load_avatar(tmp_path / "avatar.tar", other)


def test_a_canonical_space_of_a_free_body_can_be_read_from_the_archive(tmp_path: Path, saved: tuple[Path, Training]):
    (tmp_path / "canonical.npz").write_bytes(members(saved[0])["canonical.npz"])
    assert len(Canonical.load(tmp_path / "canonical.npz").faces) == len(sausage_body().faces)


@pytest.mark.parametrize("name", ["../avatar.json", "/etc/avatar.json", "folder/avatar.json", "run.py"])
def test_unknown_names_are_refused(tmp_path: Path, saved: tuple[Path, Training], name: str):
    path = write(tmp_path / "bad.tar", {**members(saved[0]), name: b"{}"})
    with pytest.raises(InputError, match="is refused"):
        load_avatar(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.tar"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_other_things_are_refused(tmp_path: Path, kind: bytes):
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        info = tarfile.TarInfo("avatar.json")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(InputError, match="not a plain file"):
        load_avatar(tmp_path / "bad.tar")


def test_repeated_and_huge_members_are_refused(
    tmp_path: Path, saved: tuple[Path, Training], monkeypatch: pytest.MonkeyPatch
):
    with tarfile.open(tmp_path / "twice.tar", "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("avatar.json"), io.BytesIO(b""))
    with pytest.raises(InputError, match="twice"):
        load_avatar(tmp_path / "twice.tar")
    monkeypatch.setattr(tar, "LARGEST_MEMBER", 1000)
    with pytest.raises(InputError, match="more than any avatar needs"):
        load_avatar(saved[0])


def test_a_zip_bomb_is_refused(tmp_path: Path, saved: tuple[Path, Training], monkeypatch: pytest.MonkeyPatch):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bw.npy", bytes(50_000_000))
    path = write(tmp_path / "bomb.tar", {**members(saved[0]), "canonical.npz": bomb.getvalue()})
    monkeypatch.setattr(tar, "LARGEST_MEMBER", 10_000_000)
    with pytest.raises(InputError, match="unfolds to 50000000 bytes"):
        load_avatar(path)


def test_newer_versions_and_other_files_are_refused(tmp_path: Path, saved: tuple[Path, Training]):
    content = members(saved[0])
    info = json.loads(content["avatar.json"])
    newer = write(
        tmp_path / "newer.tar", {**content, "avatar.json": json.dumps({**info, "version": VERSION + 1}).encode()}
    )
    with pytest.raises(InputError, match=f"format version {VERSION + 1}, newer than {VERSION}; update"):
        load_avatar(newer)
    foreign = write(tmp_path / "foreign.tar", {**content, "avatar.json": b"[]"})
    with pytest.raises(InputError, match="not an avatar"):
        load_avatar(foreign)
    (tmp_path / "text.tar").write_text("hello")
    with pytest.raises(InputError, match="not a readable avatar"):
        load_avatar(tmp_path / "text.tar")
    with pytest.raises(InputError, match="no such file"):
        load_avatar(tmp_path / "absent.tar")


@pytest.mark.parametrize("member", ["weights.safetensors", "poses.npz", "body.npz", "canonical.npz"])
def test_damaged_and_missing_members_are_named(tmp_path: Path, saved: tuple[Path, Training], member: str):
    content = members(saved[0])
    damaged = {**content, member: content[member][: len(content[member]) // 2]}
    with pytest.raises(InputError):
        load_avatar(write(tmp_path / "damaged.tar", damaged))
    del content[member]
    with pytest.raises(InputError, match="lacks|needs"):
        load_avatar(write(tmp_path / "missing.tar", content))


def test_python_objects_in_a_member_are_never_loaded(tmp_path: Path, saved: tuple[Path, Training]):
    pickled = io.BytesIO()
    np.savez(pickled, texture=np.array([{"a": 1}], dtype=object), texture_seen=np.zeros(1))
    path = write(tmp_path / "pickled.tar", {**members(saved[0]), "canonical.npz": pickled.getvalue()})
    with pytest.raises(InputError, match="not a readable npz"):
        load_avatar(path)
