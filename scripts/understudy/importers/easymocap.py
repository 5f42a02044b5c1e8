"""EasyMocap: a folder with ``annots/``, ``output`` of ``smpl/*.json``, ``intri.yml`` and ``extri.yml``."""

from pathlib import Path
from typing import Any

import numpy as np

from understudy.body.joints import BODY_JOINTS, SMPL_JOINTS
from understudy.errors import InputError
from understudy.files.arrays import check_ranges, read_json, reading
from understudy.importers.calibration import KIND, Calibration
from understudy.importers.config import ReadOptions
from understudy.importers.people import Person, choose_person, number_of
from understudy.importers.possible import POSSIBLE, real_numbers
from understudy.importers.rotations import joint_rotations, matrices
from understudy.importers.skeletons import add_hands_and_face, body_points
from understudy.importers.tracking import Camera, Family, Points, Poses, Tracking
from understudy.video.sources import list_images

FOCAL = 1.2
"""Focal length without a calibration, of the shorter side."""


def read_easymocap(source: Path, options: ReadOptions) -> Tracking:
    """Keypoints, poses and camera of an EasyMocap folder; each may be missing.

    Poses are ``v = R(Rh) SMPL(poses, shapes) + Th`` with the root turning about the model's origin; ``extri.yml`` takes
    the world to the chosen camera, in metres. Without ``intri.yml`` the camera is EasyMocap's default, 1.2 times the
    shorter side. Keypoints are of the distorted pictures with whole numbers at pixel centres.

    Raises:
        InputError: Nothing of EasyMocap is there, several cameras and none chosen, or a damaged file.
    """
    if not source.is_dir():
        raise InputError(
            f"{source} is not a folder; give EasyMocap's folder with annots, smpl or output-*, and intri.yml."
        )
    cameras = _cameras(source)
    name = _camera_name(source, set(cameras), options.camera)
    annots = _folder(source / "annots", name)
    posed = poses_folder(source)
    if annots is None and posed is None:
        raise InputError(
            f"{source} has neither annots/*.json nor smpl/*.json; give EasyMocap's folder of one recording."
        )
    points, point_frames, size, notes, least = _points(annots, options, source)
    pictures = _folder(source / "images", name)
    poses, pose_frames = _poses(posed, options.person, source) if posed else (None, np.zeros(0, np.int64))
    camera: Any = None
    if name in cameras:
        K, distortion, R, T = cameras[name]
        if poses is not None:
            poses = poses.seen_from(R, T)
        camera = Camera(K, size, distortion)
    elif poses is not None:
        camera = _default_camera
    if least is None:
        least = int(pose_frames.min())
    has_pictures = pictures is not None and bool(list_images(pictures))
    return Tracking(
        backend="easymocap", camera=camera, size=size, poses=poses, pose_frames=pose_frames, points=points,
        point_frames=point_frames, masks=_masks(source, name), first=options.first, least=least,
        pictures=pictures if has_pictures else None, notes=notes,
    )  # fmt: skip


def _default_camera(size: tuple[int, int]) -> Camera:
    focal = FOCAL * min(size)
    return Camera(np.array([[focal, 0.0, size[0] / 2], [0.0, focal, size[1] / 2], [0.0, 0.0, 1.0]]), size)


def _cameras(source: Path) -> dict[str, tuple[np.ndarray, Any, np.ndarray, np.ndarray]]:
    """K (centres at +0.5), distortion, R and T of each camera."""
    intri, extri = source / "intri.yml", source / "extri.yml"
    if not intri.is_file():
        return {}
    result = {}
    inner = Calibration(intri)
    outer = Calibration(extri) if extri.is_file() else None
    names = inner.names()
    if not names:
        raise InputError(f"{intri} holds no cameras, which are matrices K_<name>; calibrate again.")
    for name in names:
        K = inner.matrix(f"K_{name}")
        if K is None or K.shape != (3, 3):
            raise InputError(f"{intri} has no 3x3 matrix K_{name}.")
        K = K + np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]], K.dtype if K.dtype.kind == "f" else np.float64)
        values = inner.matrix(f"dist_{name}")
        if values is None:
            values = inner.matrix(f"D_{name}")
        flat = [] if values is None else values.ravel()[:5].tolist()
        distortion = (*flat, *[0.0] * (5 - len(flat))) if any(flat) else None
        R, T = np.eye(3), np.zeros(3)
        if outer is not None:
            turn, vector, place = (outer.matrix(f"{key}_{name}") for key in ("Rot", "R", "T"))
            if turn is not None:
                R = turn
            elif vector is not None:
                R = matrices(vector.ravel())
            if place is not None:
                T = place.ravel()
        result[name] = (K, distortion, R, T)
    return result


def easymocap_cameras(folder: Path) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name, K [3,3] (centres at +0.5), and world-to-camera R [3,3] and T [3] (m) of each camera of ``intri.yml``.

    Raises:
        InputError: The file is missing, or is none of OpenCV's.
    """
    with reading(folder / "intri.yml", *KIND):
        cameras = _cameras(folder)
    if not cameras:
        raise InputError(f"{folder / 'intri.yml'} is missing or holds no cameras.")
    return [(name, K, R, T) for name, (K, _, R, T) in cameras.items()]


def _camera_name(source: Path, calibrated: set[str], wanted: str | None) -> str | None:
    """The one camera (EasyMocap's sub) that is used."""
    folders = {path.name for kind in ("annots", "images") if (source / kind).is_dir()
               for path in (source / kind).iterdir() if path.is_dir()}  # fmt: skip
    known = sorted(folders or calibrated)
    if wanted is not None:
        if wanted not in folders | calibrated:
            raise InputError(f"{source} has no camera {wanted[:80]}; there are {', '.join(known) or 'none'}.")
        return wanted
    if len(known) > 1:
        raise InputError(f"{source} has {len(known)} cameras ({', '.join(known)}); choose one by the option camera.")
    return known[0] if known else None


def _folder(path: Path, name: str | None) -> Path | None:
    """``path/name``, else ``path``, if there."""
    if name is not None and (path / name).is_dir():
        return path / name
    return path if path.is_dir() else None


def poses_folder(source: Path) -> Path | None:
    """The newest folder of ``smpl`` (or ``smplh``, ``smplx``) results, in the root or in some output folder."""
    found = [source] if source.name in ("smpl", "smplh", "smplx", "smplfull") else []
    for pattern in ("smpl*", "*/smpl*", "*/*/smpl*"):
        found += [path for path in source.glob(pattern) if path.is_dir() and next(path.glob("*.json"), None)]
        if found:
            return max(found, key=lambda path: path.stat().st_mtime)
    return None


def _points(
    folder: Path | None, options: ReadOptions, source: Path
) -> tuple[Points | None, np.ndarray, tuple[int, int] | None, tuple[str, ...], int | None]:
    """Points, their frames, the pictures' size, notes, and the smallest number of a frame."""
    files = {number_of(path.name, source): path for path in folder.glob("*.json")} if folder else {}
    if not files:
        return None, np.zeros(0, np.int64), None, (), None
    numbers, people, size = sorted(files), [], None
    for number in numbers:
        content = read_json(files[number])
        if isinstance(content, dict) and "height" in content:
            size = (int(content["width"]), int(content["height"]))
        people.append([_person(entry, files[number]) for entry in _entries(content, files[number])])
    points, frames, notes = choose_person(numbers, people, options.person, options.fps, folder or source)
    return points, frames, size, notes, numbers[0]


def _entries(content: Any, path: Path) -> list[dict[str, Any]]:
    entries = content.get("annots") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise InputError(f"{path} is not of EasyMocap: it has no list annots.")
    return entries


def _person(entry: dict[str, Any], path: Path) -> Person:
    body = entry.get("keypoints", entry.get("keypoints2d"))
    if body is None:
        raise InputError(f"{path} has a person without keypoints.")
    parts = [
        real_numbers(entry[key], key).reshape(-1, 3) if key in entry else None
        for key in ("handl2d", "handr2d", "face2d")
    ]
    points = body_points(real_numbers(body, "keypoints")[:, :3], str(path))
    add_hands_and_face(points, *parts)
    points[points[:, 2] <= 0] = 0.0
    points[:, :2] += np.where(points[:, 2:] > 0, 0.5, 0.0)
    box = np.array(entry["bbox"], np.float64)[:4] + 0.5 if len(entry.get("bbox", ())) >= 4 else None
    return Person(points, str(entry.get("personID", entry.get("id"))), box)


def _poses(folder: Path, person: str | None, source: Path) -> tuple[Poses, np.ndarray]:
    rows: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for path in sorted(folder.glob("*.json")):
        for entry in _entries(read_json(path), path):
            missing = [key for key in ("Rh", "Th", "poses", "shapes") if key not in entry]
            if missing:
                raise InputError(f"{path} lacks {', '.join(missing)}, which EasyMocap's poses have.")
            rows.setdefault(str(entry.get("id", 0)), []).append((number_of(path.name, source), entry))
    if not rows:
        raise InputError(f"{folder} has no person in any frame.")
    name = person if person is not None else max(rows, key=lambda name: len(rows[name]))
    if name not in rows:
        raise InputError(f"{folder} has no person {name[:80]}; there are {', '.join(sorted(rows))}.")
    frames = np.array([number for number, _ in rows[name]], np.int64)
    values = {
        key: np.stack([np.array(entry[key], np.float64).ravel() for _, entry in rows[name]])
        for key in ("Rh", "Th", "poses", "shapes")
    }
    family: Family = "smplx" if folder.name == "smplx" else "smplh" if folder.name == "smplh" else "smpl"
    return easymocap_poses(values["Rh"], values["Th"], values["poses"], values["shapes"], folder, family), frames


def easymocap_poses(
    Rh: np.ndarray, Th: np.ndarray, poses: np.ndarray, shapes: np.ndarray, path: Path, family: Family = "smpl"
) -> Poses:
    """Poses of ``v = R(Rh) SMPL(poses, shapes) + Th``, which turn about the model's origin.

    Args:
        Rh: [N,3] axis-angle.
        Th: [N,3] m.
        poses: [N,3(J-1)] of SMPL's joints, or [N,3J] with the root's own rotation before them (zeros, as a rule).
        shapes: [N,B].
        path: The file, for messages.
        family: The body's kind.
    """
    check_ranges({"an angle": real_numbers(Rh, "Rh")}, POSSIBLE)
    outer = matrices(Rh)
    if poses.shape[1] in (3 * len(SMPL_JOINTS) - 3, 3 * len(BODY_JOINTS) - 3):
        rotations = joint_rotations(path, np.zeros((len(poses), 3)), poses)
    else:
        rotations = joint_rotations(path, None, poses)
    rotations[:, 0] = outer @ rotations[:, 0]
    return Poses(rotations, lever=outer, transl=np.asarray(Th, np.float64), betas=shapes, family=family)


def _masks(source: Path, name: str | None) -> dict[int, Path]:
    for kind in ("mask", "masks", "mask-schp-parsing", "mask-schp", "schp"):
        folder = _folder(source / kind, name)
        images = list_images(folder) if folder else []
        if images:
            return {number_of(path.name, source): path for path in images}
    return {}
