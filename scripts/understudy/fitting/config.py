"""Options of the stage fitting."""

from dataclasses import dataclass
from typing import Annotated

from understudy.backends.registry import FITTING
from understudy.errors import InputError
from understudy.options import Bounds, Choices, Options, Share

Factor = Annotated[float, Bounds(0, 1000, above=True)]
Weight = Annotated[float, Bounds(0, 1_000_000)]


@dataclass(frozen=True)
class FittingConfig(Options):
    """How to fit the body."""

    backend: Annotated[str, Choices(FITTING)] = "fit"
    """fit: by optimisation; regressor: by a network from the 2D keypoints alone, fast and less exact; easymocap: as EasyMocap
    found it."""
    height_m: Annotated[float, Bounds(0.5, 2.5, unit="m")] | None = None
    """Height of the person, crown to sole, if known: it sets the scale. None: near the mean adult's."""
    min_confidence: Share = 0.3
    """Keypoints with less confidence are not used."""
    smoothness: Weight = 1.0
    """Weight of smooth motion: more for shaky keypoints, less for fast dance."""
    iterations: Annotated[int, Bounds(1, 100_000)] = 20
    """Steps of the optimiser in each stage."""
    silhouettes: bool = True
    """Whether the silhouettes take part."""
    silhouette_frames: Annotated[int, Bounds(1, 1_000_000)] = 300
    """Maximum number of frames whose silhouettes take part, spread over the video."""
    silhouette_weight: Weight = 1.0
    """Weight of the silhouettes."""
    focal_range: tuple[Factor, Factor] | None = (0.6, 1.8)
    """Factors between which a guessed focal length is refined; None keeps it."""
    clothing: Annotated[float, Bounds(0, 0.2)] = 0.01
    """How far clothes stand off the body, as a share of the person's height."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.focal_range is not None and not self.focal_range[0] <= 1 <= self.focal_range[1]:
            raise InputError(
                f"fitting.focal_range is {list(self.focal_range)}; its factors must enclose 1, as [0.6, 1.8] does."
            )
