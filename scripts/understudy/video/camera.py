"""The camera that filmed a video: where its intrinsics come from, and the frames that are made of its pictures."""

import logging

import numpy as np

from understudy.formats.frames import KSource
from understudy.video.config import FramesConfig
from understudy.video.crop import Crop
from understudy.video.intrinsics import (
    PHONE_FOCAL_35MM,
    Undistorter,
    camera_matrix,
    centred_camera,
    focal_from_35mm,
    scale_camera,
)

logger = logging.getLogger(__name__)


class SourceCamera:
    """The camera of the upright pictures, before they are scaled and cropped.

    Args:
        size: Width and height of the pictures, px.
        metadata_35mm: 35-mm equivalent focal length that the file names, mm.
        config: What the user knows of it.
    """

    def __init__(self, size: tuple[int, int], metadata_35mm: float | None, config: FramesConfig) -> None:
        self.size = size
        self.K, self.K_source = _camera_of(size, metadata_35mm, config)
        self._distortion = config.distortion if config.distortion and any(config.distortion) else None

    @property
    def has_lens(self) -> bool:
        """Whether its lens distorts."""
        return self._distortion is not None

    def undistorter(self, scaled_size: tuple[int, int]) -> Undistorter | None:
        """What removes the lens distortion of pictures at another scale; None where there is none."""
        if self._distortion is None:
            return None
        return Undistorter(scale_camera(self.K, self.size, scaled_size), self._distortion, scaled_size)

    def cropped(self, crop: Crop) -> tuple[np.ndarray, np.ndarray | None]:
        """K [3,3] of a crop, and what it shows of the pictures, x0 y0 x1 y1 px [4]; None for all of them."""
        K = scale_camera(self.K, self.size, crop.scaled_size)
        if crop.is_whole:
            return K, None
        K[:2, 2] -= crop.corner
        corners = np.array([crop.corner, np.add(crop.corner, crop.size)])
        return K, (corners * np.array(self.size) / crop.scaled_size).ravel()


def _camera_of(size: tuple[int, int], metadata_35mm: float | None, config: FramesConfig) -> tuple[np.ndarray, KSource]:
    """K of the upright picture before scaling, and where it comes from."""
    if config.K is not None:
        K = camera_matrix(*config.K)
        off_centre = np.abs(K[:2, 2] / size - 0.5).max()
        if off_centre > 0.2:
            logger.warning(
                "frames.K has its principal point at (%g, %g), far from the middle of the upright picture of %dx%d px; "
                "K must be for the upright picture before scaling", K[0, 2], K[1, 2], *size,
            )  # fmt: skip
        return K, "config"
    if config.focal_px is not None:
        return centred_camera(config.focal_px, *size), "config"
    if config.focal_35mm is not None:
        return centred_camera(focal_from_35mm(config.focal_35mm, *size), *size), "config"
    if metadata_35mm is not None:
        return centred_camera(focal_from_35mm(metadata_35mm, *size), *size), "metadata"
    return centred_camera(focal_from_35mm(PHONE_FOCAL_35MM, *size), *size), "default"
