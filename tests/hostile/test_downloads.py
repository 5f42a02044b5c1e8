"""Servers that lie, stall, cut short or never end; two at once; and files that nobody vouches for."""

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.paths import SCRIPTS
from tests.support.verbs import call
from understudy.errors import InputError
from understudy.files.arrays import sha256
from understudy.weights import fetch as fetching
from understudy.weights import receive as receiving
from understudy.weights.check import RECORD, state_of, trust, trusted, vouched_digest
from understudy.weights.fetch import fetch_weights
from understudy.weights.manifest import Weights
from understudy.weights.part import Note, held_part
from understudy.weights.programs import is_torchscript, read_program

BODY = bytes(range(251)) * 2000
DIGEST = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2


def entry(url, sha256=None, member=None, size_mb=None):
    return Weights("net.pth", url, None, sha256, size_mb, "CC0", ("keypoints.hrnet",), None, member)


def head(*lines, status="200 OK", version="1.1"):
    return "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""]).encode("latin-1")


def whole(*lines, body=BODY):
    return [head(f"Content-Length: {len(body)}", 'ETag: "1"', *lines) + body]


class Wire:
    """A server that sends, for each request in turn, the pieces of ``answers``; a number among them is a pause in seconds."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/net.pth"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            lines = request.decode("latin-1").split("\r\n")[1:]
            self.asked.append(dict(line.split(": ", 1) for line in lines if line))
            answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
            try:
                for piece in answer() if callable(answer) else answer:
                    if isinstance(piece, bytes):
                        connection.sendall(piece)
                    else:
                        time.sleep(piece)
            except OSError:
                pass

    @property
    def ranges(self):
        return [asked.get("Range") for asked in self.asked]


@pytest.fixture
def wire():
    servers = []

    def start(*answers):
        servers.append(Wire(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def fetch(folder):
    return partial(fetch_weights, "net", folder=folder)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(receiving, "TIMEOUT", 0.4)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


CUT = [head(f"Content-Length: {len(BODY)}", 'ETag: "1"') + BODY[:HALF]]
REST = BODY[HALF:]
RANGE = f"bytes {HALF}-{len(BODY) - 1}/{len(BODY)}"


def part(*lines, body=REST, range=RANGE):
    ranged = [f"Content-Range: {range}"] if range else []
    return [head(f"Content-Length: {len(body)}", *ranged, *lines, status="206 Partial Content") + body]


def test_the_rest_that_was_asked_for_is_gone_on_with(wire, fetch, folder):
    server = wire(CUT, part('ETag: "1"'))
    with pytest.raises(InputError, match="kept: run it again"):
        fetch(entry(server.url, DIGEST))
    assert fetch(entry(server.url, DIGEST)).read_bytes() == BODY and names(folder) == ["net.pth"]
    assert server.ranges == [None, f"bytes={HALF}-"] and server.asked[1]["If-Range"] == '"1"'


@pytest.mark.parametrize(
    "answer",
    [
        part(range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}", body=BODY), part(range="bytes 0-9/10", body=BODY[:10]),
        part(range=f"bytes {HALF + 1}-{len(BODY) - 1}/{len(BODY)}", body=REST[1:]),
        part(range=f"bytes {HALF}-{len(BODY)}/{len(BODY) + 1}", body=REST + b"x"),
        part(range=f"bytes {HALF}-{HALF}/{len(BODY)}", body=REST[:1]), part(range=None), part(range="lines 3-4/5"),
        part(range=f"bytes {HALF}-{len(BODY) - 1}/{len(BODY) - 1}"), part(body=REST[:-1]), part('ETag: "2"'),
        [head("Content-Length: 0", status="416 Range Not Satisfiable")],
    ],
)  # fmt: skip
def test_another_range_than_was_asked_for_begins_the_file_anew(wire, fetch, answer):
    server = wire(CUT, answer, whole())
    with pytest.raises(InputError):
        fetch(entry(server.url))
    assert fetch(entry(server.url), vouched=True).read_bytes() == BODY
    assert server.ranges == [None, f"bytes={HALF}-", None]


def test_a_server_that_always_answers_another_range_never_has_its_file_recorded(wire, fetch, folder):
    server = wire(part(range="bytes 0-9/10", body=BODY[:10]))
    for _ in range(3):
        with pytest.raises(InputError, match=r"does not give .* \(206 Partial Content\)"):
            fetch(entry(server.url), vouched=True)
    assert names(folder) == []


def test_what_came_from_another_address_is_not_gone_on_with(wire, fetch):
    first, second = wire(CUT), wire(whole(body=BODY[::-1]))
    with pytest.raises(InputError):
        fetch(entry(first.url))
    assert fetch(entry(second.url), vouched=True).read_bytes() == BODY[::-1] and second.ranges == [None]


@pytest.mark.parametrize(
    "note", [b"", b"[", b"\xff", b"[" * 10000, b'{"url": 3, "mark": 1, "total": "x"}', b'"1"', b"3"]
)
def test_a_damaged_note_begins_the_file_anew(wire, fetch, folder, note):
    folder.mkdir()
    (folder / "net.pth.part").write_bytes(b"something")
    (folder / "net.pth.part.tag").write_bytes(note)
    server = wire(whole())
    assert fetch(entry(server.url, DIGEST)).read_bytes() == BODY and server.ranges == [None]


def test_a_mark_that_would_be_another_header_is_not_sent(wire, fetch, folder):
    server = wire(whole())
    folder.mkdir()
    with held_part(folder / "net.pth.part") as held:
        held.write(b"x")
        held.take_note(Note(server.url, "1\r\nX-Evil: 1", 10))
    assert fetch(entry(server.url, DIGEST)).read_bytes() == BODY and "X-Evil" not in server.asked[0]


CHUNKED = b"%x\r\n%s\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([head("Content-Length: 900000") + BODY], "stopped after 0.5 of 0.9 MB; run it again"),
        ([head(version="1.0") + BODY[:1000]], "does not say how long"),
        ([head("Connection: close") + BODY], "does not say how long"),
        ([head("Transfer-Encoding: chunked") + CHUNKED], "The connection to .* failed"),
        ([head("Transfer-Encoding: chunked") + CHUNKED[:-500]], "The connection to .* failed"),
        ([head("Transfer-Encoding: chunked") + b"zz\r\n"], "The connection to .* failed"),
        (whole("Content-Encoding: gzip"), r"comes packed \(gzip\)"),
        (whole("Content-Type: text/html; charset=x"), "gives a web page"),
        (whole(body=b"\n <!DOCTYPE html><title>Log in</title>"), "gives a web page"),
        (whole(body=b""), "gives an empty file"),
        ([head("Content-Length: -5") + BODY], "no length that can be"),
        ([head("Content-Length: 5, 6") + BODY], "no length that can be"),
        ([head("Content-Length: 5", "Content-Length: 6") + BODY], "no length that can be"),
        ([head("Content-Length: 99999999999999999999999") + BODY], "no length that can be"),
        ([head("Content-Length: 99999999999999") + BODY], "is larger than 17180 MB"),
        ([head(status="204 No Content")], r"\(204 No Content\)"),
        ([head("Content-Length: 0", status="404 \x1b[31m" + "x" * 1000)], r"does not give .* \(404 "),
        ([b"nonsense\r\n\r\n"], "The connection to .* failed"),
        ([b""], "The connection to .* failed"),
        ([head("Location: http://127.0.0.1:1/x", *["A: 1"] * 300, status="302 Found")], "The connection to .* failed"),
        ([head("Location: file:///etc/passwd", status="302 Found")], "file:///etc/passwd"),
        ([head("Location: ftp://127.0.0.1/x", status="302 Found")], "not an encrypted address of the web"),
        ([head("Location: /net.pth", status="302 Found")], "redirect error that would lead to an infinite loop"),
        ([head(f"Location: http://{'a' * 300}.x/", status="307 Found")], "The connection to .* failed"),
        ([head("Location: http://[::1/", status="308 Found")], "The connection to .* failed"),
        ([head("Content-Length: 0", status="302 Found")], r"\(302 "),
    ],
)  # fmt: skip
def test_answers_that_are_no_whole_file_are_refused_in_one_sentence_and_leave_nothing_in_place(
    wire, fetch, folder, answer, words
):
    with pytest.raises(InputError, match=words) as error:
        fetch(entry(wire(answer).url), vouched=True)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600
    assert not (folder / "net.pth").exists() and trusted(folder) == {}


def test_a_file_without_a_length_is_whole_where_its_checksum_says_so(wire, fetch, folder):
    assert fetch(entry(wire([head(version="1.0") + BODY]).url, DIGEST)).read_bytes() == BODY
    (folder / "net.pth").unlink()
    with pytest.raises(InputError, match="another SHA-256"):
        fetch(entry(wire([head(version="1.0") + BODY[:-1]]).url, DIGEST))
    chunked = [head("Transfer-Encoding: chunked") + CHUNKED + b"0\r\n\r\n"]
    assert fetch(entry(wire(chunked).url), vouched=True).read_bytes() == BODY


def endless():
    yield head(version="1.0")
    while True:
        yield BODY


@pytest.mark.parametrize("size", [0.1, None])
def test_a_body_without_an_end_is_cut_off(wire, fetch, folder, monkeypatch, size):
    monkeypatch.setattr(fetching, "SLACK", (2.0, 1e6))
    monkeypatch.setattr(fetching, "LARGEST", 3_000_000)
    with pytest.raises(InputError, match=f"larger than {1 if size else 3} MB"):
        fetch(entry(wire(endless).url, DIGEST, size_mb=size))
    assert names(folder) == []


def dribble(start):
    def answer():
        yield start
        while True:
            yield b"1"
            yield 0.05

    return answer


def trailers():
    yield head("Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n"
    while True:
        yield b"A: 1\r\n" * 1000
        yield 0.01


def goes_on():
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n"
        yield 0.01


@pytest.mark.parametrize(
    "answer",
    [
        [5.0], dribble(b"HTTP/1.1 200 O"), dribble(b"HTTP/1.1 200 OK\r\nA: "), dribble(head("Content-Length: 100000")),
        dribble(head("Transfer-Encoding: chunked")), trailers, goes_on,
    ],
)  # fmt: skip
def test_a_server_that_keeps_one_waiting_is_given_up(wire, fetch, folder, quick, answer):
    began = time.monotonic()
    with pytest.raises(InputError, match="The connection to .* failed .*(too slow|timed out)"):
        fetch(entry(wire(answer).url, DIGEST))
    assert time.monotonic() - began < 3 and not (folder / "net.pth").exists()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_slow_line_is_not_given_up_while_something_comes(wire, fetch, quick):
    def slowly():
        yield head(f"Content-Length: {len(BODY)}")
        for start in range(0, len(BODY), 100_000):
            yield BODY[start : start + 100_000]
            yield 0.15

    assert fetch(entry(wire(slowly).url, DIGEST)).read_bytes() == BODY


def test_a_redirect_takes_nothing_along_and_never_leaves_encryption():
    handler = receiving._Redirects()
    request = urllib.request.Request(
        "https://a/x", headers={"User-Agent": "u", "Range": "bytes=1-", "Proxy-Authorization": "s", "Cookie": "c"}
    )
    follow = partial(handler.redirect_request, request, None, 302, "", {})
    new = follow("https://b/y")
    assert dict(new.header_items()) == {"User-agent": "u", "Range": "bytes=1-"}
    for address in ("http://a/x", "ftp://a/x", "file:///x", "data:,x"):
        with pytest.raises(InputError, match="not an encrypted address"):
            follow(address)


def test_redirects_are_followed_and_the_file_is_that_of_the_first_address(wire, fetch):
    second = wire(whole())
    first = wire([head(f"Location: {second.url}", status="302 Found")])
    assert fetch(entry(first.url, DIGEST)).read_bytes() == BODY


def test_proxies_of_the_environment_are_asked(wire, fetch, monkeypatch):
    proxy = wire(whole())
    monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/net.pth"))
    monkeypatch.delenv("no_proxy", raising=False)
    assert fetch(entry("http://weights.invalid/net.pth", DIGEST)).read_bytes() == BODY
    assert proxy.asked[0]["Host"] == "weights.invalid"


def test_a_disk_without_room_is_told_before_anything_comes(wire, fetch, folder, monkeypatch):
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match="the disk is full"):
        fetch(entry(wire(whole()).url, DIGEST))
    assert names(folder) == []


PROGRAM = """
import sys
from pathlib import Path
from understudy.errors import InputError, Stopped, stoppable
from understudy.weights.fetch import fetch_weights
from understudy.weights.manifest import Weights
url, digest, folder = sys.argv[1:]
try:
    with stoppable():
        fetch_weights("net", Weights("net.pth", url, None, digest, None, "", (), None, None), Path(folder))
except Stopped as stopped:
    sys.exit(stopped.status)
except InputError as error:
    sys.exit(f"error: {error}")
"""


def begin(url, folder):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", PROGRAM, url, DIGEST, str(folder)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def slow(seconds):
    return [head(f"Content-Length: {len(BODY)}", 'ETag: "1"') + BODY[:HALF], seconds, REST]


def until(condition):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_came_before_a_process_was_ended_is_gone_on_from(wire, fetch, folder, number):
    server = wire(slow(30), part('ETag: "1"'))
    process = begin(server.url, folder)
    half = folder / "net.pth.part"
    until(lambda: half.exists() and half.stat().st_size == HALF)
    process.send_signal(number)
    assert process.wait(20) == (-number if number == signal.SIGKILL else 128 + number)
    process.stderr.close()
    assert fetch(entry(server.url, DIGEST)).read_bytes() == BODY
    assert server.ranges == [None, f"bytes={HALF}-"] and names(folder) == ["net.pth"]


def test_two_at_once_fetch_the_file_once(wire, folder):
    server = wire(slow(2))
    processes = [begin(server.url, folder) for _ in range(3)]
    said = [process.communicate(timeout=30)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert sum("another process fetches net.pth" in text for text in said) == 2
    assert (folder / "net.pth").read_bytes() == BODY and len(server.asked) == 1 and names(folder) == ["net.pth"]


def test_links_lead_nothing_astray(wire, fetch, folder, tmp_path):
    folder.mkdir()
    (tmp_path / "precious").write_text("precious")
    (folder / "net.pth.part").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match=r"net\.pth\.part cannot be written"):
        fetch(entry(wire(whole()).url, DIGEST))
    (folder / "net.pth.part").unlink()
    (folder / "net.pth").symlink_to(tmp_path / "nowhere")
    assert fetch(entry(wire(whole()).url, DIGEST)).read_bytes() == BODY
    assert (tmp_path / "precious").read_text() == "precious" and not (tmp_path / "nowhere").exists()
    (folder / "net.pth").unlink()
    (folder / "net.pth").mkdir()
    with pytest.raises(InputError, match="is not a file"):
        fetch(entry(wire(whole()).url, DIGEST))


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def encrypted():
    data = bytearray(zipped(**{"a.onnx": BODY}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(**{"a.onnx": BODY, "b/a.onnx": BODY}), "holds 2 files called a.onnx"),
        (zipped(**{"a.onnx/": b""}), "holds 0 files called a.onnx"),
        (encrypted(), "encrypted"),
        (zipped(**{"a.onnx": BODY}).replace(b"PK\x01\x02", b"PK\x01\x03"), "is not the zip"),
        (BODY, "is not the zip"),
    ],
)
def test_zips_that_are_not_what_was_expected_are_removed(wire, fetch, folder, data, words):
    with pytest.raises(InputError, match=words):
        fetch(entry(wire(whole(body=data)).url, member="a.onnx"), vouched=True)
    assert names(folder) == []


def test_a_zip_writes_nothing_but_the_one_file(wire, fetch, folder, tmp_path):
    data = zipped(**{"../../a.onnx": BODY, "../evil": b"x", "/tmp/evil-of-understudy": b"x"})
    assert fetch(entry(wire(whole(body=data)).url, DIGEST, member="a.onnx")).read_bytes() == BODY
    assert names(folder) == ["net.pth"] and names(tmp_path) == ["models"]
    assert not Path("/tmp/evil-of-understudy").exists()


def test_an_unfinished_download_of_another_program_stays(wire, fetch, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.pth.part").write_bytes(b"a browser's")
    with pytest.raises(InputError, match=r"net\.pth\.part is there already, and was not begun here"):
        fetch(entry(wire(whole()).url, DIGEST))
    assert (folder / "net.pth.part").read_bytes() == b"a browser's"


def test_a_bomb_is_not_unfolded(wire, fetch, folder, monkeypatch):
    monkeypatch.setattr("understudy.files.arrays.LARGEST", 1_000_000)
    data = zipped(**{"a.onnx": bytes(2_000_000)})
    with pytest.raises(InputError, match="unfolds to 2000000 bytes"):
        fetch(entry(wire(whole(body=data)).url, member="a.onnx"), vouched=True)
    assert names(folder) == []


def test_records_of_trust_are_read_as_far_as_they_are_records(tmp_path):
    (tmp_path / "net.pth").write_bytes(BODY)
    (tmp_path / RECORD).write_bytes(b"\xff\n" + b"a" * 63 + b"  short\n" + b"a" * 64 + b"  torn")
    trust(tmp_path / "net.pth", tmp_path)
    assert trusted(tmp_path) == {"torn": "a" * 64, "net.pth": DIGEST}
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/own\n.pth").write_bytes(BODY[1:])
    trust(tmp_path / "elsewhere/own\n.pth", tmp_path)
    assert len(trusted(tmp_path)) == 3 and len((tmp_path / RECORD).read_bytes().splitlines()) == 5
    assert state_of(entry(None), tmp_path) == "trusted by you"


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_record_of_trust_that_leads_elsewhere_is_not_written(tmp_path, kind):
    (tmp_path / "net.pth").write_bytes(BODY)
    (tmp_path / "mine").write_text("dear")
    (tmp_path / RECORD).symlink_to("mine") if kind == "link" else os.mkfifo(tmp_path / RECORD)
    with pytest.raises(InputError, match=RECORD):
        trust(tmp_path / "net.pth", tmp_path)
    assert (tmp_path / "mine").read_text() == "dear"


def test_two_that_vouch_at_once_both_have_their_line(tmp_path):
    files = [tmp_path / f"{number}.pth" for number in range(20)]
    for file in files:
        file.write_text(file.name)
    threads = [threading.Thread(target=trust, args=(file, tmp_path)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(trusted(tmp_path)) == {file.name for file in files}


def test_get_goes_on_with_the_next_file_and_says_who_vouches(wire, monkeypatch, capsys, tmp_path):
    entries = {
        name: Weights(f"{name}.pth", wire(whole()).url, None, digest, 1, "[red]CC0", ())
        for name, digest in (("open", None), ("known", DIGEST))
    }
    monkeypatch.setattr("understudy.weights.manifest.read_manifest", lambda _: entries)
    monkeypatch.setenv("COLUMNS", "200")
    run = partial(call, monkeypatch, capsys, tmp_path, "models")
    status, printed, errors = run("get", "open", "known", "--folder", "m")
    assert status == 2 and "open came whole but is unverified" in errors and DIGEST in errors
    assert printed == "known: m/known.pth, verified, [red]CC0\n"
    status, printed, errors = run("get", "open", "--folder", "m", "--trust")
    assert status == 0 and printed == "open: m/open.pth, trusted by you, [red]CC0\n", errors
    (tmp_path / "m" / RECORD).unlink()
    status, printed, errors = run("get", "open", "--folder", "m")
    assert status == 0 and "open.pth, unverified" in printed and "`understudy models trust open`" in errors
    assert run("trust", "open", "--folder", "m")[0] == 0
    status, printed, errors = run("list", "--folder", "m")
    assert "trusted by you" in printed and "verified" in printed and "[red]CC0" in printed


def jit(path):
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.jit.script(Net()).save(str(path))
    return path


def test_torchscript_is_known_by_its_name_and_by_its_content(tmp_path):
    file = jit(tmp_path / "net.pt")
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(1)}, tmp_path / "plain.pt")
    (tmp_path / "empty.TorchScript").touch()
    assert is_torchscript(file) and is_torchscript(tmp_path / "empty.TorchScript")
    assert not is_torchscript(tmp_path / "plain.pt") and not is_torchscript(tmp_path / "nothing.pt")


@pytest.mark.parametrize("vouched", [None, "0" * 64, DIGEST])
def test_torchscript_that_nobody_vouches_for_is_not_run(tmp_path, monkeypatch, vouched):
    torch = pytest.importorskip("torch")
    from understudy.backends.registry import open_backend

    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was run"))
    file = jit(tmp_path / "net.torchscript")
    with pytest.raises(InputError, match=f"there is no trusted checksum for it: compare its SHA-256 {sha256(file)}"):
        open_backend("silhouettes", "rvm", file, sha256=vouched)


def test_a_file_is_vouched_for_by_the_manifest_or_the_user_and_not_by_what_lies_beside_it(tmp_path):
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "net.torchscript").write_bytes(BODY)
    trust(stranger / "net.torchscript", stranger)
    own = tmp_path / "models"
    assert vouched_digest(stranger / "net.torchscript", {}, [own]) is None
    assert vouched_digest(stranger / "net.torchscript", {"a": entry(None, DIGEST)}, [own]) == DIGEST
    trust(stranger / "net.torchscript", own)
    assert vouched_digest(stranger / "net.torchscript", {}, [own]) == DIGEST
    assert read_program(stranger / "net.torchscript", DIGEST).read() == BODY
    (stranger / "net.torchscript").write_bytes(BODY[1:])
    assert vouched_digest(stranger / "net.torchscript", {}, [own]) is None
