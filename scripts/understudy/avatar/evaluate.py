"""How good an avatar is on frames that its training never saw."""

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.base import Avatar, Shaped
from understudy.avatar.config import EvaluateConfig
from understudy.avatar.device import choose_device
from understudy.avatar.part_scores import FEWEST, PartScores
from understudy.avatar.training.alignment import LEAST_HEIGHT, TrustRegion, align
from understudy.avatar.training.crops import MARGIN, Crops, person_box
from understudy.avatar.training.poses import Correction
from understudy.body.lbs import pose_rotations
from understudy.errors import InputError
from understudy.evenly import evenly
from understudy.files.atomic import atomic_folder
from understudy.formats.frames import Frames
from understudy.formats.masks import UNKNOWN, read_alpha, read_trimap
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr, ssim
from understudy.metrics.lpips import Lpips
from understudy.progress import track as show_progress
from understudy.render.camera import Camera

REFINE_SHRINKS = (4, 2, 1)
"""Factors by which pictures are shrunk for the alignment of poses, one after the other."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Truth:
    """A held-out frame on white."""

    rgb: Tensor  # [H,W,3]
    alpha: Tensor  # [H,W]
    sure: Tensor  # [H,W] bool
    """Where the silhouette can be trusted."""
    box: tuple[slice, slice]
    """Rows and columns of the person's box with its margin, within the frame."""


def evaluate_avatar(
    archive: AvatarArchive,
    frames: Frames,
    alpha_folder: str | Path,
    config: EvaluateConfig,
    pictures: str | Path | None = None,
    trimap_folder: str | Path | None = None,
    parsing_folder: str | Path | None = None,
) -> dict[str, Any]:
    """Likeness on the held-out frames and on some of the training's, for ``metrics.json``.

    Args:
        archive: The avatar with its poses.
        frames: The video that it was learned from.
        alpha_folder: Its soft masks.
        config: How to measure.
        pictures: Folder for pictures of truth and renders side by side; None for none.
        trimap_folder: Trimaps, whose unknown pixels do not count in the overlap of masks, and in the refinement of poses as
            much as they did in the training; None where there are none.
        parsing_folder: Part labels, by which parts of the body are scored; None where there are none.

    Raises:
        InputError: The video is not the one that the avatar was learned from, or a mask does not fit its frame.
    """
    if archive.info["source"]["sha256"] != frames.source_sha256 or len(archive.poses) != len(frames):
        raise InputError(f"The avatar was not learned from {frames.source} as it is now; train it again.")
    held_out = [frame for frame in archive.held_out if archive.poses.valid[frame]]
    if not held_out:
        logger.warning(
            "no frame with a valid pose was held out from training: only frames of the training are measured"
        )
    device = choose_device(config.device, archive.avatar.method)
    avatar = archive.avatar.to(device)
    trained = archive.info["config"]
    trimaps = None if trimap_folder is None else Path(trimap_folder)
    lpips = None if config.lpips_weights is None else Lpips.load(config.lpips_weights)
    crops = Crops(
        frames, Path(alpha_folder), archive.poses.K,
        edge_band=trained["edge_band"], trimap_folder=trimaps, unknown=trained["unknown"],
    )  # fmt: skip
    scores: dict[str, list[dict[str, float]]] = {"without_pose_refinement": [], "with_pose_refinement": []}
    parts = PartScores.of(avatar.body, archive.poses, parsing_folder)
    with torch.no_grad():
        shaped = avatar.shaped()
    used, shown = [], _spread(held_out, config.pictures)
    sheets: dict[int, np.ndarray] = {}
    for frame in show_progress(held_out, "measuring held-out frames"):
        truth = _truth(frames, Path(alpha_folder), trimaps, frame)
        if truth is None:
            continue
        used.append(frame)
        pose, exposure = _filmed(archive, frame, device)
        panels = [truth.rgb]
        for name in scores:
            if name == "with_pose_refinement":
                if config.refine_steps == 0:
                    continue
                pose = refine_pose(avatar, shaped, crops, frame, pose, config.refine_steps, exposure)
            score, picture = _score(shaped, pose, exposure, truth, archive.poses.K, lpips)
            scores[name].append(score)
            parts.add(name, frame, picture, truth.rgb, truth.alpha)
            panels.append(picture)
        if frame in shown:
            sheets[frame] = _side_by_side(panels, truth.box)
    if pictures is not None:
        _write_pictures(Path(pictures), sheets)
    seen: list[int] = []
    scores["reconstruction"] = []
    for frame in show_progress(_seen_frames(archive, config.reconstruction), "measuring training frames"):
        truth = _truth(frames, Path(alpha_folder), trimaps, frame)
        if truth is not None:
            seen.append(frame)
            pose, exposure = _filmed(archive, frame, device)
            score, picture = _score(shaped, pose, exposure, truth, archive.poses.K, lpips)
            scores["reconstruction"].append(score)
            parts.add("reconstruction", frame, picture, truth.rgb, truth.alpha)
    result: dict[str, Any] = {
        "protocol": _protocol(archive, config),
        "held_out_frames": used,
        "reconstruction_frames": seen,
    }
    for name, rows in scores.items():
        if rows:
            result[name] = _summaries(rows)
            logger.info("%s: %s", name, ", ".join(f"{k} {v['mean']:.3f}" for k, v in result[name].items()))
    return result | parts.summary()


def track_pose(poses: BodyTrack, frame: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rotations [J,3,3] and translation [3] of one frame of a track."""
    orient, pose, transl = (
        torch.as_tensor(values[frame], dtype=torch.float32, device=device)
        for values in (poses.global_orient, poses.body_pose, poses.transl)
    )
    return pose_rotations(orient[None], pose[None])[0], transl


def refine_pose(
    avatar: Avatar,
    shaped: Shaped,
    crops: Crops,
    frame: int,
    pose: tuple[Tensor, Tensor],  # rotations [J,3,3], transl [3] m
    steps: int,
    exposure: Tensor | None = None,  # [3]
) -> tuple[Tensor, Tensor]:
    """The pose nearby in which the avatar, itself unchanged, looks most like a frame; see ``alignment.align``."""
    correction = none = Correction.none(len(pose[0]), pose[1].device)
    parents = avatar.body.parents
    for shrink in REFINE_SHRINKS:
        crop = crops.get_tall(frame, shrink, LEAST_HEIGHT)
        if crop is not None:
            correction = align(shaped, parents, crop, pose, (correction, none), None, TrustRegion(), steps, exposure)
    return correction.of(*pose)


def _filmed(archive: AvatarArchive, frame: int, device: torch.device) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """The pose of a frame, and the factors [3] on the avatar's colours in it."""
    return track_pose(archive.poses, frame, device), torch.from_numpy(archive.exposure[frame]).to(device)


def _truth(frames: Frames, alpha_folder: Path, trimap_folder: Path | None, frame: int) -> _Truth | None:
    size = (frames.width, frames.height)
    alpha = read_alpha(alpha_folder, frame, size)
    box = person_box(alpha)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    margin = max(4, round(MARGIN * (y1 - y0)))
    rows, columns = slice(max(0, y0 - margin), y1 + margin), slice(max(0, x0 - margin), x1 + margin)
    soft = torch.from_numpy(alpha).float() / 255.0
    rgb = torch.from_numpy(frames.read(frame)).float() / 255.0
    sure = np.ones(alpha.shape, bool) if trimap_folder is None else read_trimap(trimap_folder, frame, size) != UNKNOWN
    return _Truth(rgb * soft[..., None] + (1.0 - soft)[..., None], soft, torch.from_numpy(sure), (rows, columns))


def _seen_frames(archive: AvatarArchive, count: int) -> list[int]:
    """At most ``count`` frames of the training, evenly spread."""
    held_out = set(archive.held_out)
    usable = [frame for frame in np.flatnonzero(archive.poses.valid).tolist() if frame not in held_out]
    return sorted(_spread(usable, count))


def _score(
    shaped: Shaped, pose: tuple[Tensor, Tensor], exposure: Tensor, truth: _Truth, K: np.ndarray, lpips: Lpips | None
) -> tuple[dict[str, float], Tensor]:
    """The figures of one frame, and the render as 8-bit picture would hold it."""
    height, width = truth.alpha.shape
    with torch.no_grad():
        render = shaped.posed(*pose).draw(Camera(K, width, height))
    picture = render.rgb * exposure + (1.0 - render.alpha)[..., None]
    rgb = (picture.clamp(0.0, 1.0) * 255.0).round().cpu() / 255.0
    inside, truly = render.alpha.cpu() > 0.5, truth.alpha > 0.5
    inside_surely, truly_surely = inside & truth.sure, truly & truth.sure
    box = truth.box
    score = {
        "psnr_person_box_on_white": psnr(rgb[box], truth.rgb[box]),
        "ssim_person_box_on_white": ssim(rgb[box], truth.rgb[box]),
        "psnr_full_frame_on_white": psnr(rgb, truth.rgb),
        "ssim_full_frame_on_white": ssim(rgb, truth.rgb),
        "psnr_inside_mask": psnr(rgb, truth.rgb, truly),
        "psnr_where_mask_is_sure": psnr(rgb, truth.rgb, truth.alpha > 0.9),
        "alpha_iou": float((inside_surely & truly).sum() / (inside_surely | truly_surely).sum().clamp_min(1)),
    }
    if lpips is not None:
        score["lpips_person_box_on_white"] = lpips(rgb[box], truth.rgb[box])
        score["lpips_full_frame_on_white"] = lpips(rgb, truth.rgb)
    return score, rgb


def _protocol(archive: AvatarArchive, config: EvaluateConfig) -> dict[str, Any]:
    return {
        "truth": "video frame over white by its soft silhouette, at the video's working resolution",
        "picture_size": [archive.width, archive.height],
        "person_box": f"box of the silhouette and {MARGIN:.0%} of its height round it",
        "where_mask_is_sure": "pixels of more than 90 % foreground: colour alone, without the silhouette's own faults",
        "alpha_iou": "over the pixels of which the trimap is sure",
        "held_out": "every Nth frame, no pixel of which the texture or the avatar's training read",
        "exposure": "of a held-out frame: between those of the frames of the training next to it; one unless learned",
        "poses_without_refinement": (
            "fitted to the frame's own keypoints and silhouette, "
            "with the correction that training gave its neighbours, interpolated"
        ),
        "poses_with_refinement": (
            f"{config.refine_steps} steps of dense alignment with the frame's own pixels at each of three resolutions "
            "over global_orient, body_pose and transl, the avatar frozen"
        ),
        "reconstruction": "frames of the training in the poses that it gave them",
        "psnr": "dB over 8-bit values, mean of the frames' values",
        "ssim": "Gaussian window 11x11, sigma 1.5, mirrored border, as torchmetrics",
        "parts": (
            "psnr over the pixels of the silhouette that are labelled as head, hands, torso, arms, legs or feet; where a "
            "label can be of two of them, such as a sleeve, the fitted body says which; "
            f"unknown in frames with fewer than {FEWEST} of them; only where the video has part labels"
        ),
        "lpips": "AlexNet, version 0.1, values at -1..1; only where evaluate.lpips_weights is set",
    }


def _summaries(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Mean and values of every figure; 100 dB stand for equal pictures, None for a figure that a frame does not have."""
    summaries = {}
    for name in rows[0]:
        values = [min(row[name], 100.0) for row in rows]
        known = [value for value in values if not math.isnan(value)]
        if known:
            per_frame = [None if math.isnan(value) else round(value, 5) for value in values]
            summaries[name] = {"mean": float(np.mean(known)), "per_frame": per_frame}
    return summaries


def _spread(frames: list[int], count: int) -> set[int]:
    """At most ``count`` of the frames, evenly spread."""
    return {frames[number] for number in evenly(len(frames), count)}


def _side_by_side(panels: list[Tensor], box: tuple[slice, slice]) -> np.ndarray:
    return (torch.cat([panel[box] for panel in panels], dim=1) * 255.0).round().to(torch.uint8).numpy()


def _write_pictures(folder: Path, sheets: dict[int, np.ndarray]) -> None:
    with atomic_folder(folder, "comparisons") as temporary:
        for frame, sheet in sheets.items():
            Image.fromarray(sheet).save(temporary / f"{frame:06d}.png")
