"""``smpl.npz``: the body in every frame, as smplx parameters."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.files import again, check_shapes, read_npz, reading, write_npz


@dataclass(frozen=True)
class BodyTrack:
    """SMPL parameters over ``T`` frames in the camera frame (OpenCV axes), metres and radians, axis-angle.

    The root turns about the pelvis and ``transl`` is added after, as in smplx.
    """

    global_orient: np.ndarray  # [T,3] float32
    body_pose: np.ndarray  # [T,69] float32
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

    def save(self, path: str | Path) -> None:
        """Write the npz."""
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
        )

    @classmethod
    def load(cls, path: str | Path, mend: str | None = None) -> "BodyTrack":
        """Read the npz.

        Args:
            path: The file.
            mend: What to do about a damaged file; default to make it again.

        Raises:
            InputError: The file is missing, damaged, or its arrays do not fit together.
        """
        arrays = read_npz(path, ("global_orient", "body_pose", "transl", "betas", "K", "body_model"), mend)
        with reading(path, "a smpl.npz", again(path) if mend is None else mend):
            length = len(arrays["global_orient"])
            shapes: dict[str, tuple[int, ...]]
            shapes = {"global_orient": (length, 3), "body_pose": (length, 69), "transl": (length, 3), "K": (3, 3)}
            shapes |= {"betas": (arrays["betas"].size,), "reprojection_px": (length,), "valid": (length,)}
            check_shapes(arrays, shapes)
            name, digest = (str(part) for part in arrays["body_model"])
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
