"""Short trainings on small made-up videos."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.avatar_scenes import Scene
from understudy.avatar.config import AvatarConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.training import checkpoint
from understudy.avatar.training.optimizer import Optimizer
from understudy.avatar.training.train import Training, train_avatar
from understudy.formats.smpl import BodyTrack

QUICK = AvatarConfig(steps=60, hold_out=4, levels=((2, 0.5), (1, 0.5)), lr_betas=0.0, device="cpu")
FEW = GaussiansConfig(count=2500, lr_colors=0.15)


def run(scene: Scene, config: AvatarConfig = QUICK, track: BodyTrack | None = None, **gaussians: Any) -> Training:
    """Train on a scene; what is given of ``gaussians`` replaces options of ``FEW``."""
    return train_avatar(
        scene.frames, scene.alpha, track or scene.track, scene.canonical, scene.body, config,
        options=replace(FEW, **gaussians),
    )  # fmt: skip


def killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[int]:
    """Have a training stopped at a step, before it works, and its state saved after each one before; counts the steps."""
    steps: list[int] = []
    real = Optimizer.clear  # once a step, by whatever losses

    def counted(optimizer: Optimizer) -> None:
        steps.append(1)
        if len(steps) == step:
            raise KeyboardInterrupt
        real(optimizer)

    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(Optimizer, "clear", counted)
    return steps
