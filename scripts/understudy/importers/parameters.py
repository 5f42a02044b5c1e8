"""Plain SMPL parameters in an npz: InstantAvatar, Anim-NeRF, and whatever has the same keys."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from understudy.body.joints import BODY_JOINTS, SMPLH_JOINTS, SMPLX_JOINTS
from understudy.errors import InputError
from understudy.files.safe_arrays import read_any
from understudy.importers.config import ReadOptions
from understudy.importers.people import number_of
from understudy.importers.possible import real_numbers, whole_numbers
from understudy.importers.rotations import joint_rotations
from understudy.importers.skeletons import body_points, box_of, used_names
from understudy.importers.tracking import Camera, Family, Points, Poses, Tracking, listed_pictures
from understudy.video.sources import list_images

CROP_FOCAL = 5000 / 256
"""HMR2's focal length by the longer side: that of the crops it was trained on."""

_NAMES = {
    "global_orient": ("global_orient", "root_orient"),
    "body_pose": ("body_pose", "pose_body"),
    "pose": ("thetas", "poses", "pose", "smpl_thetas", "fullpose"),
    "transl": ("transl", "trans", "translation"),
    "betas": ("betas", "shape", "shapes", "smpl_betas"),
    "K": ("K", "K_fullimg", "intrinsic", "camK"),
}
"""Our names and those that files use for the same."""

SHAPES = _NAMES["betas"]
_CROP_KEYS = ("pred_cam", "box_center", "box_size", "img_size")
_POSE_FILES = ("poses_optimized.npz", "poses/anim_nerf_train.npz", "poses.npz")


def read_parameters(source: Path, options: ReadOptions) -> Tracking:
    """Parameters of smplx in an npz (or pt, pkl) in the camera's frame; or InstantAvatar's folder of one subject.

    Keys: ``global_orient [N,3]`` and ``body_pose [N,69 or 63]``, or both in ``poses``/``thetas [N,72]``; ``transl [N,3]``
    in metres, or a network's camera on crops as ``pred_cam [N,3]``, ``box_center [N,2]``, ``box_size [N]``, ``img_size [2]``;
    ``betas [B]``; perhaps ``K [3,3]``. Rotations may be matrices. A file only lists frames, so which pictures
    they are of is up to ``options.first`` and ``options.every``. A folder holds ``poses_optimized.npz`` (else
    ``poses.npz``), and perhaps ``cameras.npz``, ``keypoints.npy``, ``images/`` and ``masks_sam/`` or ``masks/``.

    Raises:
        InputError: Keys are missing, or lengths differ.
    """
    folder = source if source.is_dir() else source.parent
    path = source
    if source.is_dir():
        found = next((source / name for name in _POSE_FILES if (source / name).is_file()), None)
        if found is None:
            raise InputError(f"{source} has no {' or '.join(_POSE_FILES)}; give the npz itself.")
        path = found
    content = read_any(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds no arrays by name; it needs global_orient, body_pose, transl and betas.")
    camera: Camera | None = None
    if all(key in content for key in _CROP_KEYS) and _first(content, "transl") is None:
        camera, transl = _from_crops(content)
        content = {**content, "transl": transl}
    poses = poses_from(content, path)
    frames = listed_pictures(options, len(poses))
    K = _first(content, "K")
    if K is not None and camera is None:
        camera = camera_from(K)
    tracking = Tracking(backend="smpl", camera=camera, poses=poses, pose_frames=frames)
    return _with_folder(tracking, folder, options) if source.is_dir() else tracking


def poses_from(content: Mapping[str, Any], path: Path, family: Family | None = None) -> Poses:
    """Poses of smplx parameters by name, as ``read_parameters`` describes them.

    Raises:
        InputError: Keys are missing, or lengths differ.
    """
    root, body, whole, transl = (_first(content, key) for key in ("global_orient", "body_pose", "pose", "transl"))
    pose = body if body is not None and root is not None else whole
    if pose is None or transl is None:
        there = ", ".join(str(key) for key in list(content)[:20])
        raise InputError(f"{path} has no global_orient, body_pose and transl (or poses and trans); it has {there}.")
    count = len(pose)
    rotations = joint_rotations(path, None if pose is whole else np.asarray(root).reshape(count, *_tail(root)), pose)
    transl = real_numbers(transl, "a translation")
    if transl.shape[-1:] != (3,) and transl.shape[-2:] != (3, 1):
        raise InputError(f"{path} has translations of shape {transl.shape}; they must be three numbers each.")
    transl = transl.reshape(-1, 3)
    if len(transl) != count or (pose is body and len(np.asarray(root)) != count):
        raise InputError(f"{path} has {count} poses but {len(transl)} translations; their lengths must agree.")
    if not np.isfinite(transl).all():
        raise InputError(f"{path} has translations that are not finite; leave those frames out.")
    betas = _first(content, "betas")
    betas = np.zeros((1, 10)) if betas is None else np.atleast_2d(real_numbers(betas, "betas"))
    betas = betas.reshape(-1, betas.shape[-1])
    if len(betas) not in (1, count):
        raise InputError(f"{path} has {count} poses but {len(betas)} rows of betas; one for all or one each is needed.")
    if family is None:
        length = int(np.prod(np.shape(pose)[1:])) if np.shape(pose)[-1] != 3 or np.ndim(pose) == 2 else 0
        family = _family(length)
    levers = np.broadcast_to(np.eye(3), (count, 3, 3))
    return Poses(rotations, levers, transl, np.broadcast_to(betas, (count, betas.shape[1])), family)


def camera_from(K: np.ndarray) -> Camera:
    """The camera of a K [3,3] or [N,3,3] whose principal point is counted from the pictures' corner.

    Raises:
        InputError: The camera zooms.
    """
    matrices = real_numbers(K, "K")
    if matrices.shape[-2:] != (3, 3) or not matrices.size:
        raise ValueError(f"K is of shape {matrices.shape}, not of (3, 3)")
    matrices = matrices.reshape(-1, 3, 3)
    if np.ptp(matrices[:, 0, 0]) > 0.01 * matrices[0, 0, 0]:
        raise InputError("The camera's focal length changes over the frames, and one camera for all is needed.")
    return Camera(matrices[0])


def square_camera(size: tuple[int, int], focal: float, real: bool) -> Camera:
    """The camera with its principal point in the middle and a focal length of ``focal`` times the longer side."""
    px = focal * max(size)
    return Camera(np.array([[px, 0.0, size[0] / 2], [0.0, px, size[1] / 2], [0.0, 0.0, 1.0]]), size, real=real)


def full_translation(cam: np.ndarray, centre: np.ndarray, side: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Translation [N,3] in the whole picture's camera, of weak-perspective cameras on square crops.

    A crop's camera (s, tx, ty) maps x to s (x + tx) in coordinates of -1..1, so a length of 1 m is s side / 2 px.
    Source: Li et al., CLIFF: Carrying Location Information in Full Frames (ECCV 2022), section 3.

    Args:
        cam: [N,3] s, tx, ty.
        centre: [N,2] centre of the crop, px of the whole picture.
        side: [N] side of the crop, px.
        K: [3,3] of the whole picture.
    """
    depth = K[0, 0] / (cam[:, 0] * side / 2)
    shift = (centre - K[:2, 2]) / [K[0, 0], K[1, 1]] * depth[:, None]
    return np.concatenate([cam[:, 1:] + shift, depth[:, None]], axis=1)


def _from_crops(content: Mapping[str, Any]) -> tuple[Camera, np.ndarray]:
    """The network's conventional camera, and translations in it."""
    cam, centre, side, size = (real_numbers(content[key], key) for key in _CROP_KEYS)
    width, height = (int(value) for value in whole_numbers(size.reshape(-1, 2)[0], "img_size"))
    camera = square_camera((width, height), CROP_FOCAL, real=False)
    return camera, full_translation(cam.reshape(-1, 3), centre.reshape(-1, 2), side.reshape(-1), camera.K)


def _with_folder(tracking: Tracking, folder: Path, options: ReadOptions) -> Tracking:
    """What else InstantAvatar's folder has."""
    from dataclasses import replace

    cameras = folder / "cameras.npz"
    if cameras.is_file():
        values = read_any(cameras)
        size = (int(values["width"]), int(values["height"]))
        tracking = replace(tracking, camera=Camera(real_numbers(values["intrinsic"], "intrinsic").reshape(3, 3), size))
        outer = real_numbers(values.get("extrinsic", np.eye(4)), "extrinsic")
        if tracking.poses is not None and outer.shape == (4, 4):
            tracking = replace(tracking, poses=tracking.poses.seen_from(outer[:3, :3], outer[:3, 3]))
    keypoints = folder / "keypoints.npy"
    if keypoints.is_file():
        raw = real_numbers(read_any(keypoints), "keypoints.npy")
        points = body_points(raw, str(keypoints))
        points[..., :2] += np.where(points[..., 2:] > 0, 0.5, 0.0)
        named, names = used_names(points)
        boxes = np.stack([box_of(row) for row in points])
        tracking = replace(
            tracking,
            points=Points(named, names, boxes, np.ones(len(points), np.int64)),
            point_frames=listed_pictures(options, len(points)),
        )
    for name in ("masks_sam", "masks"):
        masks = sorted((folder / name).glob("*.npy")) or (
            list_images(folder / name) if (folder / name).is_dir() else []
        )
        if masks:
            ordered = sorted(masks, key=lambda path: number_of(path.name, folder))
            listed = listed_pictures(options, len(ordered)).tolist()
            tracking = replace(tracking, masks=dict(zip(listed, ordered, strict=True)))
            break
    images = folder / "images"
    if images.is_dir() and list_images(images):
        tracking = replace(tracking, pictures=images)
    return tracking


def _family(length: int) -> Family:
    """Whose poses of so many numbers are, with the root or without."""
    families: tuple[tuple[Family, int], ...] = (("smplx", len(SMPLX_JOINTS)), ("smplh", len(SMPLH_JOINTS)))
    for family, joints in families:
        if length in (3 * joints, 3 * (joints - 1)):
            return family
    return "smplx" if length == 3 * (len(BODY_JOINTS) - 1) else "smpl"


def _first(content: Mapping[str, Any], key: str) -> Any:
    return next((content[name] for name in _NAMES[key] if name in content), None)


def _tail(root: Any) -> tuple[int, ...]:
    return (3, 3) if np.ndim(root) > 2 and np.shape(root)[-2:] == (3, 3) else (3,)
