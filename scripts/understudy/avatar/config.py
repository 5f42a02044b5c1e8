"""Options of the stages avatar and evaluate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from understudy.avatar.registry import METHODS
from understudy.options import Bounds, Choices, Length, OfMethod, Options, Share

Device = Literal["auto", "cpu", "cuda"]
Rate = Annotated[float, Bounds(0)]
Weight = Annotated[float, Bounds(0)]
Part = Annotated[float, Bounds(0, above=True)]
Steps = Annotated[int, Bounds(0, 10_000)]
Shrink = Literal[1, 2, 4, 8]
Poses = Literal["gaussians", "fit"]
REFINING: Poses = "gaussians"
"""The method whose avatar refines the poses that others start from."""


@dataclass(frozen=True)
class MethodConfig(Options):
    """Base of the options of a method of avatars."""

    training: ClassVar[Mapping[str, Any]] = {}
    """Its own defaults of those options of ``AvatarConfig`` that are ``OfMethod``, by name."""


def takes_refined(method: str, settings: Mapping[str, Any]) -> bool:
    """Whether a method starts from the poses that a Gaussian avatar refined, by the options of the section ``avatar``."""
    return method != REFINING and settings["poses"] == REFINING


@dataclass(frozen=True)
class AvatarConfig(Options):
    """How an avatar is trained, by whatever method."""

    method: Annotated[str, Choices(METHODS)] = "gaussians"
    """What the avatar is made of; its own options are in the section of its name."""
    poses: Poses = "gaussians"
    """Poses and shape that a method starts from. gaussians: those that the actor's Gaussian avatar refined, held unless
    align_steps or lr_betas are given; fit: smpl.npz as it is. The method gaussians itself always starts from the fit."""
    steps: Annotated[int, Bounds(1, 100_000_000), OfMethod()] = 1100
    """Training steps, one frame each."""
    minutes: Annotated[float, Bounds(0, 1_000_000, above=True)] | None = None
    """Time after which training ends even if steps are left; the schedule is shortened to fit. None for no limit."""
    hold_out: Annotated[int, Bounds(0, 1_000_000, but=1)] = 8
    """Hold out every Nth frame from training, for evaluation; 0 for none."""
    seed: Annotated[int, Bounds(0, 2**32 - 1)] = 0
    """Seed of everything random; on a CPU the same seed gives the same avatar."""
    device: Device = "auto"
    """cpu, cuda, or auto: CUDA where PyTorch finds it, and where gsplat is, for what is made of Gaussians."""
    gpus: Annotated[int, Bounds(1, 1024)] = 1
    """GPUs that train together, each on its own frames; as many steps are made at once."""
    levels: Annotated[tuple[tuple[Shrink, Part], ...], Length(1), OfMethod()] = ((4, 0.25), (2, 0.35), (1, 0.4))
    """Shrink factor of the pictures and the part of the training that uses it, coarse to fine."""
    exposure: bool = False
    """Whether every frame has a brightness and tint of its own, as cameras with automatic exposure need it."""
    lr_betas: Annotated[Rate, OfMethod()] = 5e-3
    """Learning rate of the shape; 0 keeps the fitted one."""
    lr_end: Annotated[float, Bounds(0, 1, above=True)] = 0.1
    """Learning rates at the end over those at the start."""
    refine_from: Share = 0.03
    """Part of the training after which poses are aligned and the shape is refined."""
    dssim: Weight = 0.2
    """Weight of D-SSIM against L1."""
    alpha: Weight = 0.2
    """Weight of the silhouette."""
    edge_band: Annotated[float, Bounds(0, 0.1)] = 0.0
    """Width of a further band round the mask's outline where neither colour nor silhouette counts, of the person's height."""
    unknown: Share = 0.3
    """Weight of pixels where the trimap is unknown; 0 leaves them out."""
    reg_betas: Weight = 1e-2
    """Weight of the shape's mean squared distance from the fitted one."""
    align_steps: Annotated[Steps, OfMethod()] = 2
    """Steps by which a frame's pose is aligned with its picture each time the frame comes round; 0 keeps the fitted poses."""
    align_often: Share = 0.4
    """Part of the training during which poses are aligned each time a frame comes round; then it is every second time."""
    align_shrink: Shrink = 2
    """Least shrink factor of the pictures that poses are aligned with: 1, 2, 4 or 8."""
    final_align_steps: Steps = 2
    """Steps of aligning every frame when the avatar is done, beyond the time of ``minutes``."""
    cache_mb: Annotated[int, Bounds(1, 10_000_000, unit="MB")] = 256
    """Memory for pictures that are read again, MB."""

    def shrink(self, done: float) -> int:
        """The shrink factor of the pictures, with ``done`` of the training over."""
        for shrink, part in self.levels:
            if done < part:
                return shrink
            done -= part
        return self.levels[-1][0]


@dataclass(frozen=True)
class EvaluateConfig(Options):
    """How an avatar is measured."""

    refine_steps: Steps = 4
    """Steps of aligning the pose with each held-out frame, at a quarter, half and all of its size; 0 leaves that part out."""
    reconstruction: Annotated[int, Bounds(0, 1_000_000)] = 6
    """Number of training frames that are measured as well; 0 for none."""
    lpips_weights: str | None = None
    """Folder with AlexNet's weights (alexnet*.pth) and LPIPS's own (alex.pth); without it LPIPS is not measured."""
    pictures: Annotated[int, Bounds(0, 1000)] = 6
    """Number of held-out frames shown beside their truth."""
    device: Device = "auto"
    """cpu, cuda or auto."""
