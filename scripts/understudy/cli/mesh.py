"""``understudy mesh``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from understudy.cli.terminal import print_text
from understudy.errors import InputError
from understudy.files.owned import check_apart
from understudy.options import Bounds


@dataclass(frozen=True)
class Mesh:
    """Write the surface of an avatar that is a radiance field, by marching cubes: docs/avatar.md."""

    avatar: Positional[Path]
    """avatar.tar of the method instant_nvr or neural_capture"""
    output: Positional[Path]
    """The mesh, to be written: a .ply with a colour at each vertex."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    frame: Annotated[int, Bounds(0)] | None = None
    """Frame of the video in whose pose to show it; by default it is at rest."""
    part: str | None = None
    """body, leg, head, left_arm or right_arm of an avatar of instant_nvr; by default all of it."""
    step: Annotated[float, Bounds(0.001, 0.1, unit="m")] = 0.005
    """Size of the cubes, m."""
    level: Annotated[float, Bounds(0, 1, above=True)] | None = None
    """Occupancy at the surface; by default 0.1 at rest and 0.2 in a pose, as instant-nvr has it."""

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
            raise InputError(f"{self.output} is no .ply; name one.")
        archive = load_archive(self.avatar, self.body)
        avatar = archive.avatar
        if not isinstance(avatar, FieldAvatar):
            raise InputError(
                f"{self.avatar} is of the method {avatar.method}, which is no field; understudy export writes its mesh."
            )
        pose = (avatar.body.rest_rotations, torch.zeros(3))
        if self.frame is not None:
            if self.frame >= len(archive.poses):
                raise InputError(f"{self.avatar} has {len(archive.poses)} frames, from 0; there is no {self.frame}.")
            pose = track_pose(archive.poses, self.frame, avatar.device)
        level = (0.1 if self.frame is None else 0.2) if self.level is None else self.level
        mesh = field_mesh(avatar.shaped().posed(*pose), self.step, level, self.part)
        write_mesh_ply(self.output, mesh.vertices, mesh.faces, (mesh.colors * 255.0).round().astype("u1"))
        print_text(f"wrote {self.output}: {len(mesh.vertices):,} vertices, {len(mesh.faces):,} faces\n")
