"""Files from the web: what a server answers is believed as far as it fits together, and costs no more than was allowed."""

import http
import http.client
import re
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from understudy.errors import InputError
from understudy.progress import track
from understudy.weights.part import Note, Part

CHUNK = 1_000_000
"""Bytes at a time, so that progress counts megabytes."""
TIMEOUT = 60.0
"""Seconds in which an answer must begin, and then ``LEAST`` bytes come."""
LEAST = 65_536
"""A kilobyte a second: slower than any line over which one fetches weights."""
MOST_REDIRECTS = 10
PAGES = ("text/html", "application/xhtml+xml")
MARK = re.compile(r"(?!W/)[\x20-\x7e]{1,1000}")
"""An ETag or date that tells that a file is the same to the byte."""
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class _Misfit(Exception):
    """An answer that does not go on where the part ends."""


def receive(url: str, part: Part, limit: int, sure: bool) -> None:
    """Bring a file, or what is missing of it, into ``part``.

    It is gone on with only where it came from the same address, and the server says that the file is still the same one
    (If-Range with its ETag or date) and sends the very rest that was asked for. Else it is begun anew.

    Args:
        url: The address.
        part: What has come before.
        limit: Most bytes.
        sure: Whether something else will tell if the end is missing, where the server does not say how long the file is.

    Raises:
        InputError: No connection, an answer that is none, an end before the end, or too much of it.
    """
    host = urlsplit(url).netloc
    if urlsplit(url).scheme not in ("http", "https") or not host:
        raise InputError(f"{url} is not an address of the web.")
    note = part.note()
    if note is None or note.url != url or part.size > limit:
        note = None
        part.clear()
    if note is not None and part.size and part.size == note.total:
        return  # all of it came, but was not put in its place
    try:
        with _patience() as progressed:
            try:
                _ask(url, part, note, limit, sure, progressed)
            except _Misfit:
                part.clear()
                _ask(url, part, None, limit, sure, progressed)
    except urllib.error.HTTPError as error:
        raise InputError(f"{host} does not give {url} ({error.code} {_brief(error.reason)}).") from None
    except InputError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: of addresses that cannot be
        note = part.note()
        kept = note is not None and note.mark and part.size
        what = "what came so far is kept, so run it again to go on" if kept else "nothing was fetched"
        reason = _brief(getattr(error, "reason", error)) or type(error).__name__
        raise InputError(f"The connection to {host} failed ({reason}); {what}.") from None


def _ask(url: str, part: Part, note: Note | None, limit: int, sure: bool, progressed: Callable[[], None]) -> None:
    host = urlsplit(url).netloc
    start = part.size if note is not None and note.mark and MARK.fullmatch(note.mark) else 0
    headers = {"User-Agent": "understudy", "Accept-Encoding": "identity"}
    if start and note is not None and note.mark:
        headers |= {"Range": f"bytes={start}-", "If-Range": note.mark}
    try:
        answer = _opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            raise _Misfit from None
        raise
    with answer:
        progressed()
        _check_kind(answer, url, asked=start > 0)
        length = _length(answer, url)
        if answer.status == http.HTTPStatus.OK:
            start = 0
        elif note is not None:
            _check_range(answer, start, length, note)
        if length is not None:
            _check_room(url, part, start + length, limit)
        mark = _mark(answer)
        if start == 0:
            part.clear()
        total = None if length is None else start + length
        part.take_note(Note(url, mark, total))
        told = f"fetching {part.path.stem} (MB)"
        for _ in track(_written(answer, part, limit, url, progressed), told, round((length or 0) / CHUNK) or None):
            pass
    if total is not None and part.size < total:
        what = "what came is kept: run it again to go on" if mark else "run it again"
        raise InputError(f"{host} stopped after {part.size / 1e6:.1f} of {total / 1e6:.1f} MB; {what}.")
    if total is None and not _is_chunked(answer) and not sure:
        part.clear()
        raise InputError(
            f"{host} does not say how long {url} is, so nobody can tell whether all of it came, without a checksum; it was"
            " removed."
        )
    if part.size == 0:
        raise InputError(f"{url} gives an empty file; ask its publisher.")
    part.take_note(Note(url, mark, part.size))


def _written(answer: Any, part: Part, limit: int, url: str, progressed: Callable[[], None]) -> Iterator[None]:
    """Write what comes; stop at each ``CHUNK`` bytes."""
    since, fresh = 0, 0
    while data := answer.read1(LEAST):
        part.write(data)
        if part.size > limit:
            part.clear()
            raise InputError(_too_large(url, limit))
        since, fresh = since + len(data), fresh + len(data)
        if fresh >= LEAST:
            progressed()
            fresh = 0
        if since >= CHUNK:
            since -= CHUNK
            yield


def _check_kind(answer: Any, url: str, asked: bool) -> None:
    """Refuse answers that are no file: pages that ask to log in, packed ones, parts that nobody asked for."""
    kind = answer.headers.get_content_type()
    if kind in PAGES:
        raise InputError(f"{url} gives a web page and no file; open it in a browser to see what it says.")
    packed = answer.headers.get("Content-Encoding", "identity")
    if packed.strip().lower() not in ("identity", ""):
        raise InputError(f"{url} comes packed ({_brief(packed)}), which was not asked for; fetch it by other means.")
    expected = (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT) if asked else (http.HTTPStatus.OK,)
    if answer.status not in expected:
        raise InputError(f"{urlsplit(url).netloc} does not give {url} ({answer.status} {_brief(answer.reason)}).")


def _check_range(answer: Any, start: int, length: int | None, note: Note) -> None:
    """Refuse another range than the rest from ``start``, and one of another file."""
    found = RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if found is None:
        raise _Misfit
    first, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    tags = {answer.headers.get("ETag"), answer.headers.get("Last-Modified")} - {None}
    fits = first == start and last >= first and total in (None, last + 1) and note.total in (None, last + 1)
    if not fits or length not in (None, last + 1 - first) or (tags and note.mark not in tags):
        raise _Misfit


def _length(answer: Any, url: str) -> int | None:
    """Bytes of an answer's body, None where it does not say."""
    if _is_chunked(answer):
        return None
    lengths = {value.strip() for value in answer.headers.get_all("Content-Length") or ()}
    if not lengths:
        return None
    if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", min(lengths)):
        raise InputError(f"{url}: the server's answer has no length that can be ({_brief(', '.join(lengths))}).")
    return int(min(lengths))


def _mark(answer: Any) -> str | None:
    mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return mark if mark is not None and MARK.fullmatch(mark) else None


def _is_chunked(answer: Any) -> bool:
    return bool(answer.chunked)


def _check_room(url: str, part: Part, total: int, limit: int) -> None:
    if total > limit:
        raise InputError(_too_large(url, limit))
    free = shutil.disk_usage(part.path.parent).free + part.size
    if total > free:
        raise InputError(
            f"{part.path} cannot be written: the disk is full, {url} has {total / 1e6:.0f} MB and"
            f" {max(0, free - part.size) / 1e6:.0f} MB are free; make room there and run again."
        )


def _too_large(url: str, limit: int) -> str:
    return (
        f"{url} is larger than {limit / 1e6:.0f} MB, far more than models/manifest.yaml expects; it was not fetched, ask"
        " its publisher."
    )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to addresses of the web alone, never from an encrypted one to one that is not, and takes nothing along."""

    max_redirections = max_repeats = MOST_REDIRECTS

    def redirect_request(  # type: ignore[override]
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request:
        """The request for the next address."""
        new = urlsplit(newurl).scheme
        if new not in ("http", "https") or (new == "http" and urlsplit(req.full_url).scheme == "https"):
            raise InputError(
                f"{req.full_url} leads to {_brief(newurl)}, which is not an encrypted address of the web; it was not fetched."
            )
        ours = ("User-agent", "Accept-encoding", "Range", "If-range")  # as urllib spells them
        kept = {name: value for name, value in req.header_items() if name in ours}
        return urllib.request.Request(newurl, headers=kept)


def _opener() -> urllib.request.OpenerDirector:
    """What opens addresses of the web, through the proxies of the environment, and no others (files, FTP)."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(), urllib.request.UnknownHandler(), urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(), urllib.request.HTTPDefaultErrorHandler(), _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


@contextmanager
def _patience() -> Iterator[Callable[[], None]]:
    """Give what is to be called on progress; without it for ``TIMEOUT`` seconds a TimeoutError comes.

    A timeout of the socket's own begins anew with each byte, so that a server could keep one waiting for ever.
    """

    def give_up(*_: object) -> None:
        raise TimeoutError(f"too slow: fewer than {LEAST} bytes in {TIMEOUT:g} s")

    def progressed() -> None:
        signal.setitimer(signal.ITIMER_REAL, TIMEOUT)

    try:
        before = signal.signal(signal.SIGALRM, give_up)
    except ValueError:  # not in the main thread, which alone may ask for signals
        yield lambda: None
        return
    try:
        progressed()
        yield progressed
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _brief(text: object) -> str:
    """What a server said, on one line."""
    return " ".join(str(text).split())[:200]
