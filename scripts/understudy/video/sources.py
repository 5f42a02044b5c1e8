"""What there is to learn from: videos and folders of images. Standard library only, so that a Snakefile may ask."""

import hashlib
import re
from pathlib import Path

from understudy.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".m4v")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")


def list_videos(folder: str | Path) -> dict[str, Path]:
    """Actor name to its video or folder of images, sorted by name.

    A video's actor is its file name without the suffix, whatever the suffix's case. Hidden files, other
    files and folders without images are passed over; a folder that is not there holds nothing.

    Raises:
        InputError: Two sources claim one name, such as ``anna.mp4`` and ``anna.mov``.
    """
    folder = Path(folder)
    videos: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
            name = path.stem
        elif path.is_dir() and list_images(path):
            name = path.name
        else:
            continue
        if name in videos:
            raise InputError(
                f"{folder} has both {videos[name].name} and {path.name}; rename one of them or move it away."
            )
        videos[name] = path
    return dict(sorted(videos.items()))


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
        digest.update(f"{path.name}\0{content.hexdigest()}\n".encode())
    return digest.hexdigest()


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], path.name
