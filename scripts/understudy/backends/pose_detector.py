"""BlazePose's detector (Bazarevsky et al. 2020): where people are in a picture, and which way up.

A single-shot detector: each of its anchors says how likely a person is there, and where two points that span a circle
around the person lie.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from understudy.backends.litert import Network, network_file
from understudy.formats.tracks import overlap

SIZE = 224
"""Side in px of what it sees."""
STRIDES = ((8, 2), (16, 2), (32, 6))
"""Side in px of the cells of each of its layers, and anchors in each cell."""
MIN_SCORE = 0.5
SAME_PERSON = 0.3
"""Boxes that overlap by more of their union are of one person."""


@dataclass(frozen=True)
class Detections:
    """People in a picture, the surest first."""

    hips: np.ndarray  # [n,2] px
    """Middle of the hips."""
    rims: np.ndarray  # [n,2] px
    """A point of the circle round the hips that holds the whole person, in the direction of the head."""
    scores: np.ndarray  # [n] 0..1


class PoseDetector:
    """The detector."""

    def __init__(self) -> None:
        self._anchors = anchors()
        count = len(self._anchors)
        self._network = Network(network_file("pose_detection.tflite"), SIZE, [(1, count, 12), (1, count, 1)])

    def find(self, image: np.ndarray) -> Detections:
        """People in an RGB uint8 image [H,W,3]."""
        height, width = image.shape[:2]
        side = max(height, width)
        left, top = (side - width) / 2, (side - height) / 2
        # as MediaPipe samples them: pixel centres are at whole numbers in both
        to_image = np.array([[side / SIZE, 0.0, -left], [0.0, side / SIZE, -top]])
        seen = cv2.warpAffine(image, to_image, (SIZE, SIZE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        outputs = self._network.run(seen.astype(np.float32) * (2.0 / 255.0) - 1.0)
        count = len(self._anchors)
        boxes, points, scores = decode(outputs[1, count, 12][0], outputs[1, count, 1][0, :, 0], self._anchors)
        points, scores = merge(boxes, points, scores)
        places = points[:, :2] * side - (left, top)
        return Detections(places[:, 0], places[:, 1], scores)


def anchors() -> np.ndarray:
    """Centres [A,2] of the anchors, 0..1 of the picture's side."""
    centres = []
    for stride, anchors_per_cell in STRIDES:
        line = (np.arange(SIZE // stride) + 0.5) * stride / SIZE
        cells = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        centres.append(cells.repeat(anchors_per_cell, axis=0))
    return np.concatenate(centres)


def decode(raw: np.ndarray, logits: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What sure anchors say.

    Args:
        raw: [A,12] centre, width and height of a box and four points, px, all but the sides relative to the anchor.
        logits: [A] of there being a person.
        centres: [A,2] of the anchors.

    Returns:
        Boxes [n,4] x0 y0 x1 y1, points [n,4,2], all 0..1 of the picture's side, and scores [n] 0..1.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(float), -100.0, 100.0)))
    sure = scores >= MIN_SCORE
    raw, centres, scores = raw[sure].astype(float) / SIZE, centres[sure], scores[sure]
    middle, half = raw[:, :2] + centres, raw[:, 2:4] / 2
    return np.hstack([middle - half, middle + half]), raw[:, 4:].reshape(-1, 4, 2) + centres[:, None], scores


def merge(boxes: np.ndarray, points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [m,K,2] and scores [m] of people, the surest first, from boxes [n,4] of which several are of one person.

    Points are the mean of all boxes of a person, weighted by scores; the score is the highest (BlazeFace, Bazarevsky et al.
    2019, section 3.4).
    """
    left = np.argsort(-scores, kind="stable")
    people, best = [], []
    while len(left):
        same = overlap(boxes[left[:1]], boxes[left])[0] > SAME_PERSON
        same[0] = True
        people.append(np.average(points[left[same]], axis=0, weights=scores[left[same]]))
        best.append(scores[left[0]])
        left = left[~same]
    return np.array(people).reshape(-1, *points.shape[1:]), np.array(best)
