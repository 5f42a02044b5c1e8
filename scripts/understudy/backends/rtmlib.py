"""RTMPose and RTMW (Jiang et al. 2023 and 2024) through onnxruntime, by the package rtmlib."""

import contextlib
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np

from understudy.backends.onnx_session import open_session
from understudy.backends.protocols import KeypointBackend, Pose, Region
from understudy.backends.top_down import TopDown
from understudy.errors import InputError
from understudy.formats.skeleton import KEYPOINTS
from understudy.importers.skeletons import add_hands_and_face, body_points

logger = logging.getLogger(__name__)

SIZE = (192, 256)
"""Width and height of the network's input where the file leaves them open."""
LEAST = 0.1
"""Confidence that at least one point must have for a person to be there."""
WHOLE_BODY = 133
"""Points of COCO-WholeBody: 17 of the body, 6 of the feet, 68 of the face, 21 of each hand."""
FACE, LEFT_HAND, RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)


class RtmlibPose(TopDown):
    """The points of each person by RTMPose or RTMW; people are found by another backend.

    Args:
        weights: An ``.onnx`` file of one of these networks with 17, 26 or 133 points.
        finder: Finds people and roughly their points; MediaPipe if none is given.
    """

    name = "rtmlib"

    def __init__(self, weights: Path, finder: KeypointBackend | None = None) -> None:
        self.weights = weights
        self._network = open_network(weights)
        super().__init__(finder)

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region`` of an RGB uint8 image [H,W,3], or None where no point is seen."""
        (x, y, width, height), angle = self.upright_box(image, region)
        quarters = round(angle / (np.pi / 2)) % 4
        picture = np.ascontiguousarray(np.rot90(image, quarters))
        [[x, y]] = turned(np.array([[x, y]]), quarters, image.shape)
        # the package counts pixel centres from 0; its networks were trained on RGB, whatever its examples feed them
        box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) - 0.5
        places, scores = self._network(picture, [box])
        places = turned(places[0] + 0.5, -quarters % 4, picture.shape)
        raw = np.column_stack([places, np.clip(scores[0], 0.0, 1.0)])
        raw[raw[:, 2] <= 0] = 0.0
        if raw[:, 2].max() < LEAST:
            return None
        points = named(raw, str(self.weights)).astype(np.float32)
        return Pose(points=points, world=np.zeros((len(KEYPOINTS), 3), np.float32))

    def close(self) -> None:
        """Free the network, and close the person finder."""
        del self._network
        super().close()


def open_network(weights: Path) -> Any:
    """The package's network of a file, on the GPU where onnxruntime has one.

    Raises:
        InputError: The file is no network, or none of RTMPose's kind.
    """
    from rtmlib import RTMPose

    session = open_session(weights)
    shape, outputs = session.get_inputs()[0].shape, session.get_outputs()
    if len(shape) != 4 or len(outputs) != 2:
        raise InputError(
            f"{weights} is not a network of RTMPose or RTMW, which takes a picture and gives two outputs; it has"
            f" {len(outputs)} outputs."
        )
    height, width = shape[2:]
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else SIZE
    with contextlib.redirect_stdout(io.StringIO()):
        network = RTMPose(str(weights), model_input_size=size)
    network.session = session  # the same, but with our number of threads and device
    logger.info("%s: input of %dx%d px, on %s", weights.name, *size, session.get_providers()[0])
    return network


def named(raw: np.ndarray, where: str) -> np.ndarray:
    """Our points [37,3] of a network's points [17, 26 or 133,3]."""
    points = body_points(raw, where)
    if len(raw) == WHOLE_BODY:
        add_hands_and_face(points, raw[LEFT_HAND], raw[RIGHT_HAND], raw[FACE])
    return points


def turned(places: np.ndarray, quarters: int, shape: tuple[int, ...]) -> np.ndarray:
    """Places [N,2] px of an image of ``shape`` in that image after ``numpy.rot90`` by so many quarters."""
    height, width = shape[:2]
    for _ in range(quarters):
        places = np.column_stack([places[:, 1], width - places[:, 0]])
        height, width = width, height
    return places
