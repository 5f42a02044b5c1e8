"""Training of an avatar from one video: Gaussians and poses together, from coarse to fine."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.dataset import Crops
from understudy.avatar.device import choose_device
from understudy.avatar.losses import Calm, likeness
from understudy.avatar.model import Avatar, splat
from understudy.avatar.poses import RefinedPoses
from understudy.avatar.sampling import sample_surface
from understudy.avatar.texture import sample_texture
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.smpl import BodyTrack

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0
BROKEN_STEPS = 20
"""Steps in a row without a finite loss after which training gives up."""


@dataclass(frozen=True)
class AvatarConfig:
    """How an avatar is trained."""

    gaussians: int = 20000
    """Number of Gaussians."""
    steps: int = 1200
    """Training steps, one frame each."""
    minutes: float | None = None
    """Time after which training ends even if steps are left; the schedule is shortened to fit. None for no limit."""
    hold_out: int = 8
    """Every so many frames one is kept out of training, for evaluation; 0 for none."""
    seed: int = 0
    """Of everything random; on a CPU the same seed gives the same avatar."""
    device: str = "auto"
    """cpu, cuda, or auto: CUDA where PyTorch and gsplat find it."""
    levels: tuple[tuple[int, float], ...] = ((4, 0.25), (2, 0.35), (1, 0.4))
    """Shrink factor of the pictures and the part of the training that uses it, coarse to fine."""
    lr_offsets: float = 1e-3
    """Learning rate of the offsets from the surface, m."""
    lr_scales: float = 1e-2
    """Of the logarithms of the scales."""
    lr_quats: float = 5e-3
    """Of the quaternions."""
    lr_opacities: float = 2e-2
    """Of the opacities' logits."""
    lr_colors: float = 3e-2
    """Of the colours' logits."""
    lr_turns: float = 5e-3
    """Of the poses' turns, rad; 0 keeps the fitted poses."""
    lr_shifts: float = 2e-3
    """Of the poses' shifts, m."""
    lr_betas: float = 5e-3
    """Of the shape; 0 keeps the fitted one."""
    lr_end: float = 0.1
    """Learning rates at the end over those at the start."""
    refine_from: float = 0.1
    """Part of the training after which poses and shape are refined."""
    dssim: float = 0.2
    """Weight of D-SSIM against L1."""
    alpha: float = 0.2
    """Weight of the silhouette."""
    edge_band: float = 0.0
    """Width of a further band round the mask's outline where neither colour nor silhouette counts, of the person's height."""
    calm_offsets: float = 3e-4
    """Weight of the squared offsets from the surface, in spacings."""
    calm_scales: float = 1e-1
    """Weight against large and needle-like Gaussians."""
    calm_opacities: float = 1e-3
    """Weight against transparent Gaussians."""
    calm_neighbours: float = 1e-2
    """Weight of differences between neighbours in height over the surface and in size."""
    calm_colors: float = 1.0
    """Weight that keeps the texture's colours where the video shows nothing."""
    pose_pull: float = 0.3
    """Weight of the squared corrections of poses."""
    pose_smooth: float = 3.0
    """Weight of their squared distance from the neighbours' mean."""
    cache_mb: int = 256
    """Memory for pictures that are read again, MB."""


@dataclass(frozen=True)
class Training:
    """What training gives."""

    avatar: Avatar
    poses: BodyTrack
    """Refined in the frames of training, interpolated corrections in the others; the avatar's betas."""
    held_out: list[int]
    """Frames of which no pixel was read."""
    history: dict[str, list[float]]
    """Curves: step, seconds, shrink, loss, psnr (of the crop on a random background)."""


def train_avatar(
    frames: Frames,
    alpha_folder: Path,
    track: BodyTrack,
    canonical: Canonical,
    body: BodyModel,
    config: AvatarConfig,
    trimap_folder: Path | None = None,
) -> Training:
    """Train an avatar.

    Args:
        frames: The video.
        alpha_folder: Soft masks of the person.
        track: Fitted poses; frames that are not valid are not trained on.
        canonical: Where colours start and stay where nothing is seen.
        body: The body that the poses belong to.
        config: How to train.
        trimap_folder: Trimaps, whose unsure pixels count for nothing; None where there are none.

    Raises:
        InputError: The poses belong to another body or another number of frames, or no frame is left to train on.
    """
    if track.body_model[1] != body.sha256:
        names = [f"{name} ({digest[:8]})" for name, digest in (track.body_model, (body.name, body.sha256))]
        raise InputError(f"The poses belong to the body file {names[0]}, not to {names[1]}; fit them to this body.")
    if len(track) != len(frames):
        raise InputError(f"There are {len(track)} poses but {len(frames)} frames; delete smpl.npz and run again.")
    held_out = held_out_frames(len(frames), config.hold_out)
    usable = [frame for frame in range(len(frames)) if track.valid[frame] and frame not in set(held_out)]
    if not usable:
        raise InputError(f"{frames.source} has no frame with a valid pose to train on; use a clearer video.")
    crops = Crops(frames, Path(alpha_folder), track.K, config.edge_band, config.cache_mb << 20, trimap_folder)
    return _Trainer(crops, track, canonical, body, config, usable, held_out).run()


class _Trainer:
    def __init__(
        self,
        crops: Crops,
        track: BodyTrack,
        canonical: Canonical,
        body: BodyModel,
        config: AvatarConfig,
        usable: list[int],
        held_out: list[int],
    ) -> None:
        self.config, self.usable, self.held_out = config, usable, held_out
        self.device = choose_device(config.device)
        self.crops = crops
        anchors = sample_surface(canonical.rest_vertices, canonical.faces, body.parts, config.gaussians, config.seed)
        colors, seen = sample_texture(canonical, anchors)
        self.avatar = Avatar(body, anchors, track.betas, colors).to(self.device)
        self.fitted_betas = self.avatar.betas.detach().clone()
        self.calm = Calm.of(self.avatar, colors, 1.0 - seen)
        self.poses = RefinedPoses(track, usable).to(self.device)
        self.random = np.random.default_rng(config.seed)
        self.optimizer = self._optimizer()
        self.history: dict[str, list[float]] = {name: [] for name in ("step", "seconds", "shrink", "loss", "psnr")}

    def _optimizer(self) -> torch.optim.Adam:
        config, avatar = self.config, self.avatar
        rates = [
            ([avatar.offsets], config.lr_offsets),
            ([avatar.log_scales], config.lr_scales),
            ([avatar.quats], config.lr_quats),
            ([avatar.opacity_logits], config.lr_opacities),
            ([avatar.rgb_logits], config.lr_colors),
            ([avatar.betas], config.lr_betas),
            (list(self.poses.turns), config.lr_turns),
            (list(self.poses.shifts), config.lr_shifts),
        ]
        groups = [{"params": parameters, "lr": rate, "start": rate} for parameters, rate in rates if rate > 0]
        return torch.optim.Adam(groups, eps=1e-15)

    def run(self) -> Training:
        """All steps."""
        started = last_line = time.monotonic()
        broken = 0
        order = self._order()
        step = 0
        while (done := self._done(step, time.monotonic() - started)) < 1.0:
            loss, error = self._step(next(order), done)
            broken = 0 if np.isfinite(loss) else broken + 1
            if broken >= BROKEN_STEPS:
                raise FloatingPointError(f"no finite loss in {broken} steps of training; lower the learning rates")
            step += 1
            now = time.monotonic()
            if np.isfinite(loss):
                self._note(step, now - started, self._shrink(done), loss, error)
            if now - last_line > SECONDS_BETWEEN_LINES:
                last_line = now
                self._report(step, now - started)
        self._report(step, time.monotonic() - started)
        self.avatar.own_shape()
        return Training(self.avatar.requires_grad_(False).cpu(), self._track(), self.held_out, self.history)

    def _done(self, step: int, seconds: float) -> float:
        """Part of the training that is over."""
        done = step / max(1, self.config.steps)
        return done if self.config.minutes is None else max(done, seconds / (60.0 * self.config.minutes))

    def _shrink(self, done: float) -> int:
        for shrink, part in self.config.levels:
            if done < part:
                return shrink
            done -= part
        return self.config.levels[-1][0]

    def _order(self) -> Iterator[int]:
        """Frames in random order, each once a round."""
        while True:
            yield from (self.usable[i] for i in self.random.permutation(len(self.usable)))

    def _step(self, frame: int, done: float) -> tuple[float, float]:
        """One step on one frame: the loss, not finite where the step was skipped, and the mean squared error."""
        crop = self.crops.get(frame, self._shrink(done))
        if crop is None:
            return 0.0, 0.0
        refine = done >= self.config.refine_from
        premultiplied, alpha, weight = crop.tensors(self.device)
        background = torch.from_numpy(self.random.random(3, dtype=np.float32)).to(self.device)
        truth = premultiplied + (1.0 - alpha)[..., None] * background
        K = torch.as_tensor(crop.K, dtype=torch.float32, device=self.device)

        self.optimizer.zero_grad(set_to_none=True)
        with torch.set_grad_enabled(True):
            rotations, transl = self.poses(frame)
            if not refine:
                rotations, transl = rotations.detach(), transl.detach()
            rest = self.avatar.rest(self.avatar.betas if refine else self.avatar.betas.detach())
            render = splat(self.avatar.gaussians(rotations, transl, rest), K, crop.size, background=background)
            loss = likeness(render.rgb, render.alpha, truth, alpha, weight, self.config.dssim, self.config.alpha)
            total = loss + self._regularisers(frame, refine)
        total.backward()
        if not self._finite(total):
            self.optimizer.zero_grad(set_to_none=True)
            return float("nan"), float("nan")
        for group in self.optimizer.param_groups:
            group["lr"] = group["start"] * self.config.lr_end**done
        self.optimizer.step()
        with torch.no_grad():
            error = (weight[..., None] * (render.rgb - truth)).square().sum() / (3.0 * weight.sum().clamp_min(1.0))
        return float(loss.detach()), float(error)

    def _regularisers(self, frame: int, refine: bool) -> Tensor:
        config = self.config
        terms = self.calm.terms(self.avatar)
        total = (
            config.calm_offsets * terms.offsets
            + config.calm_scales * terms.scales
            + config.calm_opacities * terms.opacities
            + config.calm_neighbours * terms.neighbours
            + config.calm_colors * terms.colors
        )
        if refine:
            pull, apart = self.poses.prior(frame)
            total = total + config.pose_pull * pull + config.pose_smooth * apart
            total = total + 1e-2 * (self.avatar.betas - self.fitted_betas).square().mean()
        return total

    def _finite(self, total: Tensor) -> bool:
        gradients = [p.grad for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        sums = torch.stack([total.detach(), *(gradient.sum() for gradient in gradients)])
        return bool(sums.isfinite().all())

    def _note(self, *values: float) -> None:
        *rest, error = values
        for name, value in zip(self.history, [*rest, -10.0 * float(np.log10(max(error, 1e-10)))], strict=True):
            self.history[name].append(float(value))

    def _report(self, step: int, seconds: float) -> None:
        loss, psnr = (float(np.mean(self.history[name][-20:])) for name in ("loss", "psnr"))
        logger.info(
            "avatar: step %d of %d, %.0f s, loss %.4f, PSNR %.2f dB", step, self.config.steps, seconds, loss, psnr
        )

    def _track(self) -> BodyTrack:
        return replace(self.poses.refined(), betas=self.avatar.betas.detach().cpu().numpy().astype(np.float32))
