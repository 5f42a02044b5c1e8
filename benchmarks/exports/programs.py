"""Other programs that open our exports: Blender, three.js in Chromium, and packages from npm."""

import base64
import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support.browser import PATIENCE_S, chromium

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "npm"
"""Their names, versions and checksums."""

Shot = Mapping[str, Any]
"""One picture to take: motion (or None) and frame, or for a .vrm its bones' rotations; camera K and view, size; for
three.js perhaps normals (plain or relief) in place of colours."""


def npm_packages() -> Path | None:
    """The folder with npm's packages, as package-lock.json has them; None where node, npm or the packages cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    if not (PACKAGES / "node_modules").is_dir():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(PACKAGES)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
    return PACKAGES


def blender_version() -> str | None:
    """As Blender says; None where there is none."""
    if shutil.which("blender") is None:
        return None
    return subprocess.run(["blender", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def in_blender(model: Path, fps: float, shots: Sequence[Shot], folder: Path) -> list[Path]:
    """Pictures that Blender takes of a .glb or .obj.

    Raises:
        RuntimeError: Blender failed.
    """
    files = [folder / f"blender_{number:03d}.png" for number in range(len(shots))]
    pictures = [{**shot, "file": str(file)} for shot, file in zip(shots, files, strict=True)]
    job = folder / "job.json"
    job.write_text(json.dumps({"model": str(model.resolve()), "fps": round(fps), "pictures": pictures}))
    # Debian's Blender runs on the system's Python, which has no numpy where nobody installed it: lend it ours
    lent = {**os.environ, "PYTHONPATH": str(Path(np.__file__).parents[1])}
    command = [
        "blender",
        "-b",
        "--python-use-system-env",
        "--python-exit-code",
        "1",
        "-P",
        str(HERE / "blender_views.py"),
    ]
    done = subprocess.run([*command, "--", str(job)], capture_output=True, text=True, check=False, env=lent)
    if done.returncode:
        raise RuntimeError(f"Blender failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    return files


def in_three(model: Path, fps: float, shots: Sequence[Shot], folder: Path) -> list[Path] | None:
    """Pictures that three.js takes of a .glb, or with three-vrm of a .vrm, in headless Chromium; None where browser, node
    or npm are not there.

    Raises:
        RuntimeError: The page failed, or did not answer.
    """
    place, browser = npm_packages(), chromium()
    if place is None or browser is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        site = Path(name)
        shutil.copy(HERE / "three_views.html", site / "index.html")
        shutil.copy(model, site / model.name)
        (site / "node_modules").symlink_to(place / "node_modules")
        (site / "job.json").write_text(json.dumps({"model": model.name, "fps": fps, "pictures": list(shots)}))
        answer = _answer(browser, site)
    if "pictures" not in answer:
        raise RuntimeError(f"three.js failed: {answer.get('error')}")
    files = [folder / f"three_{number:03d}.png" for number in range(len(shots))]
    for file, picture in zip(files, answer["pictures"], strict=True):
        file.write_bytes(base64.b64decode(picture.split(",")[1]))
    return files


def _answer(browser: str, site: Path) -> dict[str, Any]:
    """What the page of a folder posts."""
    answer: dict[str, Any] = {"error": f"no answer within {PATIENCE_S} s"}
    answered = threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            answer.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            answered.set()

        def log_message(self, *_: Any) -> None:
            pass

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site))) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [
            browser, "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
            "--remote-debugging-port=0", f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_port}/index.html",
        ]  # fmt: skip
        page = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        answered.wait(PATIENCE_S)
        page.terminate()
        page.wait()
        server.shutdown()
    return answer
