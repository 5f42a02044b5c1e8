"""``understudy mesh``."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from understudy.avatar.fields.config import MeshConfig
from understudy.cli.terminal import print_text
from understudy.errors import InputError
from understudy.files.owned import check_apart


@dataclass(frozen=True)
class Mesh:
    """Write the surface of an avatar that is a radiance field, by marching cubes: docs/fields.md."""

    avatar: Positional[Path]
    """avatar.tar of the method instant_nvr or neural_capture"""
    output: Positional[Path]
    """The mesh, to be written: a .ply with a colour at each vertex."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    mesh: OmitArgPrefixes[MeshConfig] = field(default_factory=MeshConfig)
    """Which surface, and how finely."""

    def run(self) -> None:
        """March, and say what was written."""
        import torch

        from understudy.avatar.archive import load_archive
        from understudy.avatar.evaluate import track_pose
        from understudy.avatar.fields.avatar import FieldAvatar
        from understudy.avatar.fields.meshing import field_mesh
        from understudy.export.meshes import write_mesh_ply

        check_apart([self.output], [self.avatar, self.body])
        if self.output.suffix != ".ply":
            raise InputError(f"{self.output} does not end in .ply, which is what is written; name such a file.")
        archive = load_archive(self.avatar, self.body)
        avatar = archive.avatar
        if not isinstance(avatar, FieldAvatar):
            raise InputError(
                f"{self.avatar} is of the method {avatar.method}, which is no field; understudy export writes its mesh."
            )
        pose = (avatar.body.rest_rotations, torch.zeros(3))
        config = self.mesh
        if config.frame is not None:
            if config.frame >= len(archive.poses):
                raise InputError(f"{self.avatar} has {len(archive.poses)} frames, from 0; there is no {config.frame}.")
            pose = track_pose(archive.poses, config.frame, avatar.device)
        level = (0.1 if config.frame is None else 0.2) if config.level is None else config.level
        mesh = field_mesh(avatar.shaped().posed(*pose), config.step, level, config.part)
        write_mesh_ply(self.output, mesh.vertices, mesh.faces, (mesh.colors * 255.0).round().astype("u1"))
        print_text(f"wrote {self.output}: {len(mesh.vertices):,} vertices, {len(mesh.faces):,} faces\n")
