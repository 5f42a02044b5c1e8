"""``frames/`` and ``frames.json``: the chosen frames of a video, their times and the one camera of all stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from understudy.files.arrays import again, read_json, reading, write_json
from understudy.files.tables import Numbers, check_table, check_text, readable
from understudy.formats.limits import CAMERA, MOST_FRAMES, MOST_PX, RATES, check_area
from understudy.formats.pictures import load_picture

TABLE = {
    "fps": Numbers((), np.float64, *RATES),
    "width": Numbers((), np.int64, 1, MOST_PX),
    "height": Numbers((), np.int64, 1, MOST_PX),
    "source_frames": Numbers(("T",), np.int64, 0, 1 << 31),
    "K": CAMERA,
    "source_size": Numbers((2,), np.int64, 1, MOST_PX),
    "crop": Numbers((4,), np.float64, 0, MOST_PX),
}
"""What the numbers may be."""
OPTIONAL = ("source_size", "crop")
MOST_STRETCH = 0.02
"""By how much the sides' ratios of pictures of one shape may differ."""
LENGTHS = {"T": (1, MOST_FRAMES)}
LONGEST_NAME = 1000

KSource = Literal["config", "metadata", "default"]


@dataclass(frozen=True)
class Placement:
    """How pictures lie on the frames: px of the frames are ``px * factors + shift``."""

    factors: np.ndarray  # [2]
    shift: np.ndarray  # [2] px

    def points(self, px: np.ndarray) -> np.ndarray:
        """Points [...,2] of the pictures in px of the frames."""
        return px * self.factors + self.shift

    def camera(self, K: np.ndarray) -> np.ndarray:
        """K [3,3] of the pictures as that of the frames."""
        placed: np.ndarray = np.diag([*self.factors, 1.0]) @ K
        placed[:2, 2] += self.shift
        return placed

    def camera_of_pictures(self, K: np.ndarray) -> np.ndarray:
        """K [3,3] of the frames as that of the pictures."""
        moved = K.copy()
        moved[:2, 2] -= self.shift
        before: np.ndarray = np.diag([*(1.0 / self.factors), 1.0]) @ moved
        return before


def place(
    size: tuple[int, int],
    own: tuple[int, int],
    source_size: tuple[int, int] | None = None,
    crop: np.ndarray | None = None,
    whole: bool | None = None,
) -> Placement | None:
    """How pictures lie on frames that show a part of a video's pictures, or all; None where they have another shape.

    Where nobody knows what they show, they are taken for the frames if they have exactly their size, or their shape and
    not that of the whole video; else for whole pictures of the video, at any scale.

    Args:
        size: Width and height of the pictures, px.
        own: Of the frames.
        source_size: Of the video.
        crop: What the frames show of it, x0 y0 x1 y1 px [4]; None for all.
        whole: Whether they show all that the video does, if that is known.
    """
    given, kept = np.array(size, float), np.array(own, float)
    if crop is not None and source_size is not None and whole is not False:
        source = np.array(source_size, float)
        if alike(source, given) and (whole or tuple(size) != tuple(own)):
            factors = kept / (crop[2:] - crop[:2])
            return Placement(factors * source / given, -crop[:2] * factors)
        if whole:
            return None
    return Placement(kept / given, np.zeros(2)) if alike(kept, given) else None


def check_crop(crop: np.ndarray, source_size: np.ndarray | None) -> None:
    """Refuse what is no part of pictures of a size.

    Raises:
        ValueError: It is none.
    """
    if source_size is None or not (crop[:2] < crop[2:]).all() or (crop[2:] > source_size + 0.5).any():
        raise ValueError("its crop is not within source_size")


def alike(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> bool:
    """Whether pictures of two sizes (width, height) have one shape."""
    return bool(abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= MOST_STRETCH)


@dataclass(frozen=True)
class Frames:
    """Frames of one video on disk, and the one camera that filmed them: ``frames/`` and ``frames.json``.

    Frames are taken at a constant rate, so frame ``i`` shows the moment ``i / fps`` seconds after the first one
    whatever the video's own timing was.
    """

    folder: Path
    """Folder of ``000000.jpg``, ..., sRGB, 8 bit, upright and free of lens distortion."""
    fps: float
    """Frames per second."""
    width: int
    """Of the frames, px."""
    height: int
    """Of the frames, px."""
    source: str
    """Name of the video as given."""
    source_sha256: str
    """Of the video's file, hexadecimal."""
    source_frames: np.ndarray  # [T] int
    """Index in the video of each kept frame, counted from 0."""
    K: np.ndarray  # [3,3] float64
    """Pinhole camera in px of the kept frames; pixel centres at +0.5."""
    K_source: KSource
    """Where ``K`` is from: the user, the file's metadata, or neither, so that it is a usual phone's."""
    source_size: tuple[int, int] | None = None
    """Width and height of the video's upright pictures, px; None where nobody wrote it down."""
    crop: np.ndarray | None = None  # [4] float64
    """Part of these pictures that the frames show, x0 y0 x1 y1 px; None for all."""

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

    def placement(self, size: tuple[int, int], whole: bool | None = None) -> Placement | None:
        """How pictures of ``size`` (width, height), of the frames or of the whole video, lie on the frames (``place``)."""
        return place(size, (self.width, self.height), self.source_size, self.crop, whole)

    def save(self, path: str | Path, recorded: bool = False) -> None:
        """Write ``frames.json``.

        Args:
            path: The file.
            recorded: Whether to refuse to replace a file that somebody else made, and to record this one as ours.

        Raises:
            InputError: It cannot be written, or a file is there that may not be replaced.
        """
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
                "crop": self.crop,
            },
            recorded=recorded,
        )

    @classmethod
    def load(cls, path: str | Path, folder: str | Path | None = None) -> "Frames":
        """Read ``frames.json``; the images are in ``folder``, by default ``frames`` beside it.

        Raises:
            InputError: The file is missing, damaged or holds impossible values.
        """
        values = read_json(path)
        with reading(path, "a frames.json", again(path)):
            numbers = _numbers(values)
            texts = {
                key: check_text(key, readable(values[key]), LONGEST_NAME)
                for key in ("source", "source_sha256", "K_source")
            }
        size = numbers.get("source_size")
        return cls(
            folder=Path(folder) if folder is not None else Path(path).parent / "frames",
            fps=float(numbers["fps"]),
            width=int(numbers["width"]),
            height=int(numbers["height"]),
            source_frames=numbers["source_frames"],
            K=numbers["K"],
            source_size=None if size is None else (int(size[0]), int(size[1])),
            crop=numbers.get("crop"),
            **texts,  # type: ignore[arg-type]
        )


def _numbers(values: dict[str, Any]) -> dict[str, np.ndarray]:
    """What a frames.json says in numbers.

    Raises:
        ValueError: They are impossible.
    """
    missing = [key for key in TABLE if values.get(key) is None and key not in OPTIONAL]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    given = {key: np.asarray(values[key]) for key in TABLE if values.get(key) is not None}
    numbers = check_table(given, TABLE, LENGTHS)
    check_area(float(numbers["width"]), float(numbers["height"]))
    if (np.diff(numbers["source_frames"]) < 0).any():
        raise ValueError("source_frames goes back")
    if "crop" in numbers:
        check_crop(numbers["crop"], numbers.get("source_size"))
    return numbers


def held_out_frames(length: int, hold_out: int) -> list[int]:
    """Frames kept from everything that learns appearance: every ``hold_out``-th; none for 0.

    They start inside the first period, so that both neighbours are seen.
    """
    return list(range(hold_out // 2, length, hold_out)) if hold_out > 1 else []
