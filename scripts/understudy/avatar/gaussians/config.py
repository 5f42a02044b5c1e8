"""Options of the method ``gaussians``."""

from dataclasses import dataclass
from typing import Annotated

from understudy.avatar.config import MethodConfig, Rate, Weight
from understudy.options import Bounds


@dataclass(frozen=True)
class GaussiansConfig(MethodConfig):
    """What Gaussians learn, and how fast."""

    count: Annotated[int, Bounds(100, 1_000_000)] = 20000
    """Number of Gaussians."""
    lr_offsets: Rate = 1e-3
    """Learning rate of the offsets from the surface, m."""
    lr_scales: Rate = 1e-2
    """Learning rate of the logarithms of the scales."""
    lr_quats: Rate = 5e-3
    """Learning rate of the quaternions."""
    lr_opacities: Rate = 2e-2
    """Learning rate of the opacities' logits."""
    lr_colors: Rate = 3e-2
    """Learning rate of the colours' logits."""
    lr_light: Rate = 1e-2
    """Learning rate of the light; 0 for light that is the same from all sides."""
    lr_sh: Rate = 2e-3
    """Learning rate of spherical harmonics of degree one, for view-dependent colours; 0 for none."""
    lr_weights: Rate = 0.0
    """Learning rate of corrections of the blend weights, smooth over the body (0.02 works); 0 for the body's own."""
    reg_offsets: Weight = 3e-4
    """Weight of the squared offsets from the surface, in spacings."""
    reg_scales: Weight = 1e-1
    """Weight against large and needle-like Gaussians."""
    reg_opacities: Weight = 1e-3
    """Weight against transparent Gaussians."""
    reg_neighbours: Weight = 1e-3
    """Weight of differences between neighbours in height over the surface and in size."""
    reg_colors: Weight = 1.0
    """Weight that keeps the texture's colours where the video shows nothing."""
    reg_extras: Weight = 1e-3
    """Weight of the squared spherical harmonics and corrections of blend weights."""
    reg_light: Weight = 1e-3
    """Weight of the light's squared contrast, over all directions."""

    @property
    def rates(self) -> dict[str, float]:
        """Learning rates of the avatar's parameters and parts, by their names."""
        return {
            "offsets": self.lr_offsets,
            "log_scales": self.lr_scales,
            "quats": self.lr_quats,
            "opacity_logits": self.lr_opacities,
            "rgb_logits": self.lr_colors,
            "light": self.lr_light,
            "sh": self.lr_sh,
            "weight_logits": self.lr_weights,
        }
