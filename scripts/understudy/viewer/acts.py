"""What a viewer plays: the video's own motion and others, on ground at y = 0 of the world frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.avatar.archive import AvatarArchive
from understudy.body.config import ShapeConfig
from understudy.body.shape_edit import chosen_betas
from understudy.motion.clip import Clip
from understudy.motion.read import SOURCE_MOTION, named_motions
from understudy.motion.source import source_motion
from understudy.rendering.performance import Performance, in_world_frame
from understudy.rendering.render import make_performance
from understudy.viewer.config import ViewerConfig

STANDING = "standing"
"""Name of what is shown where there is no motion."""


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
    if config.source_motion:
        named[SOURCE_MOTION] = None
    return named or {STANDING: None}


def scene(
    archive: AvatarArchive, name: str, path: str | Path | None, config: ViewerConfig, shape: ShapeConfig | None = None
) -> Scene:
    """One of the ``sources`` on the avatar in a shape, by default its own.

    Raises:
        InputError: The file is missing or no motion.
    """
    shape = shape or ShapeConfig()
    if name == SOURCE_MOTION:
        return Scene(name, archive.fps, own_motion(archive, shape))
    return Scene(
        name, config.fps, make_performance(archive, shape, config.fps, path, loop=config.loop if path else None)
    )


def own_motion(archive: AvatarArchive, shape: ShapeConfig | None = None) -> Performance:
    """The avatar in the motion of its video, on the ground and starting above the origin."""
    avatar, poses = archive.avatar, archive.poses
    betas = chosen_betas(avatar.body, avatar.betas, shape or ShapeConfig())
    pelvis = avatar.shaped(betas).joints[0].detach().cpu().numpy()

    def lowest(clip: Clip) -> np.ndarray:
        return -in_world_frame(avatar, clip, betas).boxes()[2][:, 1]  # y points down there

    clip = source_motion(poses.global_orient, poses.body_pose, poses.transl, pelvis, archive.fps, lowest)
    return in_world_frame(avatar, clip, betas)
