"""Both viewers in headless Chromium: pictures, motions, fingers, and a quiet console."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from benchmarks.support.browser import browser, lacking
from benchmarks.viewers.viewing import SHOWN, our_picture, page_picture, served
from tests.support.view_scenes import archive, many_joints, motion
from understudy.metrics.image import psnr
from understudy.metrics.masks import iou
from understudy.motion.read import SOURCE_MOTION
from understudy.viewer.acts import scene
from understudy.viewer.config import ViewerConfig
from understudy.viewer.page import write_page

pytestmark = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_page(folder / "index.html", archive(), ViewerConfig(), [motion(folder)])
    return folder


@pytest.fixture(scope="module")
def chromium():
    with browser() as tab:
        yield tab


@pytest.fixture
def page(files, chromium):
    """The page from its file, at a phone's width."""
    chromium.size(390, 844, phone=True)
    chromium.open((files / "index.html").as_uri())
    chromium.wait(SHOWN)
    return chromium


def pixels(picture):
    """[H,W,4] 0..1 of a PNG."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA")) / 255.0


@pytest.mark.parametrize(("name", "frame"), [("turn", 9), (SOURCE_MOTION, 2)])
def test_the_page_shows_what_the_program_renders(page, files, name, frame):
    camera = page.ask(f"page.still('{name}', {frame})")
    act = scene(archive(), name, None if name == SOURCE_MOTION else files / f"{name}.npz", ViewerConfig()).act
    (theirs, covered), (ours, alpha) = page_picture(camera), our_picture(act, frame, camera)
    assert 0.02 < (covered > 0.5).mean() < 0.6
    assert iou(covered > 0.5, alpha > 0.5) > 0.98
    person = (alpha > 0.5) | (covered > 0.5)
    assert psnr(theirs, ours, person) > 30
    assert page.complaints() == []


def test_a_body_of_many_joints_is_shown_as_well(tmp_path, chromium):
    write_page(tmp_path / "index.html", many_joints(), ViewerConfig())
    chromium.size(390, 844, phone=True)
    chromium.open((tmp_path / "index.html").as_uri())
    chromium.wait(SHOWN)
    camera = chromium.ask(f"page.still('{SOURCE_MOTION}', 2)")
    act = scene(many_joints(), SOURCE_MOTION, None, ViewerConfig()).act
    (theirs, covered), (ours, alpha) = page_picture(camera), our_picture(act, 2, camera)
    assert iou(covered > 0.5, alpha > 0.5) > 0.98
    assert psnr(theirs, ours, (alpha > 0.5) | (covered > 0.5)) > 30
    assert chromium.complaints() == []


def test_the_chooser_changes_the_motion_and_the_picture(page):
    page.ask("page.play(false)")
    before = pixels(page.picture())
    assert before[: len(before) // 2, :, :3].std() > 0.03  # not blank
    page.ask(
        "(() => { const c = document.getElementById('clip'); c.value = 'source_motion'; c.dispatchEvent(new Event('change')) })()"
    )
    page.wait("page.clip.name === 'source_motion' && page.pose.transl[1] === page.figure.still(page.clip, 0).transl[1]")
    assert np.abs(pixels(page.picture()) - before)[: len(before) // 2].max() > 0.3
    assert page.ask("[...document.getElementById('clip').options].map((o) => o.text)") == ["turn", "as in the video"]
    assert page.complaints() == []


def test_it_plays_goes_round_and_stops(page):
    page.ask("page.choose('turn')")
    page.ask("page.play(true)")
    start = page.ask("page.painted")
    page.wait(f"page.painted > {start + 3} && page.frame > 0.5")
    page.ask("document.getElementById('play').click()")
    stopped = page.ask("page.frame")
    time.sleep(0.3)
    assert page.ask("page.frame") == stopped
    page.ask(
        "(() => { page.frame = page.clip.frames - 1.01; page.advance(0.1); page.compose() })()"
    )  # over the end, to the start
    assert page.ask("page.frame") == 0 and page.ask("page.fade") == 0
    assert page.complaints() == []


def test_it_fits_a_phone_and_turns_by_finger_and_mouse(page):
    assert page.ask("document.documentElement.scrollWidth") == 390
    boxes = page.ask("[...document.querySelectorAll('#bar > :not(p)')].map((e) => e.getBoundingClientRect().toJSON())")
    assert all(box["left"] >= 0 and box["right"] <= 390 and box["bottom"] <= 844 for box in boxes)
    assert page.ask("page.canvas.height") > 2 * 600
    before = page.ask("page.orbit.azimuth")
    page.drag((200, 300), (120, 300), touch=True)
    assert page.ask("page.orbit.azimuth") > before + 10
    page.size(1000, 700)
    page.wait("page.canvas.width === 1000")
    before = page.ask("page.orbit.azimuth")
    page.drag((500, 300), (600, 300))
    assert page.ask("page.orbit.azimuth") < before - 10
    page.ask("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', bubbles: true }))")
    assert page.ask("page.playing") is False
    assert page.complaints() == []


def test_the_live_view_opens_and_moves(tmp_path, chromium):
    pytest.importorskip("viser", reason="needs viser")
    from understudy.viewer.live import LiveView

    view = LiveView(archive(), [motion(tmp_path)], port=8770)
    with served(view):
        chromium.size(500, 300)
        chromium.open(view.url)
        chromium.wait("!!document.querySelector('canvas')")
        pictures, deadline = [], time.monotonic() + 40
        while len(pictures) < 2 and time.monotonic() < deadline:
            picture = pixels(chromium.picture())[:, 100:320, :3]
            # the plaid of the person, not the grey grid
            colourful = (np.ptp(picture, axis=2) > 0.15).mean() > 0.02
            if colourful and all(np.abs(picture - other).max() > 0.2 for other in pictures):
                pictures.append(picture)
        assert len(pictures) == 2
        # viser's own program warns of three.js' clock and of the extent of all Gaussians
        assert [said for said in chromium.complaints() if not said.startswith("THREE.")] == []
        # viser's own, which are hidden, come first
        play = "[...document.querySelectorAll('input[type=checkbox]')].find((one) => one.getBoundingClientRect().width)"
        box = chromium.ask(f"{play}.getBoundingClientRect().toJSON()")
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        chromium.drag(middle, middle)
        deadline = time.monotonic() + 10
        while view._motion._playing.value and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not view._motion._playing.value
        chromium.open(view.url.rsplit("/", 1)[0] + "/")
        chromium.wait("document.body.innerText.startsWith('This view opens to those alone who have its whole address')")
        assert chromium.ask("!document.querySelector('canvas')")
        chromium.open("about:blank")
