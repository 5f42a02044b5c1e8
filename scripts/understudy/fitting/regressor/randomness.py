"""Random numbers over time: choices, stretches of a clip, slow and fading errors."""

import torch
from torch import Generator, Tensor


def chosen(share: float, count: int, generator: Generator) -> Tensor:
    """``count`` random booleans, of which about ``share`` are true."""
    return torch.rand(count, generator=generator) < share


def paths(count: int, length: int, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Smooth random numbers [S,T,...] of unit variance at their knots: clips change twice, or hardly at all."""
    knots = torch.randn(count, 4, *shape, generator=generator)
    calm = torch.rand(count, *(1,) * (len(shape) + 1), generator=generator)
    place = torch.linspace(0.0, 3.0, length).reshape(1, -1, *(1,) * len(shape)) * calm
    low = place.long().clamp(max=2)
    share = place - low
    share = share * share * (3.0 - 2.0 * share)
    index = low.expand(count, length, *shape)
    return torch.gather(knots, 1, index) * (1 - share) + torch.gather(knots, 1, index + 1) * share


def wander(count: int, length: int, shape: tuple[int, ...], fade: float, generator: Generator) -> Tensor:
    """Random numbers [S,T,...] of unit variance whose correlation falls as exp(-frames / ``fade``)."""
    apart = (torch.arange(length)[:, None] - torch.arange(length)).abs()
    factor = torch.linalg.cholesky(torch.exp(-apart / fade) + 1e-5 * torch.eye(length))
    white = torch.randn(count, length, *shape, generator=generator)
    return (factor @ white.flatten(2)).unflatten(2, shape)


def stretch(share: float, count: int, length: int, shortest: int, longest: int, generator: Generator) -> Tensor:
    """Booleans [S,T], true in one stretch of ``share`` of the clips."""
    start = torch.randint(length, (count, 1), generator=generator)
    size = torch.randint(shortest, longest + 1, (count, 1), generator=generator)
    time = torch.arange(length)
    return chosen(share, count, generator)[:, None] & (time >= start) & (time < start + size)
