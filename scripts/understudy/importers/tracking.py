"""What a foreign tracking says, in one shape: camera, poses, keypoints and masks by number of picture."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from understudy.body.joints import SMPL_JOINTS
from understudy.files.arrays import check_ranges, check_shapes, reading
from understudy.importers.config import ReadOptions
from understudy.importers.possible import POSSIBLE, check_camera_matrix, check_turns, real_numbers

Family = Literal["smpl", "smplh", "smplx"]

REST_PELVIS = {"smpl": (0.0, -0.22, 0.03), "smplh": (0.0, -0.22, 0.03), "smplx": (0.0, -0.35, 0.01)}
"""About where the pelvis of the mean person rests in the models' own frames, m; the body's file gives it exactly."""


@dataclass(frozen=True)
class Camera:
    """The camera that a tracking was made for, in px of its pictures, pixel centres at +0.5."""

    K: np.ndarray  # [3,3] float64
    size: tuple[int, int] | None = None
    """Width and height of those pictures; None where the files do not say, so that the pictures themselves must."""
    distortion: tuple[float, float, float, float, float] | None = None
    """OpenCV's k1, k2, p1, p2, k3 of the pictures; None for none."""
    real: bool = True
    """False where the focal length is a mere convention of a network that looks at crops."""

    def __post_init__(self) -> None:
        check_shapes({"K": self.K}, {"K": (3, 3)})
        found = check_camera_matrix(self.K)
        found["a picture's width or height"] = self.size or ()
        found["a lens coefficient"] = self.distortion or ()
        check_ranges(found, POSSIBLE)


@dataclass(frozen=True)
class Poses:
    """Poses of SMPL's ``J`` joints in ``N`` pictures, relative to the camera or to a world.

    Models place the root in different ways. Here the pelvis is at ``lever @ p + transl`` with ``p`` the rest pelvis of
    the shaped body: ``lever`` is one where the root turns about the pelvis (smplx), and the root's rotation where it
    turns about the origin (EasyMocap).
    """

    rotations: np.ndarray  # [N,J,3,3] float64
    lever: np.ndarray  # [N,3,3]
    transl: np.ndarray  # [N,3] m
    betas: np.ndarray  # [N,B]
    family: Family = "smpl"
    pelvis_given: bool = False
    """``transl`` is the pelvis itself, whatever the body."""

    def __post_init__(self) -> None:
        arrays = {"rotations": self.rotations, "lever": self.lever, "a translation": self.transl, "betas": self.betas}
        count, shapes = len(self), ((len(SMPL_JOINTS), 3, 3), (3, 3), (3,), self.betas.shape[1:2])
        check_shapes(arrays, {name: (count, *shape) for name, shape in zip(arrays, shapes, strict=True)})
        check_ranges({"the number of poses": count, **arrays}, POSSIBLE)

    def __len__(self) -> int:
        return len(self.rotations)

    def seen_from(self, R: np.ndarray, T: np.ndarray) -> "Poses":
        """The same in a camera's frame: ``x_camera = R @ x_world + T``, with R [3,3] or [N,3,3] and T [3] or [N,3], m."""
        R, T = real_numbers(R, "R"), real_numbers(T, "T")
        check_turns(R, "R")
        if T.shape[-1] != 3:
            raise ValueError(f"T is of shape {T.shape}, not a place of three numbers")
        R = np.broadcast_to(R, (len(self), 3, 3))
        rotations = self.rotations.copy()
        rotations[:, 0] = R @ rotations[:, 0]
        transl = (R @ self.transl[..., None])[..., 0] + T
        return replace(self, rotations=rotations, lever=R @ self.lever, transl=transl)

    def pelvis(self, rest: np.ndarray) -> np.ndarray:
        """Place of the pelvis [N,3], m, for rest pelvises ``rest`` [N,3] or [3]."""
        if self.pelvis_given:
            return self.transl
        return (self.lever @ np.broadcast_to(rest, (len(self), 3))[..., None])[..., 0] + self.transl


@dataclass(frozen=True)
class Points:
    """2D keypoints of one person in ``N`` pictures."""

    keypoints: np.ndarray  # [N,P,3]
    """x px, y px, confidence; pixel centres at +0.5."""
    names: tuple[str, ...]  # [P]
    """Starts with BODY_25."""
    bbox: np.ndarray  # [N,4] x0 y0 x1 y1 px
    people: np.ndarray  # [N] int

    def __post_init__(self) -> None:
        arrays = {"a keypoint or confidence": self.keypoints, "a box": self.bbox, "people": self.people}
        count, shapes = len(self.keypoints), ((len(self.names), 3), (4,), ())
        check_shapes(arrays, {name: (count, *shape) for name, shape in zip(arrays, shapes, strict=True)})
        check_ranges(arrays, POSSIBLE)

    def __len__(self) -> int:
        return len(self.keypoints)


@dataclass(frozen=True)
class Tracking:
    """A foreign tracking of one person."""

    backend: str
    """Where it comes from, for ``keypoints.npz`` and messages."""
    camera: Camera | Callable[[tuple[int, int]], Camera] | None = None
    """None where the files say nothing; a function of width and height where it is the program's convention."""
    size: tuple[int, int] | None = None
    """Width and height of the pictures that the keypoints are for."""
    poses: Poses | None = None
    pose_frames: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """Number of the picture of each pose."""
    points: Points | None = None
    point_frames: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    masks: dict[int, Path] = field(default_factory=dict)
    """Mask file by number of picture."""
    first: int | None = 0
    """Number of the first picture; None where numbers come from file names, and it must be found out."""
    least: int = 0
    """The smallest number among all files, those without a person too."""
    pictures: Path | None = None
    """Video or folder of images that lies with it."""
    notes: tuple[str, ...] = ()
    """Sentences for the user."""

    def __post_init__(self) -> None:
        for pictures, rows in ((self.pose_frames, self.poses), (self.point_frames, self.points)):
            count = 0 if rows is None else len(rows)
            if len(pictures) != count:
                raise ValueError(f"{len(pictures)} pictures' numbers for {count} of what is in them")
            check_ranges({"a picture's number": pictures}, POSSIBLE)
        check_ranges({"a picture's width or height": self.size or ()}, POSSIBLE)


def reading_tracking(source: Path, kind: str) -> AbstractContextManager[None]:
    """Turn what a damaged or foreign tracking of a format makes its reader raise into an ``InputError`` that names it."""
    return reading(source, f"a tracking of {kind} that can be read", "write it again, or give its kind")


def listed_pictures(options: ReadOptions, count: int) -> np.ndarray:
    """Pictures [count] that a plain list of frames is of."""
    return (options.first or 0) + options.every * np.arange(count)
