"""Motions in SMPL parameters: AMASS, and any npz with the same keys."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.body.model import JOINTS, BodyModel
from understudy.errors import InputError
from understudy.importers.inert import read_any
from understudy.importers.parameters import poses_from
from understudy.importers.tracking import REST_PELVIS
from understudy.motion.balance import balanced_up, upright_turn
from understudy.motion.clip import Clip
from understudy.motion.frames import joint_frames

MEAN_LEGS = 0.78
"""About the length of SMPL's mean leg from hip to ankle, m."""

DEFAULT_FPS = 30.0
AIST_FPS = 60.0

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
    content = _without_scale(content)
    poses = poses_from(content, path)
    rate = next((float(np.ravel(content[key])[0]) for key in _RATES if key in content), DEFAULT_FPS)
    rate = rate if fps is None else fps
    if not rate > 0:
        raise InputError(f"{path} has {rate} frames per second; give the true rate.")
    upright = _upright(poses.rotations[:, 0])
    root = upright * Rotation.from_matrix(poses.rotations[:, 0])
    pelvis = upright.apply(poses.pelvis(np.array(REST_PELVIS[poses.family])))
    rest = (body.J_regressor @ body.v_template).double().numpy()
    flat = Rotation.from_matrix(poses.rotations[:, 1:].reshape(-1, 3, 3)).as_rotvec().reshape(len(poses), 69)
    if "K" in content:
        level = _levelled(Clip(root.as_rotvec(), flat, pelvis - rest[0], rate), body, upright.apply([1.0, 0.0, 0.0]))
        root, pelvis = level * root, level.apply(pelvis)
    forward = root[0].apply([0.0, 0.0, 1.0])
    turn = Rotation.from_rotvec([0.0, -np.arctan2(forward[0], forward[2]), 0.0])
    root = turn * root
    pelvis = turn.apply(pelvis) * (_legs(rest) / MEAN_LEGS)
    pelvis -= pelvis[0] * [1.0, 0.0, 1.0]
    transl = pelvis - rest[0]
    transl[:, 1] -= _ground(body, root.as_rotvec(), flat, transl)
    return Clip(root.as_rotvec().astype(np.float32), flat.astype(np.float32), transl.astype(np.float32), rate)


def _without_scale(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """AIST++ under the usual names: its places are of a person ``smpl_scaling`` times as large, at 60 frames per second."""
    if "smpl_poses" not in content or "smpl_trans" not in content:
        return content
    scale = float(np.ravel(content.get("smpl_scaling", 1.0))[0])
    return {"fps": AIST_FPS, **content, "poses": content["smpl_poses"],
            "trans": np.asarray(content["smpl_trans"], np.float64) / scale}  # fmt: skip


def _upright(roots: np.ndarray) -> Rotation:
    """The turn that takes the axis along which people [T,3,3] stand to +y."""
    up = roots[:, :, 1].mean(axis=0)
    axis = int(np.abs(up).argmax())
    turn, _ = Rotation.align_vectors([[0.0, 1.0, 0.0]], [np.eye(3)[axis] * np.sign(up[axis])])
    return turn


def _levelled(clip: Clip, body: BodyModel, sideways: np.ndarray) -> Rotation:
    """The turn that undoes how far a camera looked down or up, by the person's balance; it was held level sideways."""
    _, places = joint_frames(clip, body)
    up = balanced_up(places)
    if up is None:
        return Rotation.identity()
    up = up - (up @ sideways) * sideways
    return upright_turn(up / np.linalg.norm(up))


def _legs(rest: np.ndarray) -> float:
    """Mean length of the legs of rest joints [24,3], m."""
    at = {name: rest[index] for index, name in enumerate(JOINTS)}
    parts = [("hip", "knee"), ("knee", "ankle")]
    return sum(
        float(np.linalg.norm(at[f"{side}_{a}"] - at[f"{side}_{b}"])) for side in ("left", "right") for a, b in parts
    ) / 2  # fmt: skip


def _ground(body: BodyModel, root: np.ndarray, pose: np.ndarray, transl: np.ndarray) -> float:
    """Height of the lowest point in a frame that only 5 % of the frames are under."""
    few = body.keypoint_body()
    with torch.no_grad():
        values = (torch.from_numpy(np.asarray(value, np.float32)) for value in (root, pose, transl))
        low = few(torch.zeros(body.num_betas), *values).vertices[..., 1].amin(dim=1)
    return float(np.percentile(low.numpy(), 5))
