"""``understudy bake``."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from understudy.avatar.baking.config import BakingConfig
from understudy.cli.terminal import print_text
from understudy.files.owned import check_apart


@dataclass(frozen=True)
class Bake:
    """Make Gaussians that look like an avatar of another method, to export, play and view them: docs/avatar.md."""

    avatar: Positional[Path]
    """avatar.tar"""
    output: Positional[Path]
    """baked.tar, to be written."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    baking: OmitArgPrefixes[BakingConfig] = field(default_factory=BakingConfig)
    """How they are made."""

    def run(self) -> None:
        """Bake, and say what was written and how alike it is."""
        from understudy.avatar.archive import load_archive, save_archive
        from understudy.avatar.baking.bake import bake_gaussians
        from understudy.rendering.turntable import portrait

        check_apart([self.output], [self.avatar, self.body])
        baked = bake_gaussians(load_archive(self.avatar, self.body), self.baking)
        save_archive(self.output, baked, portrait(baked.avatar))
        print_text(f"wrote {self.output}: {baked.info['baked']['psnr']:.1f} dB like {self.avatar} from new sides\n")
