"""Options of the method ``neural_capture``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from understudy.avatar.config import Rate
from understudy.avatar.fields.config import Distance, FieldConfig, Rays, Samples
from understudy.options import Bounds, Share


@dataclass(frozen=True)
class NeuralCaptureConfig(FieldConfig):
    """What a field on the body's vertices learns, and how fast."""

    training: ClassVar[Mapping[str, Any]] = {**FieldConfig.training, "steps": 2500}

    samples: Samples = 12
    """Places on each ray that the coarse field looks at."""
    rays: Rays = 512
    head_focus: Share = 0.1
    reach: Distance = 0.04
    importance: Annotated[int, Bounds(1, 1024)] = 8
    """Further places where it found something, which the fine field looks at beside those."""
    density: Annotated[float, Bounds(0, 1e4, above=True, unit="1/m")] = 50.0
    """Density of what a network's output of one stands for, 1/m; the authors' is 1."""
    lr_codes: Rate = 2e-2
    """Learning rate of the vertices' codes."""
