"""A live view in the browser: the avatar is posed here and drawn there, by viser."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from understudy.avatar.archive import AvatarArchive
from understudy.errors import InputError
from understudy.motion.read import TAKE
from understudy.show.shape import ShapeConfig
from understudy.view.acts import ViewConfig, scene, sources
from understudy.view.layers import Layers
from understudy.view.panel import MotionPanel, ShapePanel

if TYPE_CHECKING:
    import viser

MOST_FPS = 30.0
"""Pictures sent per second."""
CALM = 0.4
"""Seconds in which the view catches up with the person."""
FOV = 0.6
"""Height of the first view, rad."""
ROOM = 1.25
"""How much higher than the person it is."""


class LiveView:
    """A server that shows an avatar to browsers. Make it, call ``run``, and ``stop`` at the end.

    Raises:
        InputError: viser is not installed, a motion cannot be read, or nothing can listen at the address.
    """

    def __init__(
        self,
        archive: AvatarArchive,
        motions: Sequence[str | Path] = (),
        config: ViewConfig | None = None,
        results: str | Path | None = None,
        host: str = "localhost",
        port: int = 8080,
    ) -> None:
        """Start the server.

        Args:
            archive: The avatar.
            motions: Files that ``motion.read`` knows; the first one plays at the start.
            config: What is played.
            results: The actor's folder, whose frames are shown in the camera that filmed them; None for none.
            host: Name or address to listen at.
            port: Port; the next free one where it is taken.
        """
        self._archive, self._config = archive, config or ViewConfig()
        self._sources = sources(motions, self._config)
        self._scene = scene(archive, next(iter(self._sources)), next(iter(self._sources.values())), self._config)
        self.server = _server(host, port)
        """viser's."""
        self._first_view(float(np.ptp(self._scene.act.rest.means[:, 1].numpy())))
        self._layers = Layers(
            self.server, archive, self._scene.act, np.array(self.server.initial_camera.position), results
        )
        self._motion = MotionPanel(self.server, list(self._sources))
        self._shape = ShapePanel(self.server, archive.avatar)
        self._centre = self._scene.act.pelvis()[0]
        self._drawn: tuple[object, ...] = ()
        self.pictures = 0
        """So many were sent."""
        self._motion.begin(len(self._scene.act))
        self.url = f"http://{host}:{self.server.get_port()}"
        """Where the view is."""

    def run(self, seconds: float | None = None) -> None:
        """Show the avatar for so long, by default until interrupted."""
        start = last = time.perf_counter()
        while seconds is None or last - start < seconds:
            now = time.perf_counter()
            if self.server.get_clients():
                self.step(now - last)
            last = now
            time.sleep(max(0.0, 1 / MOST_FPS - (time.perf_counter() - now)))

    def step(self, passed: float) -> None:
        """Show what the controls ask for, ``passed`` seconds after the last time."""
        name, reshaped = self._motion.motion, self._shape.changed()
        if reshaped or name != self._scene.name:
            shape = ShapeConfig(betas=tuple(self._shape.betas.tolist()))
            another = name != self._scene.name
            self._scene = scene(self._archive, name, self._sources[name], self._config, shape)
            if another:
                self._motion.begin(len(self._scene.act))
        act = self._scene.act
        frame = self._motion.advance(passed, self._scene.fps, len(act))
        self._go_along(act.pelvis()[frame], passed)
        eye = self._eye()
        drawn = (self._scene, frame, self._motion.shown, *eye.round(1))
        if drawn == self._drawn:
            return
        with self.server.atomic():
            self._layers.draw(act, frame, eye, self._shape.betas, self._motion.shown, name == TAKE)
        self._drawn = drawn
        self.pictures += 1

    def stop(self) -> None:
        """End the server."""
        self.server.stop()

    def _eye(self) -> np.ndarray:
        """Where the first of those who look on stands [3], in the act's axes, m."""
        clients = self.server.get_clients()
        camera = clients[min(clients)].camera if clients else self.server.initial_camera
        return np.asarray(camera.position, np.float64) + self._centre * [1.0, 0.0, 1.0]

    def _go_along(self, pelvis: np.ndarray, passed: float) -> None:
        goal = pelvis if self._motion.follow else np.zeros(3)
        self._centre = self._centre + (goal - self._centre) * (1 - np.exp(-passed / CALM))
        self._layers.follow(self._centre)

    def _first_view(self, height: float) -> None:
        camera, up = self.server.initial_camera, height / 2
        away = ROOM * up / np.tan(FOV / 2)
        self.server.scene.set_up_direction("-y")
        camera.fov = FOV
        camera.look_at = (0.0, -up, 0.0)
        camera.position = (0.25 * away, -up - 0.1 * away, -away)


def _server(host: str, port: int) -> "viser.ViserServer":
    try:
        import viser
    except ImportError:
        raise InputError(
            "the live view needs viser, which is not installed: pip install viser==1.1.1; or write a page with --page."
        ) from None
    try:
        server = viser.ViserServer(host=host, port=port, label="Understudy", verbose=False)
    except OSError as error:
        raise InputError(f"nothing can listen at {host}:{port} ({error}); choose another --host or --port.") from None
    server.gui.configure_theme(show_logo=False, show_share_button=False)
    return server
