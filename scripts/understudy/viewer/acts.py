"""What a viewer plays: the video's own motion and others, on ground at y = 0, in the stage's axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from understudy.avatar.archive import AvatarArchive
from understudy.body.config import ShapeConfig
from understudy.body.shape_edit import chosen_betas
from understudy.motion.read import TAKE, named_motions
from understudy.rendering.render import make_act
from understudy.rendering.stage import Performance, filmed
from understudy.viewer.config import ViewerConfig

STANDING = "standing"
"""Name of what is shown where there is no motion."""
SUNKEN = 95
"""Percentile of the depths of the lowest points that is the ground: a few frames may press the feet into it."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A motion on the avatar."""

    name: str
    fps: float
    act: Performance


Sources = Mapping[str, str | Path | None]
"""Files of motions by name; None for the video's own, and for standing where there is no other."""


def sources(motions: Sequence[str | Path], config: ViewerConfig) -> Sources:
    """The motions that can be chosen, in the order in which they are offered: the given files, then the video's own.

    Raises:
        InputError: Two have one name.
    """
    named: dict[str, str | Path | None] = {**named_motions(motions)}
    if config.take:
        named[TAKE] = None
    return named or {STANDING: None}


def scene(
    archive: AvatarArchive, name: str, path: str | Path | None, config: ViewerConfig, shape: ShapeConfig | None = None
) -> Scene:
    """One of the ``sources`` on the avatar in a shape, by default its own.

    Raises:
        InputError: The file is missing or no motion.
    """
    shape = shape or ShapeConfig()
    if name == TAKE:
        return Scene(name, archive.fps, own_motion(archive, shape))
    return Scene(name, config.fps, make_act(archive, shape, config.fps, path, loop=config.loop if path else None))


def own_motion(archive: AvatarArchive, shape: ShapeConfig | None = None) -> Performance:
    """The avatar in the motion of its video, starting above the origin; the camera's vertical is taken as the world's."""
    avatar = archive.avatar
    act = filmed(avatar, archive.poses, chosen_betas(avatar.body, avatar.betas, shape or ShapeConfig()))
    ground = np.percentile(act.boxes()[2][:, 1], SUNKEN)  # y points down
    start = act.pelvis()[0] * [1.0, 0.0, 1.0] + [0.0, ground, 0.0]
    return replace(act, transl=act.transl - torch.as_tensor(start, dtype=torch.float32, device=act.transl.device))
