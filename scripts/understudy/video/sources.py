"""What there is to learn from: videos and folders of images. Standard library only, so that a Snakefile may ask."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from understudy.errors import InputError
from understudy.text import one_line

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".m4v")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
LONGEST_NAME = 255 - len(".log")
"""Bytes of an actor's name: file systems take 255, and logs are called after actors."""
TAKEN = ("summary.tsv", "index.html")
"""Files beside the actors' folders."""


def unfit_name(name: str) -> str | None:
    """What keeps a name from being an actor's, as the end of a sentence; None where nothing does."""
    if not name or name in (".", "..") or "/" in name:
        return "it cannot name a folder"
    if name in TAKEN:
        return "a file of the results has that name"
    why = unfit_letters(name)
    if why is None and len(name.encode()) > LONGEST_NAME:
        return f"it is longer than {LONGEST_NAME} bytes"
    return why


def alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ in case or in how accents are stored alone, which some disks do not tell apart."""
    first: dict[str, str] = {}
    pairs = []
    for name in names:
        known = first.setdefault(unicodedata.normalize("NFC", name.casefold()), name)
        if known != name:
            pairs.append((known, name))
    return pairs


def unfit_letters(text: str) -> str | None:
    """What in a name or path a terminal or Snakemake would not take as it is, as the end of a sentence; None for nothing."""
    if one_line(text) != text:
        return "it holds characters that cannot be shown, or is not UTF-8"
    if set("{}<>") & set(text):
        return "it holds one of { } < >, in which Snakemake reads something else"
    return None


CONTAINERS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "gif", "mpegts", "mpeg", "mpegvideo", "asf", "flv",
    "ogg", "mxf", "h264", "hevc", "av1", "obu", "ivf", "m4v", "mjpeg", "mpjpeg", "apng", "rm", "dv", "nut", "y4m",
    "yuv4mpegpipe", "webp_pipe", "webp",
)  # fmt: skip
"""What a video may be, as FFmpeg calls it. Playlists are not among them: they name other files, whose pictures would be shown."""

MOST_PIXELS = 1 << 26
"""Of a video's picture; 8K has half as many."""


def list_videos(folder: str | Path) -> dict[str, Path]:
    """Actor name to its video or folder of images, sorted by name.

    A video's actor is its file name without the suffix, whatever the suffix's case. Hidden files, other
    files, folders without images and what :func:`unusable_videos` names are passed over; a folder that is not there
    holds nothing.

    Raises:
        InputError: Two sources claim one name, such as ``anna.mp4`` and ``anna.mov``.
    """
    folder = Path(folder)
    videos: dict[str, Path] = {}
    for name, path in _sources(folder):
        if unfit_name(name):
            continue
        if name in videos:
            raise InputError(
                f"{folder} has both {videos[name].name} and {path.name}; rename one of them or move it away."
            )
        videos[name] = path
    return dict(sorted(videos.items()))


def unusable_videos(folder: str | Path) -> dict[str, str]:
    """Name, in letters that can be shown, to a sentence for each video or folder of images that ``list_videos`` leaves out."""
    left_out = {}
    for name, path in _sources(Path(folder)):
        why = unfit_name(name)
        if why:
            left_out[one_line(name)] = f"{one_line(path)}: the name cannot be an actor's, for {why}; rename it."
    return left_out


def _sources(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of all that is a video or a folder of images."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
            yield path.stem, path
        elif path.is_dir() and _holds_images(path):
            yield path.name, path


def _holds_images(folder: Path) -> bool:
    try:
        return bool(list_images(folder))
    except PermissionError:  # the stage that reads it says so, and no other video waits for it
        return True


def list_images(folder: str | Path) -> list[Path]:
    """Images of a folder in the order a person counts: ``2.jpg`` before ``10.jpg``. Hidden files are passed over."""
    images = (
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    return sorted(images, key=_natural)


def sha256_of_images(images: list[Path]) -> str:
    """Hex SHA-256 over the names and contents of images, in the order given."""
    digest = hashlib.sha256()
    for path in images:
        content = hashlib.sha256()
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                content.update(piece)
        digest.update(f"{path.name}\0{content.hexdigest()}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], path.name
