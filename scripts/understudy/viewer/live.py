"""A live view in the browser: the avatar is posed here and drawn there, by viser."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.splats import need_splats
from understudy.body.config import ShapeConfig
from understudy.commands import called
from understudy.errors import InputError
from understudy.motion.read import SOURCE_MOTION
from understudy.viewer.acts import scene, sources
from understudy.viewer.config import ViewerConfig
from understudy.viewer.layers import Layers
from understudy.viewer.panel import MotionPanel, ShapePanel

if TYPE_CHECKING:
    import viser

    from understudy.viewer.door import Door

logger = logging.getLogger(__name__)

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

    It opens only to those who have one of its ``urls``; docs/security.md says what is checked.

    Raises:
        InputError: viser is not installed or of a version that is not known, a motion cannot be read, the avatar's method has no
            Gaussians, or nothing can listen at the address.
    """

    def __init__(
        self,
        archive: AvatarArchive,
        motions: Sequence[str | Path] = (),
        config: ViewerConfig | None = None,
        results: str | Path | None = None,
        host: str = "localhost",
        port: int = 8080,
    ) -> None:
        """Start the server.

        Args:
            archive: The avatar.
            motions: Files of those that :func:`read_motion` knows; the first one plays at the start.
            config: What is played; None for the defaults.
            results: The actor's folder, whose frames are shown in the camera that filmed them; None for none.
            host: Name or address of this machine to listen at.
            port: Port; the next free one is used if it is taken.
        """
        need_splats(archive.avatar, "the live view")
        self._archive, self._config = archive, config or ViewerConfig()
        self._sources = sources(motions, self._config)
        self._scene = scene(archive, next(iter(self._sources)), next(iter(self._sources.values())), self._config)
        self._controls: dict[str, Any] = {}
        self._door, self.server = _served(host, port, self._controls)
        self._first_view(self._scene.act.rest_height())
        self._layers = Layers(
            self.server, archive, self._scene.act, np.array(self.server.initial_camera.position), results
        )
        self._motion = MotionPanel(self.server, list(self._sources))
        self._shape = ShapePanel(self.server, archive.avatar)
        # viser has no public way to the names under which browsers know its controls
        self._controls |= {one._impl.uuid: one for one in (*self._motion.controls, *self._shape.controls)}
        self._centre = self._scene.act.pelvis()[0]
        self._drawn: tuple[object, ...] = ()
        self._told = ""
        self.pictures = 0
        """So many were sent."""
        self._motion.begin(len(self._scene.act))

    @property
    def urls(self) -> list[str]:
        """Addresses to open: whoever has one can look and play. That of this machine comes first."""
        return self._door.urls

    @property
    def url(self) -> str:
        """The first of ``urls``."""
        return self.urls[0]

    @property
    def local(self) -> bool:
        """Whether this machine alone can reach it."""
        return self._door.local

    def run(self, seconds: float | None = None) -> None:
        """Show the avatar for some seconds, by default until interrupted; a picture that fails is left out with a warning."""
        start = last = time.perf_counter()
        while seconds is None or last - start < seconds:
            now = time.perf_counter()
            if self.server.get_clients():
                try:
                    self.step(now - last)
                except Exception as error:
                    self._tell(f"{type(error).__name__}: {error}")
            last = now
            time.sleep(max(0.0, 1 / MOST_FPS - (time.perf_counter() - now)))

    def step(self, passed: float) -> None:
        """Show one picture of what the controls ask for, ``passed`` seconds after the last one."""
        name, reshaped = self._motion.motion, self._shape.changed()
        if reshaped or name != self._scene.name:
            self._change(name)
        act = self._scene.act
        frame = self._motion.advance(passed, self._scene.fps, len(act))
        self._go_along(act.pelvis()[frame], passed)
        eye = self._eye()
        drawn = (self._scene, frame, self._motion.shown, *eye.round(1))
        if drawn == self._drawn:
            return
        self._drawn = ()  # should it fail
        with self.server.atomic():
            self._layers.draw(act, frame, eye, self._shape.betas, self._motion.shown, self._scene.name == SOURCE_MOTION)
        self._drawn = drawn
        self.pictures += 1

    def stop(self) -> None:
        """End the server."""
        with _hushed():
            self.server.stop()

    def _tell(self, trouble: str) -> None:
        """Warn of a picture that failed, once where one after the other does."""
        if trouble != self._told:
            logger.warning("the view leaves out a picture: %s", trouble)
        self._told = trouble

    def _change(self, name: str) -> None:
        """Take up the present shape, and another motion where one was chosen; the former one where that cannot be read."""
        shape = ShapeConfig(betas=tuple(self._shape.betas.tolist()))
        try:
            changed = scene(self._archive, name, self._sources[name], self._config, shape)
        except InputError as error:
            logger.warning("%s", error)
            self._motion.choose(self._scene.name)
            return
        another, self._scene = name != self._scene.name, changed
        if another:
            self._motion.begin(len(self._scene.act))

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


def _served(host: str, port: int, controls: dict[str, Any]) -> "tuple[Door, viser.ViserServer]":
    """A door, and viser's server behind it, which takes values for these controls, by their uuids."""
    try:
        import viser
    except ImportError:
        raise InputError(
            f"the live view needs viser, which is not installed: {called('pip')} install -e '.[viewer]' in"
            " Understudy's folder, or write a page with --page."
        ) from None
    from understudy.viewer.door import Door
    from understudy.viewer.heard import heard

    door = Door(host, port)
    server = None
    try:
        with door.guarding(lambda message: heard(message, controls), f"viser-v{viser.__version__}"), _hushed():
            # should the door be passed by, this machine alone could reach it
            server = viser.ViserServer(host="127.0.0.1", port=0, label="Understudy", verbose=False)
    except BaseException:
        if server is not None:
            server.stop()
        door.socket.close()
        raise
    server.gui.configure_theme(show_logo=False, show_share_button=False)
    return door, server


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep viser from printing: it would tell an address without the secret."""
    import rich

    console = rich.get_console()
    quiet, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = quiet
