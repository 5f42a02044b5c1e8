"""The avatar on a turntable: one pose, seen from all round; and its portrait, the first of these pictures."""

from collections.abc import Iterator

import numpy as np
import torch

from understudy.avatar.base import Avatar
from understudy.rendering.config import PathConfig, TurntableConfig
from understudy.rendering.paths import camera_path
from understudy.rendering.performance import a_pose

PORTRAIT = TurntableConfig(frames=1, width=270, height=480)


def turntable_pictures(avatar: Avatar, config: TurntableConfig) -> Iterator[np.ndarray]:
    """Yield pictures uint8 [height,width,3] of the avatar in A-pose, the camera circling it once."""
    standing = a_pose(avatar)
    cameras = camera_path(
        standing, config.frames, config.fps, (config.width, config.height), PathConfig(path="turntable")
    )
    background = torch.tensor(config.background, device=avatar.device)
    with torch.no_grad():
        posed = standing.posed(0)
        for camera in cameras:
            rgb = posed.draw(camera, background).rgb
            yield (rgb.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


def portrait(avatar: Avatar) -> np.ndarray:
    """A picture uint8 [480,270,3] of the avatar from the front, on white."""
    return next(iter(turntable_pictures(avatar, PORTRAIT)))
