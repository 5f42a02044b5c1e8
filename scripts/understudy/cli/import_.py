"""``understudy import``."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from understudy.cli.places import FREE_BODY, find_body
from understudy.cli.terminal import print_text
from understudy.importers.config import ReadOptions


@dataclass(frozen=True)
class Import:
    """Turn another program's tracking into an actor's files, so that the workflow goes on from there."""

    source: Positional[Path]
    """File or folder of EasyMocap, OpenPose, AlphaPose, ROMP, 4D-Humans, WHAM, GVHMR, InstantAvatar, NTC, instant-nvr, ..."""
    folder: Positional[Path]
    """The actor's folder to write, as results/actor."""
    kind: str = "auto"
    """Format; auto looks at the files. docs/importing.md lists them."""
    pictures: Path | None = None
    """The video or its frames, if the source names none."""
    body: Path | None = FREE_BODY
    """The body that the poses are put on: the free one, or the SMPL file they were made with."""
    focal_px: float | None = None
    """Focal length, px, where you know better than the files."""
    tracking: OmitArgPrefixes[ReadOptions] = field(default_factory=ReadOptions)
    """What the files do not say, or say of several."""

    def run(self) -> None:
        """Import, and say what was written."""
        from understudy.body.files import load_body
        from understudy.importers.run import import_tracking
        from understudy.video.config import FramesConfig

        done = import_tracking(
            self.source, self.folder, self.kind, self.pictures,
            load_body(find_body(self.body)) if self.body else None,
            self.tracking,
            FramesConfig(focal_px=self.focal_px) if self.focal_px is not None else None,
        )  # fmt: skip
        print_text(f"{done.kind}: {done.frames} frames, {done.pointed} with keypoints, {done.posed} with poses\n")
        if done.reprojection is not None:
            print_text(f"keypoints lie {done.reprojection:.1f} px off the posed body (median)\n")
        print_text("".join(f"wrote {path}\n" for path in done.files))
