"""What a keypoint backend is, and where backends are found by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np

from understudy.errors import InputError


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


BACKENDS = {"mediapipe": ("understudy.detectors.mediapipe", "MediaPipePose")}
"""Module and class of each backend; the module is only imported when its backend is asked for."""


def open_backend(name: str) -> KeypointBackend:
    """Make the backend called ``name``.

    Raises:
        InputError: There is no such backend, or its packages are not installed.
    """
    if name not in BACKENDS:
        raise InputError(f"keypoints.backend is {name!r}, which is none of {', '.join(BACKENDS)}.")
    module, cls = BACKENDS[name]
    try:
        return getattr(import_module(module), cls)()
    except ModuleNotFoundError as error:
        raise InputError(f"keypoints.backend {name!r} needs the package {error.name}; install it.") from None
