"""A discriminator of texture patches, which learns what predicted textures lack beside those of frames.

Sources: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks (CVPR 2017), section 3.2.2, for patches;
Lim and Ye, Geometric GAN (2017), section 3, for the hinge loss; Wang et al., High-Resolution Image Synthesis with Conditional
GANs (CVPR 2018), section 3.2, for the matching of features.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from understudy.avatar.neural_actor.pose_texture import PoseTexture
from understudy.avatar.neural_actor.textures import SeenTexture
from understudy.avatar.training.parallel import ProcessGroup

WIDTHS = (16, 32, 32)
"""Channels of the convolutions, each of which halves the map."""
RATE = 1e-3
"""Learning rate of the discriminator."""


class PatchDiscriminator(nn.Module):
    """Says of each patch of a texture, beside the normals of its pose, whether a frame shows it."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            widths = zip((6, *WIDTHS[:-1]), WIDTHS, strict=True)
            self.layers = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in widths)
            self.last = nn.Conv2d(WIDTHS[-1], 1, 3, padding=1)

    def forward(self, texture: Tensor, normals: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores [1,1,h,w] of the patches of ``texture`` [1,3,S,S] with ``normals`` [1,3,S,S], and features of all layers."""
        features, kept = torch.cat([texture, normals], dim=1), []
        for layer in self.layers:
            features = functional.leaky_relu(layer(features), 0.2)
            kept.append(features)
        return self.last(features), kept


class Adversary:
    """The discriminator while it learns against a predictor."""

    def __init__(self, residual: PoseTexture) -> None:
        self.residual = residual
        self.judge = PatchDiscriminator().to(residual.uv.device)
        self.adam = torch.optim.Adam(self.judge.parameters(), lr=RATE, betas=(0.5, 0.999))
        for parameter in self.judge.parameters():  # so that its state is all there from the start
            parameter.grad = torch.zeros_like(parameter)
        self.adam.step()

    def losses(self, seen: SeenTexture, rotations: Tensor) -> tuple[Tensor, Tensor]:
        """The predictor's adversarial loss and the matching of features; the discriminator takes a step before.

        Args:
            seen: The predicted texture and the frame's.
            rotations: The pose [J,3,3].
        """
        texels, share = self.residual.texels, seen.share[:, None]
        normals = texels.image(texels.posed_normals(rotations))
        # where the frame shows nothing both are the same, and say nothing
        shown = share * seen.filmed + (1.0 - share) * seen.predicted.detach()
        real, fake = texels.image(shown), texels.image(seen.predicted)
        weight = functional.adaptive_avg_pool2d(texels.image(share), real.shape[-1] >> len(WIDTHS))
        self._learn(real, fake.detach(), normals, weight)
        for parameter in self.judge.parameters():
            parameter.requires_grad_(False)
        score, features = self.judge(fake, normals)
        _, wanted = self.judge(real, normals)
        for parameter in self.judge.parameters():
            parameter.requires_grad_(True)
        matching = sum((a - b).abs().mean() for a, b in zip(features, wanted, strict=True)) / len(features)
        return _mean(-score, weight), torch.as_tensor(matching)

    def _learn(self, real: Tensor, fake: Tensor, normals: Tensor, weight: Tensor) -> None:
        self.adam.zero_grad()
        hinge = (1.0 - self.judge(real, normals)[0]).relu() + (1.0 + self.judge(fake, normals)[0]).relu()
        _mean(hinge, weight).backward()
        ProcessGroup.here().average([p.grad for p in self.judge.parameters() if p.grad is not None])
        self.adam.step()

    def state(self) -> dict[str, Any]:
        """What it has learned, and its optimizer's moments."""
        moments = {str(index): dict(values) for index, values in self.adam.state_dict()["state"].items()}
        return {"judge": self.judge.state_dict(), "moments": moments}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as when ``state`` was taken."""
        self.judge.load_state_dict(state["judge"])
        groups = self.adam.state_dict()["param_groups"]
        moments = {int(index): dict(values) for index, values in state["moments"].items()}
        self.adam.load_state_dict({"state": moments, "param_groups": groups})


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (weight * values).sum() / weight.sum().clamp_min(1.0)
