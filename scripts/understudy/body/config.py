"""Options of a person's shape."""

from dataclasses import dataclass
from typing import Annotated

from understudy.options import Bounds, Options

Beta = Annotated[float, Bounds(-100, 100)]
"""Standard deviations of one component; the body comes apart long before, but what it does there can be looked at."""


@dataclass(frozen=True)
class ShapeConfig(Options):
    """What is changed about a person's shape."""

    betas: tuple[Beta, ...] | None = None
    """Shape components in place of the person's own; those that are left out are zero."""
    height: Annotated[float, Bounds(100, 230, unit="cm")] | None = None
    """Height, crown to sole, cm, with the rest of the shape as likely as can be."""
    weight: Annotated[float, Bounds(15, 300, unit="kg")] | None = None
    """Weight without clothes, kg, at an even density; the height stays."""
