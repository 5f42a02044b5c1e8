"""Motions in SMPL parameters: AMASS, and any npz with the same keys."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.body.joints import LEG, SIDES, SMPL_JOINTS, on_joints
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.arrays import check_ranges, reading
from understudy.files.safe_arrays import read_any
from understudy.importers.parameters import SHAPES, poses_from
from understudy.importers.possible import real_numbers
from understudy.importers.tracking import REST_PELVIS
from understudy.motion.balance import balanced_up, upright_turn
from understudy.motion.clip import POSSIBLE, Clip
from understudy.motion.frames import ground_height, joint_frames, parts, rest_places

MEAN_LEGS = 0.78
"""About the length of SMPL's mean leg from hip to ankle, m."""

DEFAULT_FPS = 30.0
AIST_FPS = 60.0
SCALES = (1e-3, 1e4)
"""Units of AIST++'s places in a metre: about 93 as published, 1 where somebody has turned them into metres."""

_RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "frame_rate")


def smpl_clip(path: str | Path, body: BodyModel, fps: float | None = None) -> Clip:
    """The motion of an npz in SMPL, SMPL-H or SMPL-X parameters on a body, standing on the ground, starting towards +z.

    AMASS has ``poses [T,156]`` (SMPL-X: 165), ``trans [T,3]`` and ``mocap_framerate`` in a world with z up; tracks in a
    camera's frame have y down. Which axis is up is read off the person, who mostly stands; where the file has the camera's
    ``K``, how far that camera looked down is read off the person's balance. Fingers and face are dropped,
    and ways are scaled by the length of the legs.

    Args:
        path: The file; a pkl or pt of these arrays is read too, without running anything in it.
        body: Who moves.
        fps: Frames per second; None for what the file says, or 30.

    Raises:
        InputError: The file is missing or damaged, or lacks poses or places.
    """
    path = Path(path)
    content = read_any(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds no arrays by name; it needs poses and trans, as AMASS has.")
    with reading(path, "a motion that can be used", "give the true numbers"):
        content = _without_scale(content)
        # how the person of the file is built does not matter
        poses = poses_from({key: np.zeros(10) if key in SHAPES else value for key, value in content.items()}, path)
        rate = next((_one_number(content[key]) for key in _RATES if key in content), DEFAULT_FPS)
        rate = rate if fps is None else fps
        check_ranges({"frames": len(poses), "frames per second": rate}, POSSIBLE)
    upright = _upright(poses.rotations[:, 0])
    root = upright * Rotation.from_matrix(poses.rotations[:, 0])
    pelvis = upright.apply(poses.pelvis(np.array(REST_PELVIS[poses.family])))
    rest = rest_places(body)
    turns = np.concatenate([_rotvecs(poses.rotations[part]) for part in parts(len(poses))])
    flat = on_joints(turns, SMPL_JOINTS, body.joint_names)[:, 1:].reshape(len(turns), -1)
    if "K" in content:
        level = _levelled(
            Clip(root.as_rotvec(), flat, pelvis - rest["pelvis"], rate), body, upright.apply([1.0, 0.0, 0.0])
        )
        root, pelvis = level * root, level.apply(pelvis)
    forward = root[0].apply([0.0, 0.0, 1.0])
    turn = Rotation.from_rotvec([0.0, -np.arctan2(forward[0], forward[2]), 0.0])
    root = turn * root
    pelvis = turn.apply(pelvis) * (_legs(rest) / MEAN_LEGS)
    pelvis -= pelvis[0] * [1.0, 0.0, 1.0]
    transl = pelvis - rest["pelvis"]
    transl[:, 1] -= ground_height(body, root.as_rotvec(), flat, transl)
    return Clip(root.as_rotvec().astype(np.float32), flat.astype(np.float32), transl.astype(np.float32), rate)


def _without_scale(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """AIST++ under the usual names: its places are of a person ``smpl_scaling`` times as large, at 60 frames per second."""
    if "smpl_poses" not in content or "smpl_trans" not in content:
        return content
    scale = _one_number(content.get("smpl_scaling", 1.0))
    check_ranges({"smpl_scaling": scale}, {"smpl_scaling": SCALES})
    return {"fps": AIST_FPS, **content, "poses": content["smpl_poses"],
            "trans": np.asarray(content["smpl_trans"], np.float64) / scale}  # fmt: skip


def _one_number(value: Any) -> float:
    """The number of an array of one, or the first of several."""
    return float(real_numbers(np.ravel(value)[:1], "a rate or scale")[0])


def _rotvecs(rotations: np.ndarray) -> np.ndarray:
    """Rotation vectors [T,J,3] of matrices [T,J,3,3]."""
    return Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec().reshape(rotations.shape[:3])


def _upright(roots: np.ndarray) -> Rotation:
    """The turn that takes the axis along which people [T,3,3] stand to +y."""
    up = roots[:, :, 1].mean(axis=0)
    axis = int(np.abs(up).argmax())
    turn, _ = Rotation.align_vectors([[0.0, 1.0, 0.0]], [np.eye(3)[axis] * np.sign(up[axis])])
    return turn


def _levelled(clip: Clip, body: BodyModel, sideways: np.ndarray) -> Rotation:
    """The turn that undoes how far a camera looked down or up, by the person's balance; it was held level sideways."""
    _, places = joint_frames(clip, body)
    up = balanced_up(places, body.joint_names)
    if up is None:
        return Rotation.identity()
    up = up - (up @ sideways) * sideways
    return upright_turn(up / np.linalg.norm(up))


def _legs(rest: Mapping[str, np.ndarray]) -> float:
    """Mean length of the legs, m, of joints [3] at rest by name."""
    return sum(
        float(np.linalg.norm(rest[f"{side}_{a}"] - rest[f"{side}_{b}"])) for side in SIDES for a, b in pairwise(LEG)
    ) / 2  # fmt: skip
