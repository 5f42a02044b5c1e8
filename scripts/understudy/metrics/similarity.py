"""Mean SSIM as a loss, on a CPU in four passes over the picture."""

from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.metrics.image import C1, C2, EDGE, blur_pixels, ssim_map
from understudy.render import jit
from understudy.render.jit import kernel


def mean_ssim(picture: Tensor, truth: Tensor) -> Tensor:
    """Mean of ``ssim_map`` of a picture and a truth [H,W,C], 0..1; differentiable in the picture alone."""
    if picture.device.type != "cpu":
        return ssim_map(picture, truth).mean()
    mean: Tensor = _MeanSsim.apply(picture.contiguous(), truth.contiguous())  # type: ignore[no-untyped-call]
    return mean


class _MeanSsim(torch.autograd.Function):
    """The slopes by the blurred maps are found beside the value; the blur is its own adjoint."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, truth: Tensor) -> Tensor:
        x, y = picture.detach().numpy(), truth.detach().numpy()
        maps, slopes = np.empty((5, *x.shape), np.float32), np.zeros((3, *x.shape), np.float32)
        sums = np.zeros(len(x))
        with jit.threads(torch.get_num_threads()):
            _products(x, y, maps)
            blurred = np.stack([blur_pixels(values) for values in maps])
            _similarities(blurred, EDGE, np.float32(C1), np.float32(C2), sums, slopes)
        windows = (x.shape[0] - 2 * EDGE) * (x.shape[1] - 2 * EDGE) * x.shape[2]
        ctx.save_for_backward(picture, truth)
        ctx.slopes, ctx.windows = slopes, windows
        return picture.new_tensor(sums.sum() / windows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, y = (tensor.numpy() for tensor in ctx.saved_tensors)
        back = np.stack([blur_pixels(values) for values in ctx.slopes])
        result = np.empty_like(x)
        with jit.threads(torch.get_num_threads()):
            _pulled_back(back, x, y, np.float32(float(gradient) / ctx.windows), result)
        return torch.from_numpy(result), None


@kernel(parallel=True)
def _products(x, y, maps):  # noqa: ANN202
    """x, x^2, xy, y and y^2 into ``maps`` [5,H,W,C]."""
    for row in numba.prange(x.shape[0]):
        for column in range(x.shape[1]):
            for c in range(x.shape[2]):
                a, b = x[row, column, c], y[row, column, c]
                maps[0, row, column, c] = a
                maps[1, row, column, c] = a * a
                maps[2, row, column, c] = a * b
                maps[3, row, column, c] = b
                maps[4, row, column, c] = b * b


@kernel(parallel=True)
def _similarities(maps, edge, c1, c2, sums, slopes):  # noqa: ANN202
    """Sum of SSIM by row [H], and its ``slopes`` [3,H,W,C] by the blurred x, x^2 and xy, of blurred ``maps`` [5,H,W,C]."""
    two, one = np.float32(2), np.float32(1)
    for row in numba.prange(edge, maps.shape[1] - edge):
        total = 0.0
        for column in range(edge, maps.shape[2] - edge):
            for c in range(maps.shape[3]):
                x, y = maps[0, row, column, c], maps[3, row, column, c]
                a1 = two * x * y + c1
                a2 = two * (maps[2, row, column, c] - x * y) + c2
                b1 = one / (x * x + y * y + c1)
                b2 = one / (maps[1, row, column, c] - x * x + maps[4, row, column, c] - y * y + c2)
                similarity = a1 * a2 * b1 * b2
                total += similarity
                slopes[0, row, column, c] = two * (y * (a2 - a1) * b1 * b2 - x * similarity * (b1 - b2))
                slopes[1, row, column, c] = -similarity * b2
                slopes[2, row, column, c] = two * a1 * b1 * b2
        sums[row] = total


@kernel(parallel=True)
def _pulled_back(back, x, y, scale, result):  # noqa: ANN202
    """Gradient by the picture [H,W,C], of the slopes blurred back [3,H,W,C]."""
    two = np.float32(2)
    for row in numba.prange(x.shape[0]):
        for column in range(x.shape[1]):
            for c in range(x.shape[2]):
                slope = back[0, row, column, c] + two * x[row, column, c] * back[1, row, column, c]
                result[row, column, c] = scale * (slope + y[row, column, c] * back[2, row, column, c])
