"""``smpl.npz``: the body in every frame, as smplx parameters."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.files.arrays import again, read_npz, reading, write_npz
from understudy.files.tables import Numbers, check_table, check_text
from understudy.formats.limits import (
    BETAS,
    CAMERA,
    FARTHEST,
    LEAST_JOINTS,
    MOST_BETAS,
    MOST_FRAMES,
    MOST_JOINTS,
    PLACES_PX,
    TURNS,
)

TABLE = {
    "global_orient": Numbers(("T", 3), np.float32, -TURNS, TURNS),
    "body_pose": Numbers(("T", "3(J-1)"), np.float32, -TURNS, TURNS),
    "transl": Numbers(("T", 3), np.float32, -FARTHEST, FARTHEST),
    "betas": Numbers(("B",), np.float32, -BETAS, BETAS),
    "K": CAMERA,
    "reprojection_px": Numbers(("T",), np.float32, 0, 10 * PLACES_PX, unknown=True),
    "valid": Numbers(("T",), np.bool_, 0, 1),
}
"""What the arrays may be; absent ones are passed over."""
LENGTHS = {"T": (1, MOST_FRAMES), "B": (0, MOST_BETAS), "3(J-1)": (3 * (LEAST_JOINTS - 1), 3 * (MOST_JOINTS - 1))}
LONGEST_NAME = 1000


@dataclass(frozen=True)
class BodyTrack:
    """SMPL parameters over ``T`` frames in the camera frame (OpenCV axes), metres and radians: ``smpl.npz``.

    Rotations are axis-angle, each joint's relative to its parent; the root turns about the pelvis and ``transl`` is added
    after, as in smplx. ``betas`` are standard deviations, ``K`` is the frames' camera, px.
    """

    global_orient: np.ndarray  # [T,3] float32
    body_pose: np.ndarray  # [T,3(J-1)] float32, of the body's J joints
    transl: np.ndarray  # [T,3] float32
    betas: np.ndarray  # [B] float32
    K: np.ndarray  # [3,3] float64
    body_model: tuple[str, str]
    """Name and SHA-256 of the body file that the numbers belong to."""
    reprojection_px: np.ndarray  # [T] float32
    """Mean distance of the seen keypoints from the body's; NaN in frames without any."""
    valid: np.ndarray  # [T] bool
    """Frames whose pose rests on evidence of its own."""

    def __len__(self) -> int:
        return len(self.global_orient)

    @property
    def joints(self) -> int:
        """Number of joints, the root's included."""
        return 1 + self.body_pose.shape[1] // 3

    def save(self, path: str | Path, recorded: bool = False) -> None:
        """Write ``smpl.npz``.

        Args:
            path: The file.
            recorded: Whether to refuse to replace a file that somebody else made, and to record this one as ours.

        Raises:
            InputError: It cannot be written, or a file is there that may not be replaced.
        """
        write_npz(
            path,
            {
                "global_orient": self.global_orient.astype(np.float32),
                "body_pose": self.body_pose.astype(np.float32),
                "transl": self.transl.astype(np.float32),
                "betas": self.betas.astype(np.float32),
                "K": self.K.astype(np.float64),
                "body_model": np.array(self.body_model),
                "reprojection_px": self.reprojection_px.astype(np.float32),
                "valid": self.valid.astype(bool),
            },
            recorded=recorded,
        )

    @classmethod
    def load(cls, path: str | Path, mend: str | None = None) -> "BodyTrack":
        """Read ``smpl.npz``.

        Args:
            path: The file.
            mend: What a message says to do about a damaged file; None for making it again.

        Raises:
            InputError: The file is missing or damaged, or an array is of another shape, type or range than it must be.
        """
        arrays = read_npz(path, ("global_orient", "body_pose", "transl", "betas", "K", "body_model"), mend)
        with reading(path, "a smpl.npz", again(path) if mend is None else mend):
            name, digest = (check_text("body_model", part, LONGEST_NAME) for part in arrays["body_model"].tolist())
            arrays = check_table(arrays, TABLE, LENGTHS)
            if arrays["body_pose"].shape[1] % 3:
                raise ValueError(f"body_pose has {arrays['body_pose'].shape[1]} numbers a frame, not three a joint")
        length = len(arrays["global_orient"])
        return cls(
            global_orient=arrays["global_orient"],
            body_pose=arrays["body_pose"],
            transl=arrays["transl"],
            betas=arrays["betas"],
            K=arrays["K"],
            body_model=(name, digest),
            reprojection_px=arrays.get("reprojection_px", np.full(length, np.nan, np.float32)),
            valid=arrays.get("valid", np.ones(length, bool)),
        )
