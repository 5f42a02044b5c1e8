"""Cameras from files: ours, NeRF's transforms.json, and those of EasyMocap, NTC and instant-nvr."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError
from understudy.files import read_json, reading
from understudy.importers.datasets import instant_nvr_cameras, ntc_cameras
from understudy.importers.easymocap import easymocap_cameras
from understudy.render.camera import Camera
from understudy.show.stage import TO_STAGE

logger = logging.getLogger(__name__)

Named = tuple[str, Camera]


def read_cameras(
    path: str | Path,
    camera: str | None = None,
    size: tuple[int, int] | None = None,
    at: tuple[float, float, float] | None = None,
) -> list[Camera]:
    """Cameras of a file, in the stage's axes: their world's up is up there, and its origin is where the motion starts.

    Which of the world's axes is up is read off the cameras, which are held about upright.

    Args:
        path: Our JSON, a ``transforms.json``, a folder with ``intri.yml`` (or that file), a ``camera.mat`` or an ``annots.npy``.
        camera: Name or number of one of them; None for all, one for each picture.
        size: Width and height, px, for files that do not say them.
        at: Place in the file's world that is to be the stage's origin, m.

    Raises:
        InputError: The file is missing, damaged or of no known kind, or has no such camera.
    """
    path = Path(path)
    with reading(path, "a file of cameras that can be read", "docs/rendering.md shows one"):
        return _placed(path, camera, size, at)


def _placed(
    path: Path, camera: str | None, size: tuple[int, int] | None, at: tuple[float, float, float] | None
) -> list[Camera]:
    named = _read(path, size)
    if camera is not None:
        chosen = [one for number, one in enumerate(named) if camera in (one[0], str(number))]
        if not chosen:
            names = ", ".join(name for name, _ in named[:20])
            raise InputError(f"{path} has no camera {camera}; there are {names}.")
        named = chosen[:1]
    cameras = [one for _, one in named]
    to_world = np.eye(4)
    to_world[:3, :3] = _upright([one for _, one in _read(path, size)] if camera is not None else cameras) @ TO_STAGE.T
    to_world[:3, 3] = (0.0, 0.0, 0.0) if at is None else at
    placed = [replace(one, view=one.view @ to_world) for one in cameras]
    _warn_unseen(placed[0], path)
    return placed


def _read(path: Path, size: tuple[int, int] | None) -> list[Named]:
    if path.is_dir():
        for name in ("intri.yml", "transforms.json", "camera.mat", "annots.npy"):
            if (path / name).is_file():
                return _read(path / name, size)
        raise InputError(f"{path} has no intri.yml, transforms.json, camera.mat or annots.npy.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if path.suffix == ".json":
        return _of_json(path)
    if path.name == "annots.npy":
        found = instant_nvr_cameras(path)
    elif path.suffix == ".mat":
        found = ntc_cameras(path)
    elif path.suffix in (".yml", ".yaml"):
        found = easymocap_cameras(path.parent)
    else:
        raise InputError(f"{path} holds no cameras that are known; give a .json, intri.yml, camera.mat or annots.npy.")
    return [(name, _camera(K, R, T, size)) for name, K, R, T in found]


def _camera(K: np.ndarray, R: np.ndarray, T: np.ndarray, size: tuple[int, int] | None) -> Camera:
    """A camera of a file without sizes: the principal point is taken for the middle."""
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = R, T
    width, height = size or (round(2 * K[0, 2]), round(2 * K[1, 2]))
    return Camera(K, width, height, view)


def _of_json(path: Path) -> list[Named]:
    values = read_json(path)
    try:
        if "views" in values:
            return _own(values)
        if "frames" in values:
            return _nerf(values)
        if "K" in values:
            return [("0", Camera(values["K"], int(values["width"]), int(values["height"])))]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{path}: {error}") from None
        raise InputError(f"{path} is no file of cameras ({error!r}); docs/rendering.md shows one.") from None
    raise InputError(
        f"{path} has neither views (ours) nor frames (NeRF's transforms.json); docs/rendering.md shows one."
    )


def _own(values: Mapping[str, Any]) -> list[Named]:
    views = np.asarray(values["views"], np.float64).reshape(-1, 4, 4)
    Ks = np.broadcast_to(np.asarray(values["K"], np.float64).reshape(-1, 3, 3), (len(views), 3, 3))
    size = int(values["width"]), int(values["height"])
    if len(views) == 0:
        raise InputError("views is empty; give a 4x4 matrix from world to camera for each picture.")
    return [(str(number), Camera(K, *size, view)) for number, (K, view) in enumerate(zip(Ks, views, strict=True))]


def _nerf(values: Mapping[str, Any]) -> list[Named]:
    """Camera-to-world matrices in OpenGL's axes (y up, looking along -z)."""
    result = []
    for number, frame in enumerate(values["frames"]):
        all_values = {**values, **frame}
        width, height = int(all_values.get("w", 800)), int(all_values.get("h", 800))
        angle = all_values.get("camera_angle_x")
        fx = float(all_values["fl_x"]) if angle is None else width / 2 / np.tan(float(angle) / 2)
        fx = float(all_values.get("fl_x", fx))
        fy = float(all_values.get("fl_y", fx))
        cx, cy = float(all_values.get("cx", width / 2)), float(all_values.get("cy", height / 2))
        outward = np.asarray(frame["transform_matrix"], np.float64) @ np.diag([1.0, -1.0, -1.0, 1.0])
        K = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
        result.append((str(frame.get("file_path", number)), Camera(K, width, height, np.linalg.inv(outward))))
    if not result:
        raise InputError("frames is empty; there are no cameras.")
    return result


def _upright(cameras: list[Camera]) -> np.ndarray:
    """Rotation [3,3] from a clip's axes (y up) to the world in which cameras are held about upright."""
    up = -np.mean([camera.view[1, :3] for camera in cameras], axis=0)
    axis = int(np.abs(up).argmax())
    direction = np.sign(up[axis])
    # a half or quarter turn: up goes to that axis, and the person faces along another
    turns = {
        (1, 1): np.eye(3),
        (1, -1): np.diag([1.0, -1.0, -1.0]),
        (2, 1): np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
        (2, -1): np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
        (0, 1): np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
        (0, -1): np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]]),
    }
    return turns[axis, int(direction) or 1]


def _warn_unseen(camera: Camera, path: Path) -> None:
    """Say so where the first camera does not see the origin's person."""
    middle = camera.to_camera(np.array([0.0, -0.9, 0.0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        pixel = camera.project(np.array([0.0, -0.9, 0.0]))
    if middle[2] <= 0 or not ((pixel >= 0) & (pixel <= camera.size)).all():
        logger.warning(
            "%s: the first camera does not see its world's origin, where the person starts; choose a place", path
        )
