"""Pictures of a finished avatar in the poses of its video."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from understudy.avatar.archive import load_archive
from understudy.render.camera import Camera


def avatar_pictures(
    path: str | Path, body_path: str | Path | None = None
) -> Callable[[int, np.ndarray, tuple[int, int]], np.ndarray]:
    """What ``Result.avatar`` wants, from an ``avatar.tar``: the avatar on white in the refined pose of a frame.

    Args:
        path: The ``avatar.tar``.
        body_path: The body's own file, where it is licensed.

    Raises:
        InputError: The file is damaged or the body is missing.
    """
    archive = load_archive(path, body_path)
    poses = archive.poses

    def draw(frame: int, K: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        orient, pose, transl = (
            torch.from_numpy(values[frame]) for values in (poses.global_orient, poses.body_pose, poses.transl)
        )
        with torch.no_grad():
            picture = archive.avatar.render(orient, pose, transl, Camera(K, *size), background=torch.ones(3)).rgb
        return (picture.clamp(0, 1) * 255).round().to(torch.uint8).numpy()

    return draw
