"""MediaPipe's pose networks, which come with the project: detector, landmarks and person mask.

MediaPipe's own solution follows one person of its choice; here the networks run apart, so that the caller chooses the
person.
"""

import math
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from understudy.backends.boxes import REGION_GROWTH, region_box
from understudy.backends.images import cut, pasted, resized, shrunk
from understudy.backends.pose_detector import SAME_PERSON, PoseDetector
from understudy.backends.pose_landmarks import SIZE, PoseLandmarks, mask_in_image
from understudy.backends.protocols import Pose, Region
from understudy.formats.skeleton import INDEX, KEYPOINTS, MIDDLES
from understudy.formats.tracks import overlap

LANDMARKS = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_big_toe", "right_big_toe",
)  # fmt: skip
"""MediaPipe's 33 landmarks in its order, by our names; what it calls foot index is the big toe."""

DETECTOR_SIZE = 720
"""Images are shrunk to at most this many px a side before people are looked for."""
OUTSIDE_CONFIDENCE = 0.1
"""Factor on the confidence of points outside the image, which are guesses."""


class _Networks(threading.local):
    """Each thread's own."""

    def __init__(self, weights: Path | None, mixed: bool) -> None:
        self._weights, self._mixed = weights, mixed

    @cached_property
    def detector(self) -> PoseDetector:
        return PoseDetector()

    @cached_property
    def landmarks(self) -> PoseLandmarks:
        return PoseLandmarks(self._weights)

    @cached_property
    def space(self) -> PoseLandmarks:
        return PoseLandmarks() if self._mixed else self.landmarks


class MediaPipePose:
    """People, poses and masks by MediaPipe.

    Args:
        masks: Also give a soft mask with each pose.
        weights: Another landmark network than the one that comes with the project.
        mixed: Take the points in the picture from ``weights`` alone, and those in space from the usual one.

    Raises:
        InputError: ``weights`` is no such network.
    """

    name = "mediapipe"

    def __init__(self, masks: bool = False, weights: Path | None = None, mixed: bool = False) -> None:
        self.masks = masks
        self._networks = _Networks(weights, mixed)
        if weights is not None:
            _ = self._networks.landmarks  # here, so that another file is refused before any work

    def find_people(self, image: np.ndarray) -> list[Region]:
        """Regions of all people in an RGB uint8 image [H,W,3], the surest first."""
        picture = shrunk(image, DETECTOR_SIZE)
        scale = np.array([image.shape[1] / picture.shape[1], image.shape[0] / picture.shape[0]])
        found = self._networks.detector.find(picture)
        return [_region(hips * scale, rim * scale) for hips, rim in zip(found.hips, found.rims, strict=True)]

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region`` of an RGB uint8 image [H,W,3], or None where there is no person."""
        # an upright square around the turned one, brought to the network's resolution by averaging
        side = math.ceil(region.size * (abs(math.cos(region.angle)) + abs(math.sin(region.angle)))) + 2
        x0, y0 = round(region.x - side / 2), round(region.y - side / 2)
        resolution = round(side * SIZE / region.size)
        square = resized(cut(image, x0, y0, side, side), resolution, resolution)
        scale = resolution / side
        inside = Region((region.x - x0) * scale, (region.y - y0) * scale, region.size * scale, region.angle)
        found = self._networks.landmarks.find(square, inside)
        if found is None:
            return None
        world = found.world
        if self._networks.space is not self._networks.landmarks:
            usual = self._networks.space.find(square, inside)
            world = np.zeros_like(world) if usual is None else usual.world  # none, rather than another network's
        mask = None
        if self.masks:
            mask = pasted(mask_in_image(found.mask, inside, resolution, resolution), x0, y0, side, image.shape[:2])
        points = found.points.astype(np.float32)
        points[:, :2] = points[:, :2] / scale + (x0, y0)
        return Pose(points=_doubt_outside(named(points), image.shape[:2]), world=named(world, False), mask=mask)

    def close(self) -> None:
        """Nothing to close."""


def heavy_pose(weights: Path) -> MediaPipePose:
    """The larger landmark network: points in the picture are nearer to the truth, those in space farther."""
    return MediaPipePose(weights=weights)


def mixed_pose(weights: Path) -> MediaPipePose:
    """The larger network's points in the picture with the usual one's in space."""
    return MediaPipePose(weights=weights, mixed=True)


def person_finder() -> Callable[[np.ndarray], list[np.ndarray]]:
    """Gives boxes x0 y0 x1 y1 px [4] of all people in an RGB picture uint8 [H,W,3]: of the circles that hold them whole.

    Where nobody is found in a wide picture, its squares are looked at one by one: the detector sees 224 px of it.
    """
    backend = MediaPipePose()

    def boxes_in(image: np.ndarray) -> np.ndarray:
        boxes = np.array([region_box(region) for region in backend.find_people(image)]).reshape(-1, 4)
        return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])

    def find(image: np.ndarray) -> list[np.ndarray]:
        found = boxes_in(image)
        side = min(image.shape[:2])
        if not len(found) and side < max(image.shape[:2]):
            squares = (
                (x, y, boxes_in(np.ascontiguousarray(image[y : y + side, x : x + side])))
                for y in steps(image.shape[0], side)
                for x in steps(image.shape[1], side)
            )
            found = distinct(np.concatenate([boxes + np.array([x, y, x, y]) for x, y, boxes in squares]))
        return list(found)

    return find


def steps(length: int, side: int) -> list[int]:
    """Where pieces of ``side`` begin that cover ``length`` and overlap by half or more."""
    count = math.ceil(2 * (length - side) / side)
    return [round(number * (length - side) / max(count, 1)) for number in range(count + 1)]


def distinct(boxes: np.ndarray) -> np.ndarray:
    """Those of the boxes [n,4] that overlap no larger one by much, the largest first [m,4]."""
    boxes = boxes[np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))]
    same = np.tril(overlap(boxes, boxes) > SAME_PERSON, -1).any(axis=1)
    return boxes[~same]


def pose_with_masks() -> MediaPipePose:
    """The backend for silhouettes."""
    return MediaPipePose(masks=True)


def _region(hips: np.ndarray, rim: np.ndarray) -> Region:
    """The region of a person whose hips and the circle's rim around the whole of them are at px [2]."""
    along = rim - hips
    angle = math.pi / 2 + math.atan2(along[1], along[0])
    size = 2 * REGION_GROWTH * float(np.hypot(*along))
    return Region(float(hips[0]), float(hips[1]), size, math.remainder(angle, 2 * math.pi))


def _doubt_outside(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape
    outside = (points[:, 0] < 0) | (points[:, 1] < 0) | (points[:, 0] > width) | (points[:, 1] > height)
    points[outside, 2] *= OUTSIDE_CONFIDENCE
    return points


def named(raw: np.ndarray, confidence: bool = True) -> np.ndarray:
    """MediaPipe's 33 landmarks [33,C] in the order of ``formats.skeleton.KEYPOINTS`` [J,C].

    Neck and middle of the hips are halfway between the sides.

    Args:
        raw: The landmarks.
        confidence: Whether the last column is a confidence, of which the points halfway have the lower one.
    """
    points = np.zeros((len(KEYPOINTS), raw.shape[1]), np.float32)
    points[[INDEX[name] for name in LANDMARKS]] = raw
    for name, (left, right) in MIDDLES.items():
        pair = points[[INDEX[left], INDEX[right]]]
        points[INDEX[name]] = pair.mean(axis=0)
        if confidence:
            points[INDEX[name], -1] = pair[:, -1].min()
    return points
