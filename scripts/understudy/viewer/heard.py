"""What the live view takes from browsers: where they look from, and values that a control has. viser takes all."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import viser

FARTHEST = 1e6
"""Of places in what a browser says, m."""
LARGEST = 1 << 16
"""Sides of a window, px."""

Number = Annotated[float, msgspec.Meta(ge=-FARTHEST, le=FARTHEST)]  # no NaN, no infinity
Pixels = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Vector = tuple[Number, Number, Number]


class Camera(msgspec.Struct, tag="ViewerCameraMessage", forbid_unknown_fields=True):
    """Where a browser looks from."""

    wxyz: tuple[Number, Number, Number, Number]
    position: Vector
    fov: Number
    near: Number
    far: Number
    image_height: Pixels
    image_width: Pixels
    look_at: Vector
    up_direction: Vector


class Setting(msgspec.Struct, forbid_unknown_fields=True):
    """The one property of a control that browsers change."""

    value: bool | float | str


class Update(msgspec.Struct, tag="GuiUpdateMessage", forbid_unknown_fields=True):
    """A control that was moved."""

    uuid: str
    updates: Setting


_decoder = msgspec.msgpack.Decoder(Camera | Update)


def heard(message: str | bytes, controls: Mapping[str, Any]) -> bytes | None:
    """A browser's message as it may be passed on, written anew so that it cannot be read in two ways; None for any other.

    Args:
        message: As it came.
        controls: viser's handles by their uuids.
    """
    if isinstance(message, str):
        return None
    try:
        said = _decoder.decode(message)
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
        return None
    if isinstance(said, Update) and not has(controls.get(said.uuid), said.updates.value):
        return None
    return msgspec.msgpack.encode(said)


def has(control: Any, value: bool | float | str) -> bool:
    """Whether a control can be put to a value; False for what is no control."""
    if isinstance(control, viser.GuiSliderHandle):
        return isinstance(value, float) and control.min <= value <= control.max
    if isinstance(control, viser.GuiDropdownHandle):
        return isinstance(value, str) and value in control.options
    if isinstance(control, viser.GuiCheckboxHandle):
        return isinstance(value, bool)
    return isinstance(control, viser.GuiButtonHandle) and value is True
