"""``keypoints.npz``: 2D keypoints of the one tracked person in every frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.files.arrays import again, check_ranges, read_npz, reading, write_npz
from understudy.files.tables import Numbers, check_names, check_table, check_text
from understudy.formats.limits import FARTHEST, MOST_FRAMES, PLACES_PX

SCORES = 100.0
"""Confidences of other programs may be peaks of a heat map, logits or percentages."""
TABLE = {
    "keypoints": Numbers(("T", "J", 3), np.float32, (-PLACES_PX, -PLACES_PX, -SCORES), (PLACES_PX, PLACES_PX, SCORES)),
    "bbox": Numbers(("T", 4), np.float32, -PLACES_PX, PLACES_PX),
    "world": Numbers(("T", "J", 3), np.float32, -FARTHEST, FARTHEST),
    "interpolated": Numbers(("T",), np.bool_, 0, 1),
    "swapped": Numbers(("T",), np.bool_, 0, 1),
    "people": Numbers(("T",), np.int32, 0, 1_000_000),
}
"""What the arrays may be; absent ones are passed over."""
LENGTHS = {"T": (1, MOST_FRAMES), "J": (1, 1000)}
BOXES = {"the boxes' width or height": (0.0, 2 * PLACES_PX)}


@dataclass(frozen=True)
class Keypoints:
    """2D keypoints over ``T`` frames, pixel centres at +0.5; left and right are the person's: ``keypoints.npz``."""

    keypoints: np.ndarray  # [T,P,3] float32
    """x px, y px, confidence 0..1; all zero where unseen. Interpolated points have a place and confidence 0."""
    names: tuple[str, ...]  # [P]
    """Starts with BODY_25 (``formats.skeleton``)."""
    bbox: np.ndarray  # [T,4] float32
    """Box of the person, x0 y0 x1 y1 px; zeros where nobody was found."""
    backend: str
    """Name of what found them."""
    world: np.ndarray  # [T,P,3] float32
    """3D guess of the backend: metres, hips at the origin, camera axes; zeros where it has none."""
    interpolated: np.ndarray  # [T] bool
    """The person was not found in this frame; its points are interpolated."""
    swapped: np.ndarray  # [T] bool
    """Left and right of the whole body had been exchanged by the backend and were put back."""
    people: np.ndarray  # [T] int
    """Number of people that the backend saw."""

    def __len__(self) -> int:
        return len(self.keypoints)

    def save(self, path: str | Path, recorded: bool = False) -> None:
        """Write ``keypoints.npz``.

        Args:
            path: The file.
            recorded: Whether to refuse to replace a file that somebody else made, and to record this one as ours.

        Raises:
            InputError: It cannot be written, or a file is there that may not be replaced.
        """
        write_npz(
            path,
            {
                "keypoints": self.keypoints.astype(np.float32),
                "names": np.array(self.names),
                "bbox": self.bbox.astype(np.float32),
                "backend": np.array(self.backend),
                "world": self.world.astype(np.float32),
                "interpolated": self.interpolated.astype(bool),
                "swapped": self.swapped.astype(bool),
                "people": self.people.astype(np.int32),
            },
            recorded=recorded,
        )

    @classmethod
    def load(cls, path: str | Path) -> "Keypoints":
        """Read ``keypoints.npz``. Other programs may write it: only ``keypoints``, ``names`` and ``bbox`` must be there.

        Raises:
            InputError: The file is missing or damaged, or an array is of another shape, type or range than it must be.
        """
        arrays = read_npz(path, ("keypoints", "names", "bbox"))
        with reading(path, "a keypoints.npz", again(path)):
            names = check_names("names", arrays["names"])
            backend = check_text("backend", arrays.get("backend", "unknown"), 1000)
            arrays = check_table(arrays, TABLE, LENGTHS)
            length, joints = arrays["keypoints"].shape[:2]
            if len(names) != joints:
                raise ValueError(f"there are {len(names)} names for {joints} keypoints")
            check_ranges({"the boxes' width or height": np.diff(arrays["bbox"][:, [0, 2, 1, 3]])[:, ::2]}, BOXES)
        return cls(
            keypoints=arrays["keypoints"],
            names=names,
            bbox=arrays["bbox"],
            backend=backend,
            world=arrays.get("world", np.zeros((length, joints, 3), np.float32)),
            interpolated=arrays.get("interpolated", np.zeros(length, bool)),
            swapped=arrays.get("swapped", np.zeros(length, bool)),
            people=arrays.get("people", np.ones(length, np.int32)),
        )
