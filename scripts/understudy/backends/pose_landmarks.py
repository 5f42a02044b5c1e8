"""BlazePose's landmark network: 33 points of the person in a square, in the picture and in space, and their mask.

Bazarevsky et al. 2020; for the points in space and the mask Grishchenko et al. 2022 (BlazePose GHUM Holistic).
"""

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from understudy.backends.litert import Network, network_file
from understudy.backends.protocols import Region

SIZE = 256
"""Side in px of what it sees, and of its mask."""
LANDMARKS = 33
ALL = 39
"""The landmarks and six that only say where to look next."""
HEAT_MAP = 64
"""Side in px of the map that shows where a landmark is."""
REACH = 4
"""A landmark is moved to the centre of mass of its heat map within so many px of that map."""
SURE_HEAT = 0.5
"""Least heat there for it."""
PRESENT = 0.5


@dataclass(frozen=True)
class Landmarks:
    """What is seen of one person."""

    points: np.ndarray  # [33,3]
    """x, y in px of the picture, and how likely the point is in it and can be seen, 0..1."""
    world: np.ndarray  # [33,3] m, about the middle of the hips, camera axes
    mask_logits: np.ndarray  # [256,256], of the square as the network saw it

    @property
    def mask(self) -> np.ndarray:
        """Soft mask [256,256] 0..1 of that square; made when it is asked for, as most want points alone."""
        return sigmoid(self.mask_logits)


class PoseLandmarks:
    """The landmark network.

    Args:
        weights: Another one of the same inputs and outputs, in place of that which comes with the project.

    Raises:
        InputError: It is no such network.
    """

    def __init__(self, weights: Path | None = None) -> None:
        path = network_file("pose_landmark_full.tflite") if weights is None else weights
        outputs = [(1, 1), (1, ALL * 5), (1, ALL * 3), (1, HEAT_MAP, HEAT_MAP, ALL), (1, SIZE, SIZE, 1)]
        self._network = Network(path, SIZE, outputs)

    def find(self, image: np.ndarray, region: Region) -> Landmarks | None:
        """The person in a ``region`` of an RGB uint8 image [H,W,3], which is not much larger than ``SIZE``; None for nobody."""
        to_image = square_to_image(region)
        seen = cv2.warpAffine(
            image,
            to_image,
            (SIZE, SIZE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        outputs = self._network.run(seen.astype(np.float32) / 255.0)
        if outputs[1, 1].item() <= PRESENT:
            return None
        raw = outputs[1, ALL * 5].reshape(ALL, 5)[:LANDMARKS].astype(float)
        places = refine(raw[:, :2] / SIZE, sigmoid(outputs[1, HEAT_MAP, HEAT_MAP, ALL][0, ..., :LANDMARKS])) * SIZE
        seen_and_there = sigmoid(raw[:, 3]) * sigmoid(raw[:, 4])
        world = outputs[1, ALL * 3].reshape(ALL, 3)[:LANDMARKS].astype(float)
        world[:, :2] = world[:, :2] @ turn(region.angle).T
        return Landmarks(
            np.column_stack([places @ to_image[:, :2].T + to_image[:, 2], seen_and_there]),
            world,
            outputs[1, SIZE, SIZE, 1][0, ..., 0],
        )


def refine(places: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Landmarks [L,2] moved to where their heat maps say, x, y 0..1 of the square.

    A landmark whose cell lies outside the map, or that has little heat around it, stays.

    Args:
        places: [L,2].
        heat: [h,h,L], 0..1.
    """
    side = len(heat)
    cell = (places * side).astype(int)  # towards zero
    inside = ((cell >= 0) & (cell < side)).all(axis=1)
    padded = np.pad(heat, ((REACH, REACH), (REACH, REACH), (0, 0)))
    steps = np.arange(-REACH, REACH + 1)
    column, row = (np.where(inside, cell[:, axis], 0)[:, None] + steps for axis in (0, 1))  # [L,9]
    around = padded[row[:, :, None] + REACH, column[:, None, :] + REACH, np.arange(len(places))[:, None, None]]
    total = around.sum(axis=(1, 2))
    moved = inside & (around.max(axis=(1, 2)) >= SURE_HEAT)
    total = np.where(moved, total, 1.0)
    x = (around.sum(axis=1) * column).sum(axis=1) / total
    y = (around.sum(axis=2) * row).sum(axis=1) / total
    return np.where(moved[:, None], np.column_stack([x, y]) / side, places)


def square_to_image(region: Region) -> np.ndarray:
    """From px of the square that the network sees to px of the picture [2,3].

    As MediaPipe samples them: pixel centres are at whole numbers in both.
    """
    scaled = turn(region.angle) * (region.size / SIZE)
    return np.column_stack([scaled, np.array([region.x, region.y]) - scaled @ (SIZE / 2, SIZE / 2)])


def mask_in_image(mask: np.ndarray, region: Region, width: int, height: int) -> np.ndarray:
    """The mask of a square [256,256] in a picture [height,width], 0 outside of the square."""
    return cv2.warpAffine(mask, square_to_image(region), (width, height), flags=cv2.INTER_LINEAR)


def turn(angle: float) -> np.ndarray:
    """Turns x, y by an angle (rad), clockwise as seen [2,2]."""
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Of any array of them."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))
