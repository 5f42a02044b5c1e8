"""Pinhole cameras: K in px, a rigid world-to-camera view, OpenCV axes (x right, y down, z forward)."""

from dataclasses import dataclass, field, replace

import numpy as np

from understudy.errors import InputError


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera and the size of its picture, in OpenCV's axes: x right, y down, z forward.

    Pixel [row i, col j] has its centre at (j + 0.5, i + 0.5). What the world's axes are is up to ``view``.

    Raises:
        InputError: A matrix is of another shape or not finite, a focal length is not positive, or the picture has no pixels.
    """

    K: np.ndarray  # [3,3] float64, px
    """Intrinsics: ``x_px = K @ X`` for a point X of the camera's frame."""
    width: int
    """Of the picture, px."""
    height: int
    """Of the picture, px."""
    view: np.ndarray = field(default_factory=lambda: np.eye(4))  # [4,4] float64
    """World to camera, rotation and translation (m): ``X = view @ X_world``, in homogeneous coordinates."""

    def __post_init__(self) -> None:
        K, view = np.array(self.K, np.float64), np.array(self.view, np.float64)
        if K.shape != (3, 3) or K[0, 0] <= 0 or K[1, 1] <= 0 or not np.isfinite(K).all():
            raise InputError("K must be a finite 3x3 matrix with positive focal lengths; correct the camera.")
        if view.shape != (4, 4) or not np.isfinite(view).all():
            raise InputError("The camera's view must be a finite 4x4 matrix from world to camera; correct the camera.")
        if self.width < 1 or self.height < 1:
            raise InputError(f"A camera of {self.width}x{self.height} px has no pixels; give a size of at least 1x1.")
        object.__setattr__(self, "K", K)
        object.__setattr__(self, "view", view)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.width, self.height

    @property
    def centre(self) -> np.ndarray:
        """Where the camera stands [3], world frame, m."""
        return -self.view[:3, :3].T @ self.view[:3, 3]

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points [...,3] to the camera's frame [...,3], m."""
        return points @ self.view[:3, :3].T + self.view[:3, 3]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Places x, y [...,2] on the picture, px, of world points [...,3], m; those behind the camera appear mirrored."""
        homogeneous = self.to_camera(points) @ self.K.T
        return homogeneous[..., :2] / homogeneous[..., 2:]

    def scaled(self, factor: float) -> "Camera":
        """The same view on a picture ``factor`` times as large, each side rounded to whole pixels."""
        width, height = (max(1, int(np.rint(side * factor))) for side in self.size)
        # the sides' own ratios, so that the picture's edges stay its edges after rounding
        stretch = np.array([width / self.width, height / self.height, 1.0])
        return replace(self, K=stretch[:, None] * self.K, width=width, height=height)

    def crop(self, x0: int, y0: int, width: int, height: int) -> "Camera":
        """The part of the picture whose first pixel is [row y0, col x0]; it may reach past the edges."""
        shift = np.array([[1.0, 0.0, -x0], [0.0, 1.0, -y0], [0.0, 0.0, 1.0]])
        return replace(self, K=shift @ self.K, width=width, height=height)


def look_at(eye: np.ndarray, target: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The ``view`` [4,4] float64 of a camera at ``eye`` that sees ``target`` in its middle, with ``up`` up.

    Args:
        eye: Where the camera is [3], world frame, m.
        target: What it looks at [3], world frame, m.
        up: Direction [3] of any length that is up in the picture; (0, -1, 0) in worlds whose y points down.

    Raises:
        InputError: ``eye`` is at ``target``, or the line of sight is along ``up``.
    """
    forward = np.asarray(target, np.float64) - eye
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9 * max(1.0, float(np.linalg.norm(forward))):
        raise InputError("A camera cannot look along its own up vector or from the point it looks at; move it aside.")
    forward, right = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
    view = np.eye(4)
    view[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    view[:3, 3] = -view[:3, :3] @ eye
    return view
