"""Keypoints by EasyMocap: found already, or by running its ``extract_keypoints``."""

from pathlib import Path
from tempfile import TemporaryDirectory

from understudy.backends.easymocap_program import extract_keypoints, is_program
from understudy.backends.external_results import given_poses, numbers_in, rows_of
from understudy.backends.protocols import Pose
from understudy.formats.frames import Frames
from understudy.importers.config import ReadOptions
from understudy.importers.easymocap import read_easymocap
from understudy.importers.tracking import reading_tracking


class EasyMocapKeypoints:
    """Results of EasyMocap (a folder with ``annots``), or its checkout, which is then run on the frames."""

    name = "easymocap"

    def __init__(self, files: Path) -> None:
        self.files = Path(files)

    def read_poses(self, frames: Frames) -> list[Pose | None]:
        """The pose in each of the chosen frames [T], in px of these; None where there is none.

        Raises:
            InputError: No results of EasyMocap, or of another video; or it cannot be run.
        """
        if not is_program(self.files):
            return _read(self.files, frames)
        with TemporaryDirectory(prefix="understudy-easymocap-") as root:
            extract_keypoints(self.files, frames, Path(root))
            return _read(Path(root), frames)


def _read(folder: Path, frames: Frames) -> list[Pose | None]:
    with reading_tracking(folder, "easymocap"):
        tracking = read_easymocap(folder, ReadOptions(fps=frames.fps))
    rows = rows_of(tracking.point_frames, numbers_in(folder / "annots"), frames)
    size = tracking.size or frames.source_size or (frames.width, frames.height)
    return given_poses(tracking, rows, size, frames, folder)
