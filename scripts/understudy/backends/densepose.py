"""Parsing backend ``detectron2``: the body's parts as DensePose sees them; it knows nothing of clothes."""

from pathlib import Path

import numpy as np

from understudy.body.part_labels import CIHP_OF_PART
from understudy.formats.masks import CIHP

PARTS = (
    None, "torso", "torso", "right_hand", "left_hand", "left_foot", "right_foot",
    "right_leg", "left_leg", "right_leg", "left_leg", "right_leg", "left_leg", "right_leg", "left_leg",
    "left_arm", "right_arm", "left_arm", "right_arm", "left_arm", "right_arm", "left_arm", "right_arm",
    "face", "face",
)  # fmt: skip
"""The body's part that each of DensePose's 24 patches is on; 0 is the background. Left and right are the person's.

The head is one part there, hair and face.
"""


class DensePoseParsing:
    """Labels of one person in a picture."""

    name = "detectron2"

    def __init__(self, weights: Path) -> None:
        """Read the weights.

        Raises:
            InputError: They are missing.
            ModuleNotFoundError: detectron2 or its DensePose is not installed.
        """
        from understudy.backends.detectron2 import DensePose

        self.network = DensePose(weights)

    def find_labels(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """CIHP-20 labels uint8 [H,W] of the person in ``box``: a shirt on the torso and shoes, limbs bare.

        Args:
            image: RGB uint8 [H,W,3].
            box: x0 y0 x1 y1 px [4].
        """
        return patch_labels()[self.network.densepose_iuv(image, box)[0]]

    def close(self) -> None:
        """Free what detectron2 holds."""
        self.network.close()


def patch_labels() -> np.ndarray:
    """CIHP-20 label [25] uint8 of each of DensePose's patches."""
    return np.array([0 if part is None else CIHP.index(CIHP_OF_PART[part]) for part in PARTS], np.uint8)
