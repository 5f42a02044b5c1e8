"""``understudy dataset``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from understudy.avatar.config import AvatarConfig
from understudy.cli.places import body_folders
from understudy.cli.terminal import print_text
from understudy.files.owned import check_apart
from understudy.layouts.config import LayoutName


@dataclass(frozen=True)
class Dataset:
    """Write an actor's results as the data set of another avatar program: docs/exporting.md."""

    folder: Positional[Path]
    """An actor's folder, as results/actor."""
    output: Positional[Path]
    """Folder to write; a data set that was written there before is replaced, anything else is left alone."""
    layout: LayoutName
    """The program whose layout it is."""
    hold_out: int = AvatarConfig.hold_out
    """Name every Nth frame as a test frame, where the layout can say so; 0 for none."""
    body: Path | None = None
    """File of the body that was fitted; default the one of its hash in models/ here, beside the results or in Understudy."""

    def run(self) -> None:
        """Write the data set, and say where."""
        from understudy.layouts.recording import open_recording
        from understudy.layouts.run import write_dataset

        check_apart([self.output], [self.folder, self.body])
        recording = open_recording(self.folder, self.body, body_folders(self.folder), self.hold_out)
        write_dataset(recording, self.output, self.layout)
        print_text(f"wrote {self.output}: {len(recording)} frames\n")
