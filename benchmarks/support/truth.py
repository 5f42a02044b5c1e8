"""How near results come to a synthetic person's truth: what the demo and the actors of ``actors/`` are measured by.

Truth is read in benchmarks alone. A truth file has ``fps``, ``joints`` [T,J,3] in the camera's frame, ``keypoints2d`` [T,J,2],
``up`` [3] or [T,3], ``mask_frames`` with their masks beside it in ``masks/``, and ``rest_vertices`` [V,3] in the T-pose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.support.runs import REPOSITORY
from understudy.body.files import load_body
from understudy.body.joints import LIMBS, SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import mask_path, read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.metrics.masks import iou
from understudy.metrics.pose import acceleration_error, keypoint_error, mpjpe, pa_mpjpe

Truth = dict[str, np.ndarray]

ENDS = ("elbow", "wrist", "knee", "ankle")
"""Joints whose sides can be taken for each other."""
APART = 0.15
"""Least true distance, m, at which left and right can be told apart."""


@dataclass(frozen=True)
class PoseFigures:
    """Errors of a track's joints over a clip."""

    mpjpe: float
    """Roots together, mm."""
    pa_mpjpe: float
    """After a similarity per frame, mm."""
    acceleration: float
    """Of the 12 limb joints, roots together, m/s^2."""
    wrong_limbs: float
    """Share of frames where an elbow, wrist, knee or ankle lies nearer to the other side's."""
    wrong_facing: float
    """Share of frames where the body faces away from where it should by more than 90 degrees."""


def load_free_body() -> BodyModel:
    """The pipeline's free body."""
    return load_body(REPOSITORY / "models/understudy_body.npz")


def posed_joints(body: BodyModel, track: BodyTrack) -> np.ndarray:
    """Joints [T,J,3] of a track, m."""
    parts = (torch.from_numpy(part) for part in (track.global_orient, track.body_pose, track.transl))
    with torch.no_grad():
        return body.keypoint_body()(torch.from_numpy(track.betas), *parts).joints.numpy()


def posed_keypoints(body: BodyModel, track: BodyTrack, names: Sequence[str]) -> np.ndarray:
    """Keypoints [T,P,3] of a track by their names, m."""
    parts = (torch.from_numpy(part) for part in (track.global_orient, track.body_pose, track.transl))
    with torch.no_grad():
        points = body.keypoints(body(torch.from_numpy(track.betas), *parts).vertices)
    return points[:, [body.keypoint_names.index(name) for name in names]].numpy()


def pose_figures(joints: np.ndarray, truth: Truth) -> PoseFigures:
    """Errors of joints [T,J,3] in the camera's frame.

    Raises:
        InputError: There are more or fewer frames than in the truth.
    """
    true = truth["joints"]
    if len(joints) != len(true):
        raise InputError(f"The result has {len(joints)} frames and the truth {len(true)}; they are of different clips.")
    limbs = [SMPL_JOINTS.index(name) for name in LIMBS]
    centred, true_centred = (points[:, limbs] - points[:, :1] for points in (joints, true))
    return PoseFigures(
        mpjpe=1000 * float(np.mean(mpjpe(joints, true))),
        pa_mpjpe=1000 * float(np.mean(pa_mpjpe(joints, true))),
        acceleration=acceleration_error(centred, true_centred, float(truth["fps"])),
        wrong_limbs=float(wrong_limbs(joints, true).any(axis=1).mean()),
        wrong_facing=float(wrong_facing(joints, true, truth["up"]).mean()),
    )


def wrong_limbs(joints: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Whether left and right are exchanged [T,4]: elbows, wrists, knees, ankles, with the roots together.

    A pair counts where the exchange brings both joints together nearer to the truth, and the true ones are at least
    15 cm apart: where legs pass each other nobody can tell.
    """
    joints, true = joints - joints[:, :1], true - true[:, :1]
    wrong = []
    for part in ENDS:
        left, right = SMPL_JOINTS.index(f"left_{part}"), SMPL_JOINTS.index(f"right_{part}")
        straight, crossed = (
            np.linalg.norm(joints[:, left] - true[:, a], axis=1) + np.linalg.norm(joints[:, right] - true[:, b], axis=1)
            for a, b in ((left, right), (right, left))
        )
        wrong.append((crossed < straight) & (np.linalg.norm(true[:, left] - true[:, right], axis=1) > APART))
    return np.stack(wrong, axis=1)


def wrong_facing(joints: np.ndarray, true: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Whether the trunk's yaw is off by more than 90 degrees [T]; ``up`` [3] or [T,3]."""

    def across(points: np.ndarray) -> np.ndarray:
        pairs = (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"))
        line = sum(points[:, SMPL_JOINTS.index(a)] - points[:, SMPL_JOINTS.index(b)] for a, b in pairs)
        return line - (line * up).sum(axis=-1, keepdims=True) * up

    return (across(joints) * across(true)).sum(axis=1) < 0


def detector_acceleration(keypoints: Keypoints, truth: Truth) -> float:
    """Acceleration error of the detector's own 3D guess, frame by frame, m/s^2: as of a track; NaN where it has none."""
    guess = keypoints.world[:, [keypoints.names.index(name) for name in LIMBS]]
    true = truth["joints"][:, [SMPL_JOINTS.index(name) for name in LIMBS]]
    hips = [LIMBS.index("left_hip"), LIMBS.index("right_hip")]
    guess, true = (points - points[:, hips].mean(axis=1, keepdims=True) for points in (guess, true))
    seen = np.abs(keypoints.world).sum(axis=(1, 2)) > 0
    inner = seen[:-2] & seen[1:-1] & seen[2:]
    errors = np.linalg.norm(np.diff(guess - true, n=2, axis=0), axis=-1).mean(axis=-1)
    return float(errors[inner].mean() * float(truth["fps"]) ** 2) if inner.any() else float("nan")


def shape_error(body: BodyModel, betas: np.ndarray, truth: Truth) -> float:
    """PVE-T-SC: mean distance of the T-pose's vertices after the best size and place, mm; NaN for another topology.

    Source: Sengupta et al., Synthetic training for accurate 3D human pose and shape estimation in the wild (BMVC 2020).
    """
    true = truth["rest_vertices"].astype(np.float64)
    rest = body.shaped(torch.from_numpy(betas))[0].numpy().astype(np.float64)
    if rest.shape != true.shape:
        return float("nan")
    rest, true = rest - rest.mean(axis=0), true - true.mean(axis=0)
    size = (rest * true).sum() / (rest * rest).sum()
    return 1000 * float(np.linalg.norm(size * rest - true, axis=1).mean())


def rest_height(body: BodyModel, betas: np.ndarray) -> float:
    """Height of the rest body, m."""
    rest, _ = body.shaped(torch.from_numpy(betas))
    return float(rest[:, 1].max() - rest[:, 1].min())


def keypoint_percent(results: Path, truth: Truth) -> float:
    """Mean error of the detected limb joints, in percent of the person's height in the picture."""
    keypoints = Keypoints.load(results / "keypoints.npz")
    seen = keypoints.keypoints[:, [keypoints.names.index(name) for name in LIMBS]]
    true = truth["keypoints2d"][:, [SMPL_JOINTS.index(name) for name in LIMBS]]
    heights = keypoints.bbox[:, 3] - keypoints.bbox[:, 1]
    return float(np.nanmean(keypoint_error(true, seen[..., :2], seen[..., 2], heights)))


def mask_iou(folder: Path, truth: Truth, masks: Path) -> float:
    """Mean IoU of soft masks at half opacity with the true ones in ``masks``; NaN where ``folder`` has none."""
    frames = [frame for frame in truth["mask_frames"].tolist() if mask_path(folder, frame).exists()]
    scores = [
        iou(read_alpha(folder, frame) >= 128, np.array(Image.open(mask_path(masks, frame))) > 0) for frame in frames
    ]
    return float(np.mean(scores)) if scores else float("nan")
