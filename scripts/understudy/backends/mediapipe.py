"""MediaPipe's pose networks: detector, landmarks and person mask, all carried by the wheel of MediaPipe 0.10.21.

BlazePose (Bazarevsky et al. 2020; for the 3D points Grishchenko et al. 2022). The stock ``Pose`` solution follows one
person of its own choice; here its two inner graphs run apart, so that the caller chooses the person.
"""

import contextlib
import logging
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from understudy.backends.images import cut, pasted, resized, shrunk
from understudy.backends.protocols import Pose, Region
from understudy.formats.skeleton import INDEX, KEYPOINTS, MIDDLES

logger = logging.getLogger(__name__)

LANDMARKS = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_big_toe", "right_big_toe",
)  # fmt: skip
"""MediaPipe's 33 landmarks in its order, by our names; what it calls foot index is the big toe."""

"""Points that MediaPipe lacks and that lie halfway between two it has."""

DETECTOR_SIZE = 720
"""Images are shrunk to at most this many px a side before people are looked for."""
NETWORK_SIZE = 256
"""Side in px of what the landmark network sees of a region, and of its mask."""
REGION_GROWTH = 1.25
"""The networks were trained on squares of this many person lengths."""
OUTSIDE_CONFIDENCE = 0.1
"""Factor on the confidence of points outside the image, which are guesses."""

_DETECTOR_GRAPH = """
input_stream: "image"
output_stream: "detections"
node {
  calculator: "PoseDetectionCpu"
  input_stream: "IMAGE:image"
  output_stream: "DETECTIONS:detections"
}
"""

_LANDMARK_GRAPH = """
input_stream: "image"
input_stream: "region"
output_stream: "landmarks"
output_stream: "world"
%(mask_output)s
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:0:complexity"
  output_side_packet: "PACKET:1:segmentation"
  node_options: {
    [type.googleapis.com/mediapipe.ConstantSidePacketCalculatorOptions] {
      packet { int_value: 1 }
      packet { bool_value: %(segmentation)s }
    }
  }
}
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "ENABLE_SEGMENTATION:segmentation"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "SEGMENTATION_MASK:mask_image"
}
%(mask_node)s
"""

_MASK_NODE = """
node {
  calculator: "FromImageCalculator"
  input_stream: "IMAGE:mask_image"
  output_stream: "IMAGE_CPU:mask"
}
"""


class MediaPipePose:
    """People, poses and masks by MediaPipe.

    Args:
        masks: Also give a soft mask with each pose.
    """

    name = "mediapipe"

    def __init__(self, masks: bool = False) -> None:
        self.masks = masks
        self._detector: Any = None
        self._landmarks: Any = None

    def find_people(self, image: np.ndarray) -> list[Region]:
        """Regions of all people in an RGB uint8 image [H,W,3], the surest first."""
        height, width = image.shape[:2]
        found = self._run_detector(shrunk(image, DETECTOR_SIZE)).detections or []
        found = sorted(found, key=lambda detection: -detection.score[0])
        return [_region(one.location_data.relative_keypoints, width, height) for one in found]

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region`` of an RGB uint8 image [H,W,3], or None where there is no person."""
        # an upright square around the turned one: the graph's normalized units are only isotropic in a square image
        side = math.ceil(region.size * (abs(math.cos(region.angle)) + abs(math.sin(region.angle)))) + 2
        x0, y0 = round(region.x - side / 2), round(region.y - side / 2)
        # at exactly the network's resolution, since the graph's own resampling neither averages nor keeps pixel centres
        resolution = round(side * NETWORK_SIZE / region.size)
        square = resized(cut(image, x0, y0, side, side), resolution, resolution)
        inside = Region((region.x - x0) / side, (region.y - y0) / side, region.size / side, region.angle)
        found = self._run_landmarks(square, inside)
        if found.landmarks is None or found.world is None:
            return None
        mask = None
        if self.masks:
            mask = pasted(found.mask, x0, y0, side, image.shape[:2])
        return Pose(
            points=_points(found.landmarks.landmark, x0, y0, side, image.shape[:2]),
            world=_world(found.world.landmark),
            mask=mask,
        )

    def close(self) -> None:
        """Stop the graphs."""
        for graph in (self._detector, self._landmarks):
            if graph is not None:
                graph.close()
        self._detector = self._landmarks = None

    def _run_detector(self, image: np.ndarray) -> Any:
        if self._detector is None:
            with quiet_stderr():
                self._detector = _graph(_DETECTOR_GRAPH)
                return self._detector.process(image)
        return self._detector.process(image)

    def _run_landmarks(self, image: np.ndarray, region: Region) -> Any:
        from mediapipe.framework.formats import rect_pb2

        square = rect_pb2.NormalizedRect(
            x_center=region.x, y_center=region.y, width=region.size, height=region.size, rotation=region.angle
        )
        if self._landmarks is None:
            text = _LANDMARK_GRAPH % {
                "mask_output": 'output_stream: "mask"' if self.masks else "",
                "segmentation": "true" if self.masks else "false",
                "mask_node": _MASK_NODE if self.masks else "",
            }
            with quiet_stderr():
                self._landmarks = _graph(text)
                return self._landmarks.process({"image": image, "region": square})
        return self._landmarks.process({"image": image, "region": square})


def pose_with_masks() -> MediaPipePose:
    """The backend for silhouettes."""
    return MediaPipePose(masks=True)


def _region(points: Any, width: int, height: int) -> Region:
    """The region from a detection's first two points: the middle of the hips, and one half a person's length above."""
    (ax, ay), (bx, by) = [(p.x * width, p.y * height) for p in list(points)[:2]]
    angle = math.pi / 2 + math.atan2(by - ay, bx - ax)
    return Region(ax, ay, 2 * REGION_GROWTH * math.hypot(bx - ax, by - ay), math.remainder(angle, 2 * math.pi))


def _points(landmarks: Any, x0: float, y0: float, side: float, shape: tuple[int, ...]) -> np.ndarray:
    raw = np.array([(p.x, p.y, p.visibility * p.presence) for p in landmarks], np.float32)
    raw[:, :2] = raw[:, :2] * side + (x0, y0)
    points = named(raw)
    height, width = shape
    outside = (points[:, 0] < 0) | (points[:, 1] < 0) | (points[:, 0] > width) | (points[:, 1] > height)
    points[outside, 2] *= OUTSIDE_CONFIDENCE
    return points


def _world(landmarks: Any) -> np.ndarray:
    return named(np.array([(p.x, p.y, p.z) for p in landmarks], np.float32), confidence=False)


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


def _graph(text: str) -> Any:
    from mediapipe.python.solution_base import SolutionBase

    return SolutionBase(graph_config=text)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send what native code writes to stderr to the debug log instead."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            for line in file.read().decode(errors="replace").splitlines():
                logger.debug("%s", line)
