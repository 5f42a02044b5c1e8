"""Training on synthetic clips made on the fly."""

import logging
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor

from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.regressor.features import features
from understudy.fitting.regressor.losses import Balance, mean_joints, parts_of_loss
from understudy.fitting.regressor.model import NetConfig, PoseNet
from understudy.fitting.regressor.motions import Bank, Mixture
from understudy.fitting.regressor.noise import NoiseConfig, sight
from understudy.fitting.regressor.synthesis import CameraConfig, in_view, make_scenes, points_rig
from understudy.metrics.pose import mpjpe, pa_mpjpe
from understudy.progress import track

logger = logging.getLogger(__name__)

CHECKED = 256
"""Clips of motions kept out that reports are made on."""


@dataclass(frozen=True)
class RegressorConfig:
    """How the regressor is trained."""

    steps: int = 3500
    """Steps of the optimiser."""
    clips: int = 64
    """Clips in a step."""
    frames: int = 32
    """Frames of a clip."""
    step_seconds: float = 1.0 / 15.0
    """Time between frames."""
    learning_rate: float = 2e-3
    """Largest, after a warm-up; it falls to nearly nothing along a cosine."""
    half_precision: bool = True
    """Whether the network multiplies in bfloat16."""
    report_every: int = 500
    """Steps between reports on clips that are never learned from."""
    seed: int = 0
    """Of everything random."""
    net: NetConfig = field(default_factory=NetConfig)
    """The network."""
    mixture: Mixture = field(default_factory=Mixture)
    """The motions."""
    camera: CameraConfig = field(default_factory=CameraConfig)
    """The cameras."""
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    """The detector."""


@dataclass(frozen=True)
class Batch:
    """Clips with what there is to learn of them, in their views."""

    features: Tensor  # [S,T,F]
    joints: Tensor  # [S,T,J,3], of the mean body, relative to the pelvis
    rotations: Tensor  # [S,T,G,3,3]
    betas: Tensor  # [S,B]
    seen: Tensor  # [S,T] bool


def train(bank: Bank, held_out: Bank | None, body: BodyModel, config: RegressorConfig) -> PoseNet:
    """Train a network; the mean of its last weights, which is steadier than any.

    Args:
        bank: Recorded motions to learn from.
        held_out: Recorded motions for the reports alone.
        body: Who performs them, on SMPL's joints.
        config: How.
    """
    torch.manual_seed(config.seed)
    generator = Generator().manual_seed(config.seed)
    rig = points_rig(body)
    net, balance = PoseNet(config.net), Balance()
    mean = deepcopy(net)
    check = None if held_out is None else make_batch(held_out, rig, config, Generator().manual_seed(1), CHECKED)
    groups: list[dict[str, Any]] = [{"params": net.parameters()}, {"params": balance.parameters(), "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=0.02, betas=(0.9, 0.98))
    batches = track(_batches(bank, rig, config, generator), "training the regressor", config.steps)
    for number, batch in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * _pace(number, config.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.half_precision):
            prediction = net(batch.features)
        parts, likelihood = parts_of_loss(prediction, batch.joints, batch.rotations, batch.betas, batch.seen, rig)
        optimiser.zero_grad()
        (balance(parts) + 0.5 * likelihood).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            keep = min(0.998, number / (number + 10.0))
            for slow, fast in zip(mean.parameters(), net.parameters(), strict=True):
                slow.lerp_(fast, 1.0 - keep)
        if check is not None and (number + 1) % config.report_every == 0:
            logger.info("step %d: loss parts %s; held out: %s", number + 1, _rounded(parts), report(mean, check, rig))
    return mean.eval()


@torch.no_grad()
def make_batch(
    bank: Bank, rig: PointRig, config: RegressorConfig, generator: Generator, clips: int | None = None
) -> Batch:
    """New clips: ``clips``, or as many as a step takes."""
    scenes = make_scenes(
        bank, rig, clips or config.clips, config.frames, config.step_seconds, config.mixture, config.camera, generator
    )
    sighting = sight(scenes.points, config.noise, generator)
    inputs, view = features(sighting)
    _, rotations = in_view(scenes, view)
    joints = mean_joints(rig, rotations)
    return Batch(inputs, joints, rotations, scenes.betas, (sighting.confidence > 0).any(dim=-1))


@torch.no_grad()
def report(net: PoseNet, batch: Batch, rig: PointRig) -> str:
    """Errors on clips, in mm of the mean body, in frames that show the person."""
    found = mean_joints(rig, net(batch.features).rotations)[batch.seen].numpy()
    true = batch.joints[batch.seen].numpy()
    depth = abs(found - true)[..., 2].mean()
    return (
        f"MPJPE {1e3 * mpjpe(found, true).mean():.1f} mm, PA {1e3 * pa_mpjpe(found, true).mean():.1f} mm, "
        f"in depth {1e3 * depth:.1f} mm"
    )


def _batches(bank: Bank, rig: PointRig, config: RegressorConfig, generator: Generator) -> Iterator[Batch]:
    """A batch for every step, each made while the one before is learned from."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(make_batch, bank, rig, config, generator)
        for number in range(config.steps):
            batch = coming.result()
            if number + 1 < config.steps:
                coming = pool.submit(make_batch, bank, rig, config, generator)
            yield batch


def _pace(number: int, steps: int) -> float:
    """Share of the learning rate: a warm-up, then half a cosine."""
    return min(1.0, (number + 1) / max(1, min(200, steps // 10))) * (
        0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * number / steps))
    )


def _rounded(parts: Tensor) -> list[float]:
    return [round(part, 3) for part in parts.tolist()]
