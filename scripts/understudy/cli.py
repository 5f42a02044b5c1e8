"""``understudy``: what one does by hand with an actor's results."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from understudy.errors import InputError

FREE_BODY = Path("models/understudy_body.npz")
REPOSITORY = Path(__file__).parents[2]
"""Where the free body is, whatever the working folder."""


@dataclass(frozen=True)
class Inspect:
    """Show the worst frames by every measure: a table here, and a contact sheet to look at."""

    folder: Annotated[Path, tyro.conf.Positional]
    """An actor's folder, as results/actor; what is finished is inspected."""
    output: Path | None = None
    """Picture to write, .jpg or .png; default FOLDER/inspect.jpg."""
    count: int = 6
    """Frames for each measure."""
    body: Path | None = None
    """File of the body that was fitted; default the one of its hash in models/ here, beside the results or in Understudy."""

    def run(self) -> None:
        """Write the sheet and print the table."""
        from rich.console import Console
        from rich.table import Table

        from understudy.report.inspect import inspect_actor

        places = [base / FREE_BODY.parent for base in (Path(), self.folder.parent.parent, REPOSITORY)]
        done = inspect_actor(self.folder, self.output, self.count, self.body, places)
        table = Table("measure", "unit", "look at", "median", "worst", "beyond", "worst frames")
        for line in done.lines:
            numbers = (f"{line.median:.3g}", f"{line.worst:.3g}", str(line.beyond))
            table.add_row(line.title, line.unit, line.limit, *numbers, ", ".join(map(str, line.frames)))
        Console().print(table)
        sys.stdout.write("".join(f"{note}\n" for note in done.notes) + f"pictures: {done.sheet}\n")


@dataclass(frozen=True)
class Import:
    """Turn another program's tracking into an actor's files, so that the workflow goes on from there."""

    source: Annotated[Path, tyro.conf.Positional]
    """File or folder of EasyMocap, OpenPose, AlphaPose, ROMP, 4D-Humans, WHAM, GVHMR, InstantAvatar, NTC, instant-nvr, ..."""
    folder: Annotated[Path, tyro.conf.Positional]
    """The actor's folder to write, as results/actor."""
    kind: str = "auto"
    """Format; auto looks at the files. docs/importing.md lists them."""
    pictures: Path | None = None
    """The video or its frames, if the source names none."""
    body: Path | None = FREE_BODY
    """The body that the poses are put on: the free one, or the SMPL file they were made with."""
    person: str | None = None
    """Name or number of the person, where there are several; default the largest one who stays longest."""
    camera: str | None = None
    """Name or number of the camera, where there are several."""
    first: int | None = None
    """Number of the video's first picture in the files' numbering."""
    every: int = 1
    """For files that only list frames: they are of every so many pictures."""
    size: tuple[int, int] | None = None
    """Width and height of the tracked pictures, px, where neither they nor the files say it."""
    focal_px: float | None = None
    """Focal length, px, where you know better than the files."""

    def run(self) -> None:
        """Import, and say what was written."""
        from understudy.body.files import load_body
        from understudy.importers.run import import_tracking
        from understudy.importers.tracking import ReadOptions
        from understudy.video.decode import FramesConfig

        done = import_tracking(
            self.source, self.folder, self.kind, self.pictures,
            load_body(_found(self.body)) if self.body else None,
            ReadOptions(self.person, self.camera, self.first, self.every, self.size),
            FramesConfig(focal_px=self.focal_px) if self.focal_px else None,
        )  # fmt: skip
        sys.stdout.write(f"{done.kind}: {done.frames} frames, {done.pointed} with keypoints, {done.posed} with poses\n")
        if done.reprojection is not None:
            sys.stdout.write(f"keypoints lie {done.reprojection:.1f} px off the posed body (median)\n")
        sys.stdout.write("".join(f"wrote {path}\n" for path in done.files))


def _found(body: Path) -> Path:
    """The free body of the repository where there is none in the working folder."""
    return REPOSITORY / body if body == FREE_BODY and not body.exists() else body


def main() -> None:
    """Run a verb; what the user can mend is told in one sentence, and the exit status is 2."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    verb = tyro.extras.subcommand_cli_from_dict({"inspect": Inspect, "import": Import}, description=__doc__)
    try:
        verb.run()
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
