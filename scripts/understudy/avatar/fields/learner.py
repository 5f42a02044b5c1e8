"""How a field learns: from some of a picture's pixels at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.base import Avatar, Learner, Loss, Posed, Subject, View
from understudy.avatar.config import AvatarConfig
from understudy.avatar.fields.avatar import FieldAvatar, PosedField
from understudy.avatar.fields.compositing import Composite
from understudy.avatar.fields.config import FieldConfig
from understudy.avatar.fields.rays import Rays, Shell
from understudy.avatar.training import losses
from understudy.avatar.training.parallel import ProcessGroup
from understudy.body.lbs import pose_rotations
from understudy.body.model import PARTS
from understudy.errors import InputError
from understudy.metrics.image import WINDOW
from understudy.metrics.perceptual import PerceptualLoss
from understudy.render.gaussians import Render

HEAD = tuple(PARTS.index(part) for part in ("hair", "face", "neck"))


class FieldLearner(Learner):
    """Learns a field from rays through some of a view's pixels."""

    avatar: FieldAvatar
    options: FieldConfig

    def __init__(self, avatar: FieldAvatar, subject: Subject, config: AvatarConfig, options: FieldConfig) -> None:
        """Set up with nothing learned."""
        if config.lr_betas > 0:
            raise InputError("The shape of a field's body is not learned; leave avatar.lr_betas out, or give 0.")
        if options.vgg_weights is not None and options.patch < 2:
            raise InputError("vgg_weights compares squares of pixels; give their side too (patch).")
        self.avatar, self.config, self.options = avatar, config, options
        self.moments = {frame: row for row, frame in enumerate(subject.frames)}
        self.perceptual = None if options.vgg_weights is None else PerceptualLoss.load(options.vgg_weights)
        self.dssim = config.dssim if self.perceptual is None and options.patch >= WINDOW else 0.0
        self.seed = (config.seed, ProcessGroup.here().rank)
        self.steps, self.done = 0, 0.0

    def term_weights(self) -> Mapping[str, float]:
        """Weights of the field's own terms, by their names, with ``done`` of the training over."""
        return {}

    def loss(self, posed: Posed, view: View) -> Loss:
        """The photometric loss of some pixels, and the field's own terms."""
        assert isinstance(posed, PosedField)
        # of each step by itself, so that nothing random needs to be saved, and each of several GPUs has its own
        random = np.random.default_rng((*self.seed, self.steps))
        self.steps += 1
        shell = Shell.of(posed.surface, view.camera, self.avatar.space)
        pixels, shape = self._choose(posed, shell, random)
        rays, hit = Rays.through(pixels, view.camera, shell)
        jitter = torch.Generator().manual_seed(int(random.integers(2**62)))
        traced = self.avatar.trace(posed.surface, rays, self.moments[view.frame], jitter)
        part = _part(view, pixels, shape)
        loss = self._compare(_picture(traced.composite, hit, shape), part)
        weights = self.term_weights()
        total = loss.total + sum((weights[name] * term for name, term in traced.terms.items()), loss.total * 0.0)
        if traced.coarse is not None:
            total = total + self._compare(_picture(traced.coarse, hit, shape), part).total
        return Loss(total, loss.photometric, loss.mse, loss.picture, loss.view)

    def after_step(self, done: float) -> None:
        """Take note of how much is done."""
        self.done = done

    def state(self) -> dict[str, Any]:
        """The number of steps, and how much is done."""
        return {"steps": self.steps, "done": self.done}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as when ``state`` was taken."""
        self.steps, self.done = int(state["steps"]), float(state["done"])

    def finish(self) -> Avatar:
        """The avatar as it is."""
        return self.avatar

    def _compare(self, picture: Render, view: View) -> Loss:
        loss = losses.compare(picture, view, self.dssim, self.config.alpha)
        truth = view.over_background
        off = view.weight[..., None] * (_over(picture, view.background) - truth)
        total = loss.total + self.options.mse * off.square().mean()
        if self.perceptual is not None:
            total = total + self.perceptual(truth + off, truth)
        return Loss(total, total.detach(), loss.mse, picture, view)

    def _choose(self, posed: PosedField, shell: Shell, random: np.random.Generator) -> tuple[Tensor, tuple[int, int]]:
        """Pixels [P,2] (column, row) and the height and width of the picture that they make, row by row."""
        hit = torch.isfinite(shell.near)
        on_head = torch.isin(_face_parts(posed, shell), torch.tensor(HEAD, device=hit.device))
        width, side = hit.shape[1], self.options.patch
        if side == 0:
            focused = round(self.options.head_focus * self.options.rays) if bool(on_head.any()) else 0
            chosen = [_some(hit, self.options.rays - focused, random), _some(on_head, focused, random)]
            flat = torch.cat(chosen)
            return torch.stack([flat % width, flat // width], dim=1), (1, len(flat))
        focus = bool(on_head.any()) and random.random() < self.options.head_focus
        middle = int(_some(on_head if focus else hit, 1, random).sum())  # the first pixel where nothing is hit
        height = min(side, hit.shape[0])
        wide = min(side, width)
        top = min(max(0, middle // width - height // 2), hit.shape[0] - height)
        left = min(max(0, middle % width - wide // 2), width - wide)
        rows, columns = torch.meshgrid(torch.arange(height) + top, torch.arange(wide) + left, indexing="ij")
        return torch.stack([columns.reshape(-1), rows.reshape(-1)], dim=1).to(hit.device), (height, wide)


def _some(among: Tensor, count: int, random: np.random.Generator) -> Tensor:
    """Places [count] in a flattened mask [H,W] where it is true, at random; none where it is nowhere."""
    places = among.reshape(-1).nonzero()[:, 0]
    if not len(places) or not count:
        return places[:0]
    return places[torch.from_numpy(random.integers(len(places), size=count)).to(places.device)]


def moments_of(subject: Subject) -> Tensor:
    """Rotations [F,J,3,3] of the poses that are learned from."""
    frames = list(subject.frames)
    turns = (subject.poses.global_orient, subject.poses.body_pose)
    return pose_rotations(*(torch.as_tensor(np.asarray(part)[frames]).float() for part in turns))


def _face_parts(posed: PosedField, shell: Shell) -> Tensor:
    parts = torch.from_numpy(posed.surface.surface.face_parts.astype(np.int64)).to(shell.face.device)
    return torch.where(shell.face >= 0, parts[shell.face.clamp_min(0)], 0)


def _part(view: View, pixels: Tensor, shape: tuple[int, int]) -> View:
    """What a view shows at pixels [P,2], as a picture of a height and width."""
    columns, rows = pixels.unbind(dim=1)
    rgb, alpha, weight = (
        values[rows, columns].reshape(*shape, *values.shape[2:]) for values in (view.rgb, view.alpha, view.weight)
    )
    return View(view.frame, view.camera, rgb, alpha, weight, view.background)


def _picture(seen: Composite, hit: Tensor, shape: tuple[int, int]) -> Render:
    """A picture of a height and width from what the pixels see that are ``hit``; nothing at the others."""
    count = shape[0] * shape[1]
    rgb = seen.rgb.new_zeros(count, 3).index_copy(0, hit, seen.rgb).view(*shape, 3)
    alpha, depth = (
        values.new_zeros(count).index_copy(0, hit, values).view(*shape) for values in (seen.alpha, seen.depth)
    )
    return Render(rgb, alpha, depth)


def _over(picture: Render, background: Tensor) -> Tensor:
    return picture.rgb + (1.0 - picture.alpha)[..., None] * background
