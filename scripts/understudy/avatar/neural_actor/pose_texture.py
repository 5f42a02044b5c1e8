"""The texture that a pose predicts: what it moves and shades beyond skinning, and how far that can be trusted."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.gaussians.model import Changes
from understudy.avatar.neural_actor.linear import LinearPredictor
from understudy.avatar.neural_actor.texels import Texels, joint_turns
from understudy.avatar.neural_actor.unet import UNetPredictor
from understudy.body.model import BodyModel
from understudy.textures.atlas import Atlas, make_atlas

Predictor = Literal["linear", "unet"]
FARTHEST = 0.03
"""Greatest move along each axis, m."""
DARKEST = 1.0
"""Greatest logarithm of a shade."""
CHANNELS = 6
"""Moves along three axes, in ``FARTHEST``, and logarithms of the shades of three colours."""


@dataclass(frozen=True, eq=False)
class Design:
    """What a predicted texture is made by."""

    predictor: Predictor
    side: int
    """Of the texture, texels."""
    reach: float
    """Turn of a joint beyond those of the video, rad, at which what it changes has faded to three fifths; 0 for never."""
    filmed: Tensor  # [P,J-1,3]
    """Turns of the joints in poses of the video, as ``joint_turns`` gives them."""


class PoseTexture(nn.Module):
    """The predicted texture, and what it says of points on the surface."""

    filmed: Tensor
    uv: Tensor

    def __init__(self, body: BodyModel, uv: Tensor, design: Design) -> None:
        """A texture that changes nothing yet.

        Args:
            body: The body whose layout it is in.
            uv: Places [N,2] of the points, v up.
            design: How it is made.
        """
        super().__init__()
        self.design = design
        self.atlas: Atlas = make_atlas(body.vt, body.ft, design.side)
        self.texels = Texels(body, self.atlas)
        self.register_buffer("filmed", design.filmed.clone())
        self.register_buffer("uv", uv, persistent=False)
        self.predictor = (
            LinearPredictor(self.texels, design.filmed, CHANNELS)
            if design.predictor == "linear"
            else UNetPredictor(self.texels, CHANNELS)
        )

    def forward(self, window: Tensor) -> Tensor:
        """The texture [1,6,S,S] of a pose, the last of those in ``window`` [3,J,3,3]; row 0 is v = 1."""
        texture = self.predictor(window) * self.trust(window[-1])
        return torch.cat([texture[:, :3].tanh(), texture[:, 3:].clamp(-DARKEST, DARKEST)], dim=1)

    def trust(self, rotations: Tensor) -> Tensor:
        """How much of what is predicted counts [1,1,S,S]: the less, the farther the joints nearby are from the filmed poses.

        A pose like none of the video has no dynamics rather than made-up ones.
        """
        if self.design.reach == 0:
            return rotations.new_ones(1, 1, 1, 1)
        squares = (joint_turns(rotations) - self.filmed).square().sum(dim=-1).amin(dim=0)
        away = self.texels.near.sum(dim=0) @ squares
        return self.texels.image((-0.5 * away / self.design.reach**2).exp()[:, None])

    def at_points(self, texture: Tensor) -> Changes:
        """What a texture [1,6,S,S] says of the points."""
        grid = self.uv * self.uv.new_tensor([2.0, -2.0]) + self.uv.new_tensor([-1.0, 1.0])
        values = functional.grid_sample(texture, grid[None, None], align_corners=False, padding_mode="border")[
            0, :, 0
        ].T
        return Changes(FARTHEST * values[:, :3], values[:, 3:].exp())

    def shades_of_texels(self, texture: Tensor) -> Tensor:
        """Factors [T,3] on the colours of the atlas's texels."""
        places = torch.from_numpy(self.atlas.texel).to(texture.device)
        return texture[0, 3:].flatten(1)[:, places].T.exp()
