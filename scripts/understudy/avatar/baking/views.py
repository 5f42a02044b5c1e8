"""Pictures of an avatar from all sides, each drawn once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from understudy.avatar.baking.poses import Pose
from understudy.avatar.base import Avatar, Posed, Shaped, View
from understudy.errors import InputError
from understudy.progress import track as track_progress
from understudy.render.camera import Camera, look_at
from understudy.render.gaussians import Render

DISTANCE = 2.5
"""From the camera to the middle of the person, in heights of the person at rest."""
LOWEST, HIGHEST = -0.6, 0.9
"""Sines of the least and the greatest elevation of the cameras, over the plane through the pelvis."""
MARGIN = 0.06
"""Room round the person, as a part of the larger side."""
STRIDE = 8
"""Sides of pictures are multiples of this, so that they shrink without a remainder."""
PLASTIC = 1.32471795724474602596
"""The real root of x^3 = x + 1."""


@dataclass(frozen=True)
class Sight:
    """A picture of an avatar in a pose, as it is kept."""

    pose: Pose
    camera: Camera
    layers: Tensor  # [H,W,4] uint8
    """Colours times alpha, and alpha."""

    def view(self, shrink: int, background: Tensor) -> View:
        """The picture at ``1/shrink`` of its size, each pixel the mean of those that it covers, and a background [3]."""
        layers = avg_pool2d(self.layers.permute(2, 0, 1).float() / 255.0, shrink).permute(1, 2, 0).contiguous()
        rgb, alpha = layers[..., :3], layers[..., 3]
        return View(0, self.camera.scaled(1.0 / shrink), rgb, alpha, torch.ones_like(alpha), background)


@torch.no_grad()
def draw_sights(
    avatar: Avatar, poses: list[Pose], directions: np.ndarray, height: int
) -> Iterator[tuple[Sight, Render]]:
    """Draw an avatar from each of the ``directions`` [N,3], in the poses by turns: what is kept, and what was drawn.

    Args:
        avatar: What is drawn.
        poses: In its video's world.
        directions: Unit vectors from the person to the cameras, in the pelvis' own frame: y up, facing +z.
        height: Of the person at rest in the pictures, px; their own sizes are such that all of the person is in them.

    Raises:
        InputError: It draws what is no picture.
    """
    shaped = avatar.shaped()
    tall = rest_height(avatar, shaped)
    for number, direction in enumerate(track_progress(directions, "drawing the avatar from all sides")):
        pose = poses[number % len(poses)]
        posed = shaped.posed(pose.rotations, pose.transl)
        camera = camera_from(posed, pose.rotations[0], direction, DISTANCE * height, DISTANCE * tall)
        picture = posed.draw(camera)
        layers = torch.cat([picture.rgb, picture.alpha[..., None]], dim=-1)
        if not layers.isfinite().all():
            raise InputError(f"The avatar of the method {avatar.method} draws no pictures of numbers; train it again.")
        yield Sight(pose, camera, (layers.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)), picture


def all_round(count: int) -> np.ndarray:
    """Unit vectors [count,3] to cameras, y up, evenly over all sides; any few that follow one another are so too.

    Source: Roberts, The Unreasonable Effectiveness of Quasirandom Sequences (2018): the sequence R2.
    """
    across, up = (np.arange(1, count + 1) / PLASTIC**power % 1.0 for power in (1, 2))
    sine = LOWEST + (HIGHEST - LOWEST) * up
    level = np.sqrt(1.0 - sine**2)
    return np.stack([level * np.sin(2 * np.pi * across), sine, level * np.cos(2 * np.pi * across)], axis=1)


def rest_height(avatar: Avatar, shaped: Shaped) -> float:
    """Height of the avatar in its rest pose, m."""
    rest = avatar.body.rest_rotations.to(avatar.device)
    up = shaped.posed(rest, torch.zeros(3, device=avatar.device)).extent()[:, 1]
    return float(up.amax() - up.amin())


def camera_from(posed: Posed, root: Tensor, direction: np.ndarray, focal: float, distance: float) -> Camera:
    """The camera that sees all of a posed avatar, ``distance`` m away.

    Args:
        posed: What is seen.
        root: Turn [3,3] of the pelvis.
        direction: To the camera [3], in the pelvis' own frame, whose y is up in the picture.
        focal: Focal length, px.
        distance: From the middle of the avatar, m.
    """
    points, turn = posed.extent().double().cpu().numpy(), root.double().cpu().numpy()
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    view = look_at(middle + turn @ direction * distance, middle, turn @ np.array([0.0, 1.0, 0.0]))
    seen = Camera(np.diag([focal, focal, 1.0]), 1, 1, view).project(points)
    low, high = seen.min(axis=0), seen.max(axis=0)
    corner = np.floor(low - MARGIN * (high - low).max())
    width, height = (int(side) for side in np.ceil((high + MARGIN * (high - low).max() - corner) / STRIDE) * STRIDE)
    return Camera(np.array([[focal, 0, -corner[0]], [0, focal, -corner[1]], [0, 0, 1.0]]), width, height, view)
