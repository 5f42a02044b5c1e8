"""Options of the stage export."""

from dataclasses import dataclass
from typing import Annotated, Literal

from understudy.motion.limits import ShownFps
from understudy.options import Bounds, Options, Pattern

FILES = ("avatar.glb", "avatar.vrm", "avatar.ply", "avatar.spz", "splats.glb", "mesh.obj", "mesh.ply")
"""What can be written."""


@dataclass(frozen=True)
class ExportConfig(Options):
    """How an avatar is written for other programs."""

    pose: Annotated[str | int, Pattern("^(a|t|big|[0-9]+)$", "a, t, big or a frame's number"), Bounds(0)] = "a"
    """Of the files without joints: a (arms lowered), t, big (T-pose, legs apart), or the number of a frame of the video."""
    texture_size: Annotated[int, Bounds(16, 8192, unit="px")] = 2048
    """Side of the mesh's texture, px."""
    fps: ShownFps = 30.0
    """Most frames per second of the motions in avatar.glb."""
    source_motion: bool = True
    """Whether the motion of the video itself is in avatar.glb too."""
    mesh: Literal["body", "cubes"] = "body"
    """Surface of mesh.ply: the body's mesh moved to the Gaussians (body), or marching cubes over their density (cubes)."""
    author: str = "unknown"
    """Author named in avatar.vrm."""
