"""Adam over an avatar's parameters, at rates that fall."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from understudy.avatar.base import Avatar
from understudy.errors import InputError


class Optimizer:
    """Steps on all that is learned but the poses."""

    def __init__(self, avatar: Avatar, rates: Mapping[str, float], lr_end: float, frames_a_step: int = 1) -> None:
        """Set up with no step taken; more frames a step are as many fewer, longer steps.

        Args:
            avatar: What is learned.
            rates: Learning rates of its parameters and modules by their names; what has a rate of 0 stays.
            lr_end: Rates at the end over those at the start.
            frames_a_step: Frames whose gradients' mean makes a step.

        Raises:
            InputError: All rates are zero.
        """
        # the mean of n gradients has a noise smaller by the root of n
        self._rates = {name: rate * frames_a_step**0.5 for name, rate in rates.items()}
        if not any(rate > 0 for rate in self._rates.values()):
            raise InputError("All learning rates are 0 (lr_...), so that nothing can be learned; give one.")
        self._lr_end = lr_end
        learned = [(name, rate) for name, rate in self._rates.items() if rate > 0]
        groups = [{"params": list(_parameters(avatar, name)), "lr": rate, "name": name} for name, rate in learned]
        self._adam = torch.optim.Adam(groups, eps=1e-15)

    def clear(self) -> None:
        """Forget the gradients."""
        self._adam.zero_grad(set_to_none=True)

    def gradients(self) -> list[Tensor]:
        """Those that there are."""
        return [parameter.grad for parameter in self.parameters() if parameter.grad is not None]

    def parameters(self) -> list[Tensor]:
        """What it moves, in the order in which its state numbers them."""
        return [parameter for group in self._adam.param_groups for parameter in group["params"]]

    def step(self, done: float) -> None:
        """One step, with ``done`` of the training over."""
        for group in self._adam.param_groups:
            group["lr"] = self._rates[group["name"]] * self._lr_end**done
        self._adam.step()

    def state(self) -> dict[str, Any]:
        """Everything that changes."""
        return self._adam.state_dict()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as when ``state`` was taken."""
        self._adam.load_state_dict(state)


def _parameters(avatar: Avatar, name: str) -> Iterator[Tensor]:
    """A parameter, or those of a part or a list."""
    part = getattr(avatar, name)
    if isinstance(part, nn.Module):
        yield from part.parameters()
    elif isinstance(part, Tensor):
        yield part
    else:
        yield from part
