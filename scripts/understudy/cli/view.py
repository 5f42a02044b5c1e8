"""``understudy view``."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from understudy.cli.terminal import print_text
from understudy.files.owned import check_apart
from understudy.viewer.config import ViewerConfig


@dataclass(frozen=True)
class View:
    """Look at an avatar in the browser: posed and reshaped live, or in a page of its own that needs no program."""

    avatar: Positional[Path]
    """avatar.tar"""
    motion: tuple[Path, ...] = ()
    """Motions to choose from besides the video's own: BVH, or npz of SMPL parameters; the first one plays at the start."""
    page: Path | None = None
    """Write this .html in place of serving: one file, which any browser plays without a server or the internet."""
    results: Path | None = None
    """The actor's folder, whose frames are shown in the camera that filmed them; default the avatar's own folder."""
    host: str = "localhost"
    """Where to listen: 0.0.0.0 for every computer of the network. The view opens to those alone who have its whole address."""
    port: int = 8080
    """Port; the next free one is used if it is taken."""
    body: Path | None = None
    """The body's own file, for avatars of licensed bodies."""
    viewer: OmitArgPrefixes[ViewerConfig] = field(default_factory=ViewerConfig)
    """What is played."""

    def run(self) -> None:
        """Write the page, or serve until interrupted."""
        from understudy.avatar.archive import load_archive
        from understudy.threads import use_threads

        archive = load_archive(self.avatar, self.body)
        if self.page is not None:
            from understudy.viewer.page import write_page

            check_apart([self.page], [self.avatar, self.body, *self.motion])
            write_page(self.page, archive, self.viewer, self.motion)
            print_text(f"wrote {self.page}\n")
            return
        from understudy.viewer.live import LiveView

        use_threads(1)  # the browser wants the others; one poses fast enough
        view = LiveView(archive, self.motion, self.viewer, self.results or self.avatar.parent, self.host, self.port)
        try:
            sys.stdout.write(f"open {' or '.join(view.urls)}\n")
            if not view.local:
                sys.stdout.write("whoever has the address can look and play; nothing of it is encrypted\n")
            sys.stdout.write("Ctrl-C ends the view\n")
            sys.stdout.flush()
            view.run()
        except KeyboardInterrupt:
            pass
        finally:
            view.stop()
