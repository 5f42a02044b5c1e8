"""Weights: listed, fetched with resume and checksum from a server of our own, and found by the stages."""

import hashlib
import io
import json
import subprocess
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.verbs import call
from understudy.backends.registry import BACKENDS
from understudy.errors import InputError
from understudy.weights.check import RECORD, check_weights, state_of, trusted
from understudy.weights.fetch import fetch_weights
from understudy.weights.manifest import Weights, chosen, find_weights, read_manifest

MANIFEST = ROOT / "models/manifest.yaml"
CONTENT = bytes(range(256)) * 12000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def entry(url=None, sha256=None, how=None, member=None):
    return Weights("net.pth", url, how, sha256, None, "CC0", ("keypoints.hrnet",), None, member)


class Server(ThreadingHTTPServer):
    """A server of one file that breaks the line after ``cut`` bytes of an answer, and remembers what was asked."""

    def __init__(self, content, cut=None, tag='"1"'):
        super().__init__(("127.0.0.1", 0), Answer)
        self.content, self.cut, self.tag, self.ranges = content, cut, tag, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/net.pth"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        if self.path != "/net.pth":
            self.send_error(404)
            return
        start = 0
        if asked and self.headers.get("If-Range") == server.tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        body = server.content[start:]
        if start and not body:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.tag)
        self.end_headers()
        self.wfile.write(body[: server.cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def fetch(tmp_path):
    return partial(fetch_weights, "net", folder=tmp_path / "models")


def test_a_file_is_fetched_once_and_its_checksum_compared(serve, fetch, tmp_path):
    server = serve(CONTENT)
    assert fetch(entry(server.url, SHA256)).read_bytes() == CONTENT
    assert fetch(entry(server.url, SHA256)) == tmp_path / "models/net.pth"
    assert server.ranges == [None]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["net.pth"]


def test_what_a_broken_line_left_is_kept_and_gone_on_from(serve, fetch, tmp_path):
    server = serve(CONTENT, cut=1_234_567)
    with pytest.raises(InputError, match=r"stopped after 1\.2 of 3\.1 MB; what came is kept: run it again to go on\.$"):
        fetch(entry(server.url, SHA256))
    assert not (tmp_path / "models/net.pth").exists()
    server.cut = None
    assert fetch(entry(server.url, SHA256)).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1234567-"]


def test_a_file_that_came_whole_but_was_not_put_in_its_place_does_not_come_again(serve, fetch, tmp_path):
    server = serve(CONTENT)
    with pytest.raises(InputError, match=f"unverified.*SHA-256 {SHA256}.*`understudy models get net --trust`"):
        fetch(entry(server.url))
    assert not (tmp_path / "models/net.pth").exists()
    assert fetch(entry(server.url), vouched=True).read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_file_that_changed_meanwhile_is_begun_anew(serve, fetch):
    server = serve(b"x" * 2_000_000, cut=1_000_000)
    with pytest.raises(InputError, match="kept"):
        fetch(entry(server.url, SHA256))
    server.content, server.tag, server.cut = CONTENT, '"2"', None
    assert fetch(entry(server.url, SHA256)).read_bytes() == CONTENT


def test_another_file_than_the_known_one_is_removed_and_named(serve, fetch, tmp_path):
    server = serve(CONTENT[:-1])
    with pytest.raises(InputError, match="another SHA-256") as error:
        fetch(entry(server.url, SHA256))
    assert server.url in str(error.value) and "\n" not in str(error.value)
    assert not list((tmp_path / "models").iterdir())


def test_a_checksum_that_the_user_vouches_for_holds_from_then_on(serve, fetch, tmp_path):
    target = fetch(entry(serve(CONTENT).url), vouched=True)
    assert trusted(target.parent) == {"net.pth": SHA256} and state_of(entry(), target.parent) == "trusted by you"
    checked = subprocess.run(["sha256sum", "--check", RECORD], cwd=target.parent, capture_output=True)
    assert checked.returncode == 0
    target.write_bytes(b"something else")
    lines, others = check_weights({"net": entry()}, target.parent)
    assert others == ["net"] and "another file" in lines[0]
    with pytest.raises(InputError, match="move it away"):
        fetch(entry(serve(CONTENT).url), vouched=True)


def test_a_file_that_is_there_without_a_checksum_is_unverified_until_the_user_vouches(fetch, tmp_path):
    target = tmp_path / "models/net.pth"
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    (target.parent / "checksums.json").write_text(json.dumps({"net.pth": SHA256}))  # which nobody vouched for
    assert fetch(entry("https://a")) == target
    lines, others = check_weights({"net": entry()}, target.parent)
    assert others == [] and f"unverified (SHA-256 {SHA256})" in lines[0]
    assert fetch(entry("https://a"), vouched=True) == target and state_of(entry(), target.parent) == "trusted by you"


def test_one_file_is_taken_out_of_a_zip(serve, fetch, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("deep/end2end.onnx", CONTENT)
        content.writestr("deep/pipeline.json", "{}")
    server = serve(archive.getvalue())
    with pytest.raises(InputError, match=f"unverified.*{SHA256}"):
        fetch(entry(server.url, member="end2end.onnx"))
    assert fetch(entry(server.url, member="end2end.onnx"), vouched=True).read_bytes() == CONTENT
    assert server.ranges == [None]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["net.pth", RECORD]
    (tmp_path / "models/net.pth").unlink()
    assert fetch(entry(server.url, SHA256, member="end2end.onnx")).read_bytes() == CONTENT
    (tmp_path / "models/net.pth").unlink()
    with pytest.raises(InputError, match=r"it holds 0 files called other\.onnx, not one"):
        fetch(entry(server.url, member="other.onnx"))


@pytest.mark.parametrize("harm", ["cut", "flipped", "text"])
def test_a_damaged_zip_is_removed_and_named(harm, serve, fetch, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("end2end.onnx", CONTENT)
    data = bytearray(archive.getvalue())
    if harm == "flipped":
        data[60:80] = bytes(20)
    server = serve({"cut": bytes(data[:-40]), "flipped": bytes(data), "text": b"not found"}[harm])
    with pytest.raises(InputError, match="is not the zip that was expected .* fetch it again") as error:
        fetch(entry(server.url, member="end2end.onnx"))
    assert "\n" not in str(error.value) and not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/net.pth", r"The connection to 127\.0\.0\.1:1 failed .*; nothing was fetched\.$"),
        ("http://no.such.host.invalid/net.pth", r"The connection to no\.such\.host\.invalid failed"),
        ("file:///etc/hostname", "not an address of the web"),
        (None, r"cannot be fetched: register at example\.org\.$"),
    ],
)
def test_what_cannot_be_fetched_is_told_in_one_sentence(fetch, url, words):
    with pytest.raises(InputError, match=words) as error:
        fetch(entry(url, how=None if url else "register at example.org"))
    assert "\n" not in str(error.value)


def test_a_missing_page_is_told_in_one_sentence(serve, fetch):
    with pytest.raises(InputError, match=r"does not give .* \(404 Not Found\)"):
        fetch(entry(serve(CONTENT).url + "x"))


def test_the_shipped_manifest_serves_every_backend():
    manifest = read_manifest(MANIFEST)
    stages = {f"{stage}.{name}" for stage, table in BACKENDS.items() for name in table}
    for name, one in manifest.items():
        assert one.used_by and set(one.used_by) <= stages, name
        assert one.sha256 is None or len(bytes.fromhex(one.sha256)) == 32, name
        assert one.url is None or one.url.startswith("https://"), name
        assert (one.url or "").endswith(".zip") == (one.member is not None), name
    assert len({one.file for one in manifest.values()}) == len(manifest)
    for stage, table in BACKENDS.items():
        for name, backend in table.items():
            if backend.weights is not None:
                assert f"{stage}.{name}" in manifest[backend.weights].used_by


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": None}, "has an url, or says how"),
        ({"file": "../net.pth"}, "plain name"),
        ({"sise_mb": 3}, "an entry has"),
        ({"sha256": "A" * 64}, "not 64 digits"),
        ({"size_mb": -1}, "size_mb is -1"),
        ({"size_mb": "3"}, "size_mb is '3'"),
        ({"url": "http://a"}, "http://a is not encrypted"),
        ({"url": 3}, "url is '3'"),
        ({"used_by": "a"}, "used_by is 'a'"),
    ],
)
def test_a_manifest_with_mistakes_is_refused(tmp_path, change, words):
    good = {"file": "a", "url": "https://a", "how": None, "sha256": None, "size_mb": None, "licence": "", "used_by": []}
    (tmp_path / "m.yaml").write_text(yaml.safe_dump({"net": {**good, **change}}))
    with pytest.raises(InputError, match=words):
        read_manifest(tmp_path / "m.yaml")


def test_weights_are_found_here_or_beside_the_workflow_and_else_named(tmp_path, monkeypatch):
    here, repository = tmp_path / "here", tmp_path / "repository"
    for folder in (here, repository):
        (folder / "models").mkdir(parents=True)
    monkeypatch.chdir(here)
    manifest = {"net": entry("https://a"), "asked": entry(how="register at b")}
    find = partial(find_weights, manifest, "keypoints.backend 'hrnet'", repository=repository)
    with pytest.raises(
        InputError, match=r"models/net\.pth, which is not there; `understudy models get net` fetches it\.$"
    ):
        find("net", None)
    with pytest.raises(InputError, match=r"register at b\.$"):
        find("asked", None)
    with pytest.raises(InputError, match=r"there is no file mine\.pth"):
        find("net", "mine.pth")
    (repository / "models/net.pth").touch()
    assert find("net", None) == repository / "models/net.pth"
    (here / "models/net.pth").touch()
    assert find("net", None) == Path("models/net.pth")
    (here / "mine.pth").touch()
    assert find("net", "mine.pth") == Path("mine.pth")


def test_names_that_are_none_are_told():
    with pytest.raises(InputError, match="no weights called b; there are a"):
        chosen({"a": entry()}, ["b"])


def test_the_verb_lists_and_checks(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "models", "list", "sam_vit_b", "--folder", ".")
    assert status == 0 and "sam_vit_b" in printed and "Apache-2.0" in printed and "yolo" not in printed, errors
    (tmp_path / "yolo11m-pose.pt").write_bytes(b"no")
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "models", "check", "--folder", ".")
    assert status == 2 and "yolo11m-pose.pt is another file" in printed and errors.startswith("error: yolo11m-pose: ")
    status, printed, errors = call(monkeypatch, capsys, tmp_path, "models", "list", "yolo11m-pose", "--folder", ".")
    assert status == 0 and "another file" in printed
    for action in ("get", "trust"):
        status, printed, errors = call(monkeypatch, capsys, tmp_path, "models", action, "--folder", ".")
        assert status == 2 and "Name the weights" in errors


def test_the_verb_vouches_for_files(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    run = partial(call, monkeypatch, capsys, tmp_path, "models")
    for name in ("sam_vit_b_01ec64.pth", "yolo11m-pose.pt", "own.torchscript"):
        (tmp_path / name).write_bytes(CONTENT)
    status, printed, errors = run("check", "sam_vit_b", "--folder", ".")
    assert status == 0 and f"is unverified (SHA-256 {SHA256})" in printed
    status, printed, errors = run("trust", "sam_vit_b", "own.torchscript", "--folder", ".")
    assert status == 0 and printed.count(SHA256) == 2, errors
    status, printed, errors = run("list", "sam_vit_b", "--folder", ".")
    assert "trusted by you" in printed
    status, printed, errors = run("trust", "yolo11m-pose", "--folder", ".")
    assert status == 2 and "another file than its publisher's" in errors
    status, printed, errors = run("trust", "nothing", "--folder", ".")
    assert status == 2 and "no such file" in errors
    status, printed, errors = run("list", "--trust")
    assert status == 2 and "--trust is for get" in errors
