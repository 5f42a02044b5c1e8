"""``understudy compare``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from understudy.cli.terminal import print_table, print_text
from understudy.errors import InputError
from understudy.files.owned import check_apart


@dataclass(frozen=True)
class Compare:
    """Put avatars of one video into one table and the same pictures: docs/report.md."""

    avatars: Positional[tuple[Path, ...]]
    """Files avatar.tar, each with its metrics.json and held_out beside it."""
    output: Path = Path("comparison.html")
    """Page to write, .html; its figures come beside it, as .json and .tsv."""
    motion: tuple[Path, ...] = ()
    """Motions, of each of which the pose is shown that is least like any of the video: BVH, or npz of SMPL parameters."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """cpu, cuda or auto: where pictures are drawn, and the time of one is measured."""

    def run(self) -> None:
        """Write the page, and print the headline of each avatar."""
        from rich.table import Table

        from understudy.comparison.config import ComparisonConfig
        from understudy.comparison.measured import read_measured
        from understudy.comparison.page import files_of, write_comparison
        from understudy.report.figures import HEADLINE

        if self.output.suffix != ".html":
            raise InputError(f"{self.output} is no name of a page; give one that ends in .html.")
        written = [self.output.parent / name for name in files_of(self.output)]
        beside = [avatar.parent / name for avatar in self.avatars for name in ("metrics.json", "held_out")]
        check_apart(written, [*self.avatars, *beside, *self.motion, self.body])
        avatars = read_measured(self.avatars, self.body)
        person = Path(avatars[0].archive.info["source"]["name"]).stem
        rows = write_comparison(self.output, person, avatars, ComparisonConfig(device=self.device), self.motion)
        table = Table("avatar", "PSNR, given poses (dB)", "s a picture", "MB")
        for row in rows:
            figures = (row[f"without_pose_refinement.{HEADLINE}"], row["seconds_a_picture"], row["megabytes"])
            table.add_row(row["name"], *(f"{figure:.3g}" for figure in figures))
        print_table(table)
        print_text("".join(f"wrote {path}\n" for path in written))
