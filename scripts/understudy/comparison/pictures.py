"""The same pictures of all avatars: held-out frames, from all sides, in new poses; and how long one takes."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from understudy.avatar.base import Avatar
from understudy.comparison.measured import MeasuredAvatar
from understudy.comparison.poses import NewPose
from understudy.errors import InputError
from understudy.evenly import evenly
from understudy.formats.pictures import load_picture
from understudy.progress import track as show_progress
from understudy.render.camera import Camera
from understudy.rendering.config import PathConfig
from understudy.rendering.paths import camera_path
from understudy.rendering.performance import Performance, a_pose, in_camera_frame, in_world_frame

SIDES = 8
SIDE_SIZE = (360, 480)
"""Width and height of a picture of one side, px."""
POSE_SIZE = (480, 540)
"""Of a new pose, px."""
VIEWS = (-35.0, 150.0)
"""Degrees from which a new pose is seen: half from the front, and from behind."""
MARGIN = 8
"""White that is left round what pictures show, px."""
TIMED = 8
"""Most held-out frames that are drawn for the time of a picture."""


@dataclass(frozen=True)
class HeldOut:
    """One held-out frame."""

    frame: int
    truth: np.ndarray  # [H,W,3] uint8
    given: list[np.ndarray]
    """Of each avatar in the pose that it has for the frame, [H,W,3] uint8."""
    aligned: list[np.ndarray]
    """The same after the pose was aligned with the frame; empty where that was not measured."""


def held_out(avatars: Sequence[MeasuredAvatar]) -> list[HeldOut]:
    """The held-out frames of which all avatars have pictures, in order.

    Raises:
        InputError: One has pictures of other frames, another truth, or a damaged picture.
    """
    names = [sorted(path.name for path in one.pictures.glob("*.png")) for one in avatars]
    other = next((number for number, found in enumerate(names) if found != names[0]), None)
    if other is not None:
        raise InputError(
            f"{avatars[0].pictures} and {avatars[other].pictures} show different frames; measure the avatars again."
        )
    return [_held_out_frame(avatars, name) for name in names[0]]


def _held_out_frame(avatars: Sequence[MeasuredAvatar], name: str) -> HeldOut:
    panels = [_panels(one.pictures / name, one) for one in avatars]
    for one, own in zip(avatars, panels, strict=True):
        if not np.array_equal(own[0], panels[0][0]):
            raise InputError(
                f"{avatars[0].pictures / name} and {one.pictures / name} show another truth of the same frame;"
                " measure both avatars on the same frames and mattes."
            )
    given = [own[1] for own in panels]
    return HeldOut(int(Path(name).stem), panels[0][0], given, [own[2] for own in panels if len(own) > 2])


def _panels(path: Path, one: MeasuredAvatar) -> list[np.ndarray]:
    """Truth, avatar, and where it was measured the avatar in the aligned pose [H,W,3], which lie side by side."""
    count = 3 if "with_pose_refinement" in one.metrics else 2
    with load_picture(path, path.parent) as image:
        pixels = np.array(image.convert("RGB"))
    if pixels.shape[1] % count:
        raise InputError(f"{path} is not {count} pictures of one width side by side; measure the avatar again.")
    return np.split(pixels, count, axis=1)


def turntables(avatars: Sequence[MeasuredAvatar]) -> list[np.ndarray]:
    """Each avatar in A-pose from ``SIDES`` sides, next to one another [H,SIDES*W,3] uint8, by the cameras of the first."""
    acts = [a_pose(one.archive.avatar) for one in avatars]
    cameras = camera_path(acts[0], SIDES, 1.0, SIDE_SIZE, PathConfig(path="turntable"))
    pairs = [(act, camera) for act in acts for camera in cameras]
    sides = trimmed([drawn(act, 0, camera) for act, camera in show_progress(pairs, "drawing all sides")])
    return [np.concatenate(sides[start : start + SIDES], axis=1) for start in range(0, len(sides), SIDES)]


def in_new_pose(avatars: Sequence[MeasuredAvatar], pose: NewPose) -> list[list[np.ndarray]]:
    """For each of the ``VIEWS`` pictures [H,W,3] uint8 of all avatars in a pose, by the cameras of the first."""
    acts = [in_world_frame(one.archive.avatar, pose.clip) for one in avatars]
    views = [PathConfig(path="still", azimuth=azimuth) for azimuth in VIEWS]
    cameras = [camera_path(acts[0], 1, 1.0, POSE_SIZE, view)[0] for view in views]
    return [trimmed([drawn(act, 0, camera) for act in acts]) for camera in cameras]


def trimmed(pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pictures [H,W,3] uint8 of one size without the white that is round what any of them shows, all cut alike."""
    shown = np.argwhere(np.any([(picture < 250).any(axis=-1) for picture in pictures], axis=0))
    if not len(shown):
        return list(pictures)
    (top, left), (bottom, right) = np.maximum(shown.min(axis=0) - MARGIN, 0), shown.max(axis=0) + MARGIN + 1
    return [picture[top:bottom, left:right] for picture in pictures]


def drawn(act: Performance, frame: int, camera: Camera) -> np.ndarray:
    """A picture [H,W,3] uint8 of an avatar on white."""
    with torch.no_grad():
        rgb = act.posed(frame).draw(camera, torch.ones(3, device=act.avatar.device)).rgb
    return (rgb.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def seconds_a_picture(one: MeasuredAvatar) -> float:
    """Median time of posing and drawing a held-out frame at its full size, s, over at most ``TIMED`` of them.

    The shape is not in it, which is made once; nor is the first picture, for which kernels may be compiled.
    """
    archive, frames = one.archive, one.metrics["held_out_frames"]
    act = in_camera_frame(archive.avatar, archive.poses)
    camera = Camera(archive.poses.K, archive.width, archive.height)
    chosen = [frames[number] for number in evenly(len(frames), TIMED)]
    drawn(act, chosen[0], camera)
    return float(np.median([_timed(act, frame, camera) for frame in show_progress(chosen, f"timing {one.name}")]))


def _timed(act: Performance, frame: int, camera: Camera) -> float:
    started = time.perf_counter()
    drawn(act, frame, camera)  # its pixels are on the CPU then, so a GPU is done
    return time.perf_counter() - started


def machine_of(avatar: Avatar) -> str:
    """What draws an avatar, in words: the GPU, or the processor and how many threads work on it."""
    if avatar.device.type == "cuda":
        return torch.cuda.get_device_name(avatar.device)
    count = torch.get_num_threads()
    return f"{_processor()}, {count} thread{'s' if count > 1 else ''}"


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
