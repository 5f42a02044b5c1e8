"""``avatar.tar``: everything that was learned about one person, in one file that can be given away.

The body itself is in it only where its licence allows that; else its SHA-256 says which file goes with the avatar.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file
from safetensors.torch import save_file

from understudy.avatar.base import Avatar
from understudy.avatar.members import LARGEST_INFO, POSES, check_avatar, check_info, check_poses
from understudy.avatar.registry import METHODS, find_method
from understudy.avatar.training.train import Training
from understudy.body.files import load_body, write_body
from understudy.body.model import BodyModel
from understudy.body.posed import check_same_joints
from understudy.errors import InputError
from understudy.files.arrays import read_json, read_npz, reading, write_json, write_npz
from understudy.files.atomic import scratch_folder
from understudy.files.tar import AGAIN, unpack_tar, write_tar
from understudy.formats.canonical import TEXTURE, Canonical, read_texture
from understudy.formats.frames import Frames, Placement, place
from understudy.formats.limits import check_area
from understudy.formats.smpl import BodyTrack

FORMAT = "understudy-avatar"
VERSION = 5
MEMBERS = ("avatar.json", "weights.safetensors", "canonical.npz", "poses.npz", "body.npz", "preview.png")
OPTIONAL = ("body.npz", "preview.png")


@dataclass(frozen=True)
class AvatarArchive:
    """The content of an ``avatar.tar``."""

    avatar: Avatar
    poses: BodyTrack
    """Of all frames, refined; the person's betas."""
    exposure: np.ndarray  # [T,3] float32
    """Factors on the avatar's colours in each frame of the video."""
    held_out: tuple[int, ...]
    """Frames that training never saw."""
    fps: float
    width: int
    """Of the video, px."""
    height: int
    texture: np.ndarray  # [S,S,3] uint8 sRGB
    texture_seen: np.ndarray  # [S,S] uint8
    info: dict[str, Any]
    """``avatar.json``."""

    @property
    def is_cropped(self) -> bool:
        """Whether the avatar was learned from a part of the video's pictures."""
        return self.info["source"].get("crop") is not None

    def placement(self, size: tuple[int, int], whole: bool | None = None) -> Placement | None:
        """How pictures of ``size`` (width, height), of the frames or of the whole video, lie on the frames (``place``)."""
        source = self.info["source"]
        crop = np.array(source["crop"], float) if self.is_cropped else None
        return place(size, (self.width, self.height), source.get("size"), crop, whole)


def save_avatar(
    path: str | Path,
    training: Training,
    canonical: Canonical,
    frames: Frames,
    licences: Sequence[str] = (),
    preview: np.ndarray | None = None,
) -> None:
    """Write an ``avatar.tar``: the same bytes for the same content.

    Args:
        path: The file.
        training: The avatar, its poses, options and curves.
        canonical: Of the same person; without the body's data where the body is licensed.
        frames: The video that was learned from.
        licences: What else the user of the avatar must respect, such as the footage's licence.
        preview: A picture [H,W,3] uint8 sRGB of the avatar, for those who look into the file; None for none.

    Raises:
        InputError: A name or licence is too long or no text.
    """
    poses = _Poses(training.poses, training.exposure, training.held_out, frames.fps, frames.width, frames.height)
    info = _info(training, frames, licences)
    _write(path, training.avatar, info, poses, vars(canonical), preview)


def save_archive(path: str | Path, archive: AvatarArchive, preview: np.ndarray | None = None) -> None:
    """Write an archive that was read, or made of one, as an ``avatar.tar``: the same bytes for the same content.

    Of the canonical body it has the texture alone.

    Args:
        path: The file.
        archive: What it is to hold.
        preview: A picture [H,W,3] uint8 sRGB of the avatar; None for none.

    Raises:
        InputError: It would be no avatar that can be read again, or a file is there that may not be replaced.
    """
    size = (archive.fps, archive.width, archive.height)
    poses = _Poses(archive.poses, archive.exposure, archive.held_out, *size)
    texture = {"texture": archive.texture, "texture_seen": archive.texture_seen}
    _write(path, archive.avatar, archive.info, poses, texture, preview)


def load_avatar(path: str | Path, body_path: str | Path | None = None) -> Avatar:
    """The avatar of an ``avatar.tar``; see :func:`load_archive`."""
    return load_archive(path, body_path).avatar


def load_archive(path: str | Path, body_path: str | Path | None = None) -> AvatarArchive:
    """Read an ``avatar.tar``. Nothing in it is ever executed.

    Args:
        path: The file.
        body_path: The body's own file; needed where the body is licensed, for then the avatar does not hold it.

    Raises:
        InputError: The file is missing, damaged, of a newer version or not safe, or the body is missing or another one.
    """
    with tempfile.TemporaryDirectory(prefix="understudy-") as name:
        folder = Path(name)
        unpack_tar(path, folder, MEMBERS)
        missing = [member for member in MEMBERS if not (folder / member).exists() and member not in OPTIONAL]
        if missing:
            raise InputError(f"{path} lacks {', '.join(missing)}; get the file again or train the avatar again.")
        with _named(path, folder), reading(path, "a readable avatar", AGAIN):
            info = read_json(folder / "avatar.json", AGAIN, LARGEST_INFO)
            _check_version(path, info)
            check_info(info)
            if info["method"] not in METHODS:
                raise InputError(
                    f"{path} was made by the method {info['method']!r}, which is not known here ({', '.join(METHODS)} are); "
                    "update Understudy to read it."
                )
            body = _body(path, info, folder, body_path)
            avatar = _avatar(folder / "weights.safetensors", body, info)
            track = BodyTrack.load(folder / "poses.npz", AGAIN)
            check_same_joints(body, track)
            poses = check_poses(read_npz(folder / "poses.npz", tuple(POSES), AGAIN), len(track))
            check_area(float(poses["width"]), float(poses["height"]))
            texture = read_texture(folder / "canonical.npz", mend=AGAIN)
            return AvatarArchive(
                avatar=avatar,
                poses=track,
                exposure=poses["exposure"],
                held_out=tuple(poses["held_out"].tolist()),
                fps=float(poses["fps"]),
                width=int(poses["width"]),
                height=int(poses["height"]),
                texture=texture["texture"],
                texture_seen=texture["texture_seen"],
                info=info,
            )


def _info(training: Training, frames: Frames, licences: Sequence[str]) -> dict[str, Any]:
    avatar, history = training.avatar, training.history
    method, body = find_method(avatar.method), avatar.body
    return {
        "format": FORMAT,
        "version": VERSION,
        "method": method.name,
        method.name: {**method.describe(avatar), "config": asdict(training.options)},
        "body": {"name": body.name, "sha256": body.sha256, "included": body.free},
        "source": {
            "name": Path(frames.source).name,
            "sha256": frames.source_sha256,
            "frames": len(frames),
            **({} if frames.crop is None else {"size": frames.source_size, "crop": frames.crop.tolist()}),
        },
        "config": asdict(training.config),
        "training": {
            "steps": int(history["step"][-1]) if history["step"] else 0,
            "seconds": round(history["seconds"][-1], 1) if history["seconds"] else 0.0,
            "psnr_of_last_steps": float(np.mean(history["psnr"][-50:])) if history["psnr"] else None,
            "held_out_frames": training.held_out,
        },
        "licences": list(licences),
    }


@dataclass(frozen=True)
class _Poses:
    """What ``poses.npz`` holds."""

    track: BodyTrack
    exposure: np.ndarray  # [T,3]
    held_out: Sequence[int]
    fps: float
    width: int
    height: int

    def save(self, path: Path) -> None:
        """Write it."""
        self.track.save(path)
        more = {
            "fps": np.float64(self.fps),
            "width": np.int32(self.width),
            "height": np.int32(self.height),
            "held_out": np.array(self.held_out, np.int32),
            "exposure": self.exposure,
        }
        write_npz(path, {**read_npz(path), **more})


def _write(
    path: str | Path,
    avatar: Avatar,
    info: dict[str, Any],
    poses: _Poses,
    canonical: Mapping[str, np.ndarray],
    preview: np.ndarray | None,
) -> None:
    try:
        check_info(info)
    except ValueError as error:
        raise InputError(f"{path} would be no avatar that can be read again ({error}); correct that.") from None
    with scratch_folder(path) as folder:
        write_json(folder / "avatar.json", info)
        save_file(find_method(avatar.method).weights(avatar), folder / "weights.safetensors")
        poses.save(folder / "poses.npz")
        if avatar.body.free:
            write_npz(folder / "canonical.npz", canonical)
            write_body(folder / "body.npz", avatar.body)
        else:
            write_npz(folder / "canonical.npz", {key: canonical[key] for key in TEXTURE})
        if preview is not None:
            Image.fromarray(preview).save(folder / "preview.png")
        write_tar(path, {member: folder / member for member in MEMBERS if (folder / member).exists()})


def _check_version(path: str | Path, info: Any) -> None:
    if not isinstance(info, dict) or info.get("format") != FORMAT or type(info.get("version")) is not int:
        raise InputError(f"{path} is not an avatar of Understudy; give an avatar.tar.")
    if info["version"] > VERSION:
        raise InputError(
            f"{path} has format version {info['version']}, newer than {VERSION}; update Understudy to read it."
        )
    if info["version"] < VERSION:
        raise InputError(f"{path} has format version {info['version']}, older than {VERSION}; train it again.")


@contextmanager
def _named(path: str | Path, folder: Path) -> Iterator[None]:
    """Let messages name the avatar in place of the folder that it was unpacked into."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(f"{folder}{os.sep}", f"{path}: ")) from error


def _body(path: str | Path, info: dict[str, Any], folder: Path, body_path: str | Path | None) -> BodyModel:
    name, digest = info["body"]["name"], info["body"]["sha256"]
    if body_path is not None:
        body = load_body(body_path)
        if body.sha256 != digest:
            raise InputError(f"{path} belongs to the body {name} (SHA-256 {digest[:12]}...), which {body_path} is not.")
        return body
    if not (folder / "body.npz").exists():
        raise InputError(f"{path} needs the file of the body {name}, which is licensed and not in it; give its path.")
    # the archive's copy of the body stands for the file that the avatar was trained with
    return replace(load_body(folder / "body.npz"), name=name, sha256=digest)


def _avatar(path: Path, body: BodyModel, info: dict[str, Any]) -> Avatar:
    avatar = find_method(info["method"]).restore(load_file(path), info[info["method"]], body)
    check_avatar(avatar)
    return avatar.requires_grad_(False)
