"""What browsers may say to the live view, and that nothing they say ends it or reaches the others."""

import errno
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.view_clients import CAMERA, at_work, looking_on, msgpack, packed, soon, update  # noqa: F401
from understudy.motion.read import SOURCE_MOTION

MOST_BYTES = pytest.importorskip("understudy.viewer.door").MOST_BYTES
heard = pytest.importorskip("understudy.viewer.heard").heard
zstandard = pytest.importorskip("zstandard", reason="comes with viser")
exceptions = pytest.importorskip("websockets.exceptions", reason="comes with viser")

NAN = float("nan")


def values(view):
    """Of all controls."""
    return [control.value for control in (*view._motion.controls, *view._shape.controls)]


def test_controls_and_camera_work_for_all_who_look_on(view):
    panel, shape = view._motion, view._shape
    with looking_on(view) as one, looking_on(view) as other:
        for control, value in (
            (panel._slider, 7),
            (panel._layers["joints"], True),
            (panel._speed, "½"),
            (panel._motion, SOURCE_MOTION),
        ):
            one.send(update(control, value))
            soon(lambda control=control, value=value: control.value == value)
        known = shape._known
        one.send(update(shape._components[0], 1.5))
        soon(lambda: shape._known is not known)  # a button that is pressed before is overlooked
        assert shape.betas[0] == 1.5
        one.send(update(shape._back, True))
        soon(lambda: shape.betas is shape._own)
        other.send(packed(**{**CAMERA, "position": (3.0, -1, 0)}))
        soon(lambda: any(place[0] == 3.0 for place in eyes(view).values()))
        for control, value in ((panel._motion, "turn"), (panel._speed, "1"), (panel._layers["joints"], False)):
            one.send(update(control, value))
            soon(lambda control=control, value=value: control.value == value)


def hostile(view):
    """Messages that are no honest browser's."""
    panel, shape = view._motion, view._shape
    yield from (
        update(control, value)
        for control in (*panel.controls, *shape.controls)
        for value in (None, NAN, float("inf"), 1e300, -1e300, 2**64 - 1, "x", "x" * 9999, b"x", [1], {"value": 1}, 1e30)
    )
    yield from (update(panel._motion, value) for value in (True, 0, "no such motion", "", "turn\0", "../../etc/passwd"))
    yield from (update(panel._speed, value) for value in (1, 1.0, True, "3"))
    yield from (update(panel._slider, value) for value in (True, "1", -1, 10**6))
    yield from (update(panel._playing, value) for value in (1, 0, "True", 1.0))
    yield from (update(panel._slider, 3, **more) for more in ({"props": 1}, {"update_cb": []}, {"removed": True}))
    for updates in ({}, [], None, "value", {"removed": True}, {"gui_api": 0}, {1: 2}):
        yield packed(type="GuiUpdateMessage", uuid=panel._slider._impl.uuid, updates=updates)
    for uuid in ("", "no such control", None, 7, ["x"]):
        yield packed(type="GuiUpdateMessage", uuid=uuid, updates={"value": 1})
    for key, wrong in (("position", (NAN, 0, 0)), ("position", (1e300, 0, 0)), ("position", (0, 0)), ("position", (0,) * 4),
                       ("position", "xyz"), ("position", None), ("wxyz", (1, 0, 0)), ("wxyz", ([1], 0, 0, 0)), ("fov", NAN),
                       ("fov", "wide"), ("near", None), ("far", float("inf")), ("image_height", -1), ("image_width", 1e9),
                       ("image_width", 600.5), ("look_at", {}), ("up_direction", ()), ("type", 3), ("more", 1)):  # fmt: skip
        yield packed(**{**CAMERA, key: wrong})
    yield packed(**{key: value for key, value in CAMERA.items() if key != "fov"})
    for kind in (
        "ShareUrlRequest",
        "ShareUrlDisconnect",
        "RemoveSceneNodeMessage",
        "RunJavascriptMessage",
        "Message",
        "_",
        "",
    ):
        yield packed(type=kind)
    slider = panel._slider._impl.uuid
    yield packed(type="GuiFormDirtyMessage", uuid=slider)
    yield packed(type="GuiFormSubmitMessage", uuid=slider)
    yield packed(type="GuiButtonHoldMessage", uuid=shape._back._impl.uuid, frequency=1.0)
    yield packed(type="CommandTriggerMessage", uuid=slider)
    yield packed(type="GetRenderResponseMessage", payload=b"x", render_uuid="x")
    yield packed(type="LocalStorageGetItemResponseMessage", uuid="x", value="x")
    start = {"filename": "x", "mime_type": "x", "part_count": 0, "size_bytes": 0}
    yield packed(type="FileTransferStartUpload", source_component_uuid=slider, transfer_uuid="x", **start)
    yield packed(type="FileTransferPart", source_component_uuid=slider, transfer_uuid="x", part_index=0, content=b"x")
    yield from (
        b"",
        b"\xc1",
        b"\x00",
        b"\xff" * 99,
        b"\x91" * 5000,
        b"\x81\xa1a" * 5000,
        b"\xdd\xff\xff\xff\xff",
        packed(x=1)[:-1],
    )
    yield packed(**CAMERA) + b"\x00"
    yield from ("", "text", "{}", "\x00")


def test_what_no_browser_would_say_changes_nothing_and_ends_nothing(view, capfd, caplog):
    with looking_on(view) as honest, looking_on(view) as evil:
        before, cameras = values(view), eyes(view)
        drained(honest)
        for message in hostile(view):
            assert heard(message, view._controls) is None, message
            evil.send(message)
        evil.send(update(view._motion._slider, 4))  # what comes after them is heard
        soon(lambda: view._motion._slider.value == 4)
        view._motion._slider.value = before[2]
        assert values(view) == before and eyes(view) == cameras
        told = b"".join(drained(honest))
        assert b"\xff\xd8\xff" not in told and b"no such" not in told and b"GuiForm" not in told
        assert len(view.server.get_clients()) == 2
        drawn = view.pictures
        honest.send(update(view._motion._slider, 6))
        soon(lambda: view.pictures > drawn)
    assert view.server._share_tunnel is None
    assert "Traceback" not in "".join(capfd.readouterr()) + caplog.text


def eyes(view):
    return {number: client.camera.position.tolist() for number, client in view.server.get_clients().items()}


def drained(browser):
    """What came, until nothing comes for a while, or for a long while."""
    came, deadline = [], time.monotonic() + 5
    try:
        while time.monotonic() < deadline:
            message = browser.recv(timeout=0.3)
            _, folded = struct.unpack("<QQ", message[:16])
            came.append(zstandard.decompress(message[16 : 16 + folded]) + message[16 + folded :])
    except TimeoutError:
        pass
    return came


def test_a_message_of_many_bytes_ends_its_own_connection_alone(view):
    with looking_on(view) as honest, looking_on(view) as evil:
        evil.send(update(view._motion._motion, "x" * (MOST_BYTES + 1)))
        with pytest.raises(exceptions.ConnectionClosed):
            while True:
                evil.recv(timeout=10)
        honest.send(update(view._motion._slider, 5))
        soon(lambda: view._motion._slider.value == 5)


@given(st.binary(max_size=200) | st.text())
def test_bytes_of_any_kind_are_no_message(message):
    assert heard(message, {}) is None


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


numbers = {key: st.tuples(*[st.floats()] * len(value)) for key, value in CAMERA.items() if isinstance(value, tuple)}


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(CAMERA, st.floats() | anything) | numbers))
def test_a_camera_that_is_passed_on_has_finite_numbers_of_its_shape(changes):
    passed = heard(packed(**{**CAMERA, **changes}), {})
    if passed is not None:
        said = msgpack.decode(passed)
        assert said.keys() == CAMERA.keys() and said["type"] == CAMERA["type"]
        for key, value in CAMERA.items():
            if key != "type":
                assert np.shape(said[key]) == np.shape(value) and np.abs(said[key]).max() <= 1e6


def test_a_message_with_a_key_twice_is_passed_on_as_it_was_checked():
    key, camera = msgpack.encode("type"), packed(**CAMERA)
    same, other = (
        bytes([camera[0] + 1]) + camera[1:] + key + msgpack.encode(kind) for kind in (CAMERA["type"], "ShareUrlRequest")
    )
    assert msgpack.decode(other)["type"] == "ShareUrlRequest"  # would open the view to the internet
    assert heard(other, {}) is None
    assert heard(same, {}) == heard(camera, {}) is not None


# nothing ends it


def test_a_picture_that_fails_is_told_once_and_left_out(view, monkeypatch, caplog):
    def broken(*_):
        raise OSError(errno.EIO, "the disk is gone")

    with looking_on(view) as browser:
        with monkeypatch.context() as patch:
            patch.setattr(view._layers, "draw", broken)
            for frame in (1, 2, 3):
                browser.send(update(view._motion._slider, frame))
                soon(lambda frame=frame: view._motion._slider.value == frame)
                time.sleep(0.1)
        drawn = view.pictures
        browser.send(update(view._motion._slider, 5))
        soon(lambda: view.pictures > drawn)
    assert 1 <= caplog.text.count("the view leaves out a picture: OSError") <= 2


def test_a_motion_that_is_gone_leaves_the_former_one(view, monkeypatch, caplog, tmp_path):
    panel = view._motion
    monkeypatch.setitem(view._sources, SOURCE_MOTION, tmp_path / "gone.npz")
    monkeypatch.setattr("understudy.viewer.acts.SOURCE_MOTION", "")
    with looking_on(view) as browser:
        browser.send(update(panel._motion, SOURCE_MOTION))
        soon(lambda: "gone.npz" in caplog.text and panel.motion == "turn")
        assert view._scene.name == "turn"
