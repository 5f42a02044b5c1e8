"""What numbers may be that several files hold."""

import numpy as np

from understudy.files.tables import Numbers

MOST_FRAMES = 1 << 18
"""Over two hours at 30 frames a second."""
RATES = (0.01, 10_000.0)
"""Frames per second: from pictures of clouds to high-speed cameras."""
MOST_PX = 1 << 16
"""A picture's side; that of the largest JPEG."""
MOST_PIXELS = 1 << 26
"""A picture's area: four times that of 8K, and the square of the largest ``frames.max_size``."""
PLACES_PX = 1e6
"""Pixels from a picture's corner: points and optical axes may lie outside, if not that far."""
FARTHEST = 1e4
"""Distance from the camera, m: a long lens and a trained eye see no person farther away."""
TURNS = 1e3
"""Angles in radians: some programs count whole turns, if not hundreds."""
BETAS = 100.0
"""Standard deviations from the mean shape, at which nobody is."""
MOST_BETAS = 1000
"""Shape components; SMPL-X has 400 with its expressions."""
SIZE = 10.0
"""Places on a body about its own origin, m."""
OFFSET = 10.0
"""What a shape component or a turned joint moves a place on a body by, m; a body in centimetres would be beyond it."""
SLACK = 0.05
"""How far weights that were stored in few bits may be off their sum of one, and below zero."""
WEIGHTS = (-SLACK, 1.0 + SLACK)
MOST_VERTICES = 1 << 16
"""Six times those of SMPL-X."""
MOST_FACES = 1 << 18
LEAST_JOINTS, MOST_JOINTS = 22, 1 << 7
"""Pelvis to wrists, which every body has; and twice those of SMPL-X."""
MOST_TEXELS = 1 << 13
"""A texture's side, px: the largest ``canonical.texture_size``."""

_FOCAL = (1.0, 1e7)
"""px; the latter is a telescope."""
CAMERA = Numbers(
    (3, 3), np.float64,
    (_FOCAL[0], -PLACES_PX, -PLACES_PX, 0, _FOCAL[0], -PLACES_PX, 0, 0, 1),
    (_FOCAL[1], PLACES_PX, PLACES_PX, 0, _FOCAL[1], PLACES_PX, 0, 0, 1),
)  # fmt: skip
"""A pinhole's K."""


def check_tree(parents: np.ndarray) -> None:
    """Refuse parents [J] that are no tree with the root first and each parent before its children; the root's may be any.

    Raises:
        ValueError: They are not.
    """
    children = parents[1:]
    if not ((children >= 0) & (children <= np.arange(len(children)))).all():
        raise ValueError("the joints' parents are not a tree")


def check_area(width: float, height: float) -> None:
    """Refuse pictures that are too large.

    Raises:
        ValueError: They are.
    """
    if width * height > MOST_PIXELS:
        raise ValueError(f"pictures have {width:g}x{height:g} px, more than {MOST_PIXELS} together")
