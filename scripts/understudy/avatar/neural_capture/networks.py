"""What a place near a body is to a field on its vertices, and the field's networks.

Source: Zhu et al., Neural Capture of Animatable 3D Human from Monocular Video (ECCV 2022), sections 3.2 and 3.3.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.fields.encoding import frequencies
from understudy.avatar.fields.networks import Perceptron

RING, CODE, DIRECTIONS = 7, 16, 4
"""Vertices that a place knows, numbers of each one's code, and frequencies of directions."""
WIDER = 0.01
"""How far colours reach beyond 0..1, so that both ends are learned."""


@dataclass(frozen=True)
class CaptureSize:
    """How large the networks are."""

    frequencies: int
    """Of places and distances."""
    features: int
    """Numbers that a neighbourhood is told in."""
    width: int
    layers: int
    """Of the field, before density and colour part."""

    @property
    def inputs(self) -> int:
        """Numbers of a place's neighbourhood."""
        return RING * (4 * (1 + 2 * self.frequencies) + CODE)


SIZES = {"small": CaptureSize(10, 64, 96, 3), "published": CaptureSize(10, 128, 256, 6)}
"""By the option ``size``."""


class Neighbourhood(nn.Module):
    """Numbers for places by the vertices round the nearest one."""

    def __init__(self, size: CaptureSize, vertices: int, generator: torch.Generator) -> None:
        """For a surface of so many vertices."""
        super().__init__()
        self.size = size
        bound = (6.0 / (vertices + CODE)) ** 0.5
        self.codes = nn.Parameter(bound * (2.0 * torch.rand(vertices, CODE, generator=generator) - 1.0))
        self.network = Perceptron((size.inputs, *[size.features] * 3), nn.ReLU, generator)

    def forward(self, rest: Tensor, distances: Tensor, ring: Tensor, offsets: Tensor) -> Tensor:
        """Numbers [N,F+27].

        Args:
            rest: Where the vertices [N,7,3] of the neighbourhood are at rest, m.
            distances: To them in the present pose [N,7], m.
            ring: Which they are [N,7].
            offsets: From the nearest one [N,3], m, in its axes at rest.
        """
        places = frequencies(torch.cat([rest.flatten(1), distances], dim=1), self.size.frequencies)
        features = self.network(torch.cat([places, self.codes[ring].flatten(1)], dim=1))
        return torch.cat([features, frequencies(functional.normalize(offsets, dim=1), DIRECTIONS)], dim=1)


class CaptureField(nn.Module):
    """Density and colour by a neighbourhood's numbers."""

    def __init__(self, size: CaptureSize, generator: torch.Generator) -> None:
        """With random weights."""
        super().__init__()
        inputs, width = size.features + 3 * (1 + 2 * DIRECTIONS), size.width
        self.trunk = Perceptron((inputs, *[width] * size.layers), nn.ReLU, generator)
        self.density = Perceptron((width, width, 1), nn.ReLU, generator)
        self.color = Perceptron((width, width, 3), nn.ReLU, generator)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Densities [N] and colours [N,3] 0..1 of places' numbers."""
        hidden = functional.relu(self.trunk(features))
        rgb = self.color(hidden).sigmoid() * (1.0 + 2.0 * WIDER) - WIDER
        return functional.softplus(self.density(hidden)[:, 0] - 1.0), rgb.clamp(0.0, 1.0)


def one_rings(faces: np.ndarray, vertices: int) -> np.ndarray:
    """Vertices [V,7] round each one: neighbours in the order of the faces, itself, then the first again; the first seven."""
    pairs = faces[:, [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]].reshape(-1, 2).astype(np.int64)
    keys, first = np.unique(pairs[:, 0] * vertices + pairs[:, 1], return_index=True)
    order = np.lexsort((first, keys // vertices))
    of, near = keys[order] // vertices, keys[order] % vertices
    starts = np.searchsorted(of, np.arange(vertices + 1))
    count = np.diff(starts)
    rings = np.tile(np.arange(vertices)[:, None], (1, RING))
    place = np.arange(len(of)) - starts[of]
    rings[of[place < RING], place[place < RING]] = near[place < RING]
    padded = np.arange(RING)[None] > count[:, None]
    return np.where(padded & (count > 0)[:, None], rings[:, :1], rings)


def nearest_rings(points: np.ndarray) -> np.ndarray:
    """The seven nearest points [A,7] to each of points [A,3], itself first."""
    return cKDTree(points).query(points, RING)[1].astype(np.int64)
