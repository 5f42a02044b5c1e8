"""Cameras on rings round a person, and what they see of a cloud of Gaussians."""

from collections.abc import Sequence

import numpy as np
import torch

from understudy.errors import InputError
from understudy.render.camera import Camera, look_at
from understudy.render.cloud import Gaussians, splat
from understudy.render.gaussians import Render

LARGEST = 2560
"""Side of the pictures, px: of points three times wider than tall, where a person with stretched arms is one and a half times."""


def ring_cameras(
    points: np.ndarray,  # [N,3] m, y up
    height_px: int,
    around: int,
    elevations: Sequence[float],  # degrees
) -> list[Camera]:
    """``around`` cameras in each ring, from far away; points that stand upright are ``height_px`` px high in all pictures.

    Raises:
        InputError: The points are so much wider than tall that no picture shows them so.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    centre, size, height = (low + high) / 2, float(np.linalg.norm(high - low)), float((high - low)[1])
    distance = 4.0 * size
    focal = height_px * distance / height
    side = int(np.ceil(min(1.1 * size / max(height, 1e-9) * height_px, LARGEST + 1)))
    if side > LARGEST:
        raise InputError(f"The avatar is {size:.3g} m across and {height:.3g} m tall, as no person is; train it again.")
    K = np.array([[focal, 0.0, side / 2], [0.0, focal, side / 2], [0.0, 0.0, 1.0]])
    cameras = []
    for number, elevation in enumerate(np.radians(elevations)):
        # the rings are turned against each other, so that no two views are alike
        angles = 2 * np.pi * (np.arange(around) + number / len(elevations)) / around
        for angle in angles:
            level, up = np.cos(elevation), np.sin(elevation)
            eye = centre + distance * np.array([level * np.sin(angle), up, level * np.cos(angle)])
            cameras.append(Camera(K, side, side, look_at(eye, centre, np.array([0.0, 1.0, 0.0]))))
    return cameras


def seen_by(camera: Camera, gaussians: Gaussians) -> Render:
    """The Gaussians over black."""
    K, view = (torch.as_tensor(part, dtype=torch.float32) for part in (camera.K, camera.view))
    with torch.no_grad():
        return splat(gaussians, K, camera.size, view)
