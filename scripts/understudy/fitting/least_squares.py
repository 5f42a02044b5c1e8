"""Minimising an energy over a whole motion by Levenberg and Marquardt's method, at a cost linear in its length.

The gradient is exact (autograd). The curvature is Gauss and Newton's, in blocks: a frame is bound to the next two only,
and all frames to the one shape and camera, so that the matrix has a band and a border. A few steps are enough, for any length.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import roma
import torch
from scipy.linalg import lapack
from torch import Tensor

from understudy.fitting.motion import Motion

logger = logging.getLogger(__name__)

REACH = 2
"""Frames ahead that a frame is bound to: accelerations need two."""

DAMPING = 1e-3
"""Share of its diagonal that is added to the curvature at first."""

MIN_DAMPING, MAX_DAMPING = 1e-6, 1e6

SHARES = (1.0, 0.5, 0.25, 0.125)
"""Of a step that are tried before it is damped more."""

FLOOR = 1e-3
"""Curvature that every unknown has, in the energy's unit for each rad^2, m^2 or unit of shape."""

_CHUNK = 64


@dataclass(frozen=True)
class Solution:
    """Where a stage ended."""

    motion: Motion
    energy: float
    evaluations: int


@dataclass(frozen=True)
class Quadratic:
    """Curvature H of an energy about a motion: x'Hx / 2, with the unknowns of every frame and the shared ones in x.

    The ``n`` unknowns of a frame are the rotation vectors (rad) that the free groups turn by, each on the right of its
    present rotation, one group after another, and the translation (m). The ``S`` shared ones are components of the
    shape and, where the focal length may change, the logarithm of the zoom, which moves the person as far away as keeps
    their size. Blocks are added in place.
    """

    blocks: Tensor  # [T,3,n,n]; [t,k] has rows of frame t+k and columns of frame t
    border: Tensor  # [T,n,S], frame by shared
    shared: Tensor  # [S,S]

    @classmethod
    def zeros(cls, length: int, num_groups: int, num_shared: int) -> "Quadratic":
        """None yet."""
        n = 3 * num_groups + 3
        return cls(
            torch.zeros(length, REACH + 1, n, n),
            torch.zeros(length, n, num_shared),
            torch.zeros(num_shared, num_shared),
        )

    def part(self, frames: Tensor) -> "Quadratic":
        """The same numbers of some successive ``frames``, not a copy."""
        start, stop = int(frames[0]), int(frames[-1]) + 1
        return Quadratic(self.blocks[start:stop], self.border[start:stop], self.shared)

    def add(self, rows: Tensor, shared_rows: Tensor, coupling: Tensor) -> None:
        """Add squares of ``N`` quantities in each frame, or of their differences in time.

        Args:
            rows: Their derivatives [T,N,n] by the frame's own unknowns.
            shared_rows: And [T,N,S] by the shared ones.
            coupling: From ``stencil``, [3,T] or [3,T,N].
        """
        length = len(rows)
        coupling = coupling.reshape(REACH + 1, length, -1, 1)
        coupled = coupling[0] * shared_rows
        for lag in range(REACH + 1):
            if not coupling[lag].any():
                continue
            now, later = slice(0, length - lag), slice(lag, length)
            self.blocks[now, lag].baddbmm_((rows[later] * coupling[lag, now]).mT, rows[now])
            if lag > 0:
                coupled[now] += coupling[lag, now] * shared_rows[later]
                coupled[later] += coupling[lag, now] * shared_rows[now]
        self.border.baddbmm_(rows.mT, coupled)
        self.shared.addmm_(shared_rows.flatten(0, 1).T, coupled.flatten(0, 1))

    def add_frames(self, frames: Tensor, rows: Tensor, shared_rows: Tensor) -> None:
        """Add squares of quantities of some ``frames`` [F] only: ``rows`` [F,N,n] and ``shared_rows`` [F,N,S]."""
        self.blocks[frames, 0] += 2 * rows.mT @ rows
        self.border[frames] += 2 * rows.mT @ shared_rows
        self.shared.addmm_(shared_rows.flatten(0, 1).T, shared_rows.flatten(0, 1), alpha=2)

    def add_turns(self, blocks: Tensor, lag: int = 0) -> None:
        """Add [T-lag,G,3,3] for each group alone; rows are those of the later frame."""
        groups = blocks.shape[1]
        place = torch.arange(3 * groups).unflatten(0, (groups, 3))
        self.blocks[: len(blocks), lag, place[:, :, None], place[:, None, :]] += blocks


def stencil(coefficients: Sequence[float], weights: Tensor) -> Tensor:
    """How the sum over t of weights_t (sum over i of coefficients_i z_{t+i})^2 couples frames: H_tt, H_t+1,t and H_t+2,t.

    Args:
        coefficients: (1,) for values, (-1, 1) for velocities, (1, -2, 1) for accelerations.
        weights: [T - len(coefficients) + 1] or that times [N].

    Returns:
        Twice the coefficients' products, since the energy is a plain square: [3,T] or [3,T,N]. Stencils may be added.
    """
    span, count = len(coefficients), len(weights)
    coupling = weights.new_zeros(REACH + 1, count + span - 1, *weights.shape[1:])
    for lag in range(span):
        for start in range(span - lag):
            coupling[lag, start : start + count] += 2 * coefficients[start] * coefficients[start + lag] * weights
    return coupling


def differences(length: int, coefficients: Sequence[float]) -> Tensor:
    """``stencil`` [3,T] of weight one all over a motion of ``length`` frames; nothing where that is too short."""
    count = length - len(coefficients) + 1
    return stencil(coefficients, torch.ones(count)) if count > 0 else torch.zeros(REACH + 1, length)


@dataclass(frozen=True)
class _Point:
    """A motion, its energy, and the gradient by the unknowns of the frames [T,n] and the shared ones [S]."""

    motion: Motion
    value: float
    slope: tuple[Tensor, Tensor]


def minimise(
    motion: Motion,
    energy: Callable[[Motion], Tensor],
    curvature: Callable[[Motion], Quadratic],
    groups: Sequence[int],
    num_betas: int,
    iterations: int,
    zoom_range: tuple[float, float] | None = None,
    tolerance: float = 1e-3,
) -> Solution:
    """Improve a motion; only what is finite and better is ever accepted.

    The curvature decides how fast this converges, never where to: it may leave out terms or be rough. Steps that gain
    too little are shortened first, and then damped more. Sources: Levenberg (1944), Marquardt (1963), Armijo (1966).

    Args:
        motion: The start.
        energy: Of a motion, differentiable.
        curvature: Of the energy about a motion, for ``groups``, ``num_betas`` and zoom.
        groups: Groups whose rotations may change; translation always may.
        num_betas: Number of leading shape components that may change.
        iterations: At most so many accepted steps.
        zoom_range: Between which factors the focal length may change; None: it is known.
        tolerance: Share of the energy; a step that gains less is the last.
    """
    free, count = list(groups), 0

    def at(motion: Motion) -> _Point:
        nonlocal count
        count += 1
        return _Point(motion, *_evaluate(motion, energy, free, num_betas, zoom_range is not None))

    here, damping = at(motion), DAMPING
    if not np.isfinite(here.value):
        logger.warning("the fit met numbers that are not finite and goes on from where it was")
        return Solution(motion.detach(), here.value, count)
    for _ in range(iterations):
        model, found = curvature(here.motion), None
        while found is None and damping < MAX_DAMPING:
            step = solve(model, here.slope, damping)
            if zoom_range is not None:
                room = [float(np.log(end / here.motion.zoom)) for end in zoom_range]
                step = _bounded(step, model, here.slope, damping, room)
            hoped = -float((here.slope[0] * step[0]).sum() + (here.slope[1] * step[1]).sum())  # if all were linear
            if hoped < 0.2 * tolerance * here.value:
                break
            for share in SHARES:
                trial = at(moved(here.motion, (share * step[0], share * step[1]), free, num_betas))
                if here.value - trial.value > 0.1 * share * hoped:  # false for NaN
                    found = trial
                    break
            damping = damping * 10.0 if found is None else max(damping / 5.0, MIN_DAMPING)
        if found is None:
            break
        gained, here = here.value - found.value, found
        if gained < tolerance * here.value:
            break
    return Solution(here.motion.detach(), here.value, count)


def solve(model: Quadratic, slope: tuple[Tensor, Tensor], damping: float) -> tuple[Tensor, Tensor]:
    """Step of the frames [T,n] and of the shared unknowns [S] to the minimum of a damped quadratic; NaN if it has none.

    Cholesky's method on the band; the shared unknowns by Schur's complement.

    Args:
        model: Its curvature.
        slope: Its gradient [T,n] and [S].
        damping: Share of the curvature's diagonal that is added to it.
    """
    length, _, n, _ = model.blocks.shape
    band = np.zeros((length, n, (REACH + 1) * n))  # LAPACK's lower band: entry [column, k] is k rows below the diagonal
    for start in range(0, length, _CHUNK):
        now = slice(start, start + _CHUNK)
        columns = model.blocks[now].flatten(1, 2).mT.contiguous().numpy()
        for column in range(n):
            band[now, column, : columns.shape[2] - column] = columns[:, column, column:]
    band[:, :, 0] += damping * band[:, :, 0] + FLOOR
    factor, failed = lapack.dpbtrf(band.reshape(length * n, -1).T, lower=1, overwrite_ab=1)
    if failed:
        return torch.full_like(slope[0], torch.nan), torch.full_like(slope[1], torch.nan)
    right = torch.cat([model.border.flatten(0, 1), slope[0].reshape(-1, 1)], dim=1).double().numpy()
    solved, _ = lapack.dpbtrs(factor, np.asfortranarray(right), lower=1)
    border, by_shared, by_slope = right[:, :-1], solved[:, :-1], solved[:, -1]
    corner = model.shared.double().numpy()
    corner = corner + np.diag(damping * np.diag(corner) + FLOOR)
    shared = -np.linalg.solve(corner - border.T @ by_shared, slope[1].double().numpy() - border.T @ by_slope)
    frames = -by_slope - by_shared @ shared
    return torch.from_numpy(frames.reshape(length, n)).to(slope[0]), torch.from_numpy(shared).to(slope[1])


def moved(motion: Motion, step: tuple[Tensor, Tensor], groups: Sequence[int], num_betas: int) -> Motion:
    """The motion after a step of the frames [T,n] and of the shared unknowns [S]."""
    frames, shared = step
    rotations, betas, transl = motion.rotations.clone(), motion.betas.clone(), motion.transl + frames[:, -3:]
    turn = roma.rotvec_to_rotmat(frames[:, :-3].unflatten(1, (-1, 3)))
    rotations[:, list(groups)] = motion.rotations[:, list(groups)] @ turn
    betas[:num_betas] += shared[:num_betas]
    if len(shared) == num_betas:
        return Motion(rotations, transl, betas, motion.zoom)
    factor = shared[-1].exp()
    return Motion(rotations, torch.cat([transl[:, :2], transl[:, 2:] * factor], dim=1), betas, motion.zoom * factor)


def _bounded(
    step: tuple[Tensor, Tensor], model: Quadratic, slope: tuple[Tensor, Tensor], damping: float, room: list[float]
) -> tuple[Tensor, Tensor]:
    """The step or, where it would lead the last shared unknown out of its ``room``, the best one that ends at the bound."""
    last = step[1][-1].clamp(*room)
    if last == step[1][-1] or last.isnan():
        return step
    others = Quadratic(model.blocks, model.border[..., :-1], model.shared[:-1, :-1])
    pushed = slope[0] + model.border[..., -1] * last, slope[1][:-1] + model.shared[:-1, -1] * last
    frames, shared = solve(others, pushed, damping)
    return frames, torch.cat([shared, last[None]])


def _evaluate(
    motion: Motion, energy: Callable[[Motion], Tensor], groups: list[int], num_betas: int, zooms: bool
) -> tuple[float, tuple[Tensor, Tensor]]:
    """Energy and its gradient by the unknowns of the frames [T,n] and the shared ones [S]."""
    start = (motion.rotations, motion.transl, motion.betas, motion.zoom)
    leaves = [values.detach().clone().requires_grad_() for values in start]
    value = energy(Motion(*leaves))
    value.backward()
    turns, moves, betas, zoom = (torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves)
    inner = motion.rotations[:, groups].mT @ turns[:, groups]  # R [e]x is how R changes
    turn = torch.stack([(inner.mT - inner)[..., i, j] for i, j in ((1, 2), (2, 0), (0, 1))], dim=-1)
    shared = [betas[:num_betas]]
    if zooms:
        shared.append((motion.zoom * zoom + (motion.transl[:, 2] * moves[:, 2]).sum())[None])
    return value.item(), (torch.cat([turn.flatten(1), moves], dim=1), torch.cat(shared))
