"""Encodings of numbers by sines."""

import torch
from torch import Tensor


def frequencies(values: Tensor, count: int) -> Tensor:
    """Values [...,D] and their sines and cosines at ``count`` frequencies, each twice the one before: [...,D(1+2 count)].

    In the order of the values, then sine and cosine at 1, at 2, at 4 and so on.

    Source: Mildenhall et al., NeRF (ECCV 2020), section 5.1, without its factor of pi.
    """
    parts = [values]
    for power in range(count):
        parts += [torch.sin(2.0**power * values), torch.cos(2.0**power * values)]
    return torch.cat(parts, dim=-1)
