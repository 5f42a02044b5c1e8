"""Camera paths round an act: each keeps the whole person in the picture."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from understudy.render.camera import Camera, look_at
from understudy.rendering.config import PathConfig, PathName
from understudy.rendering.performance import UP, Performance

SIZE = (540, 960)
"""Width and height, px, of pictures whose size is not chosen."""
FOCAL = 1.4
"""Focal length over the longer side of the picture: little perspective, as of a portrait."""
FILLED = 0.92
"""Part of the picture's width or height that the person fills at most."""
CALM = 0.5
"""Seconds over which a camera that follows smooths the person's way."""
LINE = 35.0
"""Degrees to each side at the ends of the line."""
SWAY, NOD = 18.0, 7.0
"""Degrees to the sides and up and down on the circle."""
CLOSEST = 0.4
"""What zooming shows at last, as a part of the person's height: head and shoulders."""


def camera_path(
    act: Performance, count: int, fps: float, size: tuple[int, int] | None, config: PathConfig
) -> list[Camera]:
    """Cameras [count] of a path round a performance, in its frame.

    Args:
        act: Who is seen; its frame ``i`` belongs to picture ``i``, and its last frame stands for all later ones.
        count: Number of pictures.
        fps: Pictures per second.
        size: Width and height, px; None for 540 x 960, lying where the motion is wider than tall.
        config: Which path; ``still`` where it names none.
    """
    frames, low, high = act.boxes()
    path = config.path or "still"
    follow = path != "still" if config.follow is None else config.follow
    centre = _middle(act, frames, low, high, fps, follow)
    corners = _corners(low - centre[frames], high - centre[frames])
    angles = _PATHS[path](np.linspace(0.0, 1.0, count, endpoint=False))
    size = _suited(corners, _direction(config, 0.0, 0.0)) if size is None else size
    focal = FOCAL * max(size)
    K = np.array([[focal, 0.0, size[0] / 2], [0.0, focal, size[1] / 2], [0.0, 0.0, 1.0]])
    tall = float((high - low)[:, 1].max())
    # the same all along, so that the person keeps the size
    looks = np.unique(angles[:, :2], axis=0)
    distance = max(_distance(corners, _direction(config, *look), focal, size) for look in looks)
    near = focal * CLOSEST * tall / (FILLED * size[1])
    cameras: list[Camera] = []
    for picture, (sideways, up, zoom) in enumerate(angles):
        middle = centre[min(picture, len(centre) - 1)] + UP * 0.5 * tall * (1 - CLOSEST) * zoom
        eye = middle + _direction(config, sideways, up) * (distance + zoom * (near - distance))
        cameras.append(Camera(K, *size, look_at(eye, middle, UP)))
    return cameras


def fitted(cameras: list[Camera], size: tuple[int, int] | None) -> list[Camera]:
    """Given cameras for pictures of another size: scaled until all they saw is in it, with more at the sides or top."""
    if size is None:
        return cameras
    result = []
    for camera in cameras:
        scaled = camera.scaled(min(size[0] / camera.width, size[1] / camera.height))
        left, top = (size[0] - scaled.width) // 2, (size[1] - scaled.height) // 2
        result.append(scaled.crop(-left, -top, *size))
    return result


def _still(time: np.ndarray) -> np.ndarray:
    return np.zeros((len(time), 3))


def _turntable(time: np.ndarray) -> np.ndarray:
    return np.stack([360 * time, 0 * time, 0 * time], axis=1)


def _circle(time: np.ndarray) -> np.ndarray:
    return np.stack([SWAY * np.cos(2 * np.pi * time), NOD * np.sin(2 * np.pi * time), 0 * time], axis=1)


def _line(time: np.ndarray) -> np.ndarray:
    straight = (2 * time - 1) * np.tan(np.radians(LINE))
    return np.stack([np.degrees(np.arctan(straight)), 0 * time, 0 * time], axis=1)


def _zoom(time: np.ndarray) -> np.ndarray:
    # starts and ends at rest
    eased = np.clip(time / 0.9, 0, 1)
    return np.stack([0 * time, 0 * time, eased * eased * (3 - 2 * eased)], axis=1)


_PATHS: dict[PathName, Callable[[np.ndarray], np.ndarray]] = {
    "still": _still, "turntable": _turntable, "circle": _circle, "line": _line, "zoom": _zoom,
}  # fmt: skip
"""Degrees to the person's left, degrees down, and how far zoomed in (0 to 1), [count,3], for times from 0 to 1."""


def _middle(
    act: Performance, frames: np.ndarray, low: np.ndarray, high: np.ndarray, fps: float, follow: bool
) -> np.ndarray:  # [T,3]
    """What the camera looks at in each frame of the act."""
    if not follow:
        return np.broadcast_to((low.min(axis=0) + high.max(axis=0)) / 2, (len(act), 3))
    way = act.pelvis()
    way[:, 1] = (low[:, 1].min() + high[:, 1].max()) / 2
    smooth = gaussian_filter1d(way, CALM * fps, axis=0, mode="nearest") if len(way) > 1 else way
    # centred on the person as a whole: arms and hair reach out unevenly
    offset = ((low + high) / 2 - smooth[frames]).mean(axis=0)
    return smooth + offset * [1.0, 0.0, 1.0]


def _corners(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Corners [n,8,3] of boxes."""
    pick = np.array(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, 8).T
    return np.stack([low, high])[pick, :, np.arange(3)].transpose(2, 0, 1)


def _direction(config: PathConfig, sideways: float, up: float) -> np.ndarray:
    """Unit vector [3] from the person to the camera; the person faces -z with the left at +x."""
    turn = Rotation.from_euler("YX", [-(config.azimuth + sideways), -(config.elevation + up)], degrees=True)
    return turn.apply([0.0, 0.0, -1.0])


def _suited(corners: np.ndarray, direction: np.ndarray) -> tuple[int, int]:
    """The size that has the shape of what is seen."""
    seen = corners @ look_at(direction, np.zeros(3), UP)[:3, :3].T
    return SIZE if np.ptp(seen[..., 1]) >= np.ptp(seen[..., 0]) else (SIZE[1], SIZE[0])


def _distance(corners: np.ndarray, direction: np.ndarray, focal: float, size: tuple[int, int]) -> float:
    """Least distance from which all points [...,3], relative to what is looked at, are in the picture."""
    view = look_at(direction, np.zeros(3), UP)[:3, :3]
    x, y, z = np.moveaxis(corners @ view.T, -1, 0)
    wide = np.abs(x) * focal / (FILLED * size[0] / 2) - z
    tall = np.abs(y) * focal / (FILLED * size[1] / 2) - z
    return float(max(wide.max(), tall.max(), (0.3 - z).max()))
