"""Weights brought here: by the user's own command, never at import or inside a job."""

import http
import http.client
import logging
import os
import ssl
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch

from understudy.errors import InputError
from understudy.files import check_unfolded, sha256
from understudy.progress import track
from understudy.weights.check import compare, record
from understudy.weights.manifest import Weights
from understudy.whole import whole_file

logger = logging.getLogger(__name__)

CHUNK = 1_000_000
"""Bytes at a time, so that progress counts megabytes."""
TIMEOUT = 60.0
"""Seconds without an answer after which a server counts as silent."""

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What a zip that is damaged, locked or none at all raises."""


def fetch_weights(name: str, entry: Weights, folder: Path) -> Path:
    """Fetch a file of weights, unless it is there and whole; an interrupted one goes on where it stopped.

    Args:
        name: Of the weights.
        entry: What the manifest says of them.
        folder: Where the file goes.

    Raises:
        InputError: There is no address, no connection, the file is not what the manifest says, or there is another
            file of that name.
    """
    target = folder / entry.file
    if entry.url is None:
        raise InputError(f"{name} cannot be fetched: {entry.how}.")
    if target.exists():
        if compare(entry, folder) is False:
            raise InputError(f"{target} is another file than the one that is known by that name; move it away first.")
        return target
    folder.mkdir(parents=True, exist_ok=True)
    downloaded = _download(entry, folder)
    if entry.member is not None:
        _take_out(downloaded, entry.member, target)
        downloaded.unlink()
        if entry.sha256 is not None and sha256(target) != entry.sha256:
            target.unlink()
            raise InputError(_other(entry))
    if entry.sha256 is None:
        record(target, folder)
    return target


def _download(entry: Weights, folder: Path) -> Path:
    """The file at the address, under its own name if it is a zip to take one out of."""
    assert entry.url is not None
    name = entry.file if entry.member is None else f"{entry.file}.zip"
    known = entry.sha256 if entry.member is None else None
    pooch.get_logger().setLevel(logging.WARNING)  # it tells of hashes and folders; what matters is told here
    try:
        pooch.retrieve(
            entry.url, known_hash=known, fname=name, path=folder, downloader=Resuming(folder / f"{name}.part")
        )
    except InputError:
        raise
    except ValueError:  # of another checksum
        raise InputError(_other(entry)) from None
    return folder / name


def _other(entry: Weights) -> str:
    return (
        f"What came from {entry.url} is not the file that models/manifest.yaml knows (another SHA-256), and was removed;"
        " fetch it again, and ask its publisher if it stays so."
    )


class Resuming:
    """A downloader for pooch that keeps what came when the line breaks, and goes on from there.

    It goes on only where the server says that the file is still the same one (If-Range with its ETag or date).

    Args:
        part: Where the unfinished file is kept.
    """

    def __init__(self, part: Path) -> None:
        self.part, self.tag = part, part.with_name(f"{part.name}.tag")

    def __call__(self, url: str, output_file: Any, downloader: Any, check_only: bool = False) -> None:
        """Download ``url`` to ``output_file``.

        Raises:
            InputError: No connection, an answer that is none, or an end before the end.
        """
        host = urlsplit(url).netloc
        if urlsplit(url).scheme not in ("http", "https"):
            raise InputError(f"{url} is no address of the web.")
        try:
            self._receive(url, host)
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self.part.exists():
                self.part.unlink()  # all of it came, but was not put in its place
                self(url, output_file, downloader)
                return
            raise InputError(f"{host} does not give {url} ({error.code} {error.reason}).") from None
        except (urllib.error.URLError, ssl.SSLError, ConnectionError, TimeoutError, http.client.HTTPException) as error:
            what = "what came so far is kept, so run it again to go on" if self.part.exists() else "nothing was fetched"
            raise InputError(f"The connection to {host} failed ({getattr(error, 'reason', error)}); {what}.") from None
        os.replace(self.part, output_file)
        self.tag.unlink(missing_ok=True)

    def _receive(self, url: str, host: str) -> None:
        done = self.part.stat().st_size if self.part.exists() and self.tag.exists() else 0
        headers = {"User-Agent": "understudy"}
        if done:
            headers |= {"Range": f"bytes={done}-", "If-Range": self.tag.read_text()}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
            going_on = answer.status == 206
            total = (done if going_on else 0) + int(answer.headers.get("Content-Length") or 0)
            mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            if mark and not mark.startswith("W/"):
                self.tag.write_text(mark)
            else:
                self.tag.unlink(missing_ok=True)
            with open(self.part, "ab" if going_on else "wb") as file:
                for chunk in track(_chunks(answer), f"fetching {self.part.stem} (MB)", round(total / CHUNK) or None):
                    file.write(chunk)
        size = self.part.stat().st_size
        if total and size < total:
            raise InputError(
                f"{host} stopped after {size / 1e6:.1f} of {total / 1e6:.1f} MB; what came is kept: run it again to go on."
            )


def _chunks(answer: Any) -> Iterator[bytes]:
    while chunk := answer.read(CHUNK):
        yield chunk


def _take_out(archive: Path, member: str, target: Path) -> None:
    """Write the one file of a zip that is called ``member``, in whatever folder of it."""
    try:
        with zipfile.ZipFile(archive) as content:
            check_unfolded(content)
            found = [info for info in content.infolist() if Path(info.filename).name == member]
            if len(found) != 1:
                raise ValueError(f"it holds {len(found)} files called {member}, not one")
            with whole_file(target) as temporary, content.open(found[0]) as source, open(temporary, "wb") as file:
                while chunk := source.read(CHUNK):
                    file.write(chunk)
    except DAMAGED as error:
        archive.unlink()
        raise InputError(
            f"{archive.name} is not the zip that was expected ({error}), and was removed; fetch it again."
        ) from None
