"""``understudy export``."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from understudy.body.config import ShapeConfig
from understudy.cli.terminal import print_text
from understudy.export.config import FILES, ExportConfig
from understudy.files.owned import check_apart


@dataclass(frozen=True)
class Export:
    """Write an avatar for other programs: docs/exporting.md."""

    avatar: Positional[Path]
    """avatar.tar"""
    folder: Positional[Path]
    """Folder to write into."""
    only: tuple[str, ...] = ()
    """Files to write, of those of docs/exporting.md; default all."""
    motion: tuple[Path, ...] = ()
    """Motions for avatar.glb: BVH, or npz of SMPL parameters (AMASS, AIST++, another actor's smpl.npz)."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    export: OmitArgPrefixes[ExportConfig] = field(default_factory=ExportConfig)
    """How the files are written."""
    shape: OmitArgPrefixes[ShapeConfig] = field(default_factory=ShapeConfig)
    """What is changed about the person's shape."""

    def run(self) -> None:
        """Export, and say what was written."""
        from understudy.avatar.archive import load_archive
        from understudy.export.run import export_avatar, reshaped

        check_apart((self.folder / name for name in FILES), [self.avatar, self.body, *self.motion])
        archive = reshaped(load_archive(self.avatar, self.body), self.shape)
        written = export_avatar(archive, self.folder, self.export, self.motion, self.only or FILES)
        print_text("".join(f"wrote {path}\n" for path in written))
