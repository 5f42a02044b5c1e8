"""Adam at rates that fall."""

import pytest
import torch
from torch import nn

from understudy.avatar.training.optimizer import Optimizer
from understudy.errors import InputError


class TwoParameters(nn.Module):
    def __init__(self):
        super().__init__()
        self.fast, self.slow = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))


def way_of_a_step(optimizer: Optimizer, parameter: torch.Tensor, done: float) -> float:
    """How far a parameter moves under a slope that never changes: in Adam, by its learning rate."""
    before = parameter.detach().clone()
    parameter.grad = torch.full_like(parameter, 7.0)
    optimizer.step(done)
    return float((before - parameter.detach()).mean())


@pytest.mark.parametrize(("done", "share"), [(0.0, 1.0), (0.5, 0.1), (1.0, 0.01)])
def test_rates_fall_evenly_to_their_last_share(done, share):
    model = TwoParameters()
    optimizer = Optimizer(model, {"fast": 0.5, "slow": 0.02}, lr_end=0.01)
    assert way_of_a_step(optimizer, model.fast, done) == pytest.approx(0.5 * share, rel=1e-4)
    assert way_of_a_step(optimizer, model.slow, done) == pytest.approx(0.02 * share, rel=1e-4)


def test_steps_on_the_mean_of_four_frames_are_twice_as_long():
    model = TwoParameters()
    optimizer = Optimizer(model, {"fast": 0.1}, lr_end=1.0, frames_a_step=4)
    assert way_of_a_step(optimizer, model.fast, 0.0) == pytest.approx(0.2, rel=1e-4)


def test_what_has_a_rate_of_zero_stays_and_not_all_may():
    model = TwoParameters()
    optimizer = Optimizer(model, {"fast": 0.1, "slow": 0.0}, lr_end=1.0)
    assert way_of_a_step(optimizer, model.slow, 0.0) == 0.0
    with pytest.raises(InputError, match="learning rates are 0"):
        Optimizer(model, {"fast": 0.0, "slow": 0.0}, lr_end=1.0)
