"""The live view's controls. They are looked at before each picture; nothing happens in between."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from understudy.avatar.base import Avatar
from understudy.body.shape_edit import DENSITY, height, of_measures, volume
from understudy.errors import InputError
from understudy.viewer.layers import GAUSSIANS, LAYERS

if TYPE_CHECKING:
    import viser

SPEEDS = {"¼": 0.25, "½": 0.5, "1": 1.0, "2": 2.0}
COMPONENTS = 4
"""Shape components with a slider."""
WIDEST = 4.0
"""How far these go, standard deviations."""


class MotionPanel:
    """What is played, and what is shown of it."""

    def __init__(self, server: "viser.ViserServer", motions: Sequence[str]) -> None:
        gui = server.gui
        with gui.add_folder("Motion"):
            self._motion = gui.add_dropdown("motion", tuple(motions), initial_value=motions[0])
            self._playing = gui.add_checkbox("play", True)
            self._slider = gui.add_slider("frame", 0, 1, 1, 0)
            self._speed = gui.add_dropdown("speed", tuple(SPEEDS), initial_value="1")
            self._follow = gui.add_checkbox("follow", True, hint="The person stays in the middle")
        with gui.add_folder("Layers"):
            self._layers = {name: gui.add_checkbox(name, name == GAUSSIANS) for name in LAYERS}
        self._time = 0.0

    @property
    def controls(self) -> list[Any]:
        """Those that browsers may move."""
        return [self._motion, self._playing, self._slider, self._speed, self._follow, *self._layers.values()]

    @property
    def motion(self) -> str:
        """Name of the chosen motion."""
        return self._motion.value

    def choose(self, motion: str) -> None:
        """Put the chooser back to a motion."""
        put(self._motion, motion)

    @property
    def follow(self) -> bool:
        """Whether the view goes along with the person."""
        return self._follow.value

    @property
    def shown(self) -> frozenset[str]:
        """The chosen ones of ``LAYERS``."""
        return frozenset(name for name, box in self._layers.items() if box.value)

    def begin(self, frames: int) -> None:
        """Start a motion of so many frames."""
        self._slider.max = max(frames - 1, 1)
        put(self._slider, 0)
        self._time = 0.0

    def advance(self, passed: float, fps: float, frames: int) -> int:
        """The frame to show, ``passed`` seconds after the last one; a frame that was chosen by hand stops the motion."""
        chosen = min(int(self._slider.value), frames - 1)
        if chosen != int(self._time):
            self._time = float(chosen)
            put(self._playing, False)
        elif self._playing.value:
            self._time = (self._time + passed * SPEEDS[self._speed.value] * fps) % frames
            put(self._slider, int(self._time))
        return int(self._time)


class ShapePanel:
    """Height, weight and the first shape components of the person."""

    def __init__(self, server: "viser.ViserServer", avatar: Avatar) -> None:
        gui = server.gui
        self._body, self._own = avatar.body, avatar.betas.detach().cpu()
        self.betas = self._own
        """[B]"""
        tall, heavy = self._measures()
        with gui.add_folder("Shape", expand_by_default=False):
            self._height = gui.add_slider("height (cm)", round(tall) - 30, round(tall) + 30, 1, round(tall))
            self._weight = gui.add_slider("weight (kg)", round(heavy * 0.6), round(heavy * 1.8), 1, round(heavy))
            count = min(COMPONENTS, self._body.num_betas)
            self._components = [
                gui.add_slider(f"shape {number + 1}", -WIDEST, WIDEST, 0.1, 0.0) for number in range(count)
            ]
            self._back = gui.add_button("as in the video")
            self._note = gui.add_markdown("")
        self._known = self._settled()

    @property
    def controls(self) -> list[Any]:
        """Those that browsers may move."""
        return [*self._sliders(), self._back]

    def changed(self) -> bool:
        """Take over what was moved; whether that is another shape now."""
        now = self._values()
        moved = next((number for number, value in enumerate(now) if value != self._known[number]), None)
        if moved is None:
            return False
        self._note.content = ""
        try:
            self.betas = self._moved_to(moved, now[moved])
            self._known[moved] = now[moved]
        except InputError as error:
            self._note.content, moved = str(error), None
        self._known = self._settled(moved)
        return True

    def _moved_to(self, control: int, value: float) -> torch.Tensor:
        """The shape [B] after one control was moved: 0 height, 1 weight, then the components, at last the way back."""
        if control == 0:
            return of_measures(self._body, self.betas, value / 100).float()
        if control == 1:
            return of_measures(self._body, self.betas, height(self._body, self.betas), value).float()
        if control < 2 + len(self._components):
            betas = self.betas.clone()
            betas[control - 2] = value
            return betas
        return self._own

    def _settled(self, moved: int | None = None) -> list[float]:
        """Put the sliders where the shape is, but for the one that was moved, which may be on its way; their values."""
        values = (*self._measures(), *self.betas.tolist())
        for number, (slider, value) in enumerate(zip(self._sliders(), values, strict=False)):
            if number != moved:
                put(slider, min(max(round(value / slider.step) * slider.step, slider.min), slider.max))
        put(self._back, False)
        settled = self._values()
        if moved is not None and moved < len(self._sliders()):
            settled[moved] = self._known[moved]
        return settled

    def _sliders(self) -> list[Any]:
        return [self._height, self._weight, *self._components]

    def _values(self) -> list[float]:
        return [control.value for control in self.controls]

    def _measures(self) -> tuple[float, float]:
        """Height, cm, and weight, kg."""
        betas = self.betas.double()
        return height(self._body, betas) * 100, float(volume(self._body, betas)) * DENSITY


def put(control: Any, value: float | bool | str) -> None:
    """Set a control; type checkers take viser's own setters for something that cannot be assigned."""
    control.value = value
