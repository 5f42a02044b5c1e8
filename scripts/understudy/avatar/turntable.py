"""The avatar on a turntable: one pose, seen from all round."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from understudy.avatar.model import Avatar
from understudy.body.joints import A_POSE, pose_of
from understudy.render.camera import turntable


@dataclass(frozen=True)
class RenderConfig:
    """How the turntable looks."""

    frames: int = 72
    """Pictures of one whole turn."""
    fps: float = 24.0
    """Pictures per second."""
    width: int = 540
    """px"""
    height: int = 960
    """px"""
    background: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """sRGB, 0..1."""


def turntable_pictures(avatar: Avatar, config: RenderConfig) -> Iterator[np.ndarray]:
    """Yield pictures uint8 [height,width,3] of the avatar in A-pose, the camera circling it once."""
    body_pose = torch.from_numpy(pose_of(avatar.body.joint_names, A_POSE))
    upright = torch.tensor([torch.pi, 0.0, 0.0])  # from y up to the camera's y down, facing the camera
    device = next(avatar.parameters()).device
    global_orient, body_pose, transl = (part.to(device) for part in (upright, body_pose, torch.zeros(3)))
    background = torch.tensor(config.background, device=device)
    with torch.no_grad():
        points = avatar.posed_means(global_orient, body_pose, transl).cpu().numpy()
        low, high = points.min(axis=0), points.max(axis=0)
        # the circle is measured by the widest side: the arms swing towards the camera as it goes round
        radius = float(np.linalg.norm((high - low)[[0, 2]]) / 2)
        focal = 1.4 * max(config.width, config.height)
        tall, wide = (high - low)[1] / (0.92 * config.height), 2 * radius / (0.92 * config.width)
        cameras = turntable(
            centre=(low + high) / 2,
            up=np.array([0.0, -1.0, 0.0]),
            distance=float(focal * max(tall, wide) + radius),
            focal_px=focal,
            size=(config.width, config.height),
            count=config.frames,
        )
        for camera in cameras:
            rgb = avatar.render(global_orient, body_pose, transl, camera, background=background).rgb
            yield (rgb.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
