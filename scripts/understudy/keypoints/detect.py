"""2D keypoints of the one person a video is about."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np

from understudy.backends.boxes import BOX_MARGIN, SURE
from understudy.backends.protocols import KeypointBackend, Pose, Region
from understudy.backends.registry import find_backend, open_backend
from understudy.errors import InputError
from understudy.formats.facing import doubtful_turns, in_words, lateral_directions
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import FACE, KEYPOINTS
from understudy.formats.tracks import crowd_note, fill_rows, person_picks
from understudy.keypoints.config import KeypointsConfig
from understudy.keypoints.temporal import (
    HIDDEN_FACE_CONFIDENCE,
    doubt_hidden_faces,
    doubt_outliers,
    find_swaps,
    undo_swaps,
)
from understudy.progress import track

logger = logging.getLogger(__name__)


def detect_keypoints(
    frames: Frames,
    config: KeypointsConfig,
    weights: Path | None = None,
    files: Path | None = None,
    sha256: str | None = None,
    threads: int = 1,
) -> Keypoints:
    """Find the person in every frame: the largest one who stays longest.

    The first pass finds everybody in each frame and links them over time; the second finds the pose of the chosen
    person only, in the square where they were found or, for a short while, should have been. A backend that reads
    another program's files knows the person already.

    Args:
        frames: The video.
        config: How they are found.
        weights: The backend's weights, if it takes any.
        files: The other program's files, if the backend reads such.
        sha256: Of weights that somebody vouches for, 64 hexadecimal digits; TorchScript needs it, as it runs code.
        threads: Frames that are looked at together, by a backend that several threads may use.

    Returns:
        Keypoints of all frames; px, confidence 0..1.

    Raises:
        InputError: Nobody is found, or in fewer than half of the frames, or the person is too small; or the backend
            lacks its package, weights or files.
    """
    longest = max(0, round(config.max_gap_seconds * frames.fps))
    made_by = find_backend("keypoints", config.backend)
    opened = open_backend("keypoints", config.backend, weights, files, sha256)
    if made_by.reads:
        poses = opened.read_poses(frames)
        people = np.array([int(pose is not None) for pose in poses])
        return _assemble(frames, config, poses, people, longest, hidden_faces=True)
    with closing(opened) as backend, ThreadPoolExecutor(threads if made_by.parallel else 1) as pool:
        regions, people = _choose_person(frames, backend, longest, pool)
        poses = _find_poses(frames, backend, regions, pool)
    return _assemble(frames, config, poses, people, longest)


def _choose_person(
    frames: Frames, backend: KeypointBackend, longest: int, pool: Executor
) -> tuple[list[Region | None], np.ndarray]:
    """The region of the chosen person in each frame, and the number of people in it [T]."""
    looks = pool.map(lambda index: list(backend.find_people(frames.read(index))), range(len(frames)))
    found = list(track(looks, "finding people", len(frames)))
    people = np.array([len(regions) for regions in found])
    if not people.any():
        raise InputError(f"Nobody was found in any frame of {frames.source}; use a video that shows one whole person.")
    if people.max() > 1:
        logger.info("%s: %s", frames.source, crowd_note(people))
    picks = person_picks([np.array([region.box for region in regions]).reshape(-1, 4) for regions in found], frames.fps)
    chosen = [regions[pick] if pick >= 0 else None for regions, pick in zip(found, picks, strict=True)]
    return _fill_regions(chosen, longest), people


def _fill_regions(regions: list[Region | None], longest: int) -> list[Region | None]:
    """Regions also for frames where the detector missed the person, from the frames around them."""
    rows = np.array([(r.x, r.y, r.size, np.cos(r.angle), np.sin(r.angle)) if r else (0.0,) * 5 for r in regions])
    known = np.array([r is not None for r in regions])
    rows, filled = fill_rows(rows, known, longest)
    return [
        Region(x, y, size, float(np.arctan2(sin, cos))) if given or guessed else None
        for (x, y, size, cos, sin), given, guessed in zip(rows.tolist(), known, filled, strict=True)
    ]


def _find_poses(
    frames: Frames, backend: KeypointBackend, regions: Sequence[Region | None], pool: Executor
) -> list[Pose | None]:
    def look(index: int, region: Region | None) -> Pose | None:
        return backend.find_pose(frames.read(index), region) if region else None

    looks = pool.map(look, range(len(regions)), regions)
    return list(track(looks, "finding keypoints", len(regions)))


def _assemble(
    frames: Frames,
    config: KeypointsConfig,
    poses: list[Pose | None],
    people: np.ndarray,
    longest: int,
    hidden_faces: bool = False,
) -> Keypoints:
    seen = np.array([pose is not None for pose in poses])
    if not seen.any():
        raise InputError(f"Nobody was found in any frame of {frames.source}; use a video that shows one whole person.")
    if seen.mean() < 0.5:
        raise InputError(
            f"The person was found in only {seen.sum()} of {len(seen)} frames of {frames.source};"
            " cut the video to the part that shows them."
        )
    empty = np.zeros((len(KEYPOINTS), 3), np.float32)
    points = np.stack([empty if pose is None else pose.points for pose in poses])
    world = np.stack([empty if pose is None else pose.world for pose in poses])
    boxes = np.stack([person_box(row, frames.width, frames.height, hidden_faces) for row in points])
    heights = (boxes[:, 3] - boxes[:, 1])[seen]
    height = float(np.median(heights))
    if height < config.min_height:
        raise InputError(
            f"The person in {frames.source} is {height:.0f} px tall, less than {config.min_height} px"
            " (keypoints.min_height); film closer, or raise frames.person_height and frames.max_size if the video is larger."
        )

    swapped = find_swaps(lateral_directions(world), seen, frames.fps)
    if swapped.any():
        logger.info("%s: left and right put back in %d of %d frames", frames.source, swapped.sum(), len(swapped))
    points, world = undo_swaps(points, swapped), undo_swaps(world, swapped)
    doubtful = doubtful_turns(lateral_directions(world), seen, frames.fps)
    if len(doubtful):
        logger.warning(
            "%s: front and back of the person may be confused near frame %s; look there in the report",
            frames.source, in_words(doubtful),
        )  # fmt: skip
    points = doubt_outliers(doubt_hidden_faces(points, world), seen, height)

    (points, filled), (world, _), (boxes, _) = (fill_rows(array, seen, longest) for array in (points, world, boxes))
    points[filled, :, 2] = 0.0
    logger.info(
        "%s: person found in %d of %d frames, %d interpolated", frames.source, seen.sum(), len(seen), filled.sum()
    )
    return Keypoints(
        keypoints=points.astype(np.float32),
        names=KEYPOINTS,
        bbox=boxes.astype(np.float32),
        backend=config.backend,
        world=world.astype(np.float32),
        interpolated=filled,
        swapped=swapped,
        people=people,
    )


def person_box(points: np.ndarray, width: int, height: int, hidden_faces: bool = False) -> np.ndarray:
    """Box [4] x0 y0 x1 y1 px around the sure points of one person [J,3], inside the image; zeros without any.

    With ``hidden_faces`` also around a face of the little confidence that one has which is seen from behind: other
    programs' points, and our own from a file, have been doubted already, and the head is there all the same.
    """
    least = np.full(len(points), SURE)
    if hidden_faces:
        least[list(FACE)] *= HIDDEN_FACE_CONFIDENCE
    sure = points[points[:, 2] >= least, :2]
    if not len(sure):
        return np.zeros(4)
    low, high = sure.min(axis=0), sure.max(axis=0)
    margin = BOX_MARGIN * float((high - low).max())
    return np.array([*np.clip(low - margin, 0, (width, height)), *np.clip(high + margin, 0, (width, height))])
