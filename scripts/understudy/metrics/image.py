"""PSNR and SSIM of pictures, over the whole picture or the area of a mask."""

import math
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

WINDOW = 11
"""Side of SSIM's window, px."""
EDGE = WINDOW // 2
SIGMA = 1.5
"""Standard deviation of SSIM's Gaussian window, px."""
C1, C2 = 0.01**2, 0.03**2
"""SSIM's constants, for values 0..1."""

Picture = Tensor | np.ndarray


def psnr(picture: Picture, truth: Picture, mask: Picture | None = None) -> float:
    """Peak signal-to-noise ratio in dB of values 0..1; infinite for equal pictures.

    Args:
        picture: [H,W,C] or [H,W], float 0..1.
        truth: The same shape.
        mask: [H,W], bool; only pixels inside count. The whole picture by default.
    """
    error = (_as_float(picture) - _as_float(truth)).square()
    if mask is not None:
        error = error[_as_area(mask)]
    mean = float(error.double().mean())
    return math.inf if mean == 0.0 else -10.0 * math.log10(mean)


def ssim(picture: Picture, truth: Picture, mask: Picture | None = None) -> float:
    """Mean structural similarity of values 0..1, between -1 and 1, higher is better.

    The picture is mirrored at its border, so that every pixel counts, as in torchmetrics.

    Args:
        picture: [H,W,C], float 0..1, at least 6x6.
        truth: The same shape.
        mask: [H,W], bool; only windows centred inside count. The whole picture by default.
    """
    similarity = ssim_map(_mirrored(_as_float(picture)), _mirrored(_as_float(truth)))
    if mask is not None:
        similarity = similarity[_as_area(mask)]
    return float(similarity.double().mean())


def ssim_map(
    picture: Tensor,  # [H,W,C], 0..1
    truth: Tensor,  # [H,W,C], 0..1
) -> Tensor:
    """SSIM [H-10,W-10,C] at every pixel whose window lies in the picture; differentiable.

    Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity (2004), section III-B,
    with its constants 0.01 and 0.03 and its Gaussian window.
    """
    if min(picture.shape[:2]) < WINDOW:
        raise ValueError(f"SSIM needs at least {WINDOW}x{WINDOW} px, not {tuple(picture.shape[:2])}")
    x, y = picture, truth
    means = [blur(values)[EDGE:-EDGE, EDGE:-EDGE] for values in (x, y, x * x, y * y, x * y)]
    mean_x, mean_y, xx, yy, xy = means
    variance_x, variance_y = xx - mean_x * mean_x, yy - mean_y * mean_y
    covariance = xy - mean_x * mean_y
    return ((2 * mean_x * mean_y + C1) * (2 * covariance + C2)) / (
        (mean_x * mean_x + mean_y * mean_y + C1) * (variance_x + variance_y + C2)
    )


def blur(values: Tensor) -> Tensor:
    """SSIM's Gaussian window over [H,W,C], zeros beyond the border; the same size, differentiable."""
    return _Blur.apply(values)


class _Blur(torch.autograd.Function):
    """The blur is its own adjoint, so the backward pass is one more blur; OpenCV's is ten times faster on a CPU."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _blur(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _blur(gradient)


def blur_pixels(pixels: np.ndarray) -> np.ndarray:
    """The same as ``blur``, of an array [H,W,C] of at most 4 channels."""
    kernel = _window()
    blurred = cv2.sepFilter2D(pixels, -1, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    return blurred.reshape(pixels.shape)


def _window() -> np.ndarray:
    """Weights [11]."""
    place = np.arange(WINDOW) - EDGE
    weights = np.exp(-0.5 * (place / SIGMA) ** 2)
    return weights / weights.sum()


def _blur(values: Tensor) -> Tensor:
    if values.device.type == "cpu":
        return torch.from_numpy(blur_pixels(np.ascontiguousarray(values.detach().numpy())))
    taps = torch.from_numpy(_window()).to(values)
    channels = values.movedim(-1, 0)[:, None]
    channels = functional.conv2d(channels, taps.view(1, 1, 1, -1), padding=(0, EDGE))
    return functional.conv2d(channels, taps.view(1, 1, -1, 1), padding=(EDGE, 0))[:, 0].movedim(0, -1)


def _mirrored(values: Tensor) -> Tensor:
    return functional.pad(values.movedim(-1, 0), (EDGE,) * 4, mode="reflect").movedim(0, -1)


def _as_float(picture: Picture) -> Tensor:
    tensor = torch.as_tensor(picture)
    if not tensor.is_floating_point():
        raise TypeError(f"pictures are floats 0..1 here, not {tensor.dtype}")
    return tensor


def _as_area(mask: Picture) -> Tensor:
    area = torch.as_tensor(mask)
    return area if area.dtype == torch.bool else area > 0.5
