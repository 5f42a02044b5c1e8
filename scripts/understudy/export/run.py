"""Export: an avatar in the formats of other programs."""

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from understudy.avatar.archive import AvatarArchive
from understudy.errors import InputError
from understudy.export.meshes import write_mesh_ply, write_obj
from understudy.export.rigged import write_rigged
from understudy.export.splat_gltf import write_splat_gltf
from understudy.export.splats import posed_splats, write_splats
from understudy.export.spz import write_spz
from understudy.export.stance import frame_pose, recorded, shod, still
from understudy.export.surface import avatar_surface
from understudy.export.texture import bake_texture
from understudy.motion.clip import Clip
from understudy.motion.read import read_motion
from understudy.show.shape import ShapeConfig, chosen_betas, shaped_body

logger = logging.getLogger(__name__)

FILES = ("avatar.glb", "avatar.ply", "avatar.spz", "splats.glb", "mesh.obj", "mesh.ply")
"""What can be written."""
SPLATS = ("avatar.ply", "avatar.spz", "splats.glb")
TAKE = "take"
"""Name of the video's own motion."""


@dataclass(frozen=True)
class ExportConfig:
    """Options of the exports."""

    pose: str | int = "a"
    """Of the files without joints: a (arms lowered), t, big (T-pose, legs apart), or the number of a frame of the video."""
    texture_size: int = 2048
    """Side of the mesh's texture, px."""
    fps: float = 30.0
    """Most frames per second of the motions in avatar.glb."""
    take: bool = True
    """Whether the motion of the video itself is one of them."""

    def __post_init__(self) -> None:
        if not 16 <= self.texture_size <= 8192:
            raise InputError(f"texture_size is {self.texture_size}; it must be 16 to 8192 px.")
        if not 0 < self.fps <= 240:
            raise InputError(f"fps is {self.fps:g}; it must be more than 0 and at most 240.")


def export_avatar(
    archive: AvatarArchive,
    folder: str | Path,
    config: ExportConfig,
    motions: Sequence[str | Path] = (),
    files: Sequence[str] = FILES,
) -> list[Path]:
    """Write an avatar for other programs.

    Args:
        archive: The avatar.
        folder: Where to; made if it is not there.
        config: How.
        motions: Files that ``motion.read`` knows, for ``avatar.glb``.
        files: Which of ``FILES``.

    Returns:
        All files written.

    Raises:
        InputError: A file, motion or pose that there is not.
    """
    folder = Path(folder)
    unknown = [name for name in files if name not in FILES]
    if unknown:
        raise InputError(f"{unknown[0]} is no export; there are {', '.join(FILES)}.")
    body = archive.avatar.body
    if not body.free and set(files) - set(SPLATS):
        logger.warning(
            "the mesh has the topology and skin weights of %s: its licence says to whom you may give it", body.name
        )
    clips = _clips(archive, motions) if "avatar.glb" in files else {}
    surface = avatar_surface(archive.avatar)
    rotations, transl = frame_pose(still(archive, surface, config.pose), 0)
    written: list[Path] = []
    if set(files) & set(SPLATS):
        splats = posed_splats(archive.avatar, rotations, transl)
        if "avatar.ply" in files:
            # as structure from motion has it, and so most programs that read such files
            write_splats(folder / "avatar.ply", splats.upside_down())
            written.append(folder / "avatar.ply")
        if "avatar.spz" in files:
            write_spz(folder / "avatar.spz", splats)
            written.append(folder / "avatar.spz")
        if "splats.glb" in files:
            write_splat_gltf(folder / "splats.glb", splats)
            written.append(folder / "splats.glb")
    if not set(files) - set(SPLATS):
        return written
    texture = bake_texture(archive, surface, config.texture_size)
    vertices = surface.posed(rotations, transl)
    if "avatar.glb" in files:
        shown = {name: shod(clip, surface) for name, clip in clips.items()}
        if config.take:
            shown = {TAKE: recorded(archive, surface), **shown}
        shown = {name: clip.resampled(min(clip.fps, config.fps)) for name, clip in shown.items()}
        write_rigged(folder / "avatar.glb", surface, texture, shown, archive.info.get("licences", ()))
        written.append(folder / "avatar.glb")
    if "mesh.obj" in files:
        written += write_obj(folder / "mesh.obj", vertices, surface.body, texture)
    if "mesh.ply" in files:
        write_mesh_ply(folder / "mesh.ply", vertices, surface.body, texture)
        written.append(folder / "mesh.ply")
    return written


def reshaped(archive: AvatarArchive, shape: ShapeConfig) -> AvatarArchive:
    """The avatar with another shape: Gaussians, mesh and joints follow it."""
    if shape == ShapeConfig():
        return archive
    avatar = copy.deepcopy(archive.avatar)
    avatar.betas.data = chosen_betas(avatar.body, avatar.betas, shape).to(avatar.betas)
    return replace(archive, avatar=avatar)


def _clips(archive: AvatarArchive, motions: Sequence[str | Path]) -> dict[str, Clip]:
    """Motions on the person's own body, by the files' names."""
    body = shaped_body(archive.avatar.body, archive.avatar.betas)
    clips: dict[str, Clip] = {}
    for path in motions:
        # results/anna/smpl.npz is anna's motion
        name = Path(path).parent.name if Path(path).name == "smpl.npz" else Path(path).stem
        if name in clips or name == TAKE:
            raise InputError(f"{path}: there is a motion {name} already; rename the file.")
        clips[name] = read_motion(path, body)
    return clips
