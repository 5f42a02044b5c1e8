"""Options of the method ``gaussians``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GaussiansConfig:
    """What Gaussians learn, and how fast."""

    count: int = 20000
    """Number of Gaussians."""
    lr_offsets: float = 1e-3
    """Learning rate of the offsets from the surface, m."""
    lr_scales: float = 1e-2
    """Learning rate of the logarithms of the scales."""
    lr_quats: float = 5e-3
    """Of the quaternions."""
    lr_opacities: float = 2e-2
    """Of the opacities' logits."""
    lr_colors: float = 3e-2
    """Of the colours' logits."""
    lr_light: float = 1e-2
    """Of the light; 0 for light that is the same from all sides."""
    lr_sh: float = 2e-3
    """Of spherical harmonics of degree one, for colours that depend on the side they are seen from; 0 for none."""
    lr_weights: float = 0.0
    """Of corrections of the blend weights, smooth over the body (0.02 is a rate that works); 0 for the body's own."""
    lr_residual: float = 0.0
    """Of the network for what a pose changes beyond skinning; 0 for none."""
    reg_offsets: float = 3e-4
    """Weight of the squared offsets from the surface, in spacings."""
    reg_scales: float = 1e-1
    """Weight against large and needle-like Gaussians."""
    reg_opacities: float = 1e-3
    """Weight against transparent Gaussians."""
    reg_neighbours: float = 1e-3
    """Weight of differences between neighbours in height over the surface and in size."""
    reg_colors: float = 1.0
    """Weight that keeps the texture's colours where the video shows nothing."""
    reg_extras: float = 1e-3
    """Weight of the squared spherical harmonics, corrections of blend weights and residual network."""
    reg_light: float = 1e-3
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
            "residual": self.lr_residual,
        }
