"""Pose vectors of all lengths to rotation matrices of SMPL's joints."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.joints import BODY_JOINTS, SMPL_JOINTS, SMPLH_JOINTS, SMPLX_JOINTS
from understudy.errors import InputError
from understudy.files.arrays import check_ranges
from understudy.importers.possible import POSSIBLE, check_turns, real_numbers

_SMPL, _BODY, _SMPLH, _SMPLX = (3 * len(names) for names in (SMPL_JOINTS, BODY_JOINTS, SMPLH_JOINTS, SMPLX_JOINTS))
_HANDS = 12
"""Components of the hands' poses, where files of SMPL-H and SMPL-X have these in place of fingers."""
_FULL = {_SMPL: _SMPL, _BODY: _BODY, _SMPLH: _BODY, _SMPLX: _BODY}
_WITH_ROOT = {**_FULL, _BODY + _HANDS: _BODY, _BODY + _SMPLX - _SMPLH + _HANDS: _BODY}
"""Length of a pose vector that starts with the root: how much of it is the body."""
_WITHOUT_ROOT = {length - 3: body - 3 for length, body in _FULL.items()}


def matrices(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrices [...,3,3] float64 of axis-angle vectors [...,3]."""
    flat = np.asarray(axis_angle, np.float64).reshape(-1, 3)
    return Rotation.from_rotvec(flat).as_matrix().reshape(*np.shape(axis_angle)[:-1], 3, 3)


def joint_rotations(path: Path, root: np.ndarray | None, pose: np.ndarray) -> np.ndarray:
    """Rotation matrices [N,J,3,3] of SMPL's joints.

    Args:
        path: The file, for messages.
        root: Axis-angle [N,3] or matrices [N,3,3] of the root; None where ``pose`` starts with it.
        pose: Axis-angle [N,L] or matrices [N,L,3,3]. With the root 72 (SMPL), 66, 78, 87, 156 (SMPL-H) or 165 (SMPL-X)
            numbers, without 69, 63, 153 or 162. Fingers and face are dropped, SMPL's two hand joints are then straight.

    Raises:
        InputError: Another length, or numbers that are not finite.
        ValueError: Numbers that no pose has.
    """
    pose = np.asarray(pose)
    count = len(pose)
    check_ranges({"the number of poses": count}, POSSIBLE)
    if pose.shape[2:] == (3, 3):
        pose = _vectors(pose)
    pose = pose.reshape(count, -1)
    lengths = _WITH_ROOT if root is None else _WITHOUT_ROOT
    if pose.shape[1] not in lengths:
        known = ", ".join(str(length) for length in lengths)
        kind = "with" if root is None else "without"
        raise InputError(f"{path} has poses of {pose.shape[1]} numbers a frame; known are {known} {kind} the root.")
    body = real_numbers(pose[:, : lengths[pose.shape[1]]], "a pose")
    if root is not None:
        root = real_numbers(root, "a root's rotation")
        first = _vectors(root) if root.shape[-2:] == (3, 3) and root.ndim == 3 else root
        body = np.concatenate([first.reshape(count, 3), body], axis=1)
    if not np.isfinite(body).all():
        raise InputError(f"{path} has poses that are not finite; leave those frames out.")
    check_ranges({"an angle": body}, POSSIBLE)
    full = np.zeros((count, _SMPL))
    full[:, : body.shape[1]] = body
    return matrices(full.reshape(count, len(SMPL_JOINTS), 3))


def _vectors(rotations: np.ndarray) -> np.ndarray:
    """Axis-angle vectors [M,3] of matrices [...,3,3], if they are rotations."""
    flat = real_numbers(rotations, "a rotation").reshape(-1, 3, 3)
    check_turns(flat, "a pose")
    return Rotation.from_matrix(flat).as_rotvec()
