"""Image metrics against known answers and against torchmetrics."""

import math

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from understudy.metrics.image import blur, psnr, ssim, ssim_map
from understudy.metrics.similarity import mean_ssim


def test_psnr_of_a_constant_error_is_known():
    truth = np.zeros((8, 9, 3), np.float32)
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0, abs=1e-4)
    assert psnr(truth, truth) == math.inf


def test_psnr_counts_only_the_mask():
    truth = torch.zeros(10, 10, 3)
    picture = truth.clone()
    picture[:5] = 0.01
    picture[5:] = 1.0
    mask = torch.zeros(10, 10, dtype=torch.bool)
    mask[:5] = True
    assert psnr(picture, truth, mask) == pytest.approx(40.0, abs=1e-3)
    assert psnr(picture, truth) < 4.0


def test_white_around_the_person_raises_psnr_of_the_frame_above_that_of_the_box():
    random = np.random.default_rng(0)
    truth = np.ones((60, 60, 3), np.float32)
    truth[20:40, 20:40] = random.random((20, 20, 3))
    picture = truth.copy()
    picture[20:40, 20:40] = np.clip(picture[20:40, 20:40] + 0.1, 0, 1)
    box = np.zeros((60, 60), bool)
    box[20:40, 20:40] = True
    assert psnr(picture, truth) == pytest.approx(psnr(picture, truth, box) + 10 * math.log10(9), abs=1e-3)


@pytest.mark.parametrize("shape", [(40, 33, 3), (16, 50, 1)])
@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_ssim_agrees_with_torchmetrics(shape: tuple[int, int, int], noise: float):
    generator = torch.Generator().manual_seed(3)
    truth = torch.rand(shape, generator=generator)
    picture = (truth + noise * torch.randn(shape, generator=generator)).clamp(0, 1)
    theirs = structural_similarity_index_measure(
        picture.movedim(-1, 0)[None], truth.movedim(-1, 0)[None], data_range=1.0
    )
    assert ssim(picture, truth) == pytest.approx(float(theirs), abs=2e-6)


def test_ssim_of_a_picture_with_itself_is_one_and_of_its_negative_below_zero():
    picture = np.random.default_rng(1).random((30, 30, 3)).astype(np.float32)
    assert ssim(picture, picture) == pytest.approx(1.0, abs=1e-6)
    assert ssim(picture, 1 - picture) < 0


def test_ssim_counts_only_the_mask():
    random = np.random.default_rng(2)
    truth = random.random((40, 40, 3)).astype(np.float32)
    picture = truth.copy()
    picture[20:] = random.random((20, 40, 3))
    upper = np.zeros((40, 40), bool)
    upper[:14] = True  # windows reach 5 px down
    assert ssim(picture, truth, upper) == pytest.approx(1.0, abs=1e-5)
    assert ssim(picture, truth) < 0.7


def test_ssim_has_the_right_gradient():
    generator = torch.Generator().manual_seed(4)
    truth = torch.rand(13, 14, 2, generator=generator, dtype=torch.float64)
    picture = torch.rand(13, 14, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: ssim_map(x, truth), (picture,), atol=1e-6)


def test_blur_keeps_a_constant_away_from_the_border():
    blurred = blur(torch.full((30, 20, 3), 0.25))
    torch.testing.assert_close(blurred[5:-5, 5:-5], torch.full((20, 10, 3), 0.25))
    assert blurred[0, 0, 0] < 0.11  # zeros beyond the border


def test_pictures_of_bytes_and_tiny_pictures_are_refused():
    with pytest.raises(TypeError, match="uint8"):
        psnr(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="11x11"):
        ssim_map(torch.zeros(10, 30, 3), torch.zeros(10, 30, 3))


def test_the_loss_is_the_mean_of_the_map_and_so_is_its_gradient():
    generator = torch.Generator().manual_seed(0)
    picture, truth = torch.rand(2, 40, 33, 3, generator=generator)
    results = []
    for mean in (mean_ssim, lambda x, y: ssim_map(x, y).mean()):
        leaf = picture.clone().requires_grad_()
        value = mean(leaf, truth)
        (3.0 * value).backward()
        results.append((value.detach(), leaf.grad))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-6, rtol=0)
    torch.testing.assert_close(results[0][1], results[1][1], atol=1e-7, rtol=1e-4)
