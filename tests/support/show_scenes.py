"""An avatar of a made-up person in a file, and motions and cameras for it."""

import json
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from tests.support.avatar_scenes import HEIGHT, WIDTH, plain_canonical, truth_avatar, turning_track
from tests.support.bodies import sausage_body
from understudy.avatar.archive import save_avatar
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training.train import Training
from understudy.formats.frames import Frames
from understudy.motion.clip import Clip

K = np.array([[200.0, 0.0, WIDTH / 2], [0.0, 200.0, HEIGHT / 2], [0.0, 0.0, 1.0]])
LENGTH = 6


def save_made_up_avatar(path: Path) -> Path:
    """Write an ``avatar.tar`` of six frames."""
    body = sausage_body()
    avatar = truth_avatar(body, count=1500)
    history: dict[str, list[float]] = {"step": [1.0], "seconds": [2.0], "shrink": [1.0], "loss": [0.1], "psnr": [20.0]}
    training = Training(
        avatar,
        turning_track(LENGTH, body, K),
        np.ones((LENGTH, 3), np.float32),
        [2],
        AvatarConfig(),
        GaussiansConfig(),
        history,
    )
    frames = Frames(
        folder=path.parent, fps=25.0, width=WIDTH, height=HEIGHT, source="made_up.mp4", source_sha256="1" * 64,
        source_frames=np.arange(LENGTH), K=K, K_source="config",
    )  # fmt: skip
    save_avatar(path, training, plain_canonical(body), frames)
    return path


def walking_clip(length: int = 40, fps: float = 30.0, slip: float = 0.0) -> Clip:
    """A person who marches on the spot, or slips forward by ``slip`` m/s meanwhile."""
    pose = np.zeros((length, 24, 3), np.float32)
    phase = np.sin(np.linspace(0, 4 * np.pi, length))
    for side, lift in ((1, np.maximum(phase, 0)), (2, np.maximum(-phase, 0))):
        pose[:, side, 0], pose[:, side + 3, 0], pose[:, side + 6, 0] = -0.8 * lift, 1.6 * lift, -0.8 * lift
    body = sausage_body()
    soles = -float(body.v_template[:, 1].min())
    transl = np.stack([0 * phase, soles + 0 * phase, slip * np.arange(length) / fps], axis=1)
    return Clip(pose[:, 0], pose[:, 1:].reshape(length, 69), transl.astype(np.float32), fps)


def write_amass(path: Path, length: int = 12) -> Path:
    """A person who turns and lifts an arm, as AMASS has it: z up."""
    up = Rotation.from_euler("x", 90, degrees=True)
    time = np.linspace(0, 1, length)
    poses = np.zeros((length, 156))
    poses[:, :3] = (up * Rotation.from_rotvec(np.outer(time, [0, 0.6, 0]))).as_rotvec()
    poses[:, 3 * 16 + 2] = time
    trans = np.tile([2.0, 1.0, 0.9], (length, 1))
    np.savez(path, poses=poses, trans=trans, betas=np.zeros(16), mocap_framerate=24.0)
    return path


def write_views(path: Path, views: np.ndarray, size: tuple[int, int] = (60, 80), focal: float = 100.0) -> Path:
    """Our own file of cameras."""
    content = {
        "width": size[0], "height": size[1], "K": [[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]],
        "views": np.asarray(views).tolist(),
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


def joints_of(clip: Clip) -> np.ndarray:
    """Joints [T,24,3] of the made-up body."""
    parts = (torch.from_numpy(part) for part in (clip.global_orient, clip.body_pose, clip.transl))
    return sausage_body()(torch.zeros(4), *parts).joints.numpy()
