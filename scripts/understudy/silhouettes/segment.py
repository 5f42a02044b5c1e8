"""Soft silhouettes of the tracked person: by default MediaPipe's person mask averaged over several looks."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from understudy.backends.images import cut, resized, shrunk
from understudy.backends.protocols import KeypointBackend, MaskBackend, Region
from understudy.backends.registry import find_backend, open_backend
from understudy.files.atomic import atomic_folder
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import write_alpha
from understudy.formats.skeleton import INDEX
from understudy.progress import track
from understudy.silhouettes.blobs import SURE, draw_skeleton, keep_touching
from understudy.silhouettes.config import SilhouettesConfig
from understudy.threads import side_by_side

logger = logging.getLogger(__name__)

Box = tuple[int, int, int, int]

VIEW = 2.3
"""Side of a view in units of the person's reach, the distance from the hips to the farthest point."""
TILTS = (0.0, 0.2, -0.2)
"""Radians by which the views are turned against each other."""
REACH_PER_TORSO = 1.5
"""Least reach in lengths of the torso, for people of whom little is seen."""


def cut_silhouettes(
    frames: Frames,
    keypoints: Keypoints,
    folder: Path,
    config: SilhouettesConfig,
    weights: Path | None = None,
    files: Path | None = None,
    sha256: str | None = None,
    threads: int = 1,
) -> None:
    """Write the soft mask of the tracked person of every frame; all zero in frames without one.

    Blobs that do not touch the skeleton are somebody or something else. Masks that the user gives are taken as they are.

    Args:
        frames: The video.
        keypoints: The tracked person.
        folder: Where the masks go: ``000000.png``, ..., 8 bit, 255 for the person; replaced as a whole.
        config: How they are cut.
        weights: The backend's weights, if it takes any.
        files: The user's masks, if the backend reads such.
        sha256: Of weights that somebody vouches for, 64 hexadecimal digits; TorchScript needs it, as it runs code.
        threads: Frames that are cut together, by a backend that several threads may use.

    Raises:
        InputError: The backend lacks its package, weights or files, or a picture or mask cannot be read.
    """
    made_by = find_backend("silhouettes", config.backend)
    opened = open_backend("silhouettes", config.backend, weights, files, sha256)
    if made_by.reads:
        _write_masks(frames, folder, partial(opened.read_mask, frames), 1)
        return
    with closing(opened) as backend:

        def mask_of(index: int) -> np.ndarray:
            points = keypoints.keypoints[index].copy()
            if keypoints.interpolated[index]:
                points[points.any(axis=-1), 2] = 1.0  # the best there is
            alpha = np.zeros((frames.height, frames.width), np.uint8)
            box = grown(keypoints.bbox[index], config.margin, frames.width, frames.height)
            if box is not None:
                x0, y0, x1, y1 = box
                cut_out = cut_from_whole if made_by.whole else cut_person
                alpha[y0:y1, x0:x1] = cut_out(frames.read(index), points, box, backend, config.max_size)
            return alpha

        _write_masks(frames, folder, mask_of, threads if made_by.parallel else 1)


def _write_masks(frames: Frames, folder: Path, mask_of: Callable[[int], np.ndarray], threads: int) -> None:
    with atomic_folder(folder, "silhouettes") as temporary:

        def write(index: int) -> bool:
            alpha = mask_of(index)
            write_alpha(temporary, index, alpha)
            return bool(alpha.any())

        there = sum(track(side_by_side(write, range(len(frames)), threads), "cutting silhouettes", len(frames)))
    logger.info("%s: silhouettes in %d of %d frames", frames.source, there, len(frames))


def cut_from_whole(image: np.ndarray, points: np.ndarray, box: Box, backend: MaskBackend, max_size: int) -> np.ndarray:
    """As ``cut_person``, by a backend that must see the whole picture, of at most ``max_size`` px a side."""
    height, width = image.shape[:2]
    picture = shrunk(image, max_size)
    scale = np.array([picture.shape[1] / width, picture.shape[0] / height])
    points = points * (*scale, 1)
    soft = backend.find_mask(picture, np.array(box) * np.tile(scale, 2), points)
    soft = keep_touching(soft, draw_skeleton(points, picture.shape))
    large = resized(soft, width, height, cv2.INTER_CUBIC)[box[1] : box[3], box[0] : box[2]]
    return np.round(np.clip(large, 0, 1) * 255).astype(np.uint8)


def cut_person(
    image: np.ndarray, points: np.ndarray, box: Box, backend: KeypointBackend | MaskBackend, max_size: int
) -> np.ndarray:
    """The mask of one person inside ``box``, computed on a picture of the person's surroundings.

    Args:
        image: RGB uint8 [H,W,3].
        points: [J,3] px, px, confidence.
        box: x0 y0 x1 y1 px.
        backend: One that gives masks, or masks with its poses.
        max_size: Longest side that the mask is computed at, px.

    Returns:
        uint8 [y1-y0,x1-x0]; zeros if nobody is there.
    """
    view = person_view(points)
    if view is None:
        return np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    # a picture of the person with the surroundings that the network looks at too
    around = np.stack([view.box, np.array(box, float)])
    x0, y0 = np.floor(around[:, :2].min(axis=0)).astype(int).tolist()
    width, height = (np.ceil(around[:, 2:].max(axis=0)).astype(int) - (x0, y0)).tolist()
    factor = min(1.0, max_size / max(width, height))
    picture = resized(cut(image, x0, y0, width, height), round(width * factor), round(height * factor))

    points = (points - (x0, y0, 0)) * (factor, factor, 1)
    if isinstance(backend, MaskBackend):
        soft = backend.find_mask(picture, (np.array(box) - (x0, y0, x0, y0)) * factor, points)
    else:
        view = Region((view.x - x0) * factor, (view.y - y0) * factor, view.size * factor, view.angle)
        soft = soft_mask(picture, view, backend)
    soft = keep_touching(soft, draw_skeleton(points, picture.shape))
    large = resized(soft, width, height, cv2.INTER_CUBIC)[box[1] - y0 : box[3] - y0, box[0] - x0 : box[2] - x0]
    return np.round(np.clip(large, 0, 1) * 255).astype(np.uint8)


def person_view(points: np.ndarray) -> Region | None:
    """The square that the network should look at.

    Args:
        points: [J,3] px, px, confidence.

    Returns:
        An upright view of the person around the hips; None if hips and shoulders are not known.
    """
    hips, neck = points[INDEX["mid_hip"]], points[INDEX["neck"]]
    sure = points[points[:, 2] >= SURE, :2]
    if hips[2] <= 0 or neck[2] <= 0 or not len(sure):
        return None
    up = neck[:2] - hips[:2]
    reach = max(np.linalg.norm(sure - hips[:2], axis=-1).max(), REACH_PER_TORSO * np.hypot(*up), 1.0)
    return Region(float(hips[0]), float(hips[1]), VIEW * float(reach), float(np.arctan2(up[0], -up[1])))


def soft_mask(picture: np.ndarray, view: Region, backend: KeypointBackend) -> np.ndarray:
    """Mean mask float32 [H,W] of the person in ``picture`` over turned views; zeros if none shows a person.

    MediaPipe's mask has only 256 px a side; several slightly turned looks at the person, averaged, give it more.
    """
    poses = [backend.find_pose(picture, replace(view, angle=view.angle + tilt)) for tilt in TILTS]
    masks = [pose.mask for pose in poses if pose is not None and pose.mask is not None]
    return np.mean(masks, axis=0) if masks else np.zeros(picture.shape[:2], np.float32)


def grown(box: np.ndarray, margin: float, width: int, height: int) -> Box | None:
    """A box [4] x0 y0 x1 y1 grown about its centre to whole pixels inside the image; None if nothing is left of it."""
    if not (box[2:] > box[:2]).all():
        return None
    centre, half = (box[:2] + box[2:]) / 2, margin * (box[2:] - box[:2]) / 2
    x0, y0 = np.floor(np.clip(centre - half, 0, (width, height))).astype(int).tolist()
    x1, y1 = np.ceil(np.clip(centre + half, 0, (width, height))).astype(int).tolist()
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
