"""Options of the method ``neural_actor``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from understudy.avatar.config import Rate, Weight
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.options import Bounds, Share


@dataclass(frozen=True)
class NeuralActorConfig(GaussiansConfig):
    """What Gaussians learn that a pose moves and shades, and how fast."""

    # an avatar without dynamics stretches poses to where its surface fits; one with them aligns them anew
    training: ClassVar[Mapping[str, Any]] = {"align_steps": 2, "lr_betas": 5e-3}

    predictor: Literal["linear", "unet"] = "linear"
    """What predicts textures: linear in the turns of the joints nearby, or a U-Net of the posed body's normals."""
    texture_size: Annotated[int, Bounds(16, 512, unit="px")] = 128
    """Side of the predicted textures; a multiple of 8."""
    lr_residual: Rate = 5e-3
    """Learning rate of the predictor; 0 for nothing beyond skinning."""
    residual_from: Share = 0.5
    """Part of the training after which the predictor is learned, on what is left then."""
    reach: Annotated[float, Bounds(0, 10, unit="rad")] = 0.5
    """Turn of a joint beyond those of the video at which what it changes has faded to three fifths; 0 for no fading."""
    reg_residual: Weight = 1e-3
    """Weight of the squared moves and shades in the texture, over the greatest ones."""
    texture: Weight = 0.0
    """Weight of L1 between the predicted texture and what the frame shows of it."""
    adversarial: Weight = 0.0
    """Weight of a discriminator of texture patches (PatchGAN, hinge loss)."""
    feature_matching: Weight = 0.0
    """Weight of L1 between what that discriminator makes of the frame's texture and of the predicted one."""

    @property
    def rates(self) -> dict[str, float]:
        """Learning rates of the avatar's parameters and parts, by their names."""
        return {**super().rates, "residual": self.lr_residual}
