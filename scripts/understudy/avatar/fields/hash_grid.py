"""Features of places by grids of many resolutions, the finer ones in hash tables.

Source: Müller et al., Instant Neural Graphics Primitives (SIGGRAPH 2022), section 3. Tables, resolutions and indices are those
of Geng et al., Learning Neural Volumetric Representations of Dynamic Humans in Minutes (CVPR 2023), so that its tables can be
read: a level whose nodes fit into a table has one row for each, at ``(x * side + y) * side + z``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from understudy.avatar.fields import numba_hash
from understudy.render import jit

PRIMES = (1, 19349663, 83492791)


@dataclass(frozen=True)
class HashShape:
    """How large a grid is."""

    levels: int
    features: int
    """Of each level."""
    log2_rows: int
    """A table has the next prime after two to this power rows."""
    base: int
    """Nodes along each axis of the coarsest level."""
    growth: float
    """How many times as many nodes the next level has, rounded down."""

    @cached_property
    def sides(self) -> np.ndarray:
        """Nodes [L] int64 along each axis."""
        return np.array([int(self.base * self.growth**level) for level in range(self.levels)], np.int64)

    @cached_property
    def dense(self) -> np.ndarray:
        """Levels [L] bool that have a row for each node; once one has not, no finer one has."""
        return np.logical_and.accumulate(self.sides**3 <= self._most_rows)

    @cached_property
    def rows(self) -> np.ndarray:
        """Length [L] int64 of each level's table."""
        return np.where(self.dense, self.sides**3, self._most_rows)

    @cached_property
    def _most_rows(self) -> int:
        return next_prime(1 << self.log2_rows)


def next_prime(number: int) -> int:
    """The smallest prime greater than a number."""
    candidate = max(2, number + 1)
    while any(candidate % divisor == 0 for divisor in range(2, int(candidate**0.5) + 1)):
        candidate += 1
    return candidate


class HashGrid(nn.Module):
    """Features of places in the unit cube."""

    def __init__(self, shape: HashShape, generator: torch.Generator | None = None) -> None:
        """All but no features, as at the beginning of a training."""
        super().__init__()
        self.shape = shape
        rows = int(shape.rows.sum())
        self.table = nn.Parameter(1e-4 * (2.0 * torch.rand(rows, shape.features, generator=generator) - 1.0))
        self._starts = np.concatenate([[0], np.cumsum(shape.rows)[:-1]])
        self._plan = (self._starts, shape.rows, shape.sides, shape.dense, np.array(PRIMES, np.int64))

    def forward(self, points: Tensor) -> Tensor:
        """Features [N,L,F] of points [N,3]; those beyond 0..1 go on from the nearest cell.

        On a CPU by kernels that are the same to the bit for any number of threads, else by plain operations.
        """
        if points.device.type == "cpu":
            features: Tensor = _LookUp.apply(points, self.table, self._plan)  # type: ignore[no-untyped-call]
            return features
        return self.look_up(points)

    def look_up(self, points: Tensor) -> Tensor:
        """The same by plain operations, on any device."""
        starts, rows, sides, dense, _ = (torch.from_numpy(part).to(points.device) for part in self._plan)
        places = points[:, None] * (sides[:, None] - 1).float()
        cells = places.detach().long().clamp_min(0).minimum(sides[:, None] - 2)  # [N,L,3]
        parts = places - cells
        features = points.new_zeros(len(points), self.shape.levels, self.shape.features)
        for corner in range(8):
            bits = torch.tensor([(corner >> axis) & 1 for axis in range(3)], device=points.device)
            x, y, z = (cells + bits).unbind(dim=-1)
            mixed = (x * PRIMES[0]) ^ (y * PRIMES[1]) ^ (z * PRIMES[2])
            row = torch.where(dense, (x * sides + y) * sides + z, mixed % rows)
            weight = torch.where(bits > 0, parts, 1.0 - parts).prod(dim=-1)
            features = features + weight[..., None] * self.table[starts + row]
        return features


class _LookUp(torch.autograd.Function):
    """The kernels as one step of autograd."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, table: Tensor, plan: tuple[np.ndarray, ...]) -> Tensor:
        points, table = points.detach().float().contiguous(), table.detach().contiguous()
        features = torch.empty(len(points), len(plan[0]), table.shape[1])
        with jit.threads(torch.get_num_threads()):
            numba_hash.look_up(points.numpy(), table.numpy(), *plan, features.numpy())
        ctx.save_for_backward(points, table)
        ctx.plan = plan
        return features

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        points, table = ctx.saved_tensors
        gradients = gradients.contiguous()
        to_points = torch.empty_like(points) if ctx.needs_input_grad[0] else None
        to_table = torch.zeros_like(table) if ctx.needs_input_grad[1] else None
        with jit.threads(torch.get_num_threads()):
            if to_table is not None:
                numba_hash.scatter(points.numpy(), gradients.numpy(), *ctx.plan, to_table.numpy())
            if to_points is not None:
                numba_hash.slopes(points.numpy(), gradients.numpy(), table.numpy(), *ctx.plan, to_points.numpy())
        return to_points, to_table, None
