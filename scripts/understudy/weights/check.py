"""Who vouches for a file of weights: its publisher, by a checksum in the manifest, or the user, by a record; or nobody."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.files.regular import check_regular, read_bytes
from understudy.text import one_line
from understudy.weights.manifest import Weights

RECORD = "trusted.sha256"
"""In the folder of the weights: checksums of what the user vouched for, a line each, as ``sha256sum --check`` reads them."""
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
LONGEST_RECORD = 1 << 20

VERIFIED = "verified"
"""It has the checksum that its publisher names."""
TRUSTED = "trusted by you"
"""Its publisher names none; it is the file that the user vouched for."""
UNVERIFIED = "unverified"
"""Nobody vouched for it."""
OTHER = "another file"
"""Somebody vouched for a file of its name, which it is not."""


def state_of(entry: Weights, folder: Path) -> str:
    """``VERIFIED``, ``TRUSTED``, ``UNVERIFIED`` or ``OTHER``: what is known of the file that is in ``folder``."""
    digest = sha256(folder / entry.file)
    if entry.sha256 is not None:
        return VERIFIED if digest == entry.sha256 else OTHER
    known = trusted(folder).get(entry.file)
    if known is None:
        return UNVERIFIED
    return TRUSTED if digest == known else OTHER


def trusted(folder: Path) -> dict[str, str]:
    """Checksum by file of what the user vouched for; of several lines about a file the last one holds."""
    try:
        lines = read_bytes(folder / RECORD, LONGEST_RECORD).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    return {found[2]: found[1] for line in lines if (found := LINE.fullmatch(line))}


def trust(file: Path, folder: Path) -> str:
    """Record that the user vouches for a file as it is now, and return its SHA-256.

    Args:
        file: The file, in ``folder`` or elsewhere.
        folder: That of the weights.

    Raises:
        InputError: The record cannot be written, or is a link, a pipe or the like.
    """
    digest = sha256(file)
    name = file.name if file.parent.resolve() == folder.resolve() else str(file.resolve())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # a link could lead to any other file of the user's, and a pipe keep waiting
        place = os.open(folder / RECORD, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        with open(place, "r+b", buffering=0) as record:
            check_regular(folder / RECORD)
            size = record.seek(0, os.SEEK_END)
            whole = size == 0 or os.pread(record.fileno(), 1, size - 1) == b"\n"
            # one write, at the end: two processes that vouch at once both have their line
            record.write((b"" if whole else b"\n") + f"{digest}  {one_line(name)}\n".encode())
            os.fsync(record.fileno())
    except OSError as error:
        raise InputError(
            f"{folder / RECORD} cannot be written: {error.strerror}; make room or rights there and run again."
        ) from None
    return digest


def vouched_digest(file: Path, manifest: Mapping[str, Weights], folders: Iterable[Path]) -> str | None:
    """SHA-256 of a file, if the manifest names it or the user vouched for it in one of ``folders``, else None.

    What the file is called does not matter.
    """
    digest = sha256(file)
    known = {entry.sha256 for entry in manifest.values()}
    known |= {value for folder in folders for value in trusted(folder).values()}
    return digest if digest in known else None


def check_weights(entries: Mapping[str, Weights], folder: Path) -> tuple[list[str], list[str]]:
    """A line about each of the weights whose file is in ``folder``, and the names of those that are another file."""
    lines, others = [], []
    for name, entry in entries.items():
        if (folder / entry.file).is_file():
            state = state_of(entry, folder)
            digest = f" (SHA-256 {sha256(folder / entry.file)})" if state in (UNVERIFIED, OTHER) else ""
            lines.append(f"{name}: {entry.file} is {state}{digest}")
            others += [name] if state == OTHER else []
    return lines or [f"none of the {len(entries)} files is in {folder}"], others
