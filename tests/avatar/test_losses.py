"""The photometric loss."""

import pytest
import torch

from understudy.avatar.training.losses import photometric_loss

TRUTH = torch.rand(40, 40, 3, generator=torch.Generator().manual_seed(0))
ALPHA = torch.full((40, 40), 0.5)
ALL = torch.ones(40, 40)


def loss(rgb=TRUTH, alpha=ALPHA, weight=ALL, dssim=0.0, alpha_weight=0.0) -> float:
    return float(photometric_loss(rgb, alpha, TRUTH, ALPHA, weight, dssim, alpha_weight))


def test_colours_and_alpha_count_by_their_mean_distance():
    brighter, more = TRUTH + 0.1, ALPHA + 0.25
    assert loss(brighter) == pytest.approx(0.1, abs=1e-6)
    assert loss(brighter, dssim=1.0) != pytest.approx(0.1, abs=1e-3)
    assert loss(alpha=more, alpha_weight=0.4) == pytest.approx(0.1, abs=1e-6)
    assert loss(brighter, more, alpha_weight=0.4) == pytest.approx(0.2, abs=1e-6)


def test_half_the_weight_is_half_the_loss():
    assert loss(TRUTH + 0.1, ALPHA + 0.25, 0.5 * ALL, alpha_weight=0.4) == pytest.approx(0.1, abs=1e-6)


def test_structure_that_is_lost_costs_up_to_half_of_its_weight():
    assert loss(dssim=1.0) == pytest.approx(0.0, abs=1e-6)
    blurred = TRUTH.mean(dim=(0, 1)).expand_as(TRUTH)
    assert 0.4 < loss(blurred, dssim=1.0) < 0.55
