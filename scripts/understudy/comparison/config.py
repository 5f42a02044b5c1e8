"""Options of the stage comparison."""

from dataclasses import dataclass
from typing import Annotated

from understudy.avatar.config import Device
from understudy.avatar.registry import METHODS
from understudy.options import Choices, Length, Options


@dataclass(frozen=True)
class ComparisonConfig(Options):
    """What is compared."""

    methods: Annotated[tuple[Annotated[str, Choices(METHODS)], ...], Length(1)] = tuple(METHODS)
    """Methods of avatars, each of which is trained on the actor's video."""
    device: Device = "auto"
    """cpu, cuda or auto: where pictures are drawn, and the time of one is measured."""
