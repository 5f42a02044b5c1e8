"""A live view at work, and programs that speak with it as browsers do, or as they would not."""

import re
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from tests.support.export_scenes import LENGTH
from tests.support.view_scenes import archive, motion
from understudy.formats.frames import Frames
from understudy.viewer.config import ViewerConfig
from understudy.viewer.live import LiveView

viser = pytest.importorskip("viser", reason="needs viser")
msgpack = pytest.importorskip("msgspec.msgpack", reason="comes with viser")
client = pytest.importorskip("websockets.sync.client", reason="comes with viser")

SPOKEN = f"viser-v{viser.__version__}"
CAMERA = {
    "type": "ViewerCameraMessage", "wxyz": (1, 0, 0, 0), "position": (0.5, -1, -4), "fov": 0.6, "near": 0.01, "far": 100,
    "image_height": 800, "image_width": 600, "look_at": (0, -1, 0), "up_direction": (0, -1, 0),
}  # fmt: skip


def packed(**message):
    return msgpack.encode(message)


def update(control, value, **more):
    return packed(type="GuiUpdateMessage", uuid=control._impl.uuid, updates={"value": value, **more})


@pytest.fixture(scope="module", name="view")
def at_work(tmp_path_factory):
    """A live view at work, with a motion, the video's, and the video's pictures."""
    folder, known = tmp_path_factory.mktemp("view"), archive()
    frames = Frames(
        folder=folder / "frames", fps=25.0, width=known.width, height=known.height, source="made_up.mp4",
        source_sha256="1" * 64, source_frames=np.arange(LENGTH), K=known.poses.K, K_source="config",
    )  # fmt: skip
    frames.folder.mkdir()
    for number in range(LENGTH):
        Image.new("RGB", (known.width, known.height)).save(frames.path(number))
    frames.save(folder / "frames.json")
    live = LiveView(known, [motion(folder)], ViewerConfig(fps=24.0), folder, port=8850)
    live._motion._playing.value = False
    over = threading.Event()

    def work():
        while not over.is_set():
            live.run(0.1)

    thread = threading.Thread(target=work)
    thread.start()
    yield live
    over.set()
    thread.join()
    live.stop()


def address(view):
    """Host and port, and the path with the secret."""
    host, port, secret = re.fullmatch(r"http://([\d.]+):(\d+)(/[\w-]{43})", view.url).groups()
    return host, int(port), secret


def status(view, path=None, upgrade=False, **headers):
    """What a request is answered with, 0 where the server hangs up; a header may be None or several."""
    host, port, secret = address(view)
    given = {"Host": f"{host}:{port}"}
    if upgrade:
        given |= {
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": SPOKEN,
        }  # fmt: skip
    given |= headers
    lines = [f"GET {secret if path is None else path} HTTP/1.1"]
    for name, values in given.items():
        lines += [f"{name}: {value}" for value in ([values] if isinstance(values, str) else values or [])]
    with socket.create_connection((host, port), timeout=10) as asking:
        asking.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = asking.recv(1 << 16)
    return int(answer.split()[1]) if answer else 0


@contextmanager
def looking_on(view, **options):
    """A browser that has said where it looks from, as the page does."""
    options = {"subprotocols": [SPOKEN], "compression": None, "max_size": None} | options
    with client.connect(view.url.replace("http", "ws", 1), **options) as browser:
        before = len(view.server.get_clients())
        browser.send(packed(**CAMERA))
        soon(lambda: len(view.server.get_clients()) > before)
        yield browser


def soon(true, patience=10.0):
    """Wait until something is true."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
