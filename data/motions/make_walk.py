"""Make walk.npz: a walk once round a circle, from formulas, so that nobody's recording has to travel with the program.

PYTHONPATH=scripts python data/motions/make_walk.py
"""

from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from understudy.body.files import load_body
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.files.arrays import write_npz
from understudy.motion.clip import Clip
from understudy.motion.frames import joint_frames

HERE = Path(__file__).resolve().parent
BODY = HERE.parents[1] / "models/understudy_body.npz"
FPS, STRIDES, FREQUENCY = 30.0, 6, 0.95
"""Pictures a second; strides of both legs until it is where it began; strides a second."""
SOFT = 0.008
"""m; so near in height, both feet carry."""


def main() -> None:
    """Write the file in AMASS's keys."""
    clip = walk(load_body(BODY))
    poses = np.concatenate([clip.global_orient, clip.body_pose], axis=1)
    write_npz(HERE / "walk.npz", {"poses": poses, "trans": clip.transl, "mocap_framerate": np.array(clip.fps)})


def walk(body: BodyModel) -> Clip:
    """The walk; its last frame leads into its first one."""
    count = round(STRIDES / FREQUENCY * FPS)
    phase = 2 * np.pi * STRIDES * np.arange(count + 1) / count
    angles = {"pelvis": np.stack([2 + 0 * phase, -5 * np.cos(phase), 2 * np.sin(phase)], axis=1)}
    angles["spine2"] = np.stack([1 * np.cos(2 * phase), 9 * np.cos(phase), -1.5 * np.sin(phase)], axis=1)
    angles["neck"] = np.stack([4 + np.cos(2 * phase), -3 * np.cos(phase), 0 * phase], axis=1)
    for side, sign, own in (("left", 1.0, phase), ("right", -1.0, phase + np.pi)):
        share = own / (2 * np.pi) % 1.0  # 0 where the heel strikes
        knee = 14 * _bump(share, 0.16, 0.08) + 56 * _bump(share, 0.72, 0.10)
        ankle = 14 * _bump(share, 0.62, 0.07) - 6 * _bump(share, 0.40, 0.12)
        angles[f"{side}_hip"] = _about(x=-(22 * np.cos(own - 0.25) + 5), z=1.5 * sign)
        angles[f"{side}_knee"] = _about(x=4 + knee)
        angles[f"{side}_ankle"] = _about(x=ankle)
        angles[f"{side}_foot"] = _about(x=-20 * _bump(share, 0.60, 0.06))
        # arms are lowered from the T-pose first, then swing against the leg of their side
        angles[f"{side}_shoulder"] = _about(x=20 * np.cos(own), z=-73 * sign)
        angles[f"{side}_elbow"] = _about(y=-sign * (16 - 9 * np.cos(own)))
    turns = np.zeros((len(phase), len(SMPL_JOINTS), 3))
    for name, degrees in angles.items():
        turns[:, SMPL_JOINTS.index(name)] = Rotation.from_euler("zyx", degrees[:, ::-1], degrees=True).as_rotvec()
    heading = Rotation.from_rotvec(np.linspace(0, 2 * np.pi, len(phase))[:, None] * [0.0, 1.0, 0.0])
    turns[:, 0] = (heading * Rotation.from_rotvec(turns[:, 0])).as_rotvec()
    flat = turns.reshape(len(turns), 72).astype(np.float32)
    in_place = Clip(flat[:, :3], flat[:, 3:], np.zeros((len(turns), 3), np.float32), FPS)
    return Clip(flat[:, :3], flat[:, 3:], _path(in_place, body), FPS).part(0, count)


def _path(clip: Clip, body: BodyModel) -> np.ndarray:
    """Places [T,3] of a motion in place such that the lower foot stays where it is, on the ground, and the circle closes."""
    _, places = joint_frames(clip, body)
    left, right = ((places[:, SMPL_JOINTS.index(f"{side}_ankle")] + places[:, SMPL_JOINTS.index(f"{side}_foot")]) / 2
                   for side in ("left", "right"))  # fmt: skip
    share = 1 / (1 + np.exp((left[:, 1] - right[:, 1]) / SOFT))
    carries = (share[1:] + share[:-1])[:, None] / 2
    steps = -(carries * np.diff(left, axis=0) + (1 - carries) * np.diff(right, axis=0))
    steps = gaussian_filter1d(steps, 0.05 * FPS, axis=0, mode="wrap")
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(steps - steps.mean(axis=0), axis=0)])
    values = (torch.from_numpy(part) for part in (clip.global_orient, clip.body_pose, clip.transl))
    lowest = body(torch.zeros(body.num_betas), *values).vertices[..., 1].amin(dim=1).double().numpy()
    path[:, 1] = -gaussian_filter1d(lowest, 0.03 * FPS, mode="wrap")
    return path.astype(np.float32)


def _about(x: np.ndarray | float = 0.0, y: np.ndarray | float = 0.0, z: np.ndarray | float = 0.0) -> np.ndarray:
    """Euler angles [T,3] about x, y, z, degrees."""
    return np.stack(np.broadcast_arrays(*(np.asarray(angle, float) for angle in (x, y, z))), axis=-1)


def _bump(share: np.ndarray, middle: float, width: float) -> np.ndarray:
    off = (share - middle + 0.5) % 1.0 - 0.5
    return np.exp(-((off / width) ** 2))


if __name__ == "__main__":
    main()
