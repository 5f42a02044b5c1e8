"""YOLO of any generation by Ultralytics' package: poses of COCO's 17 points, and masks.

Its own trackers are not used: like ours they link boxes over time by their overlap, and the stage must choose the one
person by the whole video, which a tracker that runs along cannot.
"""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.backends.boxes import REGION_GROWTH, box_region
from understudy.backends.images import cut
from understudy.backends.persons import persons_mask
from understudy.backends.protocols import Pose, Region
from understudy.errors import InputError
from understudy.formats.skeleton import COCO_17, KEYPOINTS
from understudy.formats.tracks import overlap
from understudy.importers.skeletons import body_points
from understudy.weights.programs import is_torchscript, read_program

logger = logging.getLogger(__name__)

CONFIDENCE = 0.25
"""Least confidence of a person; the package's own default."""


class UltralyticsPose:
    """People and their poses by YOLO-pose.

    Args:
        weights: A ``.pt``, ``.onnx`` or other file of a pose network with COCO's 17 points.
        sha256: Hex, of the file that somebody vouches for; TorchScript, which is a program, is not run without.
    """

    name = "ultralytics"

    def __init__(self, weights: Path, sha256: str | None = None) -> None:
        self._network = Network(weights, "pose", sha256)

    def find_people(self, image: np.ndarray) -> list[Region]:
        """Regions of all people in an RGB uint8 image [H,W,3], the surest first."""
        found = self._network.look(image)
        return [box_region(box) for box in found.boxes.xyxy.cpu().numpy()]

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region`` of an RGB uint8 image [H,W,3], or None where there is no person.

        The network looks at the region alone, where the person fills its input.
        """
        side = round(region.size)
        x0, y0 = round(region.x - side / 2), round(region.y - side / 2)
        found = self._network.look(cut(image, x0, y0, side, side))
        boxes = found.boxes.xyxy.cpu().numpy()
        if not len(boxes):
            return None
        margin = (side - side / REGION_GROWTH) / 2
        expected = np.array([[margin, margin, side - margin, side - margin]])
        pick = int(overlap(expected, boxes)[0].argmax())
        return Pose(
            points=placed(found.keypoints.data[pick].cpu().numpy(), x0, y0),
            world=np.zeros((len(KEYPOINTS), 3), np.float32),
        )

    def close(self) -> None:
        """Free the network."""
        del self._network


class UltralyticsMasks:
    """Masks by YOLO-seg.

    Args:
        weights: A ``.pt``, ``.onnx`` or other file of a segmentation network that knows persons.
        sha256: Hex, of the file that somebody vouches for; TorchScript, which is a program, is not run without.
    """

    name = "ultralytics"

    def __init__(self, weights: Path, sha256: str | None = None) -> None:
        self._network = Network(weights, "segment", sha256)

    def find_mask(self, image: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The mask float32 [H,W], 0 or 1, of the person of ``points`` in an RGB uint8 image [H,W,3]."""
        found = self._network.look(image, retina_masks=True)
        if found.masks is None:
            return np.zeros(image.shape[:2], np.float32)
        return persons_mask(found.masks.data.cpu().numpy() > 0.5, box, points)

    def close(self) -> None:
        """Free the network."""
        del self._network


class Network:
    """A network of Ultralytics' package that looks at one image after the other.

    Args:
        weights: Its file.
        task: ``pose`` or ``segment``.
        sha256: As of the backends.

    Raises:
        InputError: The file is damaged or of another kind, or a program for which nobody vouches.
    """

    def __init__(self, weights: Path, task: str, sha256: str | None = None) -> None:
        if is_torchscript(weights):
            read_program(weights, sha256)
        # no look at the net and no pip by the package itself; set before it is imported
        os.environ.setdefault("YOLO_OFFLINE", "true")
        os.environ.setdefault("YOLO_AUTOINSTALL", "false")
        from ultralytics import YOLO

        self.weights = weights
        if weights.suffix == ".pt":
            logger.warning(
                "%s is a Python pickle, which runs code when it is read: have it from its publisher", weights
            )
        try:
            self._model: Any = YOLO(str(weights), task=task)
            names = self._model.names
        except Exception as error:  # the package raises whatever its many readers do
            raise InputError(f"{weights} is not a network of Ultralytics ({_first_line(error)}).") from None
        if self._model.task != task:
            raise InputError(f"{weights} is a network for the task {self._model.task}; give one for the task {task}.")
        self._persons = [number for number, name in names.items() if name == "person"]
        if not self._persons:
            raise InputError(f"{weights} does not know persons; give a network that was trained on COCO.")
        logger.info("%s: %s, persons are class %d", weights.name, task, self._persons[0])

    def look(self, image: np.ndarray, **options: Any) -> Any:
        """What the network finds of persons in an RGB uint8 image [H,W,3], the surest first."""
        threads = torch.get_num_threads()
        # the package reads pictures as OpenCV does
        bgr = np.ascontiguousarray(image[..., ::-1])
        [found] = self._model.predict(bgr, conf=CONFIDENCE, classes=self._persons, verbose=False, **options)
        torch.set_num_threads(threads)  # which the package sets to all but one of the cores
        if found.keypoints is not None and found.keypoints.data.shape[1:] != (len(COCO_17), 3):
            count = found.keypoints.data.shape[1]
            raise InputError(f"{self.weights} finds {count} points a person; give a network of COCO's {len(COCO_17)}.")
        return found


def placed(points: np.ndarray, x0: float, y0: float) -> np.ndarray:
    """Our points [37,3] of COCO's [17,3] in a picture with its corner at ``(x0, y0)``; COCO counts pixel centres from 0."""
    coco = points.astype(np.float64)
    coco[:, :2] += (x0 + 0.5, y0 + 0.5)
    coco[coco[:, 2] <= 0] = 0.0
    return body_points(coco, "ultralytics").astype(np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
