"""Checksums of weights: those that the manifest knows, and those recorded when a file was fetched first."""

from collections.abc import Mapping
from pathlib import Path

from understudy.files import read_json, sha256, write_json
from understudy.weights.manifest import Weights

RECORDED = "checksums.json"
"""In the folder of the weights: checksums of files whose publishers name none, as they first came."""


def compare(entry: Weights, folder: Path) -> bool | None:
    """Whether the file in ``folder`` has the checksum of the manifest, or the one recorded; None where there is none."""
    known = entry.sha256 or recorded(folder).get(entry.file)
    return None if known is None else sha256(folder / entry.file) == known


def recorded(folder: Path) -> dict[str, str]:
    """Checksums by file, of those that were fetched before."""
    path = folder / RECORDED
    return read_json(path) if path.exists() else {}


def record(file: Path, folder: Path) -> None:
    """Keep the checksum of a file that was fetched."""
    write_json(folder / RECORDED, {**recorded(folder), file.name: sha256(file)})


def check_weights(entries: Mapping[str, Weights], folder: Path) -> tuple[list[str], list[str]]:
    """A line about each of the weights whose file is in ``folder``, and the names of those with another checksum."""
    lines, damaged = [], []
    for name, entry in entries.items():
        if (folder / entry.file).exists():
            same = compare(entry, folder)
            if same is None:
                said = f"there, with no checksum to compare ({sha256(folder / entry.file)})"
            else:
                said = "as it should be" if same else "another file"
            lines.append(f"{name}: {entry.file} is {said}")
            damaged += [] if same in (True, None) else [name]
    return lines or [f"none of the {len(entries)} files is in {folder}"], damaged
