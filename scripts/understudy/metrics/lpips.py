"""LPIPS of pictures, where its weights are at hand; they are not ours to give."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from understudy.errors import InputError
from understudy.files.arrays import reading
from understudy.files.safe_torch import load_torch
from understudy.metrics.image import Picture

NETWORK = "alexnet*.pth"
"""torchvision's AlexNet (alexnet-owt-7be5be79.pth)."""
HEADS = "alex.pth"
"""LPIPS 0.1's weights of its channels; also within the package torchmetrics."""
SMALLEST = 31
"""Least side of a picture, px: below it nothing is left after the second pooling."""

_LAYERS = ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1))
"""Number in AlexNet's list of features, stride and padding of its convolutions; the second and third follow a pooling."""
_POOLED = (1, 2)
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class Lpips:
    """Learned perceptual distance of two pictures with AlexNet, version 0.1.

    Source: Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric (CVPR 2018), section 3.
    """

    filters: tuple[tuple[Tensor, Tensor], ...]  # weight [O,I,k,k] and bias [O] of each layer
    heads: tuple[Tensor, ...]  # [O] of each layer

    @classmethod
    def load(cls, folder: str | Path) -> "Lpips":
        """Read the weights from a folder with both files; nothing in them is executed.

        Raises:
            InputError: A file is missing, damaged or of another network.
        """
        network = _read(folder, NETWORK)
        heads = _read(folder, HEADS)
        try:
            filters = tuple(
                (network[f"features.{n}.weight"].float(), network[f"features.{n}.bias"].float()) for n, _, _ in _LAYERS
            )
            rows = tuple(heads[f"lin{n}.model.1.weight"].float().flatten() for n in range(len(_LAYERS)))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{folder} holds weights of another network than AlexNet (no {error}).") from None
        if any(len(row) != len(bias) for row, (_, bias) in zip(rows, filters, strict=True)):
            raise InputError(f"{folder} holds weights that do not fit each other; take both files for AlexNet.")
        return cls(filters, rows)

    def __call__(self, picture: Picture, truth: Picture, scaled: bool = True) -> float:
        """Distance of two pictures, 0 for equal ones, lower is better.

        Args:
            picture: [H,W,3], float 0..1, at least 31x31.
            truth: The same shape.
            scaled: Values go to -1..1 first, as the network wants them. False leaves them at 0..1, as the published tables of
                InstantAvatar and Anim-NeRF did; their figures are lower for it.
        """
        pair = torch.stack([torch.as_tensor(picture), torch.as_tensor(truth)]).float().movedim(-1, 1)
        if min(pair.shape[2:]) < SMALLEST:
            raise ValueError(f"LPIPS needs at least {SMALLEST}x{SMALLEST} px, not {tuple(pair.shape[2:])}")
        pair = 2.0 * pair - 1.0 if scaled else pair
        values = (pair - torch.tensor(_SHIFT).view(3, 1, 1)) / torch.tensor(_SCALE).view(3, 1, 1)
        total = 0.0
        with torch.no_grad():
            for n, ((weight, bias), head) in enumerate(zip(self.filters, self.heads, strict=True)):
                if n in _POOLED:
                    values = functional.max_pool2d(values, 3, 2)
                _, stride, padding = _LAYERS[n]
                values = functional.conv2d(values, weight, bias, stride, padding).relu()
                unit = values / (values.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
                apart = (unit[0] - unit[1]).square()
                total += float((head.view(-1, 1, 1) * apart).sum(dim=0).mean())
        return total


def _read(folder: str | Path, pattern: str) -> dict[str, Tensor]:
    found = sorted(Path(folder).glob(pattern))
    if pattern == NETWORK:
        found = [path for path in found if path.name != HEADS]
    if not found:
        raise InputError(
            f"{folder} has no {pattern}; LPIPS needs AlexNet's weights ({NETWORK}) and LPIPS's own ({HEADS})."
        )
    with reading(found[0], "a readable file of weights", "get it again"):
        return load_torch(found[0])
