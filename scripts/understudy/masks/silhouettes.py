"""Soft silhouettes of the tracked person, by MediaPipe's person mask seen from near and far."""

import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from understudy.files import whole_folder
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import write_alpha
from understudy.formats.skeleton import BONES, INDEX
from understudy.keypoints.backends import KeypointBackend, Region
from understudy.keypoints.images import cut, resized
from understudy.progress import track

logger = logging.getLogger(__name__)

Box = tuple[int, int, int, int]

SURE = 0.3
"""Points of at least this confidence place the views and the skeleton."""
WHOLE, UPPER, LOWER = 2.4, 1.5, 1.9
"""Sides of the views in units of the person's reach, the distance from the hips to the farthest point."""
CLOSE_UP = 0.6
"""The close-ups are centred this far on the way from the hips to the neck, and to the knees."""
CLOSE_UP_WEIGHT = 3.0
"""A close-up counts this much against the view of the whole person."""
REACH_PER_TORSO = 1.5
"""Least reach in lengths of the torso, for people of whom little is seen."""


@dataclass(frozen=True)
class SilhouettesConfig:
    """How silhouettes are cut."""

    margin: float = 1.25
    """Nothing outside the person's box grown by this factor is foreground."""
    max_size: int = 720
    """Masks are computed on a picture of the person of at most this many px and enlarged from there."""


def cut_silhouettes(frames: Frames, keypoints: Keypoints, folder: Path, config: SilhouettesConfig) -> None:
    """Write the soft mask of the tracked person of every frame to ``folder``; all zero in frames without one.

    The network sees the whole person, then the upper and the lower body from nearer, and the three are blended: its mask
    has only 256 px a side, so that close-ups are sharper. Blobs that do not touch the skeleton are somebody or something else.
    """
    from understudy.keypoints.mediapipe import MediaPipePose

    with closing(MediaPipePose(masks=True)) as backend, whole_folder(folder) as temporary:
        empty = 0
        for index in track(range(len(frames)), "cutting silhouettes"):
            points = keypoints.keypoints[index].copy()
            if keypoints.interpolated[index]:
                points[points.any(axis=-1), 2] = 1.0  # the best there is
            alpha = np.zeros((frames.height, frames.width), np.uint8)
            box = grown(keypoints.bbox[index], config.margin, frames.width, frames.height)
            if box is not None:
                x0, y0, x1, y1 = box
                alpha[y0:y1, x0:x1] = cut_person(frames.read(index), points, box, backend, config.max_size)
            empty += not alpha.any()
            write_alpha(temporary, index, alpha)
    logger.info("%s: silhouettes in %d of %d frames", frames.source, len(frames) - empty, len(frames))


def cut_person(image: np.ndarray, points: np.ndarray, box: Box, backend: KeypointBackend, max_size: int) -> np.ndarray:
    """The mask of one person inside ``box``.

    Args:
        image: RGB uint8 [H,W,3].
        points: [J,3] px, px, confidence.
        box: x0 y0 x1 y1 px.
        backend: One that gives masks.
        max_size: Longest side that the mask is computed at, px.

    Returns:
        uint8 [y1-y0,x1-x0]; zeros if nobody is there.
    """
    views = person_views(points)
    if not views:
        return np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    # a picture of the person with the surroundings that the networks look at too
    around = np.stack([views[0][0].box, np.array(box, float)])
    x0, y0 = np.floor(around[:, :2].min(axis=0)).astype(int).tolist()
    width, height = (np.ceil(around[:, 2:].max(axis=0)).astype(int) - (x0, y0)).tolist()
    factor = min(1.0, max_size / max(width, height))
    picture = resized(cut(image, x0, y0, width, height), round(width * factor), round(height * factor))

    views = [(_moved(view, x0, y0, factor), weight) for view, weight in views]
    soft = blend_views(picture, views, backend)
    if soft is None:
        return np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    skeleton = draw_skeleton((points - (x0, y0, 0)) * (factor, factor, 1), soft.shape)
    soft = keep_touching(soft, skeleton)
    large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    large = large[box[1] - y0 : box[3] - y0, box[0] - x0 : box[2] - x0]
    return np.round(np.clip(large, 0, 1) * 255).astype(np.uint8)


def person_views(points: np.ndarray) -> list[tuple[Region, float]]:
    """What to look at, and how much each look counts: the whole person, and close-ups of the upper and lower body.

    Args:
        points: [J,3] px, px, confidence.

    Returns:
        Regions and weights, the whole person first; empty if hips and shoulders are not known.
    """
    hips, neck = points[INDEX["mid_hip"]], points[INDEX["neck"]]
    sure = points[points[:, 2] >= SURE, :2]
    if hips[2] <= 0 or neck[2] <= 0 or not len(sure):
        return []
    middle, up = hips[:2], neck[:2] - hips[:2]
    angle = float(np.arctan2(up[0], -up[1]))
    torso = float(np.hypot(*up))
    reach = max(float(np.linalg.norm(sure - middle, axis=-1).max()), REACH_PER_TORSO * torso, 1.0)
    views = [(Region(*middle.tolist(), WHOLE * reach, angle), 1.0)]
    views.append((Region(*(middle + CLOSE_UP * up).tolist(), UPPER * reach, angle), CLOSE_UP_WEIGHT))
    knees = points[[INDEX["left_knee"], INDEX["right_knee"]]]
    if (knees[:, 2] >= SURE).all():
        below = middle + CLOSE_UP * (knees[:, :2].mean(axis=0) - middle)
        views.append((Region(*below.tolist(), LOWER * reach, angle), CLOSE_UP_WEIGHT))
    return views


def blend_views(picture: np.ndarray, views: list[tuple[Region, float]], backend: KeypointBackend) -> np.ndarray | None:
    """Soft mask float32 [H,W] of ``picture``, the weighted mean over the views; None if no view shows a person."""
    total = np.zeros(picture.shape[:2], np.float32)
    weights = np.zeros(picture.shape[:2], np.float32)
    for number, (view, weight) in enumerate(views):
        pose = backend.find_pose(picture, view)
        if pose is None or pose.mask is None:
            continue
        share = weight * fading(view, picture.shape[:2]) if number else np.float32(weight)
        total += share * pose.mask
        weights += share
    return total / np.maximum(weights, 1e-6) if weights.any() else None


def fading(view: Region, shape: tuple[int, int]) -> np.ndarray:
    """Weight [H,W] float32 of a close-up: 1 in its inner 60 %, falling to 0 towards the edges that cut the body."""
    x = np.arange(shape[1], dtype=np.float32) + 0.5 - np.float32(view.x)
    y = np.arange(shape[0], dtype=np.float32)[:, None] + 0.5 - np.float32(view.y)
    cos, sin = np.float32(np.cos(view.angle)), np.float32(np.sin(view.angle))
    away = np.maximum(np.abs(x * cos + y * sin), np.abs(y * cos - x * sin)) / np.float32(view.size / 2)
    return np.clip((0.9 - away) / 0.3, 0, 1)


def draw_skeleton(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Bones between sure points [J,3] as lines on a bool image of ``shape``."""
    image = np.zeros(shape[:2], np.uint8)
    for a, b in BONES:
        if min(points[a, 2], points[b, 2]) >= SURE:
            start, end = np.round(points[[a, b], :2] - 0.5).astype(int).tolist()
            cv2.line(image, start, end, 1, 3)
    return image.astype(bool)


def keep_touching(soft: np.ndarray, skeleton: np.ndarray) -> np.ndarray:
    """The parts of a soft mask [H,W] whose core (> 0.5) touches ``skeleton`` [H,W] bool.

    Soft pixels belong to the nearest core, so that a removed blob takes its border along.
    """
    core = (soft > 0.5).astype(np.uint8)
    count, parts = cv2.connectedComponents(core, connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(parts[skeleton])] = True
    keep[0] = False
    if not keep.any():
        return np.zeros_like(soft)
    if keep[1:].all():
        return soft
    _, nearest = cv2.distanceTransformWithLabels(1 - core, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    part_of = np.zeros(int(nearest.max()) + 1, parts.dtype)
    part_of[nearest[core > 0]] = parts[core > 0]
    return np.where(keep[part_of[nearest]], soft, np.float32(0))


def grown(box: np.ndarray, margin: float, width: int, height: int) -> Box | None:
    """A box [4] x0 y0 x1 y1 grown about its centre to whole pixels inside the image; None if nothing is left of it."""
    if not (box[2:] > box[:2]).all():
        return None
    centre, half = (box[:2] + box[2:]) / 2, margin * (box[2:] - box[:2]) / 2
    x0, y0 = np.floor(np.clip(centre - half, 0, (width, height))).astype(int).tolist()
    x1, y1 = np.ceil(np.clip(centre + half, 0, (width, height))).astype(int).tolist()
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _moved(view: Region, x0: float, y0: float, factor: float) -> Region:
    return Region((view.x - x0) * factor, (view.y - y0) * factor, view.size * factor, view.angle)
