"""Weights brought here: by the user's own command, never at import or inside a job."""

import zipfile
import zlib
from pathlib import Path

from understudy.errors import InputError, disk_trouble
from understudy.files.arrays import check_unfolded, sha256
from understudy.files.atomic import atomic_write
from understudy.weights.check import OTHER, UNVERIFIED, state_of, trust
from understudy.weights.manifest import Weights
from understudy.weights.part import Part, held_part, writing
from understudy.weights.receive import CHUNK, receive

LARGEST = 16 << 30
"""Bytes of a file whose size the manifest does not tell."""
SLACK = 2.0, 16e6
"""Of a size that is told: so many times, and so many bytes more, may come."""
PAGE_STARTS = (b"<!doctype html", b"<html")

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
"""What a zip that is damaged, locked or none at all raises."""


def fetch_weights(name: str, entry: Weights, folder: Path, vouched: bool = False) -> Path:
    """Fetch a file of weights, unless it is there; an interrupted one goes on where it stopped.

    It is put in its place if it has the checksum that the manifest names. Where the manifest names none, the user has to
    vouch for it; until then what came is kept aside, so that it need not come again.

    Args:
        name: Of the weights.
        entry: What the manifest says of them.
        folder: Where the file goes.
        vouched: Whether the user vouches for a file of which the manifest names no checksum; that it had is recorded then.

    Raises:
        InputError: There is no address, no connection, the file is not what the manifest says, nobody vouches for it, or
            there is another file of that name.
    """
    target = folder / entry.file
    if entry.url is None:
        raise InputError(f"{name} cannot be fetched: {entry.how}.")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        with held_part(folder / f"{entry.file}{'' if entry.member is None else '.zip'}.part") as part:
            if not target.exists():  # another process may have brought it
                receive(entry.url, part, _limit(entry), entry.sha256 is not None or entry.member is not None)
                _put_in_place(name, entry, part, target, vouched)
                return target
    if not target.is_file():
        raise InputError(f"{target} is not a file; move it away first.")
    state = state_of(entry, folder)
    if state == OTHER:
        raise InputError(f"{target} is another file than the one that is known by that name; move it away first.")
    if state == UNVERIFIED and vouched:
        trust(target, folder)
    return target


def _limit(entry: Weights) -> int:
    return LARGEST if entry.size_mb is None else round(entry.size_mb * 1e6 * SLACK[0] + SLACK[1])


def _put_in_place(name: str, entry: Weights, part: Part, target: Path, vouched: bool) -> None:
    """Move what came to its place, or the one file of the zip that came, if it is the one that somebody vouches for."""
    if entry.member is None:
        _judge(name, entry, part, part.path, vouched)
        part.move(target)
    else:
        with atomic_write(target) as temporary:
            _take_out(part, entry, temporary)
            _judge(name, entry, part, temporary, vouched)
        part.clear()
    if entry.sha256 is None:
        trust(target, target.parent)


def _judge(name: str, entry: Weights, part: Part, file: Path, vouched: bool) -> None:
    """Refuse a file that is another one, none, or one that nobody vouches for."""
    with open(file, "rb") as opened:
        if opened.read(512).lstrip().lower().startswith(PAGE_STARTS):
            part.clear()
            raise InputError(f"{entry.url} gives a web page and no file; open it in a browser to see what it says.")
    digest = sha256(file)
    if entry.sha256 is None and not vouched:
        raise InputError(
            f"{name} came whole but is unverified, and so was not put in its place: models/manifest.yaml names no checksum"
            f" of it; compare its SHA-256 {digest} with its publisher's, and run `understudy models get {name} --trust` if"
            " you trust it."
        )
    if entry.sha256 is not None and digest != entry.sha256:
        part.clear()
        raise InputError(
            f"What came from {entry.url} is not the file that models/manifest.yaml knows (another SHA-256), and was"
            " removed; fetch it again, and ask its publisher if it stays so."
        )


def _take_out(part: Part, entry: Weights, target: Path) -> None:
    """Write the one file of a zip that is called as the entry says, in whatever folder of it, to ``target``."""
    try:
        with zipfile.ZipFile(part.path) as content:
            check_unfolded(content)
            found = [
                info for info in content.infolist() if Path(info.filename).name == entry.member and not info.is_dir()
            ]
            if len(found) != 1:
                raise ValueError(f"it holds {len(found)} files called {entry.member}, not one")
            with content.open(found[0]) as source, open(target, "wb") as file:
                while chunk := source.read(CHUNK):
                    file.write(chunk)
    except DAMAGED as error:
        if disk_trouble(error) is not None:
            raise
        part.clear()
        raise InputError(
            f"{part.path.stem} is not the zip that was expected ({error}), and was removed; fetch it again."
        ) from None
