"""The avatar on a turntable: one pose, seen from all round."""

from collections.abc import Iterator

import numpy as np
import torch

from understudy.avatar.base import Avatar
from understudy.avatar.config import TurntableConfig
from understudy.body.joints import A_POSE, pose_of
from understudy.body.lbs import pose_rotations
from understudy.render.camera import turntable


def turntable_pictures(avatar: Avatar, config: TurntableConfig) -> Iterator[np.ndarray]:
    """Yield pictures uint8 [height,width,3] of the avatar in A-pose, the camera circling it once."""
    body_pose = torch.from_numpy(pose_of(avatar.body.joint_names, A_POSE))
    upright = torch.tensor([torch.pi, 0.0, 0.0])  # from y up to the camera's y down, facing the camera
    device = avatar.device
    global_orient, body_pose, transl = (part.to(device) for part in (upright, body_pose, torch.zeros(3)))
    rotations = pose_rotations(global_orient[None], body_pose[None])[0]
    background = torch.tensor(config.background, device=device)
    with torch.no_grad():
        posed = avatar.shaped().posed(rotations, transl)
        points = posed.extent().cpu().numpy()
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
            rgb = posed.draw(camera, background).rgb
            yield (rgb.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
