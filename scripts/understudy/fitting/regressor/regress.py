"""From keypoints to a motion in one pass of the network, at any frame rate and length."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import roma
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.fitting.initialise import smooth_rotations
from understudy.fitting.regressor.features import POINTS, Sighting, features
from understudy.fitting.regressor.files import load_net
from understudy.fitting.regressor.model import TURNING, PoseNet, Prediction, joint_rotations, mirrored_turns
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import mirrored

MIN_CONFIDENCE = 0.2
"""Points with less are taken as unseen."""

CHUNK, MARGIN = 512, 40
"""Frames that pass the network at once, and how many more on either side it is shown: as far as it sees in time."""

FARTHEST = MARGIN + 1
"""Steps apart, from which on frames know nothing of each other; more would only take memory."""

FILLED = 0.2
"""Trust in the network in a frame that it was shown nothing of, next to others."""

REACH_SECONDS = 0.5
"""Frames without points farther than this from any with points are interpolated."""

_OTHER_JOINT = mirrored(SMPL_JOINTS).tolist()


@dataclass(frozen=True)
class Regressed:
    """A motion over ``T`` frames in camera axes."""

    rotations: Tensor  # [T,J,3,3]
    """Of each of SMPL's joints relative to its parent; the first turns the root into camera axes."""
    betas: Tensor  # [B]
    """Zeros for another body than the free one, whose shapes alone the network knows."""
    sigma: Tensor  # [T,J] m
    """Expected error of each joint's place, the pelvis being the origin."""

    def __len__(self) -> int:
        return len(self.rotations)


def regress(keypoints: Keypoints, frames: Frames, body: BodyModel, weights: Path) -> Regressed:
    """Rotations and shape of a person from 2D keypoints alone.

    Every frame is judged with near frames some 1/15 s apart; each clip also in the mirror, and both answers are averaged.

    Args:
        keypoints: Points with BODY_25's names, or more; frames and points may be missing.
        frames: The frames, of which only camera and rate are used.
        body: The body that ``betas`` are for.
        weights: File of the network.

    Raises:
        InputError: The file is missing or damaged, keypoints and frames differ in number, or nobody is seen in any frame.
    """
    net, step = load_net(weights)
    if len(keypoints) != len(frames):
        raise InputError(
            f"There are keypoints for {len(keypoints)} frames but {len(frames)} frames; run the keypoints stage again."
        )
    sighting = sighting_of(keypoints, frames)
    seen = (sighting.confidence[0] > 0).any(dim=-1)
    if not seen.any():
        raise InputError(f"No frame of {frames.source} shows a person with confident keypoints; use another video.")
    prediction = predict(net, sighting, frames.fps * step)
    rotations = prediction.rotations[0].clone()
    for index in range(len(TURNING)):
        rotations[:, index] = smooth_rotations(rotations[:, index], _trust(seen, frames.fps), frames.fps)
    joints = joint_rotations(rotations)
    betas = torch.zeros(body.num_betas)
    if body.free and body.num_betas == net.config.num_betas:
        betas = prediction.betas[0][seen].mean(dim=0)
    sigma = prediction.log_sigma[0].exp()
    return Regressed(joints, betas, (2 * sigma[..., 0].square() + sigma[..., 1].square()).sqrt())


def sighting_of(keypoints: Keypoints, frames: Frames) -> Sighting:
    """What the detector says, as one clip."""
    points = _columns(keypoints.keypoints, keypoints.names, POINTS)
    usable = np.isfinite(points).all(axis=-1) & ~keypoints.interpolated[:, None] & (points[..., 2] >= MIN_CONFIDENCE)
    points = np.where(usable[..., None], points, 0.0)
    K = frames.K
    rays = (points[..., :2] - K[:2, 2]) / [K[0, 0], K[1, 1]]
    return Sighting(
        rays=torch.from_numpy(rays).float()[None],
        confidence=torch.from_numpy(np.clip(points[..., 2], 0.0, 1.0)).float()[None],
    )


@torch.no_grad()
def predict(net: PoseNet, sighting: Sighting, rate: float) -> Prediction:
    """What the network says of one clip [1,T], rotations in camera axes.

    Args:
        net: The network.
        sighting: The clip.
        rate: Frames in one of the network's steps.
    """
    length = sighting.rays.shape[1]
    stride, gaps = max(1, round(rate)), min(max(1, round(1.0 / rate)), FARTHEST)
    # every stride-th frame is a clip of its own; at low rates unseen frames stand in between
    rows = -(-length // stride)
    spaced = [_spaced(part[0], stride, rows, gaps) for part in vars(sighting).values()]
    clips = Sighting(*spaced)
    both = [_pass(net, clips), _pass(net, clips.mirrored())]
    turned = mirrored_turns(both[1].rotations)
    rotations = roma.special_procrustes((both[0].rotations + turned).double()).float()

    def back(values: Tensor) -> Tensor:
        return values[:, ::gaps].transpose(0, 1).flatten(0, 1)[None, :length]

    return Prediction(
        rotations=back(rotations),
        log_sigma=back((both[0].log_sigma + both[1].log_sigma[:, :, _OTHER_JOINT]) / 2),
        betas=back((both[0].betas + both[1].betas) / 2),
    )


def _pass(net: PoseNet, clips: Sighting) -> Prediction:
    """Predictions for clips of any length, chunk by chunk; roots turned into camera axes."""
    inputs, view = features(clips)
    pieces = []
    for start in range(0, inputs.shape[1], CHUNK):
        before = min(start, MARGIN)
        piece = net(inputs[:, start - before : start + CHUNK + MARGIN])
        pieces.append([part[:, before : before + CHUNK] for part in vars(piece).values()])
    rotations, log_sigma, betas = (torch.cat(parts, dim=1) for parts in zip(*pieces, strict=True))
    rotations[:, :, 0] = view @ rotations[:, :, 0]
    return Prediction(rotations, log_sigma, betas)


def _spaced(values: Tensor, stride: int, rows: int, gaps: int) -> Tensor:
    """Frames [T,...] as [stride,rows * gaps,...]: frame i is in clip i % stride; zeros where there is no frame."""
    wide = values.new_zeros(rows * stride, *values.shape[1:])
    wide[: len(values)] = values
    clips = wide.unflatten(0, (rows, stride)).transpose(0, 1)
    spread = values.new_zeros(stride, rows, gaps, *values.shape[1:])
    spread[:, :, 0] = clips
    return spread.flatten(1, 2)


def _columns(values: np.ndarray, names: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Columns [T,len(wanted),3] of [T,J,3] by name; zeros for those that are not there."""
    found = np.zeros((len(values), len(wanted), 3))
    for column, name in enumerate(wanted):
        if name in names:
            found[:, column] = values[:, names.index(name)]
    return found


def _trust(seen: Tensor, fps: float) -> Tensor:
    """Weights [T] of the network's answers: less in short gaps, none far from any point."""
    away = distance_transform_edt(~seen.numpy()) if not bool(seen.all()) else np.zeros(len(seen))
    near = np.where(away <= REACH_SECONDS * fps, FILLED, 0.0)
    return torch.from_numpy(np.where(away == 0, 1.0, near))
