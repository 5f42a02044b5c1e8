"""``understudy videos``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from understudy.cli.terminal import print_text, warn
from understudy.errors import InputError


@dataclass(frozen=True)
class Videos:
    """Name the actors whose videos are in a folder, one a line, as the workflow counts them."""

    folder: Positional[Path] = Path("data/videos")
    """Folder with videos and folders of images."""
    number: int | None = None
    """Of one of them alone, from 0."""

    def run(self) -> None:
        """Print the names, and say which videos are left out."""
        from understudy.video.sources import list_videos, unusable_videos

        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is not a folder; give the one with the videos.")
        names = list(list_videos(self.folder))
        if self.number is None:
            print_text("".join(f"{name}\n" for name in names))
            warn(unusable_videos(self.folder).values())
        elif 0 <= self.number < len(names):
            print_text(f"{names[self.number]}\n")
        else:
            raise InputError(
                f"{self.folder} has no video of number {self.number}; there are {len(names)}, counted from 0."
            )
