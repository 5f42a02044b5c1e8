"""The field of one part of the body, and the moves that all parts share.

Source: Geng et al., Learning Neural Volumetric Representations of Dynamic Humans in Minutes (CVPR 2023), sections 3.2 and 3.3.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.fields.encoding import frequencies
from understudy.avatar.fields.hash_grid import HashGrid, HashShape
from understudy.avatar.fields.networks import Perceptron

JOINTS = {
    "body": ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"),
    "leg": (
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot",
    ),
    "head": ("neck", "head"),
    "left_arm": ("left_shoulder", "left_elbow", "left_wrist", "left_hand"),
    "right_arm": ("right_shoulder", "right_elbow", "right_wrist", "right_hand"),
}  # fmt: skip
"""Parts, in the authors' order, and the joints that move them; other joints go with their parents."""
GEOMETRY, LATENT, DIRECTIONS = 16, 8, 4
"""Numbers from the network of occupancy to that of colour, of each moment, and frequencies of directions."""
FARTHEST = 0.05
"""Longest move along each axis, m."""
HIDDEN = 64


@dataclass(frozen=True)
class PartSize:
    """How large a part's tables and networks are."""

    grid: HashShape
    summed: bool
    """Whether the features of a level are added up."""
    color_layers: int
    """Hidden ones."""

    @property
    def encoded(self) -> int:
        """Numbers that say where a place is."""
        return 3 + self.grid.levels * (1 if self.summed else self.grid.features)


SIZES = {
    "small": {name: PartSize(HashShape(12, 2, 14, 8, 1.45), False, 1 if "arm" in name else 2) for name in JOINTS},
    "published": {
        "body": PartSize(HashShape(16, 16, 20, 16, 1.38), True, 2),
        "leg": PartSize(HashShape(16, 16, 20, 2, 1.38), True, 1),
        "head": PartSize(HashShape(16, 16, 18, 2, 1.38), True, 2),
        "left_arm": PartSize(HashShape(16, 16, 15, 2, 1.38), True, 1),
        "right_arm": PartSize(HashShape(16, 16, 15, 2, 1.38), True, 1),
    },
}
"""By the option ``size``."""
MOVES = HashShape(8, 2, 14, 4, 1.38)
"""Of the grid over (u, v, t)."""


class PartField(nn.Module):
    """Occupancy and colour in the box of one part, in the big pose."""

    box: Tensor

    def __init__(self, size: PartSize, box: Tensor, moments: int, generator: torch.Generator) -> None:
        """In a box [2,3] m, with a latent for each of so many moments."""
        super().__init__()
        self.size = size
        self.register_buffer("box", box.clone())
        self.grid = HashGrid(size.grid, generator)
        self.occupancy = Perceptron((size.encoded, HIDDEN, 1 + GEOMETRY), nn.Softplus, generator)
        inputs = size.encoded + 3 * (1 + 2 * DIRECTIONS) + GEOMETRY + LATENT
        self.color = Perceptron((inputs, *[HIDDEN] * size.color_layers, 3), nn.Softplus, generator)
        self.latents = nn.Parameter(torch.zeros(moments, LATENT))

    def encode(self, places: Tensor) -> Tensor:
        """Numbers [N,E] for places [N,3] m; those beyond the box are as its edge."""
        unit = ((places - self.box[0]) / (self.box[1] - self.box[0])).clamp(0.0, 1.0)
        features = self.grid(unit)
        return torch.cat([unit, features.sum(dim=2) if self.size.summed else features.flatten(1)], dim=1)

    def colors(self, encoded: Tensor, directions: Tensor, geometry: Tensor, moment: int) -> Tensor:
        """Colours [N,3] 0..1 of places by what ``encode`` and ``occupancy`` make of them, seen along directions [N,3]."""
        latent = self.latents[moment].expand(len(encoded), LATENT)
        inputs = torch.cat([encoded, frequencies(directions, DIRECTIONS), geometry, latent], dim=1)
        out: Tensor = self.color(inputs).sigmoid()
        return out


class Moves(nn.Module):
    """Moves beyond skinning, by the place on the skin and the time."""

    def __init__(self, generator: torch.Generator) -> None:
        """None yet."""
        super().__init__()
        self.grid = HashGrid(MOVES, generator)
        self.network = Perceptron((3 + MOVES.levels * MOVES.features, 32, 32, 3), nn.Softplus, generator)
        for part in self.network.linears[-1].parameters():
            nn.init.zeros_(part)

    def forward(self, uv: Tensor, time: float) -> Tensor:
        """Moves [N,3] m in the big pose, at [N,2] on the skin and a time 0..1."""
        at = torch.cat([uv.clamp(0.0, 1.0), uv.new_full((len(uv), 1), time)], dim=1)
        out: Tensor = FARTHEST * self.network(torch.cat([at, self.grid(at).flatten(1)], dim=1)).tanh()
        return out


def part_boxes(points: Tensor, part: Tensor, margin: float = 0.2) -> Tensor:
    """Boxes [P,2,3] of the points [V,3] of each part [V], wider by ``margin`` m on each side."""
    return torch.stack(
        [torch.stack([points[part == k].amin(dim=0) - margin, points[part == k].amax(dim=0) + margin])
         for k in range(len(JOINTS))]
    )  # fmt: skip


def occupancies(raw: Tensor) -> Tensor:
    """Occupancies 0..1 of raw numbers."""
    return 1.0 - torch.exp(-functional.softplus(raw))
