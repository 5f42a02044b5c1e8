"""Where a result is at its worst: one number a frame for each way in which the stages can fail."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from understudy.actor_folder import Result
from understudy.body.joints import LIMBS, SMPL_JOINTS
from understudy.body.lbs import pose_rotations
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.motion import GROUP_OF_JOINT, GROUPS
from understudy.fitting.priors import beyond_limits
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import mirrored
from understudy.formats.smpl import BodyTrack
from understudy.inspection.measure import Measure, runs
from understudy.inspection.scan import picture_measures

PAIRS = (("shoulder", "hip"), ("elbow", "wrist"), ("knee", "ankle"))
"""Parts whose left and right a detector exchanges together: torso, arms, legs."""
CONFIDENT = 0.3
"""Keypoints of less confidence are no evidence."""
MOTION_RATE = 30.0
"""Motion is measured over steps of at least 1 / 30 s, so that limits mean the same at every frame rate."""


def measures_of(result: Result) -> list[Measure]:
    """All measures that the finished stages allow, in the stages' order."""
    found: list[Measure] = []
    if result.keypoints is not None:
        found += _of_keypoints(result.keypoints, _heights_px(result))
    if result.track is not None:
        found += _of_evidence(result.track, result.keypoints, _heights_px(result))
        if result.body is not None:
            found += _of_body(result, result.track, result.body)
    found += picture_measures(result)
    if result.metrics is not None:
        found += _of_held_out(result.metrics, len(result.frames))
    return [measure for measure in found if np.isfinite(measure.values).any()]


def _of_keypoints(keypoints: Keypoints, heights: np.ndarray) -> list[Measure]:
    rows = [keypoints.names.index(name) for name in LIMBS if name in keypoints.names]
    lost, where_lost = runs(keypoints.interpolated | ~keypoints.bbox.any(axis=1))
    put_back, where = runs(keypoints.swapped)
    confidence = keypoints.keypoints[:, rows, 2]
    weakest = np.array([keypoints.names[row] for row in rows])[confidence.argmin(axis=1)]
    return [
        Measure("Person not found", "consecutive frames", 0, lost, "frame", notes=where_lost),
        Measure(
            "Limbs hardly seen", "mean confidence", 0.6, confidence.mean(axis=1), "keypoints", low=True,
            notes=tuple(weakest.tolist()),
        ),
        Measure("Left and right put back", "consecutive frames", 0, put_back, "keypoints", notes=where),
        _exchanges(keypoints, heights),
    ]  # fmt: skip


def _exchanges(keypoints: Keypoints, heights: np.ndarray) -> Measure:
    """Whether left and right keypoints would be nearer to where they were heading if this frame's were exchanged.

    They were heading straight on from the last two frames, so that a turn, in which sides cross, is no exchange.
    """
    points = keypoints.keypoints
    other = points[:, mirrored(keypoints.names)]
    sure = (points[..., 2] >= CONFIDENT) & (other[..., 2] >= CONFIDENT)
    best, part = np.full(len(points), np.nan), np.zeros(len(points), int)
    for number, pair in enumerate(PAIRS):
        rows = [i for i, name in enumerate(keypoints.names) if name.split("_")[-1] in pair]
        both = sure[2:, rows] & sure[1:-1, rows] & sure[:-2, rows]
        heading = 2 * points[1:-1, rows, :2] - points[:-2, rows, :2]
        kept = np.linalg.norm(points[2:, rows, :2] - heading, axis=-1)
        swapped = np.linalg.norm(other[2:, rows, :2] - heading, axis=-1)
        gain = ((kept - swapped) * both).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
        gain = np.where(both.any(axis=1), 100 * gain / heights[2:], np.nan)
        better = ~(gain <= best[2:]) & np.isfinite(gain)
        best[2:], part[2:] = np.where(better, gain, best[2:]), np.where(better, number, part[2:])
    names = np.array(["torso", "arms", "legs"])[part]
    return Measure(
        "Left and right change places",
        "% of height nearer if exchanged",
        1.0,
        np.maximum(best, 0.0),
        "keypoints",
        notes=tuple(names),
    )


def _of_evidence(track: BodyTrack, keypoints: Keypoints | None, heights: np.ndarray) -> list[Measure]:
    found = [
        Measure("Keypoints off the body", "% of height, mean", 2.0, 100 * track.reprojection_px / heights, "keypoints")
    ]
    if keypoints is not None:
        unseen, where = runs(~track.valid)
        found.append(Measure("Pose without evidence", "consecutive frames", 0, unseen, "keypoints", notes=where))
    return found


def _of_body(result: Result, track: BodyTrack, body: BodyModel) -> list[Measure]:
    with torch.no_grad():
        rotations = pose_rotations(torch.from_numpy(track.global_orient), torch.from_numpy(track.body_pose))
        rig, betas, transl = PointRig.of_keypoints(body), torch.from_numpy(track.betas), torch.from_numpy(track.transl)
        points, joints = (values.numpy() for values in rig.posed(betas, rotations, transl))
    projected = _pixels(points, track.K)
    found = [_out_of_picture(projected, body.keypoint_names, result)]
    if result.keypoints is not None:
        found.append(_farthest(result.keypoints, body, projected, _heights_px(result)))
        # fingers and face have neither jumps nor limits of their own
    rows = [body.joint(name) for name in SMPL_JOINTS]
    rotations, joints = rotations[:, rows], joints[:, rows]
    return found + _of_motion(rotations, joints, track.K, result.frames.fps) + [_of_limits(rotations, joints, track.K)]


def _farthest(keypoints: Keypoints, body: BodyModel, projected: np.ndarray, heights: np.ndarray) -> Measure:
    """The confident keypoint that is farthest from the body's, where the mean would hide it."""
    names = [name for name in keypoints.names if name in body.keypoint_names]
    seen = keypoints.keypoints[:, [keypoints.names.index(name) for name in names]]
    own = projected[:, [body.keypoint_names.index(name) for name in names]]
    distance = np.where(seen[..., 2] >= CONFIDENT, np.linalg.norm(seen[..., :2] - own, axis=-1), -1.0)
    worst, rows = distance.argmax(axis=1), np.arange(len(seen))
    return Measure(
        "One keypoint off the body", "% of height", 6.0,
        np.where(distance.max(axis=1) >= 0, 100 * distance.max(axis=1) / heights, np.nan), "keypoints",
        notes=tuple(names[i] for i in worst), marks=np.stack([seen[rows, worst, :2], own[rows, worst]], axis=1),
    )  # fmt: skip


def _out_of_picture(projected: np.ndarray, names: tuple[str, ...], result: Result) -> Measure:
    """How far the body's points [T,K,2] px reach over the picture's edges."""
    over = np.maximum(-projected, projected - np.array(result.size)).max(axis=-1)
    farthest, rows = over.argmax(axis=1), np.arange(len(over))
    return Measure(
        "Out of the picture", "% of height", 1.0, 100 * over.max(axis=1).clip(min=0) / _heights_px(result), "mesh",
        notes=tuple(names[i] for i in farthest), marks=projected[rows, farthest][:, None],
    )  # fmt: skip


def _of_motion(rotations: torch.Tensor, joints: np.ndarray, K: np.ndarray, fps: float) -> list[Measure]:
    """Jumps of the person, of its limbs, and of its turning."""
    step = max(1, round(fps / MOTION_RATE))
    rate, length = fps / step, len(joints)
    if length <= 2 * step:
        return []

    def bends(places: np.ndarray) -> np.ndarray:  # [T,...] acceleration, NaN at both ends
        inner = np.linalg.norm(places[2 * step :] - 2 * places[step:-step] + places[: -2 * step], axis=-1) * rate**2
        return np.pad(inner, ((step, step), *((0, 0),) * (inner.ndim - 1)), constant_values=np.nan)

    rows = [SMPL_JOINTS.index(name) for name in LIMBS]
    limbs = bends(joints[:, rows] - joints[:, :1])
    limb = np.nan_to_num(limbs).argmax(axis=1)
    root, pixels = joints[:, 0], _pixels(joints, K)
    turn = torch.linalg.matrix_norm(rotations[step:, 0] - rotations[:-step, 0]) / 8**0.5  # sine of half the angle
    speed = np.pad(2 * np.degrees(np.arcsin(turn.clamp(max=1).numpy())) * rate, (step, 0), constant_values=np.nan)
    return [
        Measure(
            "A limb jumps", "m/s²", 60.0, limbs.max(axis=1), "motion", notes=tuple(LIMBS[i] for i in limb),
            marks=pixels[np.arange(length), np.array(rows)[limb]][:, None],
        ),
        Measure(
            "The person jumps", "m/s²", 25.0, bends(root), "motion", marks=pixels[:, :1],
            notes=tuple(np.where(bends(root[:, 2:]) > bends(root[:, :2]), "in depth", "across").tolist()),
        ),
        Measure("The person turns", "degrees/s", 500.0, speed, "motion"),
    ]  # fmt: skip


def _of_limits(rotations: torch.Tensor, joints: np.ndarray, K: np.ndarray) -> Measure:
    """How far a joint is beyond the range that people's joints have."""
    members = [np.flatnonzero(GROUP_OF_JOINT.numpy() == group) for group in range(len(GROUPS))]
    most = np.full((len(rotations), len(SMPL_JOINTS)), 0.0)
    for turn in range(max(map(len, members))):  # joints that share a range, one after the other
        chosen = [int(group[min(turn, len(group) - 1)]) for group in members]
        most[:, chosen] = beyond_limits(rotations[:, chosen]).amax(dim=-1).numpy()
    joint = most.argmax(axis=1)
    return Measure(
        "A joint beyond its range", "degrees", 10.0, np.degrees(most.max(axis=1)), "mesh",
        notes=tuple(SMPL_JOINTS[i] for i in joint), marks=_pixels(joints, K)[np.arange(len(joint)), joint][:, None],
    )  # fmt: skip


def _of_held_out(metrics: Mapping[str, Any], length: int) -> list[Measure]:
    frames = metrics.get("held_out_frames", [])
    plain, refined = (
        metrics.get(key, {}).get("psnr_person_box_on_white", {}).get("per_frame", [])
        for key in ("without_pose_refinement", "with_pose_refinement")
    )
    if len(plain) != len(frames) or max(frames, default=length) >= length:
        return []
    values, notes = np.full(length, np.nan), [""] * length
    values[frames] = [np.nan if score is None else score for score in plain]
    for frame, score in zip(frames, refined, strict=False):
        notes[frame] = "" if score is None else f"{score:.1f} refined"
    return [Measure("Held-out frames", "dB PSNR", 22.0, values, "held out", low=True, notes=tuple(notes))]


def _heights_px(result: Result) -> np.ndarray:
    """Height of the upright person in each frame's pixels [T]: of the body at its distance, else the median box's."""
    height = result.body_height()
    if result.track is not None and height is not None:
        return result.track.K[1, 1] * height / np.maximum(result.track.transl[:, 2], 0.1)
    boxes = np.ptp(result.keypoints.bbox[:, [1, 3]], axis=1) if result.keypoints is not None else np.zeros(1)
    usual = float(np.median(boxes[boxes > 0])) if (boxes > 0).any() else float(result.frames.height)
    return np.full(len(result.frames), usual)


def _pixels(points: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Pixels [...,2] of camera points [...,3] m."""
    homogeneous = points @ K.T
    return homogeneous[..., :2] / np.maximum(homogeneous[..., 2:], 0.05)
