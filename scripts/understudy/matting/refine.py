"""Mattes and trimaps of a whole video: every frame for itself, then compared with its neighbours in time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from understudy.body.model import BodyModel
from understudy.body.posed import check_same_body
from understudy.files.atomic import atomic_folder, scratch_folder
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import UNKNOWN, read_alpha, read_trimap, write_alpha, write_trimap
from understudy.formats.smpl import BodyTrack
from understudy.matting.appearance import Appearance, learn_appearance
from understudy.matting.coherence import flickering, outliers
from understudy.matting.config import MattingConfig
from understudy.matting.looks import ROOM, look_at, mask_window
from understudy.matting.matting import refine
from understudy.metrics.masks import iou
from understudy.progress import track as show_progress
from understudy.threads import side_by_side

logger = logging.getLogger(__name__)

HAZY = 25
"""A coarse mask is in doubt farther than this from both 0 and 255."""


def refine_mattes(
    frames: Frames,
    alpha_folder: str | Path,
    keypoints: Keypoints,
    track: BodyTrack,
    body: BodyModel,
    matte_folder: str | Path,
    trimap_folder: str | Path,
    config: MattingConfig,
    threads: int = 1,
) -> None:
    """Write the matte and the trimap of every frame; both all zero in frames without the person.

    Frames are refined one by one on ``threads`` threads; then frames that fall out of the row keep their coarse mask, and what
    neither neighbour in time confirms becomes unknown. Memory does not grow with the number of frames.

    Args:
        frames: The video.
        alpha_folder: The coarse soft masks.
        keypoints: The tracked person.
        track: The fitted body's motion.
        body: The body that it belongs to.
        matte_folder: Where the mattes go: ``000000.png``, ..., 8 bit, 255 for the person; replaced as a whole.
        trimap_folder: Where the trimaps go, likewise: 0 scene, 128 unknown, 255 person.
        config: How they are refined.
        threads: Frames that are refined at once.

    Raises:
        InputError: Track and body or frames do not belong together, or a picture is missing, damaged or of another size.
    """
    check_same_body(body, track, len(frames))
    appearance = learn_appearance(frames, alpha_folder, track, body, config.sample_frames, threads)
    count = range(len(frames))
    with (
        atomic_folder(matte_folder, "mattes") as mattes,
        atomic_folder(trimap_folder, "trimaps") as trimaps,
        scratch_folder(matte_folder) as own,
    ):
        single = _Folders(own / "matte", own / "trimap")
        single.matte.mkdir()
        single.trimap.mkdir()
        # a frame is its neighbours' neighbour: it is read once for the three of them
        keep = lru_cache(maxsize=2 * threads + 4)
        read = keep(frames.read), keep(partial(read_alpha, single.matte))
        run = _Run(frames, Path(alpha_folder), keypoints, track, body, config, appearance, single, *read)
        found = list(show_progress(side_by_side(run.refine, count, threads), "refining silhouettes", len(count)))
        areas, agreed = (np.array(values, np.float64) for values in zip(*found, strict=True))
        rejected = outliers(areas, agreed, config.tolerance, config.agreement)
        final = partial(run.compare, rejected, _Folders(mattes, trimaps))
        for _ in show_progress(side_by_side(final, count, threads), "comparing neighbours", len(count)):
            pass
    logger.info("%s: %d of %d frames keep their coarse mask", frames.source, rejected.sum(), len(frames))


@dataclass(frozen=True)
class _Folders:
    matte: Path
    trimap: Path

    def write(self, frame: int, matte: np.ndarray, unknown: np.ndarray) -> None:
        write_alpha(self.matte, frame, matte)
        write_trimap(self.trimap, frame, matte > (127 if matte.dtype == np.uint8 else 0.5), unknown)


@dataclass(frozen=True)
class _Run:
    frames: Frames
    alpha_folder: Path
    keypoints: Keypoints
    track: BodyTrack
    body: BodyModel
    config: MattingConfig
    appearance: Appearance
    single: _Folders
    """What each frame by itself says."""
    picture: Callable[[int], np.ndarray]
    """Gives a frame [H,W,3], and keeps the last few."""
    matte_alone: Callable[[int], np.ndarray]
    """Gives a frame's own matte [H,W], likewise."""

    def refine(self, frame: int) -> tuple[tuple[int, int, int], float]:
        """Refine one frame by itself; areas of matte, coarse mask and body, px, and the IoU of the first two."""
        look = look_at(self.frames, self.alpha_folder, self.track, self.body, frame)
        if look is None:
            nothing = np.zeros((self.frames.height, self.frames.width), np.uint8)
            self.single.write(frame, nothing, nothing > 0)
            return (0, 0, 0), 1.0
        matte, unknown = refine(look, self.appearance, self.keypoints.keypoints[frame], self.config)
        self.single.write(frame, look.whole(matte), look.whole(unknown))
        fine, coarse = matte > 0.5, look.inner > 0
        areas = (int(np.count_nonzero(fine)), int(np.count_nonzero(coarse)), int(np.count_nonzero(look.body > 0)))
        return areas, float(iou(fine, coarse))

    def compare(self, rejected: np.ndarray, final: _Folders, frame: int) -> None:
        """Write the last word on one frame after a look at its neighbours; ``rejected`` [T] keep the coarse mask."""
        matte = self.matte_alone(frame)
        unknown = read_trimap(self.single.trimap, frame) == UNKNOWN
        if rejected[frame]:
            coarse = read_alpha(self.alpha_folder, frame)
            unknown |= ((matte > 127) != (coarse > 127)) | ((coarse > HAZY) & (coarse < 255 - HAZY))
            matte = coarse
        else:
            unknown |= self._flicker(frame, matte > 127, rejected)
        final.write(frame, matte, unknown)

    def _flicker(self, frame: int, mask: np.ndarray, rejected: np.ndarray) -> np.ndarray:
        """Pixels [H,W] bool of a mask that both neighbours contradict."""
        flicker = np.zeros(mask.shape, bool)
        beside = [i for i in (frame - 1, frame + 1) if 0 <= i < len(self.frames) and not rejected[i]]
        if len(beside) == 2 and mask.any():
            window = mask_window(mask, round(ROOM * mask.shape[0]))
            cuts = [(self.matte_alone(i)[window] > 127, self.picture(i)[window]) for i in beside]
            flicker[window] = flickering(mask[window], self.picture(frame)[window], cuts)
        return flicker
