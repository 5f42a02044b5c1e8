"""A made-up motion with its keypoints, for tests of the fit."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import roma
import torch

from tests.support.bodies import sausage_body
from understudy.body.lbs import pose_rotations
from understudy.body.model import BodyModel, BodyOutput
from understudy.body.rig import PointRig
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.ground import find_contacts
from understudy.fitting.motion import GROUPS, project
from understudy.fitting.terms import Terms, crown_and_sole
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack

K = np.array([[700.0, 0.0, 256.0], [0.0, 700.0, 256.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Scene:
    body: BodyModel
    keypoints: Keypoints
    frames: Frames
    truth: BodyOutput

    def posed(self, track: BodyTrack) -> BodyOutput:
        values = (track.betas, track.global_orient, track.body_pose, track.transl)
        return self.body(*(torch.from_numpy(value) for value in values))


def turning_walk(length=40, fps=20.0, turn=2 * np.pi, noise_px=0.0, seed=0, body=None) -> Scene:
    """A person who walks on the spot, swings bent arms and turns by ``turn`` to the left."""
    body = sausage_body() if body is None else body
    time = np.arange(length) / fps
    swing = np.sin(2 * np.pi * time / 1.2)
    pose = np.zeros((length, len(body.parents), 3), np.float32)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        pose[:, body.joint(f"{side}_shoulder"), 1] = 0.3 * swing
        pose[:, body.joint(f"{side}_shoulder"), 2] = sign * np.deg2rad(60)
        pose[:, body.joint(f"{side}_elbow"), 1] = sign * 0.6 - 0.5 * swing
        pose[:, body.joint(f"{side}_hip"), 0] = sign * 0.5 * swing
        pose[:, body.joint(f"{side}_knee"), 0] = 0.4 - sign * 0.3 * swing
    yaw = torch.tensor(turn * np.linspace(0, 1, length), dtype=torch.float32)[:, None] * torch.tensor([0.0, 1.0, 0.0])
    root = roma.rotvec_to_rotmat(torch.tensor([torch.pi, 0.0, 0.0])) @ roma.rotvec_to_rotmat(yaw)
    rotations = pose_rotations(torch.zeros(length, 3), torch.from_numpy(pose[:, 1:]).flatten(1))
    rotations[:, 0] = root
    transl = np.stack([0.3 * np.sin(time), np.full(length, 0.1), 4 + 0.3 * np.cos(time)], axis=1)
    truth = body.posed(torch.tensor([0.3, *[0.0] * (body.num_betas - 1)]), rotations, torch.from_numpy(transl).float())
    points = body.keypoints(truth.vertices)
    pixels = project(points, torch.from_numpy(K).float()).numpy()
    pixels = pixels + np.random.default_rng(seed).normal(0, noise_px, pixels.shape)
    confident = np.ones((*pixels.shape[:2], 1))
    keypoints = Keypoints(
        keypoints=np.concatenate([pixels, confident], axis=-1).astype(np.float32),
        names=body.keypoint_names,
        bbox=np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1).astype(np.float32),
        backend="made up",
        world=(points - truth.joints[:, :1]).numpy(),
        interpolated=np.zeros(length, bool),
        swapped=np.zeros(length, bool),
        people=np.ones(length, np.int32),
    )
    frames = Frames(Path("frames"), fps, 512, 512, "made-up.mp4", "0" * 64, np.arange(length), K, "config")
    return Scene(body, keypoints, frames, truth)


def rig_of(walk):
    names = [name for name in walk.keypoints.names if name in walk.body.keypoint_names]
    return PointRig.of_keypoints(walk.body).at(torch.tensor([walk.body.keypoint_names.index(name) for name in names]))


def terms_of(walk, guess=1.0):
    evidence = gather_evidence(walk.keypoints, walk.frames, walk.body, 0.3)
    size = torch.full((len(evidence),), 300.0)
    return Terms(
        evidence, rig_of(walk), size, find_contacts(evidence, size), 1.0, 4.0, None, guess, crown_and_sole(walk.body)
    )


def resting_rotations(length: int) -> torch.Tensor:
    """No rotation anywhere, [T,G,3,3]."""
    return torch.eye(3).expand(length, len(GROUPS), 3, 3).clone()
