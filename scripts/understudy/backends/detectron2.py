"""detectron2: Keypoint R-CNN's points; silhouettes by PointRend, Mask R-CNN or DensePose; DensePose's parts and their UV."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from understudy.backends.boxes import box_region
from understudy.backends.detectron2_networks import open_network
from understudy.backends.images import cut
from understudy.backends.persons import persons_mask
from understudy.backends.protocols import Pose, Region
from understudy.formats.skeleton import KEYPOINTS
from understudy.formats.tracks import overlap
from understudy.importers.skeletons import body_points

PERSON = 0
"""Class of people in COCO, and the only one of Keypoint R-CNN and DensePose."""
SAME = 0.3
"""Least overlap of a region with that of the detection that it is for."""
CONFIDENCE_POWER = 0.4
"""Scores are shares of a heatmap's whole probability, of which detectron2 counts 0.05 as seen; its power is our 0.3."""


@dataclass(frozen=True)
class _People:
    """What was found in one image."""

    boxes: np.ndarray  # [N,4] x0 y0 x1 y1 px
    points: np.ndarray  # [N,J,3]


class KeypointRCNN:
    """COCO's 17 points of all people of an image at once, by Keypoint R-CNN (He et al., Mask R-CNN, ICCV 2017).

    What was found is kept for each image, so that asking for one person's pose afterwards costs nothing.
    """

    name = "detectron2"

    def __init__(self, weights: Path) -> None:
        self.predictor, _ = open_network(weights, ("keypoint_rcnn",))
        self.seen: dict[bytes, _People] = {}

    def find_people(self, image: np.ndarray) -> list[Region]:
        """Regions of all people in an RGB uint8 image [H,W,3], the surest first."""
        return [box_region(box) for box in self._people(image).boxes]

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region`` of an RGB uint8 image [H,W,3], or None where nobody was found there."""
        people = self._people(image)
        if not len(people.boxes):
            return None
        regions = np.stack([box_region(box).box for box in people.boxes])
        shared = overlap(region.box[None], regions)[0]
        best = int(shared.argmax())
        if shared[best] < SAME:
            return None
        return Pose(people.points[best], np.zeros((len(KEYPOINTS), 3), np.float32))

    def close(self) -> None:
        """Forget what was found."""
        self.seen.clear()

    def _people(self, image: np.ndarray) -> _People:
        key = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        if key not in self.seen:
            found = _instances(self.predictor, image)
            points = found.pred_keypoints.numpy().astype(np.float64)
            points[..., 2] = np.clip(points[..., 2], 0.0, 1.0) ** CONFIDENCE_POWER
            points = body_points(points.reshape(-1, 17, 3), self.name).astype(np.float32)
            self.seen[key] = _People(found.pred_boxes.tensor.numpy(), points)
        return self.seen[key]


class PersonMasks:
    """The tracked person's mask by PointRend, Mask R-CNN or DensePose, whichever the weights are of; hard, 0 or 1."""

    name = "detectron2"

    def __init__(self, weights: Path) -> None:
        self.predictor, self.kind = open_network(weights, ("pointrend", "mask_rcnn", "densepose"))

    def find_mask(self, image: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Mask float32 [H,W] of the person in ``box``; zeros where none fits.

        Args:
            image: RGB uint8 [H,W,3].
            box: x0 y0 x1 y1 px [4].
            points: ``formats.skeleton.KEYPOINTS``, px and confidence [J,3].
        """
        found = _instances(self.predictor, image)
        if not len(found):
            return np.zeros(image.shape[:2], np.float32)
        if self.kind == "densepose":
            masks = np.stack([_iuv(found, one, image.shape[:2])[0] > 0 for one in range(len(found))])
        else:
            masks = found.pred_masks.numpy() > 0
        return persons_mask(masks, box, points)

    def close(self) -> None:
        """Nothing is held."""


class DensePose:
    """Parts of the body and places on them in an image (Güler et al., DensePose, CVPR 2018)."""

    name = "detectron2"

    def __init__(self, weights: Path) -> None:
        self.predictor, _ = open_network(weights, ("densepose",))

    def densepose_iuv(self, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """I uint8 [H,W], which of the 24 parts (0 for none), and U and V float32 [H,W] in 0..1 on it, of one person.

        Args:
            image: RGB uint8 [H,W,3].
            box: The person's, x0 y0 x1 y1 px [4]; of all that are found the one whose box overlaps it most is taken.
        """
        found = _instances(self.predictor, image)
        shared = overlap(np.asarray(box, float)[None], found.pred_boxes.tensor.numpy())[0]
        if not len(shared) or shared.max() <= 0:
            empty = np.zeros(image.shape[:2], np.float32)
            return empty.astype(np.uint8), empty, empty.copy()
        return _iuv(found, int(shared.argmax()), image.shape[:2])

    def close(self) -> None:
        """Nothing is held."""


def _instances(predictor: Any, image: np.ndarray) -> Any:
    """detectron2's ``Instances`` of the people in an RGB image, on the CPU, the surest first."""
    found = predictor(np.ascontiguousarray(image[..., ::-1]))["instances"].to("cpu")
    return found[found.pred_classes == PERSON]


def _iuv(found: Any, one: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """I, U and V [H,W] of one of the instances, on an empty image of ``shape``."""
    from densepose.vis.extractor import DensePoseResultExtractor

    results, boxes = DensePoseResultExtractor()(found[one : one + 1])
    x, y = (int(value) for value in boxes[0, :2])
    labels = results[0].labels.numpy().astype(np.uint8)
    U, V = np.clip(results[0].uv.numpy(), 0.0, 1.0).astype(np.float32)
    part, U, V = (cut(values, -x, -y, shape[1], shape[0]) for values in (labels, U, V))
    return part, U, V
