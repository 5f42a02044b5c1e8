"""InstantAvatar's layout: ``cameras.npz``, ``poses.npz``, ``images`` and ``masks``."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from understudy.formats.skeleton import BODY_25
from understudy.layouts.pictures import write_png
from understudy.layouts.recording import HALF_PIXEL, SMPL_BETAS, Recording
from understudy.progress import track as show_progress

logger = logging.getLogger(__name__)


def write_instant_avatar(recording: Recording, folder: Path) -> None:
    """Write the layout into a folder that is there, as the program's data sets of one's own videos have it.

    Pixel centres are at whole numbers, where the program's rays go through. Poses stand in ``poses.npz`` and
    ``poses_optimized.npz`` alike: the first is where its own refinement starts, the second what training reads.
    """
    track, (width, height) = recording.track, recording.size
    betas, _, transl = recording.for_smpl()
    np.savez(folder / "cameras.npz", intrinsic=recording.K, extrinsic=np.eye(4), height=height, width=width)
    if np.any(betas[SMPL_BETAS:]):
        logger.warning("InstantAvatar reads %d shape components; the others of %d are left out", SMPL_BETAS, len(betas))
    poses: dict[str, Any] = {
        "betas": np.pad(betas, (0, SMPL_BETAS))[:SMPL_BETAS],
        "global_orient": track.global_orient,
        "body_pose": track.body_pose,
        "transl": transl,
    }
    for name in ("poses.npz", "poses_optimized.npz"):
        np.savez(folder / name, **poses)
    if recording.keypoints is not None:
        points = recording.keypoints.keypoints[:, : len(BODY_25)].copy()
        points[..., :2] -= HALF_PIXEL * (points[..., 2:] > 0)
        np.save(folder / "keypoints.npy", points)
    for frame in show_progress(range(len(recording)), "writing InstantAvatar's files"):
        write_png(folder / f"images/image_{frame:04d}.png", recording.frames.read(frame))
        write_png(folder / f"masks/mask_{frame:04d}.png", recording.alpha(frame))
