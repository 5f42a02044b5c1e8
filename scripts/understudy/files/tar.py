"""Plain tar files: the same bytes for the same content, and a reader that trusts nothing."""

import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from understudy.errors import InputError
from understudy.files.arrays import check_unfolded, reading
from understudy.files.atomic import atomic_write

LARGEST_MEMBER = 1 << 30
"""Bytes; also of what a member's own compression may unfold to."""
AGAIN = "get the file again or train the avatar again"
"""What to do about a damaged avatar."""


class _Info(tarfile.TarInfo):
    """A header whose sizes are none below zero, by which Python 3.11's reader goes round in circles."""

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.ReadError("a member of negative size")
        return int(super()._block(count))  # type: ignore[misc]


def write_tar(path: str | Path, members: Mapping[str, Path]) -> None:
    """Write files as an uncompressed tar in the order given, without times, owners or modes of theirs."""
    with (
        atomic_write(path, recorded=True) as temporary,
        tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, file in members.items():
            info = tarfile.TarInfo(name)
            info.size = file.stat().st_size
            info.mode = 0o644
            with open(file, "rb") as content:
                archive.addfile(info, content)


def unpack_tar(path: str | Path, folder: Path, names: Sequence[str]) -> None:
    """Unpack the members ``names`` into ``folder``.

    Raises:
        InputError: The file is missing or no plain tar, or holds a link, a folder, an unknown or repeated name,
            or more than ``LARGEST_MEMBER`` bytes under one name.
    """
    with reading(path, "a readable avatar", AGAIN), tarfile.open(path, "r:", tarinfo=_Info) as archive:
        seen: set[str] = set()
        for info in archive:
            _check(path, info, names, seen)
            seen.add(info.name)
            content = archive.extractfile(info)
            assert content is not None
            with open(folder / info.name, "wb") as file:
                while piece := content.read(1 << 20):
                    file.write(piece)
            if info.name.endswith(".npz"):
                with zipfile.ZipFile(folder / info.name) as arrays:
                    check_unfolded(arrays, LARGEST_MEMBER)


def _check(path: str | Path, info: tarfile.TarInfo, names: Sequence[str], seen: set[str]) -> None:
    if not info.isreg() or info.issparse():
        raise InputError(f"{path} is refused: its member {info.name!r} is not a plain file.")
    if info.name not in names:
        raise InputError(f"{path} is refused: its member {info.name!r} is none of {', '.join(names)}.")
    if info.name in seen:
        raise InputError(f"{path} is refused: it holds {info.name!r} twice.")
    if info.size > LARGEST_MEMBER:
        raise InputError(
            f"{path} is refused: its member {info.name!r} has {info.size} bytes, more than any avatar needs."
        )
