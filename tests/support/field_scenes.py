"""What tests of fields share: trainings on held poses, rays through a scene, slopes by finite differences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.support.avatar_scenes import Scene
from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.base import Subject
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar, track_pose
from understudy.avatar.fields.avatar import FieldAvatar, PosedField
from understudy.avatar.fields.rays import Rays, Shell
from understudy.avatar.training.train import Training, train_avatar

FRAME = 6
"""In whose pose a scene is looked at."""


def held(method: str, steps: int) -> AvatarConfig:
    """A training on poses that are held."""
    return AvatarConfig(
        method=method, steps=steps, hold_out=4, levels=((2, 0.3), (1, 0.7)), device="cpu",
        align_steps=0, final_align_steps=0, lr_betas=0.0,
    )  # fmt: skip


def subject_of(scene: Scene) -> Subject:
    """The scene's person, of whom all frames are learned from."""
    return Subject(scene.canonical, scene.body, scene.track, tuple(range(len(scene.frames))))


def train(scene: Scene, config: AvatarConfig, options, track=None) -> Training:
    """A training on the scene, from other poses where ``track`` is given."""
    data = (scene.frames, scene.alpha, track or scene.track, scene.canonical, scene.body)
    return train_avatar(*data, config, None, None, options)


def held_out_figures(scene: Scene, training: Training, folder) -> dict:
    """Of the saved and read avatar on frames that it has not learned from, in their given poses."""
    save_avatar(folder / "avatar.tar", training, scene.canonical, scene.frames)
    config = EvaluateConfig(refine_steps=0, reconstruction=0, pictures=0, device="cpu")
    figures = evaluate_avatar(load_archive(folder / "avatar.tar"), scene.frames, scene.alpha, config)
    return figures["without_pose_refinement"]


def posed(avatar: FieldAvatar, scene: Scene, frame: int = FRAME) -> PosedField:
    """The avatar in a frame's pose."""
    return avatar.shaped().posed(*track_pose(scene.track, frame, torch.device("cpu")))


def some_rays(avatar: FieldAvatar, scene: Scene, every: int = 40) -> tuple[PosedField, Rays]:
    """The posed avatar, and one in so many of the scene's rays that meet its shell."""
    place = posed(avatar, scene)
    shell = Shell.of(place.surface, scene.camera, avatar.space)
    rows, columns = torch.isfinite(shell.near).nonzero(as_tuple=True)
    rays, _ = Rays.through(torch.stack([columns, rows], dim=1)[::every], scene.camera, shell)
    return place, rays


def check_slope(parameter: nn.Parameter, seen: Callable[[], Tensor], step: float) -> None:
    """The steepest slope of ``seen`` by a parameter is what a step to either side says."""
    [slope] = torch.autograd.grad(seen(), parameter)
    place, sides = slope.abs().argmax(), []
    start = parameter.data.view(-1)[place].item()
    for sign in (1, -1):
        parameter.data.view(-1)[place] = start + sign * step
        sides.append(float(seen().detach()))
    parameter.data.view(-1)[place] = start
    assert float(slope.view(-1)[place]) == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=0.1)
