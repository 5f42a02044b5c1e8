"""Small networks."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class Perceptron(nn.Module):
    """Layers one after the other, with an activation between them."""

    def __init__(self, sizes: tuple[int, ...], activation: type[nn.Module], generator: torch.Generator) -> None:
        """Of ``sizes`` numbers, the inputs' first and the outputs' last, with random weights as torch's own layers have."""
        super().__init__()
        linears = [nn.Linear(*size) for size in pairwise(sizes)]
        for linear in linears:
            bound = linear.in_features**-0.5
            for part in (linear.weight, linear.bias):
                part.data = bound * (2.0 * torch.rand(part.shape, generator=generator) - 1.0)
        self.linears = nn.ModuleList(linears)
        self.activation = activation()

    def forward(self, values: Tensor) -> Tensor:
        """Outputs [...,sizes[-1]] of inputs [...,sizes[0]]."""
        *hidden, last = self.linears
        for linear in hidden:
            values = self.activation(linear(values))
        out: Tensor = last(values)
        return out
