"""What a real detector adds: errors that last, points hidden or out of the picture, sides taken for each other.

The numbers were measured on MediaPipe Pose 0.10.21 against the truth of synthetic actors (``python -m
benchmarks.poses.regressor --noise``): errors along an axis of 0.9 to 3.4 % of the person's height a clip, with a standing
part of about half and a part that fades within 0.2 s.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from understudy.fitting.regressor.features import POINTS, Sighting
from understudy.fitting.regressor.randomness import chosen, stretch, wander
from understudy.fitting.regressor.synthesis import exact_view
from understudy.formats.skeleton import mirrored

HEIGHT = 1.7  # m

FAR_SIDE_M = 0.04
"""A point of the face so far behind the middle of the ears is on the far side."""

_ERROR_OF = {
    "nose": 0.7, "eye": 0.7, "ear": 0.8, "shoulder": 1.0, "elbow": 1.2, "wrist": 1.4, "hip": 1.0, "knee": 0.9, "ankle": 1.1,
}  # fmt: skip
_ERROR = torch.tensor([_ERROR_OF[name.split("_")[-1]] for name in POINTS])
"""Errors of points [P] relative to each other."""

_ARM, _LEG = ("elbow", "wrist"), ("knee", "ankle")
_FACE = [i for i, name in enumerate(POINTS) if name.split("_")[-1] in ("nose", "eye", "ear")]
_TRUNK = [i for i, name in enumerate(POINTS) if name.split("_")[-1] in ("shoulder", "hip")]
_LOW = [i for i, name in enumerate(POINTS) if name.split("_")[-1] in _LEG]
_OTHER = mirrored(POINTS).tolist()


@dataclass(frozen=True)
class NoiseConfig:
    """Sizes are standard deviations along an axis as shares of the person's height; the others are shares of clips."""

    standing: float = 0.008
    """Error that hardly changes in a clip."""
    wandering: float = 0.010
    """Error that fades within 0.2 s."""
    shaking: float = 0.003
    """Error of a frame by itself."""
    spread: float = 0.4
    """Standard deviation of the logarithm of a clip's size of all three."""
    hidden: float = 0.035
    """Error of a point that the body hides."""
    astray: float = 0.08
    """A limb is somewhere else for a while (each limb)."""
    exchanged: tuple[float, float, float] = (0.04, 0.06, 0.03)
    """Left and right are exchanged for a while: all, legs, arms."""
    honest_face: float = 0.4
    """Points on the far side of the head are left out, as OpenPose does and MediaPipe does not."""
    mirrored_face: float = 0.4
    """A face that looks away is seen as if it looked towards the camera."""
    missing_point: float = 0.15
    """A point (each) is missing in this share of these frames."""
    missing_frames: float = 0.25
    """The person is missing for a while, at an end, or in every other frame."""
    single: float = 0.04
    """There is one frame only."""
    cut_off: float = 0.08
    """Legs are outside of the picture."""
    unknown_focal: float = 0.7
    """The focal length is a guess."""
    focal_error: tuple[float, float] = (0.1, 0.28)
    """Mean and standard deviation of the logarithm of the true focal length over such a guess."""


def sight(points: Tensor, config: NoiseConfig, generator: Generator) -> Sighting:
    """What a detector says of points [S,T,P,3] (m, camera frame)."""
    count, length = points.shape[:2]
    view = exact_view(points)
    local = points @ view
    hidden = _hidden(local)
    rays = points[..., :2] / points[..., 2:].clamp(min=0.3)
    unit = (HEIGHT / points[..., 2].mean(dim=-1))[..., None, None]  # of a height, as the camera sees it
    level = (config.spread * torch.randn(count, 1, 1, 1, generator=generator)).exp()
    error = config.standing * wander(count, length, (len(POINTS), 2), 40.0, generator)
    error = error + config.wandering * wander(count, length, (len(POINTS), 2), 3.0, generator)
    error = error + config.shaking * torch.randn(count, length, len(POINTS), 2, generator=generator)
    error = error * level * _ERROR[:, None]
    error = error + config.hidden * hidden[..., None] * wander(count, length, (len(POINTS), 2), 6.0, generator)
    confidence = 1.0 - 0.06 * torch.rand(count, length, len(POINTS), generator=generator).square()
    confidence = confidence * (1.0 - hidden * torch.rand(count, 1, len(POINTS), generator=generator))
    rays, confidence = _faces(rays, confidence, local, config, generator)
    rays = _astray(rays + unit * error, unit, config, generator)
    rays = _exchanged(rays, config, generator)
    confidence = _missing(confidence, config, generator)
    plain = chosen(0.2, count, generator)[:, None, None]  # some backends are sure of everything
    confidence = torch.where(plain & (confidence > 0), 1.0, confidence)
    mean, spread = config.focal_error
    factor = (mean + spread * torch.randn(count, generator=generator)).exp()
    factor = torch.where(chosen(config.unknown_focal, count, generator), factor, 1.0)
    return Sighting(rays * factor[:, None, None, None], confidence)


def _hidden(local: Tensor) -> Tensor:
    """How far (0..1) each point [S,T,P] is hidden: behind the trunk, or behind the other leg. ``local``: in the view."""
    top, bottom = (
        local[..., [POINTS.index(f"left_{name}"), POINTS.index(f"right_{name}")], :].mean(dim=-2)
        for name in ("shoulder", "hip")
    )
    axis = (bottom - top)[..., None, :]
    along = ((local - top[..., None, :])[..., :2] * axis[..., :2]).sum(-1) / axis[..., :2].square().sum(-1).clamp(
        min=1e-3
    )
    nearest = top[..., None, :] + along.clamp(0.0, 1.1)[..., None] * axis
    gap = local - nearest
    behind = torch.sigmoid((gap[..., 2] - 0.07) / 0.03) * torch.exp(-((gap[..., :2].norm(dim=-1) / 0.17) ** 4))
    gap = local[..., _LOW, :] - local[..., [_OTHER[i] for i in _LOW], :]
    behind[..., _LOW] = torch.sigmoid((gap[..., 2] - 0.05) / 0.03) * torch.exp(
        -((gap[..., :2].norm(dim=-1) / 0.12) ** 4)
    )
    behind[..., _FACE] = 0.0
    behind[..., _TRUNK] *= 0.3
    return behind


def _faces(
    rays: Tensor, confidence: Tensor, local: Tensor, config: NoiseConfig, generator: Generator
) -> tuple[Tensor, Tensor]:
    """What becomes of a face's far side: some backends leave it out, some see it all the same, some mirror the face."""
    ears = [POINTS.index("left_ear"), POINTS.index("right_ear")]
    depth = local[..., _FACE, 2] - local[..., ears, 2].mean(dim=-1, keepdim=True)
    left_out = chosen(config.honest_face, len(rays), generator)[:, None, None] & (depth > FAR_SIDE_M)
    away = depth[..., [_FACE.index(POINTS.index("nose"))]] > 0
    flips = chosen(config.mirrored_face, len(rays), generator)[:, None, None] & away
    middle = rays[..., ears, :].mean(dim=-2, keepdim=True)
    rays, confidence = rays.clone(), confidence.clone()
    rays[..., _FACE, 0] = torch.where(flips, 2 * middle[..., 0] - rays[..., _FACE, 0], rays[..., _FACE, 0])
    confidence[..., _FACE] = torch.where(left_out, 0.0, confidence[..., _FACE])
    return rays, confidence


def _astray(rays: Tensor, unit: Tensor, config: NoiseConfig, generator: Generator) -> Tensor:
    """Limbs that are displaced in the picture for a while."""
    count, length = rays.shape[:2]
    for side in ("left", "right"):
        for parts in (_ARM, _LEG):
            rows = [POINTS.index(f"{side}_{part}") for part in parts]
            when = stretch(config.astray, count, length, 2, 12, generator)[..., None, None]
            shift = 0.05 * torch.randn(count, 1, 1, 2, generator=generator) + 0.03 * torch.randn(
                count, 1, len(rows), 2, generator=generator
            )
            rays[:, :, rows] += when * unit * shift
    return rays


def _exchanged(rays: Tensor, config: NoiseConfig, generator: Generator) -> Tensor:
    """Left and right taken for each other for a while."""
    count, length = rays.shape[:2]
    for share, parts in zip(config.exchanged, (None, _LEG, _ARM), strict=True):
        when = stretch(share, count, length, 2, 12, generator)[..., None, None]
        order = [_OTHER[i] if parts is None or name.split("_", 1)[-1] in parts else i for i, name in enumerate(POINTS)]
        rays = torch.where(when, rays[..., order, :], rays)
    return rays


def _missing(confidence: Tensor, config: NoiseConfig, generator: Generator) -> Tensor:
    """Confidence [S,T,P] with points, frames and legs that nobody saw set to 0."""
    count, length, points = confidence.shape
    share = config.missing_point * chosen(config.missing_point, count * points, generator).reshape(count, 1, points)
    kept = torch.rand(count, length, points, generator=generator) >= share + 0.005
    kept[..., _LOW] &= ~chosen(config.cut_off, count, generator)[:, None, None]
    gap = stretch(config.missing_frames / 3, count, length, 1, 10, generator)
    time = torch.arange(length)
    ends = torch.rand(count, 2, generator=generator).square() * 0.8 * length
    cut = chosen(config.missing_frames / 3, count, generator)[:, None]
    gap |= cut & ((time < ends[:, :1]) | (time > length - 1 - ends[:, 1:]))
    pace = torch.randint(2, 5, (count, 1), generator=generator)
    gap |= chosen(config.missing_frames / 3, count, generator)[:, None] & (time % pace != 0)
    lone = torch.randint(length, (count, 1), generator=generator)
    gap |= chosen(config.single, count, generator)[:, None] & (time != lone)
    return confidence * (kept & ~gap[..., None])
