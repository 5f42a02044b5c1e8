"""``frames/`` and ``frames.json``: the chosen frames of a video, their times and the one camera of all stages."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from understudy.errors import InputError
from understudy.files import read_json, write_json

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
        try:
            with Image.open(path) as image:
                pixels = np.array(image.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise InputError(f"{path} cannot be read ({error}); delete its folder and run again.") from None
        if pixels.shape != (self.height, self.width, 3):
            raise InputError(f"{path} is not {self.width}x{self.height} px; delete its folder and run again.")
        return pixels

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
            },
        )

    @classmethod
    def load(cls, path: str | Path, folder: str | Path | None = None) -> "Frames":
        """Read ``frames.json``; the images are in ``folder``, by default ``frames`` beside it."""
        values = read_json(path)
        try:
            return cls(
                folder=Path(folder) if folder is not None else Path(path).parent / "frames",
                fps=float(values["fps"]),
                width=int(values["width"]),
                height=int(values["height"]),
                source=str(values["source"]),
                source_sha256=str(values["source_sha256"]),
                source_frames=np.array(values["source_frames"], dtype=np.int64),
                K=np.array(values["K"], dtype=np.float64).reshape(3, 3),
                K_source=values["K_source"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is not a frames.json ({error!r}); delete it and run again.") from None


def held_out_frames(length: int, hold_out: int) -> list[int]:
    """Frames kept from everything that learns appearance: every ``hold_out``-th; none for 0.

    They start inside the first period, so that both neighbours are seen.
    """
    return list(range(hold_out // 2, length, hold_out)) if hold_out > 1 else []
