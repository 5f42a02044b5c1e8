"""Training of an avatar from one video: what it is made of and its poses together, from coarse to fine."""

import json
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.avatar.base import Avatar, Learner, Shaped, Subject, View
from understudy.avatar.config import AvatarConfig
from understudy.avatar.device import check_gpus, choose_device
from understudy.avatar.registry import find_method
from understudy.avatar.training.alignment import LEAST_HEIGHT, TrustRegion, align
from understudy.avatar.training.checkpoint import Checkpoint
from understudy.avatar.training.crops import Crop, Crops
from understudy.avatar.training.exposure import MEASURED_FROM, Exposures
from understudy.avatar.training.history import History
from understudy.avatar.training.optimizer import Optimizer
from understudy.avatar.training.parallel import ProcessGroup, run_together
from understudy.avatar.training.poses import CorrectedPoses
from understudy.avatar.training.resume import check_state
from understudy.body.model import BodyModel
from understudy.body.posed import check_same_joints
from understudy.errors import InputError
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.smpl import BodyTrack
from understudy.progress import track as track_progress

logger = logging.getLogger(__name__)

BROKEN_STEPS = 20
"""Steps in a row without a finite loss after which training gives up."""


@dataclass(frozen=True)
class Training:
    """What training gives."""

    avatar: Avatar
    poses: BodyTrack
    """Refined in the frames of training, interpolated corrections in the others; the avatar's betas."""
    exposure: np.ndarray  # [T,3] float32
    """Factors on the avatar's colours in each frame, one on average."""
    held_out: list[int]
    """Frames of which no pixel was read."""
    config: AvatarConfig
    options: Any
    """Of the method ``config.method``."""
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
    options: Any = None,
) -> Training:
    """Train an avatar.

    Args:
        frames: The video.
        alpha_folder: Soft masks of the person.
        track: Fitted poses; frames that are not valid are not trained on.
        canonical: Where colours start and stay where nothing is seen.
        body: The body that the poses belong to.
        config: How to train.
        trimap_folder: Trimaps, whose unknown pixels count for ``config.unknown``; None where there are none.
        checkpoint: File that keeps the state of the training while it goes on; one that a killed training of the same
            input has left is gone on from. It is left for the caller to remove once the avatar is saved. None for none.
        options: Of the method ``config.method``, of its own class; None for its defaults.

    Raises:
        InputError: There is no such method, the poses belong to another body or another number of frames, no frame is left
            to train on, no mask shows anybody, or the learning rates let the loss grow beyond all numbers.
    """
    method = find_method(config.method)
    options = method.config() if options is None else options
    if config.gpus > 1 and ProcessGroup.here().size == 1:
        check_gpus(config.device, config.gpus, config.method)
        arguments = (frames, alpha_folder, track, canonical, body, config, trimap_folder, checkpoint, options)
        return run_together(train_avatar, config.gpus, arguments, cuda=True)
    if track.body_model[1] != body.sha256:
        names = [f"{name} ({digest[:8]})" for name, digest in (track.body_model, (body.name, body.sha256))]
        raise InputError(f"The poses belong to the body file {names[0]}, not to {names[1]}; fit them to this body.")
    check_same_joints(body, track)
    if len(track) != len(frames):
        raise InputError(f"There are {len(track)} poses but {len(frames)} frames; move smpl.npz away and run again.")
    held_out = held_out_frames(len(frames), config.hold_out)
    usable = [frame for frame in range(len(frames)) if track.valid[frame] and frame not in set(held_out)]
    if not usable:
        raise InputError(f"{frames.source} has no frame with a valid pose to train on; use a clearer video.")
    if len(usable) < ProcessGroup.here().size:
        raise InputError(
            f"avatar.gpus is {ProcessGroup.here().size}, but there are {len(usable)} frames to train on; lower it."
        )
    crops = Crops(
        frames, Path(alpha_folder), track.K, config.edge_band, config.cache_mb << 20, trimap_folder, config.unknown
    )
    subject = Subject(canonical, body, track, tuple(usable))
    learner = method.learner(subject, config, options, choose_device(config.device, config.method))
    trainer = _Trainer(crops, track, learner, config, options, usable, held_out)
    if checkpoint is None:
        return trainer.run(None)
    folders = [Path(folder) for folder in (alpha_folder, trimap_folder) if folder is not None]
    return trainer.run(Checkpoint.of(checkpoint, frames, track, canonical, body, config, options, folders))


class _Trainer:
    def __init__(
        self,
        crops: Crops,
        track: BodyTrack,
        learner: Learner,
        config: AvatarConfig,
        options: Any,
        usable: list[int],
        held_out: list[int],
    ) -> None:
        self.config, self.options, self.crops, self.held_out = config, options, crops, held_out
        self.learner, self.avatar = learner, learner.avatar
        self.group, self.device = ProcessGroup.here(), self.avatar.device
        self.usable = self.group.share(usable)
        self.mine = self.group.share(range(len(usable)))
        self.fitted_betas = self.avatar.betas.detach().clone()
        self.poses, self.exposures = CorrectedPoses(track, usable, self.device), Exposures(usable, self.device)
        self.random = np.random.default_rng((config.seed, self.group.rank) if self.group.rank else config.seed)
        rates = {**learner.rates(), "betas": config.lr_betas}
        self.optimizer = Optimizer(self.avatar, rates, config.lr_end, self.group.size)
        self.order: list[int] = []
        self.step, self.seconds = 0, 0.0
        self.history = History()

    def run(self, checkpoint: Checkpoint | None) -> Training:
        """All steps, from the checkpoint on where there is one."""
        state = None if checkpoint is None else checkpoint.load(self.device)
        if checkpoint is not None and state is not None and self._fits(state, checkpoint):
            self._restore(state)
            logger.info("avatar: going on from step %d of %d", self.step, self.config.steps)
        started, before, broken = time.monotonic(), self.seconds, 0
        while (done := self.group.agree(self._done(), self.device)) < 1.0:
            shrink = self.config.shrink(done)
            loss, error = self._train(self._next_crop(shrink), done, shrink)
            broken = 0 if np.isfinite(loss) else broken + 1
            if broken >= BROKEN_STEPS:
                method = self.config.method
                raise InputError(f"No finite loss in {broken} steps of training; lower the learning rates of {method}.")
            self.step += self.group.size
            self.seconds = before + time.monotonic() - started
            if np.isfinite(loss):
                self.history.note(self.step, self.seconds, shrink, loss, error)
            self.history.report(self.config.steps)
            if checkpoint is not None and self.group.agree(checkpoint.due(), self.device):
                self._save(checkpoint)
        self.history.report(self.config.steps, now=True)
        if checkpoint is not None:
            self._save(checkpoint)
        self.avatar = self.learner.finish()
        self._align_all()
        return Training(
            self.avatar.requires_grad_(False).cpu(),
            replace(self.poses.refined(), betas=self.avatar.betas.numpy().astype(np.float32)),
            self.exposures.over(len(self.poses.track)),
            self.held_out,
            self.config,
            self.options,
            self.history.curves,
        )

    def _save(self, checkpoint: Checkpoint) -> None:
        state = self._state()
        if self.group.rank == 0:
            checkpoint.save(state)

    def _fits(self, state: dict[str, Any], checkpoint: Checkpoint) -> bool:
        """Whether a state is of this training, which has just begun."""
        like = self._state()
        try:
            check_state(state, like, self.optimizer.parameters())
            np.random.default_rng().bit_generator.state = json.loads(state["members"][self.group.rank]["random"])
        except Exception as error:  # what was made up can fail in any way
            logger.warning("%s is not a state of this training (%s); it starts over", checkpoint.path, error)
            return False
        return True

    def _state(self) -> dict[str, Any]:
        """All that changes, and nothing that follows from the input."""
        own = {
            "order": self.order,
            "usable": self.usable,
            "random": json.dumps(self.random.bit_generator.state),
        }
        return {
            "avatar": self.avatar.state_dict(),
            "learner": self.learner.state(),
            "optimizer": self.optimizer.state(),
            "exposures": self.exposures.logs,
            "turns": self.poses.turns,
            "shifts": self.poses.shifts,
            "history": self.history.curves,
            "step": self.step,
            "seconds": self.seconds,
            "members": self.group.gather(own),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.avatar.load_state_dict(state["avatar"])
        self.learner.restore(state["learner"])
        self.optimizer.restore(state["optimizer"])
        self.exposures.logs = state["exposures"]
        self.poses.turns, self.poses.shifts = state["turns"], state["shifts"]
        self.history.curves = state["history"]
        self.step, self.seconds = state["step"], state["seconds"]
        own = state["members"][self.group.rank]
        self.order, self.usable = own["order"], own["usable"]
        self.random.bit_generator.state = json.loads(own["random"])

    def _done(self) -> float:
        """Part of the training that is over."""
        done = self.step / max(1, self.config.steps)
        return done if self.config.minutes is None else max(done, self.seconds / (60.0 * self.config.minutes))

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

    def _align(self, frame: int, shaped: Shaped, shrink: int, steps: int) -> None:
        """Move a frame's pose to where the avatar looks like its picture."""
        crop = self.crops.get_tall(frame, shrink, LEAST_HEIGHT)
        if crop is None:
            return
        poses = self.poses
        starts, near, factors = (poses.correction(frame),), poses.neighbours(frame), self.exposures.factors(frame)
        fitted = poses.fitted(frame)
        parents = self.avatar.body.parents
        poses.correct(frame, align(shaped, parents, crop, fitted, starts, near, TrustRegion(), steps, factors))

    def _align_all(self) -> None:
        """Move every frame's pose to where the avatar, now done, looks like its picture."""
        steps = self.config.final_align_steps
        if self.config.align_steps > 0 and steps > 0:
            shaped = self.avatar.shaped().detach()
            for frame in track_progress(self.usable, "aligning poses"):
                self._align(frame, shaped, self.config.align_shrink, steps)
            self._share_frames()

    def _share_frames(self) -> None:
        for rows in (self.poses.turns, self.poses.shifts, self.exposures.logs):
            self.group.merge(rows, self.mine)

    def _train(self, crop: Crop, done: float, shrink: int) -> tuple[float, float]:
        """One step on one frame: the loss, not finite where the step was skipped, and the mean squared error."""
        frame, config = crop.frame, self.config
        refine = done >= config.refine_from
        shaped = self.avatar.shaped(self.avatar.betas if refine else self.avatar.betas.detach())
        rounds = self.step // (self.group.size * max(1, len(self.usable)))
        if refine and config.align_steps > 0 and (done < config.align_often or rounds % 2 == 0):
            self._align(frame, shaped.detach(), max(shrink, config.align_shrink), config.align_steps)
        rgb, alpha, weight = crop.tensors(self.device)
        background = torch.from_numpy(self.random.random(3, dtype=np.float32)).to(self.device)
        view = View(frame, crop.camera, rgb / self.exposures.factors(frame), alpha, weight, background)

        self.optimizer.clear()
        loss = self.learner.loss(shaped.posed(*self.poses.pose(frame)), view)
        total = loss.total
        if refine:
            total = total + config.reg_betas * (self.avatar.betas - self.fitted_betas).square().mean()
        total.backward()
        sums = [total.detach().clone(), *self.optimizer.gradients()]
        self.group.average(sums)
        if not torch.stack([tensor.sum() for tensor in sums]).isfinite().all():
            return float("nan"), float("nan")
        self.optimizer.step(done)
        self.learner.after_step(done)
        if config.exposure and done >= MEASURED_FROM:
            picture, seen = loss.picture, loss.view
            filmed = seen.rgb * self.exposures.factors(frame)
            self.exposures.observe(frame, picture.rgb.detach(), picture.alpha.detach(), filmed, seen.weight)
        self._share_frames()
        return float(loss.photometric), float(loss.mse)
