"""The video and the avatar in its own poses, side by side."""

import hashlib
import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.device import choose_device
from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.formats.frames import alike
from understudy.progress import track
from understudy.render.camera import Camera
from understudy.rendering.backdrop import Backdrop, cover, open_backdrop
from understudy.rendering.footage import Footage, open_footage
from understudy.rendering.performance import in_camera_frame
from understudy.rendering.pictures import render_performance, to_pixels
from understudy.rendering.write import check_output, write_pictures

logger = logging.getLogger(__name__)

WHOLE = 1280
"""Longest side of pictures, px, where the avatar was learned from a part of them."""


def render_reenactment(
    archive: AvatarArchive,
    video: str | Path | Footage,
    output: str | Path,
    frames: int | None = None,
    background: str = "white",
    layer: str = "color",
    start: float = 0.0,
    device: str = "auto",
) -> int:
    """Write the video on the left, and on the right the avatar in the poses that it had there, seen by its camera.

    Both are shown as the pictures are: whole ones of the video, or the frames, which may be cropped to the person.

    Args:
        archive: The avatar, with its poses of the video's frames.
        video: The actor's folder or its ``frames``, or the video itself; or the pictures of the frames.
        output: A video (``.mp4``, ``.webm``, ``.mov``, ``.gif``), or a folder of PNG files, which is replaced as a whole.
        frames: Maximum number of pictures; None for all of the video.
        background: Behind the avatar: as of :class:`ShowConfig`, but not ``transparent``; or ``video`` for the video's own
            pictures, so that the avatar stands where the person was.
        layer: color, alpha, depth or normal.
        start: Seconds of the video before the first frame that was used (``frames.start``), where a video is given.
        device: cpu, cuda or auto.

    Returns:
        Number of pictures.

    Raises:
        InputError: The pictures are of another shape than the avatar's video, or something cannot be read or written.
    """
    output = Path(output)
    backdrop = Backdrop(moving=iter(())) if background == "video" else open_backdrop(background, archive.fps)
    check_output(output, backdrop.transparent, archive.fps)
    if not isinstance(video, Footage):
        video = open_footage(video, None if Path(video).is_dir() else archive.fps, start)
    poses = archive.poses
    count = min(len(video), len(poses))
    if count < len(poses):
        logger.warning("%s has %d frames of the avatar's %d; the rest is left out", video.path, count, len(poses))
    _check_same(archive, video.path)
    count = count if frames is None else min(count, frames)
    act = in_camera_frame(archive.avatar.to(choose_device(device, archive.avatar.method)), poses).first(count)
    size, K = (archive.width, archive.height), poses.K
    seen = video.pictures(max(*size, WHOLE) if archive.is_cropped else max(size))
    first = next(seen, None)
    if first is None:
        raise InputError(f"no picture of {video.path} can be decoded; copy it again or convert it to mp4.")
    shape = (first.shape[1], first.shape[0])
    placement = archive.placement(shape, video.whole)
    if placement is None:
        raise InputError(_unlike(video.path, first, size, "the avatar was learned from"))
    if archive.is_cropped:
        size, K = shape, placement.camera_of_pictures(K)
    cameras = [Camera(K, *size)] * count

    def pixels() -> Iterator[np.ndarray]:
        near_far = None if layer != "depth" else _depths(poses.transl[:count, 2])
        for number, (left, picture) in enumerate(
            zip(chain([first], seen), render_performance(act, cameras, layer), strict=False)
        ):
            if not alike((left.shape[1], left.shape[0]), shape):
                raise InputError(_unlike(video.path, left, shape, "its first picture has"))
            left = cover(left, size)
            behind = Backdrop(still=left) if background == "video" else backdrop
            right = to_pixels(picture, layer, number, behind, near_far)
            right = np.repeat(right[..., None], 3, axis=-1) if right.ndim == 2 else right[..., :3]
            yield np.concatenate([left, right], axis=1)

    return write_pictures(output, track(pixels(), "rendering the re-enactment", count), archive.fps)


def _unlike(path: Path, picture: np.ndarray, size: tuple[int, int], whose: str) -> str:
    return (
        f"{path} has a picture of {picture.shape[1]}x{picture.shape[0]} px, not of the shape {size[0]}x{size[1]} that {whose}; "
        "give the video that the avatar was learned from, or the actor's folder."
    )


def _depths(depth: np.ndarray) -> tuple[float, float]:
    """Near and far end (m) of people at these depths."""
    return max(float(depth.min()) - 1.0, 0.1), float(depth.max()) + 1.0


def _check_same(archive: AvatarArchive, video: Path) -> None:
    """Warn where a video is not the file that the avatar was learned from."""
    known = archive.info.get("source", {}).get("sha256")
    if video.is_file() and known and len(str(known)) == hashlib.sha256().digest_size * 2 and sha256(video) != known:
        logger.warning("%s is not the very file that the avatar was learned from; frames may not match", video)
