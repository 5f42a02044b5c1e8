"""How unlike a view a drawn avatar is."""

import torch
from torch import Tensor

from understudy.avatar.base import Loss, Posed, View
from understudy.metrics.image import WINDOW
from understudy.metrics.similarity import mean_ssim
from understudy.render.gaussians import Render


def view_loss(posed: Posed, view: View, dssim: float, alpha_weight: float) -> Loss:
    """The photometric loss of an avatar drawn over the view's background, and nothing else."""
    return compare(posed.draw(view.camera), view, dssim, alpha_weight)


def compare(picture: Render, view: View, dssim: float, alpha_weight: float) -> Loss:
    """The photometric loss of a picture over black, put over the view's background."""
    rgb = picture.rgb + (1.0 - picture.alpha)[..., None] * view.background
    truth = view.over_background
    loss = photometric_loss(rgb, picture.alpha, truth, view.alpha, view.weight, dssim, alpha_weight)
    with torch.no_grad():
        squares = view.weight[..., None] * (rgb - truth).square()
        mse = squares.sum() / (3.0 * view.weight.sum().clamp_min(1.0))
    return Loss(loss, loss.detach(), mse, picture, view)


def photometric_loss(
    rgb: Tensor,  # [H,W,3] over the background
    alpha: Tensor,  # [H,W]
    true_rgb: Tensor,  # [H,W,3] over the same background
    true_alpha: Tensor,  # [H,W]
    weight: Tensor,  # [H,W] 0..1
    dssim: float,
    alpha_weight: float,
) -> Tensor:
    """(1 - dssim) L1 + dssim (1 - SSIM) / 2 + alpha_weight L1 of alpha.

    Pixels of weight zero are replaced by the truth, so that they count neither by themselves nor in windows round others.
    """
    rgb = true_rgb + weight[..., None] * (rgb - true_rgb)
    loss = (1.0 - dssim) * (rgb - true_rgb).abs().mean() + alpha_weight * (weight * (alpha - true_alpha).abs()).mean()
    if dssim > 0 and min(alpha.shape) >= WINDOW:
        loss = loss + dssim * 0.5 * (1.0 - mean_ssim(rgb, true_rgb))
    return loss
