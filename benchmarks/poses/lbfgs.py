"""Minimising an energy over a whole motion with L-BFGS, preconditioned in time.

Increments are rotation vectors on top of the current rotations (so no singularity is ever near), and each is a sum of
cosines over time whose high frequencies are scaled down in the measure that smoothness will resist them. That makes the
problem well conditioned for videos of any length, and gaps fill at once.
"""

import logging
from collections.abc import Callable

import roma
import torch
from torch import Tensor

from understudy.fitting.least_squares import Solution
from understudy.fitting.motion import GROUPS, Motion
from understudy.fitting.priors import ROOT_ACCELERATION, ROTATION_ACCELERATION

logger = logging.getLogger(__name__)

# how stiffly a frame's evidence holds a rotation (1/rad) and a translation (1/m), roughly
_ROTATION_STIFFNESS = {
    "root": 100.0, "spine": 100.0, "hip": 60.0, "knee": 30.0, "ankle": 10.0, "foot": 12.0, "head": 20.0,
    "collar": 30.0, "shoulder": 35.0, "elbow": 18.0, "wrist": 6.0,
}  # fmt: skip
_TRANSL_STIFFNESS = (250.0, 250.0, 60.0)
_FOCAL_STIFFNESS = 5.0
_BETAS_STIFFNESS = 150.0
"""For each metre that a component moves the surface, root mean square, and frame (square root)."""


def minimise(
    motion: Motion,
    energy: Callable[[Motion], Tensor],
    groups: tuple[int, ...],
    reach: Tensor,
    fps: float,
    iterations: int,
    zoom_range: tuple[float, float] | None = None,
) -> Solution:
    """Improve a motion; what is not finite is never accepted.

    Args:
        motion: The start.
        energy: Of a motion, differentiable.
        groups: Groups whose rotations may change; translation always may.
        reach: How far (m) each leading shape component that may change moves the surface, [n].
        fps: Frames a second.
        iterations: Of L-BFGS.
        zoom_range: Between which factors the focal length may change; None: it is known.
    """
    length = len(motion)
    frequencies = temporal_frequencies(length)
    stiffness = [_ROTATION_STIFFNESS[GROUPS[group].split("_")[-1]] for group in groups]
    rotation_scale = torch.stack(
        [_scale(value, fps**2 / ROTATION_ACCELERATION, frequencies) for value in stiffness], dim=-1
    ).unsqueeze(-1)
    transl_scale = torch.stack(
        [_scale(a, fps**2 / b, frequencies) for a, b in zip(_TRANSL_STIFFNESS, ROOT_ACCELERATION, strict=True)], dim=-1
    )
    num_betas = len(reach)
    betas_scale = (1.0 + length / 10.0 + length * (_BETAS_STIFFNESS * reach).square()).rsqrt()
    focal_scale = 1.0 / (_FOCAL_STIFFNESS * length**0.5)
    turn = torch.zeros(length, len(groups), 3, requires_grad=True)
    move = torch.zeros(length, 3, requires_grad=True)
    shape = torch.zeros(num_betas, requires_grad=True)
    focal = torch.zeros((), requires_grad=True)
    variables = [turn, move] + ([shape] if num_betas else []) + ([focal] if zoom_range else [])

    def current() -> Motion:
        rotations = motion.rotations.clone()
        increments = roma.rotvec_to_rotmat(from_cosines(turn * rotation_scale))
        rotations[:, list(groups)] = motion.rotations[:, list(groups)] @ increments
        betas = motion.betas + torch.nn.functional.pad(shape * betas_scale, (0, len(motion.betas) - num_betas))
        transl = motion.transl + from_cosines(move * transl_scale)
        if zoom_range is None:
            return Motion(rotations, transl, betas, motion.zoom)
        zoom = (motion.zoom * (focal * focal_scale).exp()).clamp(*zoom_range)
        depth = torch.cat([transl[:, :2], transl[:, 2:] * zoom / motion.zoom], dim=1)  # the person's size stays
        return Motion(rotations, depth, betas, zoom)

    optimiser = torch.optim.LBFGS(
        variables, max_iter=iterations, max_eval=iterations * 5 // 4 + 2, history_size=12,
        tolerance_grad=1e-4, tolerance_change=1e-9, line_search_fn="strong_wolfe",
    )  # fmt: skip
    best, best_value, count = motion, float("inf"), 0

    def closure() -> Tensor:
        nonlocal best, best_value, count
        optimiser.zero_grad()
        moved = current()
        value = energy(moved)
        value.backward()
        count += 1
        gradients = [variable.grad for variable in variables if variable.grad is not None]
        if not all(bool(torch.isfinite(number).all()) for number in (value, *gradients)):
            raise FloatingPointError
        if value.item() < best_value:
            best, best_value = moved, value.item()
        return value

    try:
        optimiser.step(closure)
    except FloatingPointError:
        logger.warning("the fit met numbers that are not finite and goes on from its best motion so far")
    return Solution(best.detach(), best_value, count)


def _scale(stiffness: float, resistance: float, frequencies: Tensor) -> Tensor:
    return (stiffness**2 + (resistance * frequencies) ** 2).rsqrt()


def temporal_frequencies(length: int) -> Tensor:
    """Size [T] of the second difference of each cosine of ``from_cosines``, 0 (constant) to nearly 4."""
    return 4.0 * torch.sin(torch.pi * torch.arange(length) / (2 * length)) ** 2


def from_cosines(coefficients: Tensor) -> Tensor:
    """Values [T,...] over time of orthonormal DCT-II coefficients [T,...]."""
    length = len(coefficients)
    shape = (length,) + (1,) * (coefficients.ndim - 1)
    scale = torch.full((length,), (2.0 / length) ** 0.5)
    scale[0] = (1.0 / length) ** 0.5
    turn = torch.polar(scale, -torch.pi * torch.arange(length) / (2 * length))
    return torch.fft.fft(coefficients * turn.reshape(shape), n=2 * length, dim=0)[:length].real
