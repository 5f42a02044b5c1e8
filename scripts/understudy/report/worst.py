"""Where a result is at its worst: one number a frame for each way in which the stages can fail."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from understudy.body.lbs import pose_rotations
from understudy.body.model import JOINTS, BodyModel
from understudy.body.posed import posed_vertices
from understudy.body.rig import PointRig
from understudy.errors import InputError
from understudy.files import read_json
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import mask_path, read_alpha
from understudy.formats.smpl import BodyTrack
from understudy.metrics.masks import iou
from understudy.progress import track as progress
from understudy.render.mesh import silhouette

LIMBS = [
    f"{side}_{part}" for side in ("left", "right") for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
NEIGHBOURS = 2
"""Frames on either side that a mask's area is compared with."""


@dataclass(frozen=True)
class Measure:
    """One way to fail, over ``T`` frames; more is worse."""

    title: str
    unit: str
    limit: float
    """What is still usual; more deserves a look."""
    values: np.ndarray  # [T], NaN where it says nothing
    overlay: str
    """What to draw: keypoints, mask or body."""

    def worst(self, count: int) -> list[int]:
        """Frames of the largest values, the worst first, at least a few frames apart."""
        apart = max(1, len(self.values) // (4 * count))
        chosen: list[int] = []
        for frame in np.argsort(-np.nan_to_num(self.values, nan=-np.inf)).tolist():
            if not np.isfinite(self.values[frame]) or len(chosen) == count:
                break
            if all(abs(frame - other) >= apart for other in chosen):
                chosen.append(frame)
        return chosen


@dataclass(frozen=True)
class Result:
    """What of one actor's folder is there."""

    folder: Path
    frames: Frames
    keypoints: Keypoints | None
    masks: Path | None
    """The refined masks, or the detector's."""
    track: BodyTrack | None


def open_result(folder: str | Path) -> Result:
    """Open an actor's folder as far as the stages have come.

    Raises:
        InputError: It holds no frames.
    """
    folder = Path(folder)
    if not (folder / "frames.json").is_file():
        raise InputError(
            f"{folder} holds no frames.json; name an actor's folder, as results/actor, whose frames are made."
        )
    frames = Frames.load(folder / "frames.json", folder / "frames")
    last = len(frames) - 1
    masks = [folder / name for name in ("matte", "alpha") if mask_path(folder / name, last).is_file()]
    return Result(
        folder=folder,
        frames=frames,
        keypoints=Keypoints.load(folder / "keypoints.npz") if (folder / "keypoints.npz").is_file() else None,
        masks=masks[0] if masks else None,
        track=BodyTrack.load(folder / "smpl.npz") if (folder / "smpl.npz").is_file() else None,
    )


def measures_of(result: Result, body: BodyModel | None) -> list[Measure]:
    """All measures that the finished stages allow.

    Args:
        result: What is there.
        body: The body of ``result.track``; without it nothing is said of its surface.

    Raises:
        InputError: The body is another one than the track's.
    """
    found: list[Measure] = []
    if result.keypoints is not None:
        found += _keypoint_measures(result.keypoints)
    if result.masks is not None:
        found.append(_flicker(result))
    if result.track is not None:
        found += _track_measures(result, body)
    metrics = result.folder / "metrics.json"
    if metrics.is_file():
        found.append(_held_out(metrics, len(result.frames)))
    return found


def _keypoint_measures(keypoints: Keypoints) -> list[Measure]:
    rows = [keypoints.names.index(name) for name in LIMBS if name in keypoints.names]
    doubt = 1.0 - keypoints.keypoints[:, rows, 2].mean(axis=1)
    doubt = np.where(keypoints.interpolated, 1.0, doubt)
    found = [Measure("limbs hardly seen", "1 - confidence", 0.4, doubt, "keypoints")]
    if keypoints.swapped.any():
        found.append(
            Measure("left and right put back", "frames", 0.5, np.where(keypoints.swapped, 1.0, np.nan), "keypoints")
        )
    return found


def _flicker(result: Result) -> Measure:
    assert result.masks is not None
    areas = np.array(
        [(read_alpha(result.masks, i) >= 128).mean() for i in progress(range(len(result.frames)), "reading masks")]
    )
    padded = np.pad(areas, NEIGHBOURS, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1), axis=1)
    return Measure(
        "mask changes size", "% of its area", 8.0, 100 * np.abs(areas / np.maximum(usual, 1e-6) - 1.0), "mask"
    )


def _track_measures(result: Result, body: BodyModel | None) -> list[Measure]:
    track, frames = result.track, result.frames
    assert track is not None
    heights = (
        np.ptp(result.keypoints.bbox[:, [1, 3]], axis=1) if result.keypoints is not None else np.zeros(len(frames))
    )
    height = float(np.median(heights[heights > 0])) if (heights > 0).any() else float(frames.height)
    reprojection = 100 * track.reprojection_px / height
    found = [Measure("keypoints off the body", "% of the person's height", 2.0, reprojection, "keypoints")]
    if body is None:
        return found
    if body.sha256 != track.body_model[1]:
        raise InputError(
            f"{result.folder / 'smpl.npz'} was made with another body ({track.body_model[0]}); give its file with --body."
        )
    with torch.no_grad():
        rotations = pose_rotations(torch.from_numpy(track.global_orient), torch.from_numpy(track.body_pose))
        joints = (
            PointRig.of_keypoints(body)
            .posed(torch.from_numpy(track.betas), rotations, torch.from_numpy(track.transl))[1]
            .numpy()
        )
    if len(joints) > 2:
        second = np.diff(joints - joints[:, :1], n=2, axis=0) * frames.fps**2
        jump = np.linalg.norm(second[:, [JOINTS.index(name) for name in LIMBS]], axis=-1).max(axis=1)
        found.append(Measure("limbs jump", "m/s²", 60.0, np.pad(jump, 1, mode="edge"), "body"))
        turn = rotations[1:, 0] @ rotations[:-1, 0].mT
        angle = torch.rad2deg(torch.arccos(((turn.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1))).numpy()
        found.append(Measure("body turns", "degrees a frame", 20.0, np.pad(angle, (1, 0)), "body"))
    if result.masks is not None:
        found.append(_against_mask(result, track, body))
    return found


def _against_mask(result: Result, track: BodyTrack, body: BodyModel) -> Measure:
    assert result.masks is not None
    size = (result.frames.width, result.frames.height)
    disagreement = np.full(len(result.frames), np.nan)
    for i in progress(range(len(result.frames)), "comparing body and mask"):
        covered = silhouette(posed_vertices(body, track, i), body.faces, track.K, size)
        disagreement[i] = 100 * (1.0 - iou(covered, read_alpha(result.masks, i) >= 128))
    return Measure("body and mask disagree", "% of their union", 30.0, disagreement, "mask")


def _held_out(path: Path, length: int) -> Measure:
    metrics = read_json(path)
    values = np.full(length, np.nan)
    values[metrics["held_out_frames"]] = metrics["without_pose_refinement"]["psnr_person_box_on_white"]["per_frame"]
    return Measure("avatar off the picture", "dB below 40", 20.0, 40.0 - values, "frame")
