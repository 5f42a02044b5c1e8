"""HRNet's keypoints (Sun et al., CVPR 2019), as published: affine crop, flip test, quarter-offset decoding."""

import logging
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from understudy.backends.checkpoints import load_weights, read_weights
from understudy.backends.hrnet_network import STRIDE, PoseHRNet
from understudy.backends.protocols import KeypointBackend, Pose, Region
from understudy.backends.top_down import TopDown
from understudy.errors import InputError
from understudy.formats.skeleton import COCO_17, KEYPOINTS, mirrored
from understudy.importers.skeletons import body_points

logger = logging.getLogger(__name__)

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, RGB 0..1, which the networks were trained on."""
WIDTHS = (32, 48)
SIZE, SMALL = (288, 384), (192, 256)
"""Width and height of the network's input; the small one's file has 256x192 in its name."""
BOX_GROWTH = 1.25
"""The crop is this many times the person's box."""
VISIBLE = 0.2
"""Least confidence of a point that counts as seen in the published evaluation."""
QUARTER = 0.25
"""Share of a heatmap's pixel by which a peak is moved towards its higher neighbour."""


class HRNetPose(TopDown):
    """COCO's 17 points of each person by HRNet; people are found by another backend.

    Args:
        weights: ``pose_hrnet_w48_384x288.pth`` or another of the published ones, whose size its name says.
        finder: Finds people and roughly their points; MediaPipe if none is given.
        flip: Whether the mirrored picture is looked at too, as the published figures have it.
    """

    name = "hrnet"

    def __init__(self, weights: Path, finder: KeypointBackend | None = None, flip: bool = True) -> None:
        self.network, self.size = load_hrnet(Path(weights))
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.to(self.device)
        self.flip = flip
        super().__init__(finder)

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region`` of an RGB uint8 image [H,W,3], or None where no point is seen."""
        box, angle = self.upright_box(image, region)
        affine = crop_affine(box, angle, self.size)
        heatmaps = self._heatmaps(cv2.warpAffine(image, affine, self.size, flags=cv2.INTER_LINEAR))
        coco = placed(*decode(heatmaps), affine)
        if coco[:, 2].max() < VISIBLE:
            return None
        points = body_points(coco, self.name).astype(np.float32)
        return Pose(points=points, world=np.zeros((len(KEYPOINTS), 3), np.float32))

    def _heatmaps(self, crop: np.ndarray) -> np.ndarray:
        """Heatmaps [17,h,w] of a crop, RGB uint8; with the flip test the mean of those of both ways round."""
        image = normalised(crop).to(self.device)
        with torch.inference_mode():
            if not self.flip:
                return self.network(image[None])[0].float().cpu().numpy()
            straight, flipped = self.network(torch.stack([image, image.flip(-1)]))
            return ((straight + flipped_back(flipped)) / 2).float().cpu().numpy()


def load_hrnet(path: Path) -> tuple[PoseHRNet, tuple[int, int]]:
    """The network of a published checkpoint, for inference, and width and height of its input.

    Raises:
        InputError: The file is missing, damaged, or not of HRNet with 17 points.
    """
    weights = read_weights(path)
    first = weights.get("stage2.0.branches.0.0.conv1.weight")
    if first is None or first.shape[0] not in WIDTHS:
        raise InputError(
            f"{path} is not a checkpoint of HRNet for poses of width 32 or 48; give pose_hrnet_w48_384x288.pth."
        )
    network = PoseHRNet(first.shape[0], len(COCO_17))
    load_weights(network, weights, path)
    network.eval().requires_grad_(False)
    size = SMALL if "256x192" in path.name else SIZE
    logger.info("%s: HRNet-W%d, input of %dx%d px", path.name, first.shape[0], *size)
    return network, size


def normalised(crop: np.ndarray) -> Tensor:
    """The network's input [3,H,W] of an RGB uint8 crop [H,W,3]."""
    values = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))).float() / 255
    return (values - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def flipped_back(heatmaps: Tensor) -> Tensor:
    """Heatmaps [17,h,w] of the mirrored crop as those of the crop itself.

    Left and right change places. A mirrored map lies most of a pixel further left, since the network's pixels are not
    centred on those of its input; the published evaluation moves it by one to the right.
    """
    back = heatmaps[torch.from_numpy(mirrored(COCO_17))].flip(-1)
    return torch.cat([back[..., :1], back[..., :-1]], dim=-1)


def crop_affine(box: np.ndarray, angle: float, size: tuple[int, int]) -> np.ndarray:
    """The affine map [2,3] from places in the image to places in the crop, both with whole numbers at pixel centres.

    Args:
        box: Centre x, y in px (pixel centres at +0.5), width and height of the person's box as seen when turned upright [4].
        angle: By which the person is turned, radians clockwise.
        size: Width and height of the crop, whose shape the box is widened to and which shows ``BOX_GROWTH`` times as much.
    """
    x, y, width, height = box
    shown = BOX_GROWTH * max(width, height * size[0] / size[1])
    factor = size[0] / shown
    turn = factor * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.column_stack([turn, np.array(size) / 2 - turn @ (x - 0.5, y - 0.5)])


def decode(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places [J,2] in px of the heatmaps, whole numbers at pixel centres, and confidences 0..1 [J] of their peaks.

    A peak is moved by a quarter of a pixel towards the higher neighbour in x and in y, except at the border.

    Args:
        heatmaps: [J,h,w].
    """
    count, height, width = heatmaps.shape
    best = heatmaps.reshape(count, -1).argmax(axis=1)
    y, x = np.divmod(best, width)
    joint = np.arange(count)
    peak = heatmaps[joint, y, x]
    places = np.stack([x, y], axis=1).astype(np.float64)
    inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    j, x, y = joint[inside], x[inside], y[inside]
    slope = np.stack(
        [heatmaps[j, y, x + 1] - heatmaps[j, y, x - 1], heatmaps[j, y + 1, x] - heatmaps[j, y - 1, x]], axis=1
    )
    places[inside] += QUARTER * np.sign(slope)
    return places, np.clip(peak, 0.0, 1.0).astype(np.float64)


def placed(places: np.ndarray, confidence: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Points [J,3] in px of the image, pixel centres at +0.5, of places [J,2] on the heatmaps of a crop."""
    x, y = cv2.invertAffineTransform(affine) @ np.column_stack([places * STRIDE, np.ones(len(places))]).T
    points = np.column_stack([x + 0.5, y + 0.5, confidence])
    points[confidence <= 0] = 0.0
    return points
