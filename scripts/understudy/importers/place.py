"""A tracking on the chosen frames: numbers of pictures, gaps, size, lens and camera."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from understudy.errors import InputError
from understudy.formats.frames import Frames, Placement
from understudy.formats.keypoints import Keypoints
from understudy.formats.tracks import fill_rows
from understudy.importers.people import number_of
from understudy.importers.tracking import Camera, Points, Tracking
from understudy.video.sources import list_images

GAP_SECONDS = 0.5
"""Keypoints are interpolated in gaps of up to this length."""


def first_number(tracking: Tracking, pictures: Path | None) -> dict[int, int] | int:
    """What takes the files' numbers to pictures counted from 0: a table by the images' names, or the first one's number.

    Numbers of files that are named after images go by these names. Otherwise counting starts at 1 where the
    smallest number is 1, since programs write a file for every frame or start with the first person, and at 0 else.
    """
    if tracking.first is not None:
        return tracking.first
    if pictures is not None and pictures.is_dir():
        try:
            table = {number_of(path.name, pictures): index for index, path in enumerate(list_images(pictures))}
        except InputError:
            table = {}
        numbers = np.concatenate([tracking.pose_frames, tracking.point_frames])
        if len(table) == len(list_images(pictures)) and all(int(number) in table for number in numbers):
            return table
    return 1 if tracking.least == 1 else 0


def picture_indices(numbers: Sequence[int] | np.ndarray, start: dict[int, int] | int) -> np.ndarray:
    """Pictures counted from 0 of the files' numbers; -1 for those that there are none of."""
    if isinstance(start, dict):
        return np.array([start.get(int(number), -1) for number in numbers], np.int64)
    return np.asarray(numbers, np.int64) - start


def rows_of_frames(indices: np.ndarray, source_frames: np.ndarray) -> np.ndarray:
    """Which row [T] of ``indices`` belongs to each kept frame; -1 for none."""
    row_of = {int(index): row for row, index in enumerate(indices)}
    return np.array([row_of.get(int(index), -1) for index in source_frames])


def placement_of(size: tuple[int, int], frames: Frames, what: str) -> Placement:
    """How the tracked pictures, of ``size`` (width, height), lie on the kept frames.

    Raises:
        InputError: The pictures have another shape than the frames, and than the video.
    """
    placement = frames.placement(size)
    if placement is None:
        raise InputError(
            f"{what} is for pictures of {size[0]}x{size[1]} px but the frames are {frames.width}x{frames.height}; "
            "give the video that was tracked, neither cropped nor turned."
        )
    return placement


def own_keypoints(folder: Path, anew: bool) -> Keypoints | None:
    """Keypoints that the keypoints stage found in these frames; none of cropped ones that are to be made ``anew``, uncropped."""
    path = folder / "keypoints.npz"
    if not path.is_file() or (
        anew and (folder / "frames.json").is_file() and Frames.load(folder / "frames.json").crop is not None
    ):
        return None
    return Keypoints.load(path)


def placed_keypoints(
    points: Points, rows: np.ndarray, frames: Frames, placement: Placement, camera: Camera | None, backend: str
) -> Keypoints:
    """Keypoints of the kept frames: lens distortion removed, scaled, short gaps interpolated.

    Args:
        points: In px of the tracked pictures.
        rows: Row of ``points`` for each kept frame, -1 for none [T].
        frames: The kept frames.
        placement: Of the tracked pictures on the frames.
        camera: Of the tracked pictures; only a lens with distortion matters.
        backend: Where they come from.

    Raises:
        InputError: The person is in none of the kept frames, or the points lie outside of the pictures.
    """
    known = rows >= 0
    if not known.any():
        raise InputError(
            f"None of the {len(rows)} frames of {frames.source} has keypoints of {backend}; "
            "give the video that was tracked, and check the option first."
        )
    values = np.array(points.keypoints, np.float64)
    boxes = np.array(points.bbox, np.float64)
    if camera is not None and camera.distortion is not None:
        values[..., :2] = undistorted(values[..., :2], camera)
        boxes = undistorted(boxes.reshape(-1, 2, 2), camera).reshape(-1, 4)
    values[..., :2] = placement.points(values[..., :2])
    boxes = placement.points(boxes.reshape(-1, 2, 2)).reshape(-1, 4)
    values[values[..., 2] <= 0] = 0.0
    values[..., 2] = np.clip(values[..., 2], 0.0, 1.0)
    sure = values[values[..., 2] > 0.3][:, :2]
    inside = ((sure > -0.1 * frames.width) & (sure < 1.1 * np.array([frames.width, frames.height]))).all(axis=1)
    if len(sure) and inside.mean() < 0.5:
        raise InputError(
            f"Most keypoints of {backend} lie outside of {frames.source}; give the video that was tracked, in its own size."
        )
    longest = round(GAP_SECONDS * frames.fps)
    placed, filled = fill_rows(values[rows], known, longest)
    placed[filled, :, 2] = 0.0
    bbox, _ = fill_rows(boxes[rows], known, longest)
    return Keypoints(
        keypoints=placed.astype(np.float32),
        names=points.names,
        bbox=bbox.astype(np.float32),
        backend=backend,
        world=np.zeros(placed.shape, np.float32),
        interpolated=filled,
        swapped=np.zeros(len(rows), bool),
        people=np.where(known, points.people[rows], 0),
    )


def undistorted(places: np.ndarray, camera: Camera) -> np.ndarray:
    """Places [...,2] in px, pixel centres at +0.5, as a camera without lens distortion and with the same K sees them."""
    K = camera.K.copy()
    K[:2, 2] -= 0.5
    flat = np.ascontiguousarray(places.reshape(-1, 1, 2) - 0.5)
    distortion = np.asarray(camera.distortion, np.float64)
    return cv2.undistortPoints(flat, K, distortion, P=K).reshape(places.shape) + 0.5


def filled_rotations(rotations: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rotations [T,J,3,3] of the kept frames from ``rotations`` [N,J,3,3]: the shortest way through gaps, still at the ends."""
    before, after, share = _neighbours(rows)
    start, end = rotations[before], rotations[after]
    way = Rotation.from_matrix((start.swapaxes(-1, -2) @ end).reshape(-1, 3, 3)).as_rotvec()
    steps = way.reshape(len(rows), -1, 3) * share[:, None, None]
    turned = Rotation.from_rotvec(steps.reshape(-1, 3)).as_matrix().reshape(start.shape)
    return start @ turned


def filled_vectors(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Vectors [T,C] of the kept frames from ``vectors`` [N,C]: on straight lines through gaps, still at the ends."""
    before, after, share = _neighbours(rows)
    return vectors[before] * (1 - share[:, None]) + vectors[after] * share[:, None]


def _neighbours(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each frame the rows known before and after it, and how far it is between them, 0..1."""
    frames = np.arange(len(rows))
    known = np.flatnonzero(rows >= 0)
    after = np.clip(np.searchsorted(known, frames), 0, len(known) - 1)
    before = np.clip(np.searchsorted(known, frames, side="right") - 1, 0, None)
    span = known[after] - known[before]
    share = np.clip(np.where(span > 0, (frames - known[before]) / np.maximum(span, 1), 0.0), 0.0, 1.0)
    return rows[known[before]], rows[known[after]], share


def refocused(
    pelvis: np.ndarray, root: np.ndarray, K_from: np.ndarray, K_to: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pelvis [T,3] and root rotation [T,3,3] that another camera sees in the same place, of the same size, from the same side.

    The depth goes with the focal length. A person off the middle is looked at under another angle then, so the body
    turns with the line of sight.
    """
    pixel = pelvis[:, :2] / pelvis[:, 2:] * [K_from[0, 0], K_from[1, 1]] + K_from[:2, 2]
    depth = pelvis[:, 2] * K_to[0, 0] / K_from[0, 0]
    rays = np.concatenate([(pixel - K_to[:2, 2]) / [K_to[0, 0], K_to[1, 1]], np.ones((len(pelvis), 1))], axis=1)
    place = rays * depth[:, None]
    old, new = (vector / np.linalg.norm(vector, axis=1, keepdims=True) for vector in (pelvis, place))
    axis = np.cross(old, new)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine[:, 0], (old * new).sum(axis=1))
    turn = Rotation.from_rotvec(axis / np.maximum(sine, 1e-12) * angle[:, None]).as_matrix()
    return place, turn @ root
