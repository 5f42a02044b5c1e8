"""What backends of the stages are; ``understudy.backends.registry`` has them by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from understudy.formats.frames import Frames


@dataclass(frozen=True)
class Region:
    """A turned square of the image around one person: px of the whole frame, pixel centres at +0.5."""

    x: float
    """Centre, near the hips."""
    y: float
    size: float
    """Side, about 1.25 times the person's length."""
    angle: float = 0.0
    """Radians, clockwise as seen; 0 for a person standing upright in the image."""

    @property
    def box(self) -> np.ndarray:
        """The square as if it were not turned, x0 y0 x1 y1 px [4]."""
        half = self.size / 2
        return np.array([self.x - half, self.y - half, self.x + half, self.y + half])


@dataclass(frozen=True)
class Pose:
    """One person in one image."""

    points: np.ndarray  # [J,3] float32
    """``formats.skeleton.KEYPOINTS`` in px of the image with confidence 0..1; zeros for points the backend lacks."""
    world: np.ndarray  # [J,3] float32
    """3D guess: metres, hips at the origin, camera axes; zeros where the backend has none."""
    mask: np.ndarray | None = None  # [H,W] float32
    """Soft mask 0..1 of the image, if it was asked for."""


class KeypointBackend(Protocol):
    """Finds people in an image, and the pose of one of them."""

    name: str

    def find_people(self, image: np.ndarray) -> Sequence[Region]:
        """Regions of all people in an RGB uint8 image [H,W,3]."""

    def find_pose(self, image: np.ndarray, region: Region) -> Pose | None:
        """The pose of the person in ``region``, or None where there is no person after all."""

    def close(self) -> None:
        """Free what the backend holds."""


class PoseFiles(Protocol):
    """Poses of the one person that another program has found already."""

    name: str

    def read_poses(self, frames: Frames) -> list[Pose | None]:
        """The pose in each of the chosen frames [T], px of these frames; None where there is none.

        Files are of the video, whose picture ``frames.source_frames[t]`` is frame ``t``.
        """


@runtime_checkable
class MaskBackend(Protocol):
    """Finds the mask of the tracked person in an image."""

    name: str

    def find_mask(self, image: np.ndarray, box: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Soft mask float32 [H,W] 0..1 of the person in ``box``.

        What touches the person's skeleton nowhere is taken away afterwards, and what lies outside the grown box.

        Args:
            image: RGB uint8 [H,W,3]: the person's surroundings, or the whole picture for a backend marked ``whole``.
            box: The person's, x0 y0 x1 y1 px of the image [4]; it may reach out of it.
            points: ``formats.skeleton.KEYPOINTS``, px of the image and confidence [J,3].
        """

    def close(self) -> None:
        """Free what the backend holds."""


class MaskFiles(Protocol):
    """Masks of the one person that another program has made already."""

    name: str

    def read_mask(self, frames: Frames, index: int) -> np.ndarray:
        """Soft mask of frame ``index``, uint8 or float32 0..1 [H,W] of the frame's size; written as it is."""


class LabelBackend(Protocol):
    """Labels parts and clothes of the person in an image."""

    name: str

    def find_labels(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """CIHP-20 labels uint8 [H,W] of the person in ``box``, 0 for the rest.

        Args:
            image: RGB uint8 [H,W,3].
            box: The person's, x0 y0 x1 y1 px [4].
        """

    def close(self) -> None:
        """Free what the backend holds."""


class LabelFiles(Protocol):
    """Labels that another program has made already."""

    name: str

    def read_labels(self, frames: Frames, index: int) -> np.ndarray:
        """CIHP-20 labels uint8 [H,W] of frame ``index``, of the frame's size."""
