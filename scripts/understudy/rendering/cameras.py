"""Cameras from files: ours, NeRF's transforms.json, and those of EasyMocap, NTC and instant-nvr."""

import logging
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import check_ranges, read_json, reading
from understudy.importers.datasets import instant_nvr_cameras, ntc_cameras
from understudy.importers.easymocap import easymocap_cameras
from understudy.importers.possible import POSSIBLE, check_camera_matrix, check_turns, real_numbers
from understudy.render.camera import Camera
from understudy.rendering.performance import TO_WORLD

logger = logging.getLogger(__name__)

MOST_BYTES = 1 << 26
"""Of a JSON file: two hours of views at 24 per second, with all their digits."""
MOST_VIEWS = 200_000
MOST_VALUES, MOST_LISTS = 40 * MOST_VIEWS, 10 * MOST_VIEWS
"""Of a JSON file: a view has 16 numbers in 4 rows, a K nine in 3, and programs add some of their own."""
POSSIBLE_HERE = {
    **POSSIBLE,
    "the number of cameras": (1, MOST_VIEWS),
    "a camera's place": (-1e8, 1e8),  # m, in a world that may begin at a map's origin
    "a camera's place, from where the motion starts": (-1e5, 1e5),  # m; single precision ends in centimetres there
    "camera_angle_x": (1e-6, 3.14),  # rad
}
"""Least and most of what a file of cameras, or what is made of it, can hold."""
NERF_SIDE = 800
"""Of pictures, px, where a transforms.json does not say it: that of the synthetic scenes of NeRF."""
UNITS = (1e-4, 1e4)
"""Lengths that the axes of a view may have, as where a scene's unit is not the metre: all are then scaled alike."""

Named = tuple[str, Camera]


def read_cameras(
    path: str | Path,
    camera: str | None = None,
    size: tuple[int, int] | None = None,
    at: tuple[float, float, float] | None = None,
) -> list[Camera]:
    """Cameras of a file, in the world of :class:`Performance`: up stays up, and the file's origin is where motions start.

    Which of the world's axes is up is read off the cameras, which are held about upright.

    Args:
        path: Our JSON, a ``transforms.json``, a folder with ``intri.yml`` (or that file), a ``camera.mat`` or an ``annots.npy``.
        camera: Name or number of one of them; None for all, one for each picture.
        size: Width and height, px, for files that do not say them.
        at: Place in the file's world that is to be the world's origin, m.

    Raises:
        InputError: The file is missing, damaged, impossible or of no known kind, or has no such camera.
    """
    path = Path(path)
    if at is not None and not np.isfinite(at).all():
        raise InputError(f"at is {' '.join(f'{value:g}' for value in at)}; it must be a place in metres.")
    with reading(path, "a file of cameras that can be read", "docs/rendering.md shows one"):
        return _placed(path, camera, size, at)


def _placed(
    path: Path, camera: str | None, size: tuple[int, int] | None, at: tuple[float, float, float] | None
) -> list[Camera]:
    named = everyone = _read(path, size)
    _check(everyone)
    if camera is not None:
        chosen = [one for number, one in enumerate(named) if camera in (one[0], str(number))]
        if not chosen:
            names = ", ".join(name[:80] for name, _ in named[:20])
            raise InputError(f"{path} has no camera {camera[:80]}; there are {names}.")
        named = chosen[:1]
    cameras = [one for _, one in named]
    to_world = np.eye(4)
    to_world[:3, :3] = _upright([one for _, one in everyone]) @ TO_WORLD.T
    to_world[:3, 3] = (0.0, 0.0, 0.0) if at is None else at
    placed = [replace(one, view=one.view @ to_world) for one in cameras]
    far = np.array([one.view[:3, 3] for one in placed])
    check_ranges({"a camera's place, from where the motion starts": far}, POSSIBLE_HERE)
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
    check_ranges({"the number of cameras": len(found)}, POSSIBLE_HERE)
    return [(name, _of_parts(K, R, T, size)) for name, K, R, T in found]


def _of_parts(K: np.ndarray, R: np.ndarray, T: np.ndarray, size: tuple[int, int] | None) -> Camera:
    """A camera of a file without sizes: the principal point is taken for the middle."""
    if np.shape(R) != (3, 3) or np.shape(T) != (3,):
        raise ValueError(f"R and T are of shapes {np.shape(R)} and {np.shape(T)}, not of (3, 3) and (3,)")
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = R, T
    if not np.isfinite(view).all():
        raise ValueError("R or T holds numbers that are not finite")
    found = check_camera_matrix(K)
    width, height = size or (round(2 * K[0, 2]), round(2 * K[1, 2]))
    check_ranges({**found, "a picture's width or height": (width, height)}, POSSIBLE_HERE)
    return Camera(K, width, height, view)


def _check(named: Sequence[Named]) -> None:
    """Refuse cameras whose numbers no camera has.

    Raises:
        ValueError: One's are such.
    """
    cameras = [camera for _, camera in named]
    views = np.stack([camera.view for camera in cameras])
    found = check_camera_matrix(np.stack([camera.K for camera in cameras]))
    found |= {"a picture's width or height": [camera.size for camera in cameras], "a camera's place": views[:, :3, 3]}
    check_ranges(found, POSSIBLE_HERE)
    if not np.allclose(views[:, 3], [0, 0, 0, 1], atol=1e-6):
        raise ValueError("the last row of a view is not 0 0 0 1")
    units = np.cbrt(np.linalg.det(views[:, :3, :3]))
    if not ((units >= UNITS[0]) & (units <= UNITS[1])).all():
        raise ValueError("a view is not a rotation: its columns have no length, or it is a mirror")
    check_turns(views[:, :3, :3] / units[:, None, None], "a view")


def _of_json(path: Path) -> list[Named]:
    _check_length(path)
    values = read_json(path, "docs/rendering.md shows a file of cameras")
    try:
        if "views" in values:
            return _own(values)
        if "frames" in values:
            return _nerf(values)
        if "K" in values:
            return [("0", Camera(real_numbers(values["K"], "K"), *_size(values)))]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{path}: {error}") from None
        said = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a file of cameras ({said[:200]}); docs/rendering.md shows one.") from None
    raise InputError(
        f"{path} has neither views (ours) nor frames (NeRF's transforms.json); docs/rendering.md shows one."
    )


def _check_length(path: Path) -> None:
    """Refuse a JSON file that takes many times its own length once it is read.

    Raises:
        ValueError: It is longer than files of cameras are, or has more values or lists.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    data = path.read_bytes()
    if data.count(b",") > MOST_VALUES or data.count(b"[") + data.count(b"{") > MOST_LISTS:
        raise ValueError(
            f"it has more than {MOST_VALUES} values or {MOST_LISTS} lists, which {MOST_VIEWS} cameras do not need"
        )


def _own(values: Mapping[str, Any]) -> list[Named]:
    views = _matrices(values["views"], 4, "views")
    if len(views) == 0:
        raise InputError("views is empty; give a 4x4 matrix from world to camera for each picture.")
    check_ranges({"the number of cameras": len(views)}, POSSIBLE_HERE)
    Ks = np.broadcast_to(_matrices(values["K"], 3, "K"), (len(views), 3, 3))
    size = _size(values)
    return [(str(number), Camera(K, *size, view)) for number, (K, view) in enumerate(zip(Ks, views, strict=True))]


def _matrices(values: Any, side: int, what: str) -> np.ndarray:
    """Matrices [N,side,side] of one or several, whose rows may follow one another in one list."""
    array = real_numbers(values, what)
    if array.size and array.shape[-2:] != (side, side) and array.shape[-1:] != (side * side,):
        raise ValueError(f"{what} is of shape {array.shape}, not of {side}x{side} matrices")
    return array.reshape(-1, side, side)


def _size(
    values: Mapping[str, Any], names: Sequence[str] = ("width", "height"), usual: int | None = None
) -> tuple[int, int]:
    """Width and height, px."""
    width, height = (values[name] if usual is None else values.get(name, usual) for name in names)
    return int(width), int(height)


def _nerf(values: Mapping[str, Any]) -> list[Named]:
    """Camera-to-world matrices in OpenGL's axes (y up, looking along -z)."""
    result = []
    check_ranges({"the number of cameras": max(1, len(values["frames"]))}, POSSIBLE_HERE)
    for number, frame in enumerate(values["frames"]):
        all_values = ChainMap(frame, values)  # type: ignore[arg-type]
        width, height = _size(all_values, ("w", "h"), NERF_SIDE)
        angle = all_values.get("camera_angle_x")
        if angle is not None:
            check_ranges({"camera_angle_x": float(angle)}, POSSIBLE_HERE)
        fx = float(all_values["fl_x"]) if angle is None else width / 2 / np.tan(float(angle) / 2)
        fx = float(all_values.get("fl_x", fx))
        fy = float(all_values.get("fl_y", fx))
        cx, cy = float(all_values.get("cx", width / 2)), float(all_values.get("cy", height / 2))
        placed = real_numbers(frame["transform_matrix"], "transform_matrix")
        if placed.shape != (4, 4):
            raise ValueError(f"transform_matrix is of shape {placed.shape}, not of (4, 4)")
        outward = placed @ np.diag([1.0, -1.0, -1.0, 1.0])
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
