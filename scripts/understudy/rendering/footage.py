"""Pictures of a video or a folder, one after another at a constant rate."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.errors import InputError
from understudy.files.arrays import again, check_ranges, read_json, reading
from understudy.formats.frames import Frames
from understudy.motion.limits import LEAST_FPS, MOST_FPS, MOST_FRAMES
from understudy.video.clip import VideoFile
from understudy.video.decode import SOUND_TIMES
from understudy.video.images import ImageFolder
from understudy.video.sources import VIDEO_SUFFIXES
from understudy.video.timing import frame_rate, frames_on_grid

FOLDER_FPS = 30.0


@dataclass(frozen=True)
class Footage:
    """Pictures that are decoded when they are asked for."""

    source: VideoFile | ImageFolder
    indices: np.ndarray  # [T]
    fps: float
    path: Path
    whole: bool | None = None
    """Whether these are all of a video's pictures, rather than frames that were cropped; None where nobody knows."""

    def __len__(self) -> int:
        return len(self.indices)

    def pictures(self, max_size: int) -> Iterator[np.ndarray]:
        """Yield uint8 sRGB [H,W,3], scaled down where a side is over ``max_size`` px."""
        for _, picture in self.source.read(self.indices, max_size):
            yield picture.pixels


def open_footage(path: str | Path, fps: float | None = None, start: float = 0.0) -> Footage:
    """Pictures of a video, of a folder of images, or of an actor's folder (``results/anna``, its ``frames``).

    Args:
        path: The file or folder.
        fps: Rate to take them at; None for the source's own. Folders have that of the ``frames.json`` beside them, or 30.
        start: Seconds to leave out at the beginning.

    Raises:
        InputError: There is nothing to read, or ``start`` is before its beginning or after its end.
    """
    path, whole = Path(path), None
    if not 0 <= start < float("inf"):
        raise InputError(f"the start is at {start:g} s of {path}; it must be 0 s or later.")
    if (path / "frames.json").is_file() and (path / "frames").is_dir():
        path = path / "frames"
    if path.is_file():
        whole = True
    elif (path.parent / "frames.json").is_file():
        whole = False
    source: VideoFile | ImageFolder
    if path.is_dir():
        index = path.parent / "frames.json"
        rate = _rate_of(index) if index.is_file() else FOLDER_FPS
        source, grid = ImageFolder(path, rate), None
    elif path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
        source = VideoFile(path)
        rate = frame_rate(source.times, source.declared_rate) if len(source.times) > 1 else source.declared_rate or 1.0
        with reading(path, *SOUND_TIMES):
            grid = frames_on_grid(source.times, rate)
    else:
        if not path.exists():
            raise InputError(f"{path}: no such video or folder of images.")
        raise InputError(f"{path} is not a video ({', '.join(VIDEO_SUFFIXES)}) nor a folder of images.")
    count = len(source.times) if grid is None else len(grid)
    fps = rate if fps is None else fps
    stop = (count - 0.5) / rate
    if (stop - start) * fps > MOST_FRAMES:
        raise InputError(f"{path} lasts {stop:.0f} s, more than {MOST_FRAMES} pictures at {fps:g} per second; cut it.")
    times = np.arange(start, stop, 1 / fps) if start < stop else np.zeros(0)
    if len(times) == 0:
        raise InputError(
            f"{path} lasts {count / rate:.3g} s, less than the start at {start:g} s; choose an earlier one."
        )
    points = np.minimum(np.rint(times * rate).astype(np.int64), count - 1)
    return Footage(source, points if grid is None else grid[points], fps, path, whole)


def footage_of(frames: Frames, video: str | Path) -> Footage:
    """The whole pictures of the video, or of the folder of images, that frames were taken from.

    Raises:
        InputError: It cannot be read, or is shorter than it was.
    """
    path = Path(video)
    source = ImageFolder(path, FOLDER_FPS) if path.is_dir() else VideoFile(path)
    if len(source.times) <= frames.source_frames[-1]:
        raise InputError(
            f"{path} has {len(source.times)} pictures, but frame {len(frames) - 1} is of number {frames.source_frames[-1]}; "
            "put back the video that the frames were taken from, or have the frames made again."
        )
    return Footage(source, frames.source_frames, frames.fps, path, whole=True)


def _rate_of(index: Path) -> float:
    """Frames per second of an actor's frames."""
    content = read_json(index)
    with reading(index, "a frames.json", again(index)):
        rate = content.get("fps", FOLDER_FPS)
        check_ranges({"fps": rate}, {"fps": (LEAST_FPS, MOST_FPS)})
        return float(rate)
