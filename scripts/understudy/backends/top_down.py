"""What networks that look at one person in a box have in common: another backend finds the people."""

import numpy as np

from understudy.backends.boxes import points_box, quarter_turn, region_box
from understudy.backends.protocols import KeypointBackend, Region


class TopDown:
    """People found by another backend.

    Args:
        finder: Finds people and roughly their points; MediaPipe if none is given.
    """

    def __init__(self, finder: KeypointBackend | None = None) -> None:
        if finder is None:
            from understudy.backends.mediapipe import MediaPipePose

            finder = MediaPipePose()
        self.finder = finder

    def find_people(self, image: np.ndarray) -> list[Region]:
        """Regions of all people in an RGB uint8 image [H,W,3]."""
        return list(self.finder.find_people(image))

    def upright_box(self, image: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        """Centre x, y, width and height [4] (px) of the person, and their turn, radians clockwise, by which they are upright.

        The box is that of the finder's points, or the region where it has none. People who lie or stand on their hands
        are turned by quarters.
        """
        angle = quarter_turn(region)
        found = self.finder.find_pose(image, region)
        return (region_box(region) if found is None else points_box(found.points, region, angle)), angle

    def close(self) -> None:
        """Close the person finder."""
        self.finder.close()
