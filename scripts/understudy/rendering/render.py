"""An avatar in a motion, seen by cameras, as a video or pictures: what ``understudy render`` does."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.device import choose_device
from understudy.body.config import ShapeConfig
from understudy.body.shape_edit import chosen_betas, shaped_body
from understudy.errors import InputError
from understudy.evenly import evenly
from understudy.files.arrays import read_json
from understudy.motion.read import read_motion
from understudy.progress import track
from understudy.render.camera import Camera
from understudy.rendering.backdrop import Backdrop, open_backdrop
from understudy.rendering.config import MOST_SIDE, ShowConfig
from understudy.rendering.paths import camera_path, fitted
from understudy.rendering.performance import SAMPLES, Performance, a_pose, in_world_frame
from understudy.rendering.pictures import render_performance, to_pixels
from understudy.rendering.write import VIDEOS, check_output, write_pictures

logger = logging.getLogger(__name__)

TURN_SECONDS = 3.0
"""How long a path round a person who stands still takes."""


def render_motion(
    archive: AvatarArchive,
    output: str | Path,
    config: ShowConfig,
    motion: str | Path | None = None,
    joint_map: Mapping[str, str] | None = None,
    cameras: Sequence[Camera] | None = None,
) -> int:
    """Render an avatar to a video, or to a folder of PNG files.

    Args:
        archive: The avatar.
        output: ``.mp4``; ``.webm``, ``.mov`` or ``.gif``, which can be transparent; or a folder, which is replaced as a whole.
        config: What is rendered, and how it looks.
        motion: A file of those that :func:`read_motion` knows; None for a person who stands with the arms lowered.
        joint_map: For a BVH file with names that are not known: the rig's joint by ours.
        cameras: In the world of :class:`Performance`, one for each picture, or one for all; None for those of ``config.path``.

    Returns:
        Number of pictures.

    Raises:
        InputError: A file or an option is wrong, or the output was made by somebody else; nothing is left behind.
    """
    output = Path(output)
    backdrop = open_backdrop(config.background, config.fps)
    check_output(output, backdrop.transparent and config.layer in ("color", "normal"), config.fps)
    archive.avatar.to(choose_device(config.device, archive.avatar.method))
    if config.freeze is not None and motion is None:
        raise InputError("There is no motion to freeze; give one, or leave --freeze out.")
    # which frames say how deep a video is to show depends on all of them where cameras are given
    most = config.frames if cameras is None and config.freeze is None else None
    act = make_performance(archive, config.shape, config.fps, motion, joint_map, config.loop, most)
    if config.freeze is not None:
        act = frozen(act, config.freeze, config.fps)
    standing = len(act) == 1
    if cameras is None:
        path = config.path if config.path.path else replace(config.path, path="turntable" if standing else "still")
        count = max(1, round(TURN_SECONDS * config.fps)) if standing and path.path != "still" else len(act)
        count = count if config.frames is None else config.frames if standing else min(count, config.frames)
        act = act.first(count)
        cameras = camera_path(act, count, config.fps, config.size, path)
    else:
        count = len(cameras) if standing else len(act) if len(cameras) == 1 else min(len(act), len(cameras))
        count = count if config.frames is None else min(count, config.frames)
        cameras = fitted([cameras[min(number, len(cameras) - 1)] for number in range(count)], config.size)
        largest = max(max(camera.size) for camera in cameras)
        if largest > MOST_SIDE:
            raise InputError(f"a camera's picture has a side of {largest} px; choose a size of up to {MOST_SIDE} px.")
    pixels = _pixels(act, cameras, config, backdrop, output.suffix.lower() in VIDEOS)
    return write_pictures(output, track(pixels, "rendering", count), config.fps)


def frozen(act: Performance, seconds: float, fps: float) -> Performance:
    """The one frame of a performance that is shown at a time.

    Raises:
        InputError: The performance is over by then.
    """
    frame = round(seconds * fps)
    if frame >= len(act):
        last = (len(act) - 1) / fps
        raise InputError(f"--freeze is {seconds:g} s, but the motion ends at {last:.2f} s; choose an earlier moment.")
    return act.part(np.array([frame]))


def read_joint_map(path: str | Path) -> dict[str, str]:
    """The rig's joint names by ours, from a JSON file.

    Raises:
        InputError: It is no JSON object of names.
    """
    names = read_json(path, "correct it")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f'{path} is not a joint map; it must be a JSON object such as {{"left_knee": "LeftLeg"}}.')
    return names


def make_performance(
    archive: AvatarArchive,
    shape: ShapeConfig,
    fps: float,
    motion: str | Path | None = None,
    joint_map: Mapping[str, str] | None = None,
    loop: float | None = None,
    most: int | None = None,
) -> Performance:
    """The avatar in a shape and the motion of a file, ready for :func:`render_performance`.

    Args:
        archive: The avatar.
        shape: What is changed about the person's shape.
        fps: Frames per second of the result.
        motion: A file of those that :func:`read_motion` knows; None for one frame of standing with the arms lowered.
        joint_map: For a BVH file with names that are not known: the rig's joint by ours.
        loop: Seconds for which the motion's best cycle is repeated; None for the motion as it is.
        most: Maximum number of frames; None for all.

    Raises:
        InputError: The motion cannot be read, or the body takes no such shape.
    """
    avatar = archive.avatar
    betas = chosen_betas(avatar.body, avatar.betas, shape)
    if motion is None:
        return a_pose(avatar, betas)
    clip = read_motion(motion, shaped_body(avatar.body, betas), None, joint_map, loop).resampled(fps, most)
    logger.info("%s: %d frames, %.1f s", motion, len(clip), len(clip) / fps)
    return in_world_frame(avatar, clip, betas)


def _pixels(
    act: Performance, cameras: Sequence[Camera], config: ShowConfig, backdrop: Backdrop, video: bool
) -> Iterator[np.ndarray]:
    near_far = _near_far(act, cameras) if video and config.layer == "depth" else None
    for number, picture in enumerate(render_performance(act, cameras, config.layer, config.shadow)):
        yield to_pixels(picture, config.layer, number, backdrop, near_far)


def _near_far(act: Performance, cameras: Sequence[Camera]) -> tuple[float, float]:
    """Depths (m) between which the person is in all pictures, about."""
    frames, low, high = act.boxes()
    depths = []
    for picture in evenly(len(cameras), SAMPLES):
        box = int(np.abs(frames - min(int(picture), len(act) - 1)).argmin())
        middle, radius = (low[box] + high[box]) / 2, float(np.linalg.norm(high[box] - low[box])) / 2
        depth = float(cameras[picture].to_camera(middle)[2])
        depths += [depth - radius, depth + radius]
    return max(min(depths), 0.1), max(depths)
