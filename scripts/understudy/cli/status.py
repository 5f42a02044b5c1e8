"""``understudy status``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from understudy.cli.terminal import print_table, print_text
from understudy.errors import InputError
from understudy.text import one_line


@dataclass(frozen=True)
class Status:
    """Show which stages are done, running or failed for each video, and why."""

    results: Positional[Path] = Path("results")
    """Folder with the actors' folders."""
    write: bool = False
    """Write summary.tsv and index.html there as well, as the workflow does at the end of a run."""

    def run(self) -> None:
        """Print the table."""
        from rich.table import Column, Table
        from rich.text import Text

        from understudy.batch.status import all_statuses
        from understudy.batch.summary import shown, write_summary
        from understudy.stages import STAGES

        if not self.results.is_dir():
            raise InputError(f"{self.results} is not a folder; give the one with the actors' folders, as results.")
        rows = all_statuses(self.results)
        table = Table(
            "actor",
            "state",
            "stages",
            "frames",
            "PSNR aligned",
            "SSIM aligned",
            "s",
            "MB",
            Column("at", overflow="fold"),
        )
        colours = {"failed": "red", "running": "blue", "done": "green"}
        for row in rows:
            numbers = (shown(row, column) for column in ("frames", "psnr", "ssim", "seconds", "peak_mb"))
            state = Text(row.state, colours.get(row.state, ""))
            name, stage = Text(one_line(row.actor)), Text(one_line(row.stage))
            table.add_row(name, state, f"{row.done}/{len(STAGES)}", *numbers, stage)
        print_table(table)
        print_text("".join(one_line(f"{row.actor}, {row.stage}: {row.error}") + "\n" for row in rows if row.error))
        if self.write:
            write_summary(self.results)
            print_text(f"wrote {self.results / 'summary.tsv'}\nwrote {self.results / 'index.html'}\n")
