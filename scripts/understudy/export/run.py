"""Export: an avatar in the formats of other programs."""

import copy
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.splats import SplatAvatar, need_splats
from understudy.body.config import ShapeConfig
from understudy.body.shape_edit import chosen_betas, shaped_body
from understudy.errors import InputError
from understudy.export.config import FILES, ExportConfig
from understudy.export.cubes import cubes_mesh
from understudy.export.meshes import vertex_colors, write_mesh_ply, write_obj
from understudy.export.relief import bake_normals
from understudy.export.rigged import write_rigged
from understudy.export.splat_gltf import write_splat_gltf
from understudy.export.splats import Splats, posed_splats, write_splats
from understudy.export.spz import write_spz
from understudy.export.stance import frame_pose, lift_to_sole, recorded, still
from understudy.export.surface import Surface, avatar_surface
from understudy.export.texture import bake_texture
from understudy.export.vrm import VrmMeta
from understudy.files.atomic import atomic_files
from understudy.motion.clip import Clip
from understudy.motion.read import SOURCE_MOTION, named_motions, read_motion

logger = logging.getLogger(__name__)

BESIDE_OBJ = ("mesh.mtl", "mesh.jpg", "mesh_normal.jpg")
"""What belongs to mesh.obj."""
SPLATS = ("avatar.ply", "avatar.spz", "splats.glb")
RELIEF_SIZE = 1024
"""Largest side of the normal map, px: the density that it shows is blurred by more than one such texel."""


def export_avatar(
    archive: AvatarArchive,
    folder: str | Path,
    config: ExportConfig,
    motions: Sequence[str | Path] = (),
    files: Sequence[str] = FILES,
) -> list[Path]:
    """Write an avatar for Blender, game engines and other programs.

    All is in metres, the person on the ground y = 0: y up, facing +z, but for ``avatar.ply``, which has y down, facing -z.

    Args:
        archive: The avatar; it must be made of Gaussians.
        folder: Where to; made if it is not there. Files of the same names are replaced where they were exported before.
        config: How they are written.
        motions: Files of those that :func:`read_motion` knows, for ``avatar.glb``.
        files: Names of what to write, as docs/exporting.md lists them; all by default.

    Returns:
        All files written, with those that belong to ``mesh.obj``.

    Raises:
        InputError: There is no such file, motion or pose, the avatar's method has no Gaussians, or somebody else's file would
            be lost.
    """
    folder = Path(folder)
    unknown = [name for name in files if name not in FILES]
    if unknown:
        raise InputError(f"{unknown[0]} is not an export; choose from {', '.join(FILES)}.")
    avatar = need_splats(archive.avatar, "every export")
    of_body = [name for name in files if name not in SPLATS and (name != "mesh.ply" or config.mesh == "body")]
    body = avatar.body
    if of_body and not body.free:
        logger.warning(
            "the mesh has the topology and skin weights of %s: its licence says to whom you may give it", body.name
        )
    if avatar.beyond_skinning is not None and {"avatar.glb", "avatar.vrm"} & set(files):
        option = f"{avatar.method}.{avatar.beyond_skinning}"
        logger.warning("the rigged files leave out what the pose changes beyond skinning (%s)", option)
    names = (*files, *(BESIDE_OBJ if "mesh.obj" in files else ()))
    with atomic_files(folder, names, "exports") as place:
        clips = _clips(archive, motions) if "avatar.glb" in files else {}
        surface = avatar_surface(avatar)
        pose = frame_pose(still(archive, surface, config.pose), 0)
        written = _write_clouds(place, posed_splats(avatar, *pose), set(files) - set(of_body))
        if of_body:
            written += _write_meshes(place, archive, avatar, config, surface, pose, clips, of_body)
    return [folder / path.name for path in written]


def _write_clouds(folder: Path, splats: Splats, files: Collection[str]) -> list[Path]:
    """Write those files that are made of the Gaussians alone, in one pose."""
    written = [folder / name for name in (*SPLATS, "mesh.ply") if name in files]
    if "avatar.ply" in files:
        # as structure from motion has it, and so most programs that read such files
        write_splats(folder / "avatar.ply", splats.upside_down())
    if "avatar.spz" in files:
        write_spz(folder / "avatar.spz", splats)
    if "splats.glb" in files:
        write_splat_gltf(folder / "splats.glb", splats)
    if "mesh.ply" in files:
        mesh = cubes_mesh(splats)
        write_mesh_ply(folder / "mesh.ply", mesh.vertices, mesh.faces, np.round(255 * mesh.colors))
    return written


def _write_meshes(
    folder: Path,
    archive: AvatarArchive,
    avatar: SplatAvatar,
    config: ExportConfig,
    surface: Surface,
    pose: tuple[Tensor, Tensor],
    clips: Mapping[str, Clip],
    files: Collection[str],
) -> list[Path]:
    """Write those files that are made of the body's mesh, moved to the Gaussians."""
    written = [folder / name for name in ("avatar.glb", "avatar.vrm", "mesh.ply") if name in files]
    texture = bake_texture(archive, surface, config.texture_size)
    if "mesh.ply" in files:
        colors = vertex_colors(surface.body, texture)
        write_mesh_ply(folder / "mesh.ply", surface.posed(*pose), surface.body.faces, colors)
    if set(files) == {"mesh.ply"}:
        return written
    relief = bake_normals(avatar, surface, min(config.texture_size, RELIEF_SIZE))
    licences = archive.info.get("licences", ())
    if "avatar.glb" in files:
        shown = {name: lift_to_sole(clip, surface) for name, clip in clips.items()}
        if config.source_motion:
            shown = {SOURCE_MOTION: recorded(archive, surface), **shown}
        shown = {name: clip.resampled(min(clip.fps, config.fps)) for name, clip in shown.items()}
        write_rigged(folder / "avatar.glb", surface, texture, relief, shown, licences)
    if "avatar.vrm" in files:
        meta = VrmMeta(Path(archive.info["source"]["name"]).stem, config.author, licences)
        write_rigged(folder / "avatar.vrm", surface, texture, relief, {}, licences, meta)
    if "mesh.obj" in files:
        written += write_obj(folder / "mesh.obj", surface.posed(*pose), surface.body, texture, relief)
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
    return {name: read_motion(path, body) for name, path in named_motions(motions).items()}
