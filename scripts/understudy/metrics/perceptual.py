"""A loss of pictures by the features of a network, where its weights are at hand; they are not ours to give."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from understudy.errors import InputError
from understudy.files.safe_torch import load_torch

_LAYERS = (0, 2, 5, 7)
"""Numbers in VGG-19's list of features of its first convolutions; the third follows a pooling."""
_SHAPES = ((64, 3, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3), (128, 128, 3, 3))


@dataclass(frozen=True)
class PerceptualLoss:
    """Distance of VGG-19's features of two pictures: after its second and its fourth convolution.

    Source: Johnson et al., Perceptual Losses for Real-Time Style Transfer and Super-Resolution (ECCV 2016), section 3.2; layers
    and range of values as in Geng et al. (CVPR 2023).
    """

    filters: tuple[tuple[Tensor, Tensor], ...]  # weight [O,I,3,3] and bias [O] of each layer

    @classmethod
    def load(cls, path: str | Path) -> "PerceptualLoss":
        """Read torchvision's weights of VGG-19 (vgg19-dcbb9e9d.pth); nothing in the file is executed.

        Raises:
            InputError: It is missing, damaged or of another network.
        """
        state = load_torch(Path(path))
        try:
            filters = tuple(
                (state[f"features.{n}.weight"].float(), state[f"features.{n}.bias"].float()) for n in _LAYERS
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} holds weights of another network than VGG-19 (no {error}).") from None
        if tuple(tuple(weight.shape) for weight, _ in filters) != _SHAPES:
            raise InputError(f"{path} holds weights of another network than VGG-19; take vgg19-dcbb9e9d.pth.")
        return cls(filters)

    def __call__(self, picture: Tensor, truth: Tensor) -> Tensor:
        """Sum over both layers of the mean absolute difference of features of pictures [H,W,3], 0..1; differentiable."""
        values = torch.stack([picture, truth]).movedim(-1, 1)
        total = picture.new_zeros(())
        for number, (weight, bias) in enumerate(self.filters):
            values = functional.conv2d(values, weight.to(values), bias.to(values), padding=1).relu()
            if number % 2 == 1:
                total = total + (values[0] - values[1]).abs().mean()
            if number == 1:
                values = functional.max_pool2d(values, 2)
        return total
