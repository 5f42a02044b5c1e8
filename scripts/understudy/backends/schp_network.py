"""The network of Self-Correction for Human Parsing (Li et al., TPAMI 2020) in plain torch, by the names of its files.

A ResNet-101 with a three-layer stem and a dilated last stage; a pyramid of pooled context (PSPNet); a decoder that adds
fine features; a branch that finds edges; and a last layer over both, whose labels are the answer.

Every weight has the name and shape that the published checkpoints give it, ``fushion`` included.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

RESNET_101 = (3, 4, 23, 3)
"""Blocks in the four stages."""
WIDTH = 64
"""Channels of the first layer; those of all others are multiples of it."""
POOLED = (1, 2, 3, 6)
"""Cells a side that context is pooled to."""
LEAK = 0.01
"""Slope of the activation below zero."""


class Norm(nn.Module):
    """Batch norm with what it learned, with or without a leaky ReLU: in-place activated batch norm, when not learning.

    That layer (Rota Bulo et al., CVPR 2018, version 0.1, which the checkpoints were trained with) scales by
    ``|weight| + eps`` where batch norm scales by ``weight``, and counts no batches. The activation is part of it in all
    layers but the backbone's, where ReLUs follow.
    """

    running_mean: Tensor
    running_var: Tensor
    eps = 1e-5

    def __init__(self, channels: int, leaky: bool = True) -> None:
        super().__init__()
        self.leaky = leaky
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[N,channels,H,W] to the same."""
        scale = self.weight.abs() + self.eps
        x = functional.batch_norm(x, self.running_mean, self.running_var, scale, self.bias, eps=self.eps)
        return functional.leaky_relu(x, LEAK, inplace=True) if self.leaky else x


class Bottleneck(nn.Module):
    """The block of a ResNet: 1x1, 3x3 with the stride, 1x1 to four times the channels, and the way round."""

    def __init__(self, inputs: int, channels: int, stride: int, dilation: int, project: bool) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, channels)
        self.bn1 = Norm(channels, leaky=False)
        self.conv2 = _conv(channels, channels, 3, stride, dilation)
        self.bn2 = Norm(channels, leaky=False)
        self.conv3 = _conv(channels, 4 * channels)
        self.bn3 = Norm(4 * channels, leaky=False)
        self.downsample = None
        if project:
            self.downsample = nn.Sequential(_conv(inputs, 4 * channels, 1, stride), Norm(4 * channels, leaky=False))

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] to [N,4 channels,H/stride,W/stride]."""
        out = functional.relu_(self.bn1(self.conv1(x)))
        out = functional.relu_(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return functional.relu_(out.add_(x if self.downsample is None else self.downsample(x)))


class Context(nn.Module):
    """What all of the picture says at each place: means over ever smaller cells, beside the features themselves."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(cells), _conv(inputs, outputs), Norm(outputs)) for cells in POOLED
        )
        self.bottleneck = nn.Sequential(_conv(inputs + len(POOLED) * outputs, outputs, 3), Norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] to [N,outputs,H,W]."""
        pooled = [_enlarged(stage(x), x) for stage in self.stages]
        return self.bottleneck(torch.cat([*pooled, x], dim=1))


class Edges(nn.Module):
    """Finds the borders between parts, at three depths."""

    def __init__(self, inputs: tuple[int, int, int], channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (_layer(count, channels) for count in inputs)
        self.conv4 = nn.Conv2d(channels, 2, 3, padding=1)
        self.conv5 = nn.Conv2d(6, 2, 1)

    def forward(self, x1: Tensor, x2: Tensor, x3: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [N,2,H,W] of no edge and edge, and features [N,3 channels,H,W], in the size of ``x1``."""
        features = self.conv1(x1), self.conv2(x2), self.conv3(x3)
        edge = torch.cat([_enlarged(self.conv4(each), x1) for each in features], dim=1)
        return self.conv5(edge), torch.cat([_enlarged(each, x1) for each in features], dim=1)


class Decoder(nn.Module):
    """Joins context with fine features."""

    def __init__(self, coarse: int, fine: int, channels: int, fine_channels: int, labels: int) -> None:
        super().__init__()
        self.conv1 = _layer(coarse, channels)
        self.conv2 = _layer(fine, fine_channels)
        self.conv3 = nn.Sequential(*_layer(channels + fine_channels, channels), *_layer(channels, channels))
        self.conv4 = nn.Conv2d(channels, labels, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [N,labels,H,W] and features [N,channels,H,W], in the size of ``fine``."""
        both = torch.cat([_enlarged(self.conv1(coarse), fine), self.conv2(fine)], dim=1)
        features = self.conv3(both)
        return self.conv4(features), features


class ParsingNetwork(nn.Module):
    """Labels of the pixels of a picture of one person."""

    def __init__(self, labels: int, blocks: tuple[int, ...] = RESNET_101, width: int = WIDTH) -> None:
        super().__init__()
        self.labels = labels
        self.conv1 = _conv(3, width, 3, 2)
        self.bn1 = Norm(width, leaky=False)
        self.conv2 = _conv(width, width, 3)
        self.bn2 = Norm(width, leaky=False)
        self.conv3 = _conv(width, 2 * width, 3)
        self.bn3 = Norm(2 * width, leaky=False)
        self.layer1 = _stage(2 * width, width, blocks[0])
        self.layer2 = _stage(4 * width, 2 * width, blocks[1], stride=2)
        self.layer3 = _stage(8 * width, 4 * width, blocks[2], stride=2)
        self.layer4 = _stage(16 * width, 8 * width, blocks[3], dilation=2)
        self.context_encoding = Context(32 * width, 8 * width)
        self.edge = Edges((4 * width, 8 * width, 16 * width), 4 * width)
        self.decoder = Decoder(8 * width, 4 * width, 4 * width, 3 * width // 4, labels)
        # the place of the published dropout, which does nothing outside training, keeps the numbering
        self.fushion = nn.Sequential(*_layer(16 * width, 4 * width), nn.Identity(), nn.Conv2d(4 * width, labels, 1))
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the last layer and of the decoder [N,labels,H/4,W/4], and of edges [N,2,H/4,W/4].

        Args:
            x: [N,3,H,W], normalised.
        """
        x = functional.relu_(self.bn1(self.conv1(x)))
        x = functional.relu_(self.bn2(self.conv2(x)))
        x = functional.relu_(self.bn3(self.conv3(x)))
        x2 = self.layer1(functional.max_pool2d(x, 3, 2, 1))
        x3 = self.layer2(x2)
        x4 = self.layer3(x3)
        parsing, parsing_features = self.decoder(self.context_encoding(self.layer4(x4)), x2)
        edge, edge_features = self.edge(x2, x3, x4)
        return self.fushion(torch.cat([parsing_features, edge_features], dim=1)), parsing, edge

    @classmethod
    def shaped_as(cls, weights: Mapping[str, Tensor]) -> "ParsingNetwork":
        """A network of the size that a checkpoint's tensors have, to be filled with them.

        Raises:
            KeyError: They are of some other network.
        """
        blocks = tuple(
            len({name.split(".")[1] for name in weights if name.startswith(f"layer{stage}.")}) for stage in range(1, 5)
        )
        with torch.device("meta"):  # drawing random weights takes longer than all else
            network = cls(len(weights["fushion.3.bias"]), blocks, len(weights["bn1.bias"]))
        return network.to_empty(device="cpu")


def _conv(inputs: int, outputs: int, size: int = 1, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    padding = dilation * (size // 2)
    return nn.Conv2d(inputs, outputs, size, stride, padding=padding, dilation=dilation, bias=False)


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_conv(inputs, outputs), Norm(outputs))


def _stage(inputs: int, channels: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    first = Bottleneck(inputs, channels, stride, dilation, project=True)
    return nn.Sequential(
        first, *(Bottleneck(4 * channels, channels, 1, dilation, project=False) for _ in range(blocks - 1))
    )


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear with corners on corners, as all of the network is trained with."""
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)
