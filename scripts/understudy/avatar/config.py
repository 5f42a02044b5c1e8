"""How an avatar is trained, by whatever method."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AvatarConfig:
    """How an avatar is trained, by whatever method."""

    method: str = "gaussians"
    """What the avatar is made of; its own options are in the section of its name."""
    steps: int = 1100
    """Training steps, one frame each."""
    minutes: float | None = None
    """Time after which training ends even if steps are left; the schedule is shortened to fit. None for no limit."""
    hold_out: int = 8
    """Hold out every Nth frame from training, for evaluation; 0 for none."""
    seed: int = 0
    """Of everything random; on a CPU the same seed gives the same avatar."""
    device: str = "auto"
    """cpu, cuda, or auto: CUDA where PyTorch and gsplat find it."""
    gpus: int = 1
    """GPUs that train together, each on its own frames; as many steps are made at once."""
    levels: tuple[tuple[int, float], ...] = ((4, 0.25), (2, 0.35), (1, 0.4))
    """Shrink factor of the pictures and the part of the training that uses it, coarse to fine."""
    exposure: bool = False
    """Whether every frame has a brightness and tint of its own, as cameras with automatic exposure need it."""
    lr_betas: float = 5e-3
    """Of the shape; 0 keeps the fitted one."""
    lr_end: float = 0.1
    """Learning rates at the end over those at the start."""
    refine_from: float = 0.03
    """Part of the training after which poses are aligned and the shape is refined."""
    dssim: float = 0.2
    """Weight of D-SSIM against L1."""
    alpha: float = 0.2
    """Weight of the silhouette."""
    edge_band: float = 0.0
    """Width of a further band round the mask's outline where neither colour nor silhouette counts, of the person's height."""
    unsure: float = 0.3
    """Weight of pixels where the trimap is unsure; 0 leaves them out."""
    reg_betas: float = 1e-2
    """Weight of the shape's mean squared distance from the fitted one."""
    align_steps: int = 2
    """Steps by which a frame's pose is aligned with its picture each time the frame comes round; 0 keeps the fitted poses."""
    align_often: float = 0.4
    """Part of the training during which poses are aligned each time a frame comes round; then it is every second time."""
    align_shrink: int = 2
    """Least shrink factor of the pictures that poses are aligned with: 1, 2, 4 or 8."""
    final_align_steps: int = 2
    """Steps of aligning every frame when the avatar is done, beyond the time of ``minutes``."""
    cache_mb: int = 256
    """Memory for pictures that are read again, MB."""

    def shrink(self, done: float) -> int:
        """The shrink factor of the pictures, with ``done`` of the training over."""
        for shrink, part in self.levels:
            if done < part:
                return shrink
            done -= part
        return self.levels[-1][0]
