"""Pages in headless Chromium: open, look, click and touch, by Chrome's DevTools protocol."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--hide-scrollbars",
    "--remote-debugging-port=0", "--window-size=900,700", "--no-first-run", "--disable-background-networking",
)  # fmt: skip
PATIENCE_S = 300
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser's program; None where there is none."""
    return next((name for name in CHROMIUM if shutil.which(name)), None)


def lacking() -> str | None:
    """Why pages cannot be opened here; None where they can."""
    if chromium() is None:
        return "needs Chromium"
    try:
        import websockets.sync.client  # noqa: F401
    except ImportError:
        return "needs the package websockets, which comes with viser"
    return None


class Tab:
    """One page."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self._session: str | None = None
        self._complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        call = {"id": self._number, "method": method, "params": params}
        self._socket.send(json.dumps(call if self._session is None else {**call, "sessionId": self._session}))
        while True:
            said = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if said.get("id") == self._number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return said["result"]
            self._heard(said.get("method"), said.get("params", {}))

    def _heard(self, event: str | None, params: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self._complaints.append(json.dumps(params["exceptionDetails"].get("exception", params["exceptionDetails"])))
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self._complaints.append(" ".join(str(part.get("value", part)) for part in params["args"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self._complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    def complaints(self) -> list[str]:
        """Errors and warnings on the console so far, and what was thrown."""
        self.ask("0")  # what the page said comes before its answer
        return self._complaints

    def size(self, width: int, height: int, phone: bool = False) -> None:
        """Give the page so many CSS px; a phone has two dots for each, and touch."""
        ratio = 2 if phone else 1
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio, mobile=phone
        )
        self._call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def open(self, url: str) -> None:
        """Go to an address."""
        self._call("Page.navigate", url=url)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page; a promise's when it has it."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def wait(self, expression: str, patience: float = 60.0) -> float:
        """Seconds until an expression is true.

        Raises:
            RuntimeError: It does not become true.
        """
        start = time.perf_counter()
        while not self.ask(expression):
            if time.perf_counter() - start > patience:
                raise RuntimeError(f"{expression} is not true after {patience:g} s; the page says {self.complaints()}")
            time.sleep(0.02)
        return time.perf_counter() - start

    def picture(self) -> bytes:
        """PNG of what is seen."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def cut_out(self, selector: str) -> bytes:
        """PNG of one element alone, with nothing before or behind it; the page stays so."""
        style = (
            f"* {{ background: none !important; visibility: hidden; }} {selector} {{ visibility: visible !important; }}"
        )
        self.ask(f"document.head.appendChild(document.createElement('style')).textContent = {json.dumps(style)}")
        box = self.ask(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
        clip = {name: box[name] for name in ("x", "y", "width", "height")} | {"scale": 1}
        self._call("Emulation.setDefaultBackgroundColorOverride", color={"r": 0, "g": 0, "b": 0, "a": 0})
        try:
            return base64.b64decode(self._call("Page.captureScreenshot", format="png", clip=clip)["data"])
        finally:
            self._call("Emulation.setDefaultBackgroundColorOverride")

    def drag(self, start: tuple[float, float], end: tuple[float, float], touch: bool = False) -> None:
        """Go from one place to another with the mouse's button, or a finger, down."""
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        if touch:
            for kind, places in (
                ("touchStart", [start]),
                ("touchMove", [middle]),
                ("touchMove", [end]),
                ("touchEnd", []),
            ):
                self._call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in places])
            return
        for kind, (x, y) in (
            ("mousePressed", start),
            ("mouseMoved", middle),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)


@contextmanager
def browser() -> Iterator[Tab]:
    """A browser with one page, for as long as it is needed."""
    from websockets.sync.client import connect

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(chromium()), *FLAGS, f"--user-data-dir={profile}"]
        program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            said = Path(profile) / "DevToolsActivePort"
            deadline = time.monotonic() + PATIENCE_S
            while not said.exists() or len(said.read_text().split()) < 2:
                if program.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("Chromium did not start")
                time.sleep(0.02)
            port, path = said.read_text().split()
            with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as socket:
                yield Tab(socket)
        finally:
            program.terminate()
            program.wait()
