"""The body as EasyMocap found it: already, or by running its ``emc``."""

import logging
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from understudy.backends.easymocap_program import fit_body, is_program
from understudy.backends.external_results import are_of_frames, numbers_in, refuse_lens, rows_of
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.importers.config import ReadOptions
from understudy.importers.easymocap import poses_folder
from understudy.importers.place import placement_of
from understudy.importers.registry import read_tracking
from understudy.importers.transfer import body_track, place_poses

logger = logging.getLogger(__name__)


class EasyMocapBody:
    """Results of EasyMocap (a folder with ``smpl`` or ``output*/smpl``), or its checkout, which is then run on the frames."""

    name = "easymocap"

    def __init__(self, files: Path) -> None:
        self.files = Path(files)

    def read_track(self, frames: Frames, keypoints: Keypoints, body: BodyModel) -> BodyTrack:
        """The motion of ``body`` in the chosen frames, in the camera of ``frames``.

        On the free body size and shape are fitted to the keypoints, since SMPL's shape means nothing there. The camera
        is EasyMocap's where it was calibrated (``intri.yml``) and that of the frames is but a guess; else the body is moved
        to where the frames' camera sees it in the same place.

        Raises:
            InputError: No poses of EasyMocap, or none of these frames; or it cannot be run.
        """
        if not is_program(self.files):
            return _read(self.files, frames, keypoints, body)
        with TemporaryDirectory(prefix="understudy-easymocap-") as root:
            fit_body(self.files, frames, Path(root))
            return _read(Path(root), frames, keypoints, body)


def _read(folder: Path, frames: Frames, keypoints: Keypoints, body: BodyModel) -> BodyTrack:
    tracking = read_tracking(folder, "easymocap", ReadOptions(fps=frames.fps))
    posed = poses_folder(folder)
    if tracking.poses is None or posed is None:
        raise InputError(f"{folder} has no smpl/*.json; give the folder that EasyMocap wrote this video's poses to.")
    refuse_lens(tracking, folder)
    numbers = numbers_in(posed)
    rows = rows_of(tracking.pose_frames, numbers, frames)
    known = rows >= 0
    if not known.any():
        raise InputError(
            f"None of the {len(frames)} frames of {frames.source} has a pose in {folder}; give the results of this video."
        )
    logger.info("%s: poses in %d of %d frames", folder, known.sum(), len(frames))
    size = (frames.width, frames.height)
    K = frames.K
    if callable(tracking.camera):
        tracked = size
        if frames.crop is not None and frames.source_size is not None and not are_of_frames(numbers, frames):
            tracked = frames.source_size
        K = placement_of(tracked, frames, str(folder)).camera(tracking.camera(tracked).K)
    elif tracking.camera is not None:
        tracked = tracking.camera.size or tracking.size or frames.source_size or size
        K = placement_of(tracked, frames, str(folder)).camera(tracking.camera.K)
        if frames.K_source == "default":
            frames = replace(frames, K=K)
    placed = place_poses(tracking.poses, rows, body, K, frames.K)
    return body_track(placed, known, body, frames, keypoints)
