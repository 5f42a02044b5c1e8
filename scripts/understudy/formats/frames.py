"""``frames/`` and ``frames.json``: the chosen frames of a video, their times and the one camera of all stages."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from understudy.files import again, read_json, reading, write_json
from understudy.formats.pictures import load_picture

MOST_PX = 1 << 16
"""A frame's side at most."""

KSource = Literal["config", "metadata", "default"]


@dataclass(frozen=True)
class Frames:
    """Frames of one video on disk.

    Frames are taken at a constant rate ``fps``, so frame ``i`` shows the moment ``i / fps``
    after the first one whatever the video's own timing was.
    """

    folder: Path
    """Folder of ``000000.jpg``, ..., sRGB, 8 bit, upright and free of lens distortion."""
    fps: float
    width: int
    height: int
    source: str
    """Name of the video as given."""
    source_sha256: str
    source_frames: np.ndarray  # [T] int
    """Index in the video of each kept frame, counted from 0."""
    K: np.ndarray  # [3,3] float64
    """Pinhole camera in px of the kept frames; pixel centres at +0.5."""
    K_source: KSource
    source_size: tuple[int, int] | None = None
    """Width and height of the video's upright pictures, px; None where nobody wrote it down."""

    def __len__(self) -> int:
        return len(self.source_frames)

    def path(self, index: int) -> Path:
        """Image file of frame ``index``."""
        return self.folder / f"{index:06d}.jpg"

    def read(self, index: int) -> np.ndarray:
        """Frame ``index`` as uint8 RGB [height,width,3].

        Raises:
            InputError: The file is missing, damaged or of another size.
        """
        path = self.path(index)
        with load_picture(path, self.folder, (self.width, self.height)) as image:
            return np.array(image.convert("RGB"))

    def save(self, path: str | Path) -> None:
        """Write ``frames.json``."""
        write_json(
            path,
            {
                "fps": self.fps,
                "width": self.width,
                "height": self.height,
                "source": self.source,
                "source_sha256": self.source_sha256,
                "source_frames": self.source_frames,
                "K": self.K,
                "K_source": self.K_source,
                "source_size": self.source_size,
            },
        )

    @classmethod
    def load(cls, path: str | Path, folder: str | Path | None = None) -> "Frames":
        """Read ``frames.json``; the images are in ``folder``, by default ``frames`` beside it.

        Raises:
            InputError: The file is missing, damaged or holds impossible values.
        """
        values = read_json(path)
        with reading(path, "a frames.json", again(path)):
            size = values.get("source_size")
            frames = cls(
                folder=Path(folder) if folder is not None else Path(path).parent / "frames",
                fps=float(values["fps"]),
                width=int(values["width"]),
                height=int(values["height"]),
                source=str(values["source"]),
                source_sha256=str(values["source_sha256"]),
                source_frames=np.array(values["source_frames"], dtype=np.int64),
                K=np.array(values["K"], dtype=np.float64).reshape(3, 3),
                K_source=values["K_source"],
                source_size=None if size is None else (int(size[0]), int(size[1])),
            )
            if not 0 < frames.fps < float("inf") or not all(
                0 < side <= MOST_PX for side in (frames.width, frames.height)
            ):
                raise ValueError("fps, width or height is impossible")
            if (
                frames.source_frames.ndim != 1
                or not np.isfinite(frames.K).all()
                or not frames.K[0, 0] * frames.K[1, 1] > 0
            ):
                raise ValueError("source_frames or K is out of shape")
            return frames


def held_out_frames(length: int, hold_out: int) -> list[int]:
    """Frames kept from everything that learns appearance: every ``hold_out``-th; none for 0.

    They start inside the first period, so that both neighbours are seen.
    """
    return list(range(hold_out // 2, length, hold_out)) if hold_out > 1 else []
