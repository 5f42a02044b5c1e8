"""Synthetic clips: bodies of any shape in new motions before random cameras, and what a perfect detector would say."""

from dataclasses import dataclass

import roma
import torch
from torch import Generator, Tensor

from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.regressor.features import POINTS, look_at
from understudy.fitting.regressor.model import joint_rotations
from understudy.fitting.regressor.motions import Bank, Mixture, make_motions
from understudy.fitting.regressor.randomness import paths


@dataclass(frozen=True)
class CameraConfig:
    """Where cameras stand. Angles in degrees."""

    pitch: float = 10.0
    """Standard deviation; at most ``max_pitch``."""
    max_pitch: float = 28.0
    """Largest pitch."""
    roll: float = 3.0
    """Standard deviation."""
    distance: tuple[float, float] = (1.6, 8.0)
    """m."""
    aside: tuple[float, float] = (0.2, 0.12)
    """Standard deviations of the person's direction, as tangents, to the side and up."""
    drift: float = 0.4
    """Standard deviation of the person's speed across the ground, m/s."""


@dataclass(frozen=True)
class Scenes:
    """``S`` clips of ``T`` frames in camera axes, and the truth about them."""

    points: Tensor  # [S,T,P,3] m, in the camera's frame
    joints: Tensor  # [S,T,J,3] m, relative to the pelvis
    rotations: Tensor  # [S,T,G,3,3]
    betas: Tensor  # [S,B]


def make_scenes(
    bank: Bank, rig: PointRig, count: int, length: int, step: float, mixture: Mixture, camera: CameraConfig,
    generator: Generator,
) -> Scenes:  # fmt: skip
    """Random scenes.

    Args:
        bank: Recorded motions.
        rig: ``points_rig`` of the body.
        count: Clips, S.
        length: Frames of each, T.
        step: Seconds between frames.
        mixture: How motions are made.
        camera: Where cameras stand.
        generator: Of everything random.
    """
    rotations = make_motions(bank, count, length, step, mixture, generator)
    angles = torch.randn(count, 2, generator=generator) * torch.deg2rad(torch.tensor([camera.pitch, camera.roll]))
    limit = torch.deg2rad(torch.tensor(camera.max_pitch))
    pitch, roll = angles[:, 0].clamp(-limit, limit), angles[:, 1]
    zero = torch.zeros(count)
    turn = roma.rotvec_to_rotmat(torch.stack([zero, zero, roll], dim=-1)) @ roma.rotvec_to_rotmat(
        torch.stack([torch.pi + pitch, zero, zero], dim=-1)
    )
    rotations[:, :, 0] = turn[:, None] @ rotations[:, :, 0]
    betas = torch.randn(count, rig.num_betas, generator=generator)
    points, joints = posed(rig, betas, rotations)
    near, far = camera.distance
    distance = near * (far / near) ** torch.rand(count, generator=generator)
    aside = torch.randn(count, 2, generator=generator) * torch.tensor(camera.aside)
    way = paths(count, length, (3,), generator) * torch.tensor([1.0, 0.2, 1.0]) * camera.drift * length * step / 2
    place = torch.cat([aside, torch.ones(count, 1)], dim=1) * distance[:, None]
    place = place[:, None] + way * (distance[:, None, None] / 4.0).clamp(max=1.0)
    place[..., 2].clamp_(min=near - 0.2)
    return Scenes(points + place[:, :, None], joints, rotations, betas)


def points_rig(body: BodyModel) -> PointRig:
    """The network's points on a body.

    Raises:
        ValueError: The body lacks some of them.
    """
    return PointRig.of_keypoints(body).at(torch.tensor([body.keypoint_names.index(name) for name in POINTS]))


def posed(rig: PointRig, betas: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
    """Points [S,T,P,3] and joints [S,T,J,3] of many people with the pelvis at the origin; no pose correctives.

    Args:
        rig: The points on the body.
        betas: Of each person [S,B].
        rotations: Of ``TURNING`` [S,T,G,3,3].
    """
    count, length = rotations.shape[:2]
    rest = rig.joints + torch.einsum("jcb,sb->sjc", rig.joints_shapedirs, betas)
    anchors = rig.anchors + torch.einsum("pjcb,sb->spjc", rig.anchors_shapedirs, betas)
    anchors = anchors - rig.weights[..., None] * rest[:, None, :1]
    rest = rest - rest[:, :1]
    every = rest[:, None].expand(-1, length, -1, -1).flatten(0, 1)
    transforms = joint_transforms(joint_rotations(rotations).flatten(0, 1), every, rig.parents)
    transforms = transforms.unflatten(0, (count, length))
    turn, shift = transforms[..., :3, :3], transforms[..., :3, 3]
    rows = turn.permute(0, 1, 3, 2, 4).reshape(count, length * 3, -1)  # [S,T*3,3J]
    points = (rows @ anchors.flatten(2).mT).unflatten(1, (length, 3)).mT + rig.weights @ shift
    joints = (turn @ rest[:, None, :, :, None])[..., 0] + shift
    return points, joints


def in_view(scenes: Scenes, view: Tensor) -> tuple[Tensor, Tensor]:
    """Joints [S,T,J,3] and rotations [S,T,G,3,3] of scenes as seen in views [S,T,3,3]."""
    rotations = scenes.rotations.clone()
    rotations[:, :, 0] = view.mT @ rotations[:, :, 0]
    return scenes.joints @ view, rotations


def exact_view(points: Tensor) -> Tensor:
    """Views [S,T,3,3] towards the middle of points [S,T,P,3]."""
    centre = points.mean(dim=-2)
    return look_at(centre[..., :2] / centre[..., 2:])
