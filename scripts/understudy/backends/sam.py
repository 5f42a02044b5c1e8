"""Silhouette backend ``sam``: Segment Anything 1 and 2, asked for the person by the box and the keypoints of the picture.

Which of the two, and of what size, is told by the weights themselves. The packages are ``segment_anything`` and ``sam2``.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from understudy.backends.boxes import SURE
from understudy.backends.checkpoints import load_weights, read_weights
from understudy.errors import InputError
from understudy.formats.skeleton import INDEX

logger = logging.getLogger(__name__)

ASKED = tuple(
    INDEX[name]
    for name in (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    )
)  # fmt: skip
"""Keypoints well inside the person; those of ears, fingers and toes are on its outline."""

SAM_SIZES = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}
"""Name of the first version's network by the length of its features."""
SAM2_SIZES = {12: "t", 16: "s", 24: "b+", 48: "l"}
"""Letter of the second version's network by the number of its blocks."""


class Predictor(Protocol):
    """What ``segment_anything.SamPredictor`` and ``sam2.sam2_image_predictor.SAM2ImagePredictor`` have in common."""

    def set_image(self, image: np.ndarray) -> None:
        """Look at an RGB uint8 picture [H,W,3]."""

    def predict(
        self,
        point_coords: np.ndarray | None,
        point_labels: np.ndarray | None,
        box: np.ndarray | None,
        *,
        multimask_output: bool,
        return_logits: bool,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Logits [1,H,W] of the mask, its quality [1], and the mask as the network gives it.

        Args:
            point_coords: [N,2] px, counted from 0 at the first pixel's centre.
            point_labels: [N], 1 for a point on what is wanted.
            box: x0 y0 x1 y1 px [4].
            multimask_output: Whether to give three masks to choose from.
            return_logits: Logits instead of a hard mask.
        """


class SegmentAnything:
    """Masks of the tracked person."""

    name = "sam"

    def __init__(self, weights: Path) -> None:
        """Read the weights; nothing in the file is ever executed.

        Raises:
            InputError: They are missing, damaged, or of something else.
            ModuleNotFoundError: The package for them is not installed.
        """
        self.predictor = open_predictor(Path(weights))

    def find_mask(self, image: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Soft mask float32 [H,W] 0..1 of the person in ``box``.

        Args:
            image: RGB uint8 [H,W,3].
            box: x0 y0 x1 y1 px [4].
            points: ``formats.skeleton.KEYPOINTS``, px and confidence [J,3].
        """
        places, corners = prompts(image.shape, box, points)
        self.predictor.set_image(np.ascontiguousarray(image))
        logits = self.predictor.predict(
            places if len(places) else None,
            np.ones(len(places), np.int32) if len(places) else None,
            corners,
            multimask_output=False,
            return_logits=True,
        )[0]
        # the same as 1 / (1 + exp(-x)), without overflow
        return (0.5 + 0.5 * np.tanh(0.5 * logits[0].astype(np.float32))).astype(np.float32)

    def close(self) -> None:
        """Nothing is held that goes on by itself."""


def prompts(shape: tuple[int, ...], box: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [N,2] on the person and its box [4] inside the picture, px counted from 0 at the first pixel's centre.

    Args:
        shape: Of the picture: height, width, ...
        box: x0 y0 x1 y1 px [4], pixel centres at +0.5.
        points: ``formats.skeleton.KEYPOINTS``, px and confidence [J,3].
    """
    size = np.array([shape[1], shape[0]])
    asked = points[list(ASKED)]
    inside = ((asked[:, :2] >= 0) & (asked[:, :2] < size)).all(axis=-1)
    places = asked[inside & (asked[:, 2] >= SURE), :2] - 0.5
    corners = np.clip(np.asarray(box, float), 0, np.tile(size, 2)) - 0.5
    return places.astype(np.float32), corners.astype(np.float32)


def open_predictor(path: Path) -> Predictor:
    """The network that a checkpoint of Segment Anything 1 or 2 belongs to, with its weights.

    Raises:
        InputError: The file is missing, damaged, or of something else.
        ModuleNotFoundError: The package for it is not installed.
    """
    weights = read_weights(path)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = kind_of(weights)
    if kind is None:
        raise InputError(f"{path} is not a checkpoint of Segment Anything 1, 2 or 2.1; get one of its own files.")
    version, size = kind
    network = _first(size) if version == "1" else _second(version, size)
    load_weights(network, weights, path)
    network.to(device).eval()
    logger.info("%s: Segment Anything %s %s on %s", path.name, version, size, device)
    if version == "1":
        from segment_anything import SamPredictor

        return SamPredictor(network)
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    return SAM2ImagePredictor(network)


def kind_of(weights: Mapping[str, Any]) -> tuple[str, str] | None:
    """Version (1, 2 or 2.1) and size of the network that weights belong to, by their names and shapes; None if to none."""
    if "image_encoder.pos_embed" in weights:
        size = SAM_SIZES.get(weights["image_encoder.pos_embed"].shape[-1])
        return None if size is None else ("1", size)
    trunk = "image_encoder.trunk.blocks."
    blocks = {name.removeprefix(trunk).split(".")[0] for name in weights if name.startswith(trunk)}
    size = SAM2_SIZES.get(len(blocks))
    if size is None:
        return None
    return "2.1" if "no_obj_embed_spatial" in weights else "2", size


def _first(size: str) -> Any:
    from segment_anything import sam_model_registry

    return sam_model_registry[size]()  # its own reader of weights would run code of the file


def _second(version: str, size: str) -> Any:
    from sam2.build_sam import build_sam2

    return build_sam2(f"configs/sam{version}/sam{version}_hiera_{size}.yaml", ckpt_path=None, device="cpu")
