"""Options of the method ``instant_nvr``."""

from dataclasses import dataclass

from understudy.avatar.config import Rate, Weight
from understudy.avatar.fields.config import Distance, FieldConfig


@dataclass(frozen=True)
class InstantNvrConfig(FieldConfig):
    """What a field of hash grids learns, and how fast."""

    sigma: Distance = 0.01
    """Standard deviation of the distances by which near vertices count in the warp, m; the authors' is 0.075."""
    lr_tables: Rate = 1e-2
    """Learning rate of the hash tables."""
    lr_latents: Rate = 1e-3
    """Learning rate of the frames' latents; 0 for a look that is the same in all frames."""
    lr_residual: Rate = 1e-3
    """Learning rate of what moves beyond skinning, by place on the skin and time; 0 for none."""
    reg_residual: Weight = 0.1
    """Weight of the length of the moves beyond skinning, m."""
    reg_neighbours: Weight = 10.0
    """Weight of differences, m, between the moves of places on the surface that are within 5 mm."""
    reg_distortion: Weight = 0.1
    """Weight of how far a ray's colours come from different depths, m; ten times as much in the last third."""
