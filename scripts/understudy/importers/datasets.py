"""Folders that avatar programs train from: instant-nvr (neuralbody, ZJU-MoCap) and NTC."""

from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import InputError
from understudy.files.safe_arrays import read_any
from understudy.importers.config import ReadOptions
from understudy.importers.easymocap import easymocap_poses
from understudy.importers.matlab import read_matlab
from understudy.importers.parameters import poses_from
from understudy.importers.people import number_of
from understudy.importers.possible import real_numbers
from understudy.importers.tracking import Camera, Poses, Tracking
from understudy.video.sources import list_images

MILLIMETRES = 1000.0
FARTHEST = 100.0
"""Nobody is filmed from farther away, m: larger numbers are millimetres."""


def read_instant_nvr(source: Path, options: ReadOptions) -> Tracking:
    """``annots.npy`` (cameras; T in millimetres) and ``smpl_params``, ``params`` or ``new_params`` of one npy a frame.

    Poses turn about the model's origin, as EasyMocap's.

    Raises:
        InputError: Files are missing or damaged, or a camera is to be chosen.
    """
    annots = read_any(source / "annots.npy")
    if not isinstance(annots, dict) or "cams" not in annots:
        raise InputError(f"{source / 'annots.npy'} holds no cams; give the folder of one subject.")
    cams = annots["cams"]
    view = _view(options.camera, len(cams["K"]), source)
    K, R, T, D = (real_numbers(cams[key][view], key) for key in ("K", "R", "T", "D"))
    flat = D.ravel()[:5].tolist()
    distortion = (*flat, *[0.0] * (5 - len(flat))) if any(flat) else None
    K = K.copy()
    K[:2, 2] += 0.5
    listed = [str(np.ravel(entry["ims"])[view]) for entry in annots.get("ims", [])]
    folder = next((source / name for name in ("smpl_params", "new_params", "params") if (source / name).is_dir()), None)
    if folder is None:
        raise InputError(f"{source} has no folder smpl_params, new_params or params.")
    files = {number_of(path.name, folder): path for path in folder.glob("*.npy")}
    numbers = sorted(files)
    if not numbers:
        raise InputError(f"{folder} holds no npy files.")
    rows = [read_any(files[number]) for number in numbers]
    try:
        Rh, Th, poses, shapes = (
            np.stack([np.asarray(row[key], np.float64).ravel() for row in rows])
            for key in ("Rh", "Th", "poses", "shapes")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} has files that lack Rh, Th, poses or shapes ({error!r}).") from None
    seen = easymocap_poses(Rh, Th, poses, shapes, folder).seen_from(R, T.ravel() / MILLIMETRES)
    pictures = (source / listed[0]).parent if listed else None
    least = min(number_of(name, source) for name in listed) if listed else numbers[0]

    return Tracking(
        backend="instant-nvr", camera=Camera(K, distortion=distortion), poses=seen, pose_frames=np.array(numbers, np.int64),
        masks=_masks(source, view), first=options.first, least=least,
        pictures=pictures if pictures is not None and pictures.is_dir() else None,
    )  # fmt: skip


def instant_nvr_cameras(path: Path) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Number, K [3,3] (centres at +0.5), and world-to-camera R [3,3] and T [3] (m) of each camera of an ``annots.npy``.

    Raises:
        InputError: The file is missing, or holds no cameras.
    """
    annots = read_any(path)
    if not isinstance(annots, dict) or "cams" not in annots:
        raise InputError(f"{path} holds no cams, as instant-nvr's annots.npy does.")
    found = []
    for number, (K, R, T) in enumerate(zip(*(annots["cams"][key] for key in ("K", "R", "T")), strict=True)):
        centred = real_numbers(K, "K").copy()
        centred[:2, 2] += 0.5
        found.append((str(number), centred, real_numbers(R, "R"), real_numbers(T, "T").ravel() / MILLIMETRES))
    return found


def _view(wanted: str | None, count: int, source: Path) -> int:
    if wanted is None and count > 1:
        raise InputError(f"{source} has {count} cameras; choose one by its number from 0, option camera.")
    name = "0" if wanted is None else wanted
    names = [str(number) for number in range(count)]
    if name not in names:
        raise InputError(f"{source} has no camera {name[:80]}; there are numbers 0 to {count - 1}.")
    return names.index(name)


def _masks(source: Path, view: int) -> dict[int, Path]:
    for kind in ("mask", "mask_cihp", "schp"):
        folder = source / kind
        if folder.is_dir():
            inside = sorted(path for path in folder.iterdir() if path.is_dir())
            folder = inside[view] if view < len(inside) else folder
            images = list_images(folder)
            if images:
                return {number_of(path.name, source): path for path in images}
    return {}


def read_ntc(source: Path, options: ReadOptions) -> Tracking:
    """NTC: ``camera.mat``, ``param/smpl_frame_*.npz``, ``rgb/``, ``mask/``.

    The camera's place is camera-to-world, in metres or millimetres; which of them is told by the person's distance.

    Raises:
        InputError: Files are missing or damaged.
    """
    K, R, T = _ntc_camera(source / "camera.mat")
    files = {number_of(path.name, source): path for path in (source / "param").glob("*.npz")}
    numbers = sorted(files)
    if not numbers:
        raise InputError(f"{source / 'param'} holds no smpl_frame_*.npz.")
    rows = []
    for number in numbers:
        content = read_any(files[number])
        row = content.get("results", content)
        missing = [key for key in ("pose", "betas") if key not in row]
        if missing:
            raise InputError(f"{files[number]} lacks {', '.join(missing)}, which NTC's parameters have.")
        rows.append(row)
    values = {
        "pose": np.stack([np.ravel(row["pose"]) for row in rows]),
        "betas": np.stack([np.ravel(row["betas"]) for row in rows]),
        "trans": np.stack([np.ravel(row.get("trans", np.zeros(3))) for row in rows]).astype(np.float64),
    }
    order = np.arange(len(numbers)) if len(R) == len(numbers) else np.zeros(len(numbers), np.int64)
    poses, notes = _in_metres(values, R[order], T[order], source)
    rgb, masks = source / "rgb", source / "mask"

    images = list_images(rgb) if rgb.is_dir() else []
    return Tracking(
        backend="ntc", camera=Camera(K), poses=poses, pose_frames=np.array(numbers, np.int64), first=options.first,
        masks={number_of(path.name, source): path for path in (list_images(masks) if masks.is_dir() else [])},
        least=min((number_of(path.name, source) for path in images), default=numbers[0]),
        pictures=rgb if images else None, notes=notes,
    )  # fmt: skip


def _in_metres(values: dict[str, Any], R: np.ndarray, T: np.ndarray, source: Path) -> tuple[Poses, tuple[str, ...]]:
    poses = poses_from(values, source).seen_from(R, T)
    if np.median(poses.transl[:, 2]) <= FARTHEST:
        return poses, ()
    in_world = np.median(np.linalg.norm(values["trans"], axis=1)) > FARTHEST
    values = {**values, "trans": values["trans"] / (MILLIMETRES if in_world else 1.0)}
    far = np.median(np.linalg.norm(T, axis=1)) > FARTHEST
    poses = poses_from(values, source).seen_from(R, T / (MILLIMETRES if far else 1.0))
    return poses, (f"{source} has places in millimetres, which were turned into metres.",)


def ntc_cameras(path: Path) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Number, K [3,3], and world-to-camera R [3,3] and T [3] (m) of a ``camera.mat``, one for each of its places.

    Raises:
        InputError: The file is missing or damaged.
    """
    K, R, T = _ntc_camera(path)
    T = T / (MILLIMETRES if np.median(np.linalg.norm(T, axis=1)) > FARTHEST else 1.0)
    return [(str(number), K, turn, place) for number, (turn, place) in enumerate(zip(R, T, strict=True))]


def _ntc_camera(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """K [3,3], and world-to-camera R [N,3,3] and T [N,3] (one row for a camera that stands still)."""
    content = read_matlab(path)
    if "camK" in content:
        K = np.asarray(content["camK"], np.float64).reshape(-1, 3, 3)[0]
    elif "color_focal_length" in content and "color_center" in content:
        focal, centre = (
            np.asarray(content[key], np.float64).reshape(-1, 2)[0] for key in ("color_focal_length", "color_center")
        )
        K = np.array([[focal[0], 0.0, centre[0]], [0.0, focal[1], centre[1]], [0.0, 0.0, 1.0]])
    else:
        raise InputError(f"{path} has neither camK nor color_focal_length and color_center.")
    outward = np.asarray(content.get("c2w", np.eye(4)), np.float64)
    if outward.shape[-2:] != (4, 4):
        raise InputError(f"{path} has a c2w of shape {outward.shape}; it must be a 4x4 matrix, or several.")
    outward = outward.reshape(-1, 4, 4)
    R = outward[:, :3, :3].transpose(0, 2, 1)
    return K, R, -(R @ outward[:, :3, 3:])[..., 0]
