"""Rasterization of 3D Gaussians: one differentiable function, numba kernels on CPU and gsplat on CUDA."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.errors import InputError
from understudy.render import jit, numba_bins, numba_project, numba_tiles
from understudy.render.normals import facing_normals

_CHUNKS = 16  # parts of the projection's work; fixed, so that no sum depends on the number of threads


@dataclass(frozen=True)
class Render:
    """A picture of Gaussians."""

    rgb: Tensor  # [H,W,C]
    """Colours, premultiplied by alpha, over the background."""
    alpha: Tensor  # [H,W] 0..1
    depth: Tensor  # [H,W] m
    """Mean depth of what is seen, weighted by alpha; 0 where nothing is."""
    normal: Tensor | None = None  # [H,W,3]
    """Mean of the Gaussians' normals, premultiplied by alpha, in camera axes and towards the camera; where asked for."""


def rasterize(
    means: Tensor,  # [N,3] m, world frame
    quats: Tensor,  # [N,4] wxyz, of any length but zero
    scales: Tensor,  # [N,3] standard deviations, m
    opacities: Tensor,  # [N] 0..1
    colors: Tensor,  # [N,C]
    K: Tensor | np.ndarray,  # [3,3] px, without skew
    view: Tensor | np.ndarray,  # [4,4] world to camera
    size: tuple[int, int],  # (width, height) px
    background: Tensor | None = None,  # [C], black by default
    normals: bool = False,
) -> Render:
    """Picture of the Gaussians by EWA splatting, differentiable to all but ``K``.

    A Gaussian's covariance on the picture is widened by 0.1 px^2; alphas below 1/255 are not drawn; a pixel takes no
    further Gaussians once less than 1e-4 of it is left. Gaussians nearer than 0.1 m, off the picture or not finite
    are not drawn and get zero gradients. Alpha is at most 0.99 on CPU and 0.999 on CUDA. On CPU the result
    is the same to the bit for any number of threads; it uses as many as torch.

    Sources: Kerbl et al., 3D Gaussian Splatting (SIGGRAPH 2023); Zwicky et al., EWA Volume Splatting (2001).

    Raises:
        InputError: Shapes do not fit together, the Gaussians would fill the memory, or CUDA tensors come where gsplat is not
            installed.
    """
    _check(means, quats, scales, opacities, colors, size)
    K = torch.as_tensor(K, dtype=torch.float32, device=means.device)
    view = torch.as_tensor(view, dtype=torch.float32, device=means.device)
    if means.device.type == "cuda":
        from understudy.render.gsplat_backend import splat
    else:
        splat = _splat_on_cpu
    channels = colors.shape[1]
    if normals:
        colors = torch.cat([colors, facing_normals(means, quats, scales, view).to(colors)], dim=1)
    pictures, alpha, depth_sum = splat(means, quats, scales, opacities, colors, K, view, size)
    rgb, normal = pictures[..., :channels], pictures[..., channels:] if normals else None
    if background is not None:
        rgb = rgb + (1 - alpha).unsqueeze(-1) * background
    return Render(rgb, alpha, depth_sum / alpha.clamp(min=1e-10), normal)


def _check(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, size: tuple[int, int]
) -> None:
    count = len(means)
    fits = (
        means.shape == (count, 3)
        and quats.shape == (count, 4)
        and scales.shape == (count, 3)
        and opacities.shape == (count,)
        and colors.dim() == 2
        and len(colors) == count
    )
    if not fits:
        shapes = ", ".join(str(list(t.shape)) for t in (means, quats, scales, opacities, colors))
        raise InputError(
            f"Gaussians need means [N,3], quats [N,4], scales [N,3], opacities [N] and colors [N,C], not {shapes}."
        )
    if min(size) < 1:
        raise InputError(f"A picture of {size[0]}x{size[1]} px cannot be rendered; give a size of at least 1x1.")


def _splat_on_cpu(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    K: Tensor,
    view: Tensor,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Premultiplied colours [H,W,C], alpha [H,W] and alpha-weighted sum of depths [H,W]."""
    whole = (tensor.float().contiguous() for tensor in (means, quats, scales, opacities, colors, K, view))
    return _Splatting.apply(*whole, size)  # type: ignore[no-untyped-call]


class _Splatting(torch.autograd.Function):
    """The kernels as one step of autograd."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
        *tensors, (width, height) = inputs
        means, quats, scales, opacities, colors, K, view = (tensor.detach().numpy() for tensor in tensors)
        tiles_x, tiles_y = -(-width // numba_tiles.TILE_W), -(-height // numba_tiles.TILE_H)
        rgb = torch.zeros(height, width, colors.shape[1])
        alpha, depth = torch.zeros(height, width), torch.zeros(height, width)
        stops = np.empty(tiles_x * tiles_y, np.int64)
        stride = _stride(len(stops))
        with jit.threads(torch.get_num_threads()):
            splats = numba_project.project_forward(
                means, quats, scales, opacities, K, view,
                np.float32(width), np.float32(height), numba_tiles.ALPHA_MIN, _CHUNKS,
            )  # fmt: skip
            starts, gaussians, slots, slot_starts = numba_bins.tile_lists(
                splats, numba_bins.depth_order(splats), tiles_x, tiles_y,
                np.float32(numba_tiles.TILE_W), np.float32(numba_tiles.TILE_H),
            )  # fmt: skip
            if starts[-1] > numba_bins.MOST_PAIRS:
                raise InputError(
                    f"The Gaussians are too many or too large for a picture of {width}x{height} px; take a smaller one."
                )
            numba_tiles.blend_forward(
                splats, colors, starts, gaussians, tiles_x, stride, rgb.numpy(), alpha.numpy(), depth.numpy(), stops
            )
        ctx.save_for_backward(*tensors, rgb, alpha, depth)
        ctx.plan = (splats, starts, gaussians, slots, slot_starts, stops, tiles_x, stride)
        return rgb, alpha, depth

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        arrays = [tensor.detach().numpy() for tensor in ctx.saved_tensors]
        means, quats, scales, _, colors, K, view, rgb, alpha, depth = arrays
        splats, starts, gaussians, slots, slot_starts, stops, tiles_x, stride = ctx.plan
        g_rgb, g_alpha, g_depth = (gradient.contiguous().numpy() for gradient in gradients)
        pairs = np.empty((len(gaussians), 7 + colors.shape[1]), np.float32)
        with jit.threads(torch.get_num_threads()):
            numba_tiles.blend_backward(
                splats, colors, starts, gaussians, slots, tiles_x, stride,
                rgb, alpha, depth, stops, g_rgb, g_alpha, g_depth, pairs,
            )  # fmt: skip
            g_means, g_quats, g_scales, g_opacities, g_colors, g_view = numba_project.project_backward(
                means, quats, scales, K, view, np.float32(rgb.shape[1]), np.float32(rgb.shape[0]),
                splats, pairs, slot_starts, _CHUNKS,
            )  # fmt: skip
        g_inputs = (torch.from_numpy(g) for g in (g_means, g_quats, g_scales, g_opacities, g_colors))
        return (*g_inputs, None, torch.from_numpy(g_view), None)


def _stride(tiles: int) -> int:
    """A step near the golden section of ``tiles`` that visits every tile once before it comes round."""
    step = max(1, round(tiles * 0.618))
    while math.gcd(step, tiles) != 1:
        step += 1
    return step
