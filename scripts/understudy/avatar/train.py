"""Training of an avatar from one video: Gaussians and poses together, from coarse to fine."""

import json
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.alignment import LEAST_HEIGHT, Leash, align
from understudy.avatar.checkpoint import Checkpoint
from understudy.avatar.config import AvatarConfig
from understudy.avatar.dataset import Crop, Crops
from understudy.avatar.device import choose_device
from understudy.avatar.losses import Calm, likeness
from understudy.avatar.model import Avatar, Rest, splat
from understudy.avatar.poses import CorrectedPoses
from understudy.avatar.sampling import sample_surface
from understudy.avatar.texture import sample_texture
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.smpl import BodyTrack
from understudy.progress import track as track_progress

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0
BROKEN_STEPS = 20
"""Steps in a row without a finite loss after which training gives up."""


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
    checkpoint: Path | None = None,
) -> Training:
    """Train an avatar.

    Args:
        frames: The video.
        alpha_folder: Soft masks of the person.
        track: Fitted poses; frames that are not valid are not trained on.
        canonical: Where colours start and stay where nothing is seen.
        body: The body that the poses belong to.
        config: How to train.
        trimap_folder: Trimaps, whose unsure pixels count for ``config.unsure``; None where there are none.
        checkpoint: File that keeps the state of the training while it goes on; one that a killed training of the same
            input has left is gone on from. It is left for the caller to remove once the avatar is saved. None for none.

    Raises:
        InputError: The poses belong to another body or another number of frames, no frame is left to train on, no mask
            shows anybody, or the learning rates let the loss grow beyond all numbers.
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
    crops = Crops(
        frames, Path(alpha_folder), track.K, config.edge_band, config.cache_mb << 20, trimap_folder, config.unsure
    )
    trainer = _Trainer(crops, track, canonical, body, config, usable, held_out)
    if checkpoint is None:
        return trainer.run(None)
    folders = [Path(folder) for folder in (alpha_folder, trimap_folder) if folder is not None]
    return trainer.run(Checkpoint.of(checkpoint, frames, track, canonical, body, config, folders))


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
        self.poses = CorrectedPoses(track, usable, self.device)
        self.random = np.random.default_rng(config.seed)
        self.optimizer = self._optimizer()
        self.order: list[int] = []
        self.step, self.seconds = 0, 0.0
        self.history: dict[str, list[float]] = {name: [] for name in ("step", "seconds", "shrink", "loss", "psnr")}

    def _optimizer(self) -> torch.optim.Adam:
        config, avatar = self.config, self.avatar
        rates = [
            ([avatar.offsets], config.lr_offsets),
            ([avatar.log_scales], config.lr_scales),
            ([avatar.quats], config.lr_quats),
            ([avatar.opacity_logits], config.lr_opacities),
            ([avatar.rgb_logits], config.lr_colors),
            ([avatar.light], config.lr_light),
            ([avatar.betas], config.lr_betas),
        ]
        if not any(rate > 0 for _, rate in rates):
            raise InputError("All of avatar's learning rates are 0, so that nothing can be learned; give one.")
        groups = [{"params": parameters, "lr": rate, "start": rate} for parameters, rate in rates if rate > 0]
        return torch.optim.Adam(groups, eps=1e-15)

    def run(self, checkpoint: Checkpoint | None) -> Training:
        """All steps, from the checkpoint on where there is one."""
        if checkpoint is not None and (state := checkpoint.load(self.device)) is not None:
            self._restore(state)
            logger.info("avatar: going on from step %d of %d", self.step, self.config.steps)
        started = last_line = time.monotonic()
        before = self.seconds
        broken = 0
        while (done := self._done()) < 1.0:
            loss, error = self._train(self._next_crop(self._shrink(done)), done)
            broken = 0 if np.isfinite(loss) else broken + 1
            if broken >= BROKEN_STEPS:
                raise InputError(f"No finite loss in {broken} steps of training; lower avatar's learning rates.")
            self.step += 1
            now = time.monotonic()
            self.seconds = before + now - started
            if np.isfinite(loss):
                self._note(self.step, self.seconds, self._shrink(done), loss, error)
            if now - last_line > SECONDS_BETWEEN_LINES:
                last_line = now
                self._report()
            if checkpoint is not None and checkpoint.due():
                checkpoint.save(self._state())
        self._report()
        if checkpoint is not None:
            checkpoint.save(self._state())
        if self.config.align_steps > 0 and self.config.final_align_steps > 0:
            rest = self.avatar.rest().detach()
            for frame in track_progress(self.usable, "aligning poses"):
                self._align(frame, rest, self.config.align_shrink, self.config.final_align_steps)
        self.avatar.own_shape()
        return Training(self.avatar.requires_grad_(False).cpu(), self._track(), self.held_out, self.history)

    def _state(self) -> dict[str, Any]:
        """All that changes, and nothing that follows from the input."""
        return {
            "avatar": self.avatar.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "turns": self.poses.turns,
            "shifts": self.poses.shifts,
            "history": self.history,
            "order": self.order,
            "usable": self.usable,
            "step": self.step,
            "seconds": self.seconds,
            "random": json.dumps(self.random.bit_generator.state),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.avatar.load_state_dict(state["avatar"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.poses.turns, self.poses.shifts = state["turns"], state["shifts"]
        self.history, self.order, self.usable = state["history"], state["order"], state["usable"]
        self.step, self.seconds = state["step"], state["seconds"]
        self.random.bit_generator.state = json.loads(state["random"])

    def _done(self) -> float:
        """Part of the training that is over."""
        done = self.step / max(1, self.config.steps)
        return done if self.config.minutes is None else max(done, self.seconds / (60.0 * self.config.minutes))

    def _shrink(self, done: float) -> int:
        for shrink, part in self.config.levels:
            if done < part:
                return shrink
            done -= part
        return self.config.levels[-1][0]

    def _next_crop(self, shrink: int) -> Crop:
        """Frames in random order, each once a round; one whose mask shows nobody is dropped."""
        while self.usable:
            if not self.order:
                self.order = [self.usable[i] for i in self.random.permutation(len(self.usable))]
            frame = self.order.pop()
            crop = self.crops.get(frame, shrink)
            if crop is not None:
                return crop
            self.usable.remove(frame)
        raise InputError(
            f"{self.crops.alpha_folder}: no mask of a frame for training shows anybody; look at the pictures."
        )

    def _align(self, frame: int, rest: Rest, shrink: int, steps: int) -> None:
        """Move a frame's pose to where the avatar looks like its picture."""
        crop = self.crops.get_tall(frame, shrink, LEAST_HEIGHT)
        if crop is None:
            return
        poses = self.poses
        starts, near = (poses.correction(frame),), poses.neighbours(frame)
        poses.correct(frame, align(self.avatar, rest, crop, poses.fitted(frame), starts, near, Leash(), steps))

    def _train(self, crop: Crop, done: float) -> tuple[float, float]:
        """One step on one frame: the loss, not finite where the step was skipped, and the mean squared error."""
        frame, shrink = crop.frame, self._shrink(done)
        refine = done >= self.config.refine_from
        rest = self.avatar.rest(self.avatar.betas if refine else self.avatar.betas.detach())
        if refine and self.config.align_steps > 0:
            self._align(frame, rest.detach(), max(shrink, self.config.align_shrink), self.config.align_steps)
        premultiplied, alpha, weight = crop.tensors(self.device)
        background = torch.from_numpy(self.random.random(3, dtype=np.float32)).to(self.device)
        truth = premultiplied + (1.0 - alpha)[..., None] * background
        K = torch.as_tensor(crop.K, dtype=torch.float32, device=self.device)

        self.optimizer.zero_grad(set_to_none=True)
        gaussians = self.avatar.gaussians(*self.poses.pose(frame), rest)
        render = splat(gaussians, K, crop.size, background=background)
        loss = likeness(render.rgb, render.alpha, truth, alpha, weight, self.config.dssim, self.config.alpha)
        total = loss + self._regularisers(refine)
        total.backward()
        if not self._finite(total):
            self.optimizer.zero_grad(set_to_none=True)
            return float("nan"), float("nan")
        for group in self.optimizer.param_groups:
            group["lr"] = group["start"] * self.config.lr_end**done
        self.optimizer.step()
        with torch.no_grad():
            squares = weight[..., None] * (render.rgb - truth).square()
            error = squares.sum() / (3.0 * weight.sum().clamp_min(1.0))
        return float(loss.detach()), float(error)

    def _regularisers(self, refine: bool) -> Tensor:
        config = self.config
        terms = self.calm.terms(self.avatar)
        total = (
            config.calm_offsets * terms.offsets
            + config.calm_scales * terms.scales
            + config.calm_opacities * terms.opacities
            + config.calm_neighbours * terms.neighbours
            + config.calm_colors * terms.colors
            + config.calm_light * self.avatar.light.square().sum()
        )
        if refine:
            total = total + config.calm_betas * (self.avatar.betas - self.fitted_betas).square().mean()
        return total

    def _finite(self, total: Tensor) -> bool:
        gradients = [p.grad for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        sums = torch.stack([total.detach(), *(gradient.sum() for gradient in gradients)])
        return bool(sums.isfinite().all())

    def _note(self, *values: float) -> None:
        *rest, error = values
        for name, value in zip(self.history, [*rest, -10.0 * float(np.log10(max(error, 1e-10)))], strict=True):
            self.history[name].append(float(value))

    def _report(self) -> None:
        loss, psnr = (float(np.mean(self.history[name][-20:])) for name in ("loss", "psnr"))
        logger.info(
            "avatar: step %d of %d, %.0f s, loss %.4f, PSNR %.2f dB",
            self.step,
            self.config.steps,
            self.seconds,
            loss,
            psnr,
        )

    def _track(self) -> BodyTrack:
        return replace(self.poses.refined(), betas=self.avatar.betas.detach().cpu().numpy().astype(np.float32))
