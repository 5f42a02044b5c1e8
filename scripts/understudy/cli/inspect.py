"""``understudy inspect``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from understudy.cli.places import body_folders
from understudy.cli.terminal import print_table, print_text
from understudy.files.owned import check_apart


@dataclass(frozen=True)
class Inspect:
    """Show the worst frames by every measure: a table here, and a contact sheet to look at."""

    folder: Positional[Path]
    """An actor's folder, as results/actor; what is finished is inspected."""
    output: Path | None = None
    """Picture to write, .jpg or .png; default FOLDER/inspect.jpg."""
    count: int = 6
    """Frames for each measure."""
    body: Path | None = None
    """File of the body that was fitted; default the one of its hash in models/ here, beside the results or in Understudy."""

    def run(self) -> None:
        """Write the sheet and print the table."""
        from rich.table import Table

        from understudy.inspection.inspect import inspect_actor

        if self.output is not None:
            check_apart([self.output], [self.folder / "avatar.tar", self.body])
        done = inspect_actor(self.folder, self.output, self.count, self.body, body_folders(self.folder))
        table = Table("measure", "unit", "look at", "median", "worst", "beyond", "worst frames")
        for line in done.lines:
            numbers = (f"{line.median:.3g}", f"{line.worst:.3g}", str(line.beyond))
            table.add_row(line.title, line.unit, line.limit, *numbers, ", ".join(map(str, line.frames)))
        print_table(table)
        print_text("".join(f"{note}\n" for note in done.notes) + f"pictures: {done.sheet}\n")
