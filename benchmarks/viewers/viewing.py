"""Both viewers of avatars in headless Chromium, which draws on the CPU here: how fast, how large, how like our own pictures.

python -m benchmarks.viewers.viewing AVATAR.tar [...] [--motion WALK.bvh] [--folder FOLDER]

Prints two tables. Look at FOLDER/*.png too: the page's picture, our own, and their difference times four, side by side; the page
at a phone's width; the live view.
"""

import argparse
import base64
import io
import math
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.spatial.transform import Rotation

from benchmarks.support.browser import Tab, browser, lacking
from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.body.lbs import joint_transforms
from understudy.metrics.image import psnr
from understudy.metrics.masks import iou
from understudy.render.camera import look_at
from understudy.render.cloud import splat
from understudy.rendering.performance import Performance
from understudy.viewer.acts import STANDING, Scene, scene, sources
from understudy.viewer.config import ViewerConfig
from understudy.viewer.layers import ROOT, packed
from understudy.viewer.live import FOV, LiveView
from understudy.viewer.page import page_data, write_page

SIZE = (540, 960)
PHONE = (390, 844)
WINDOW = (900, 700)
SHOWN = "!!(window.page && page.painted)"
SETTLED_S = 2.0
"""Seconds in which a browser has drawn what it was sent last."""
SAMPLES = 12
"""Frames of each motion that are compared."""


def unpacked(data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays of a page's data by name, [n,C] where they were whole numbers, else flat."""
    content, arrays = base64.b64decode(data["packed"]["bytes"]), {}
    for entry in data["packed"]["arrays"]:
        numbers = np.frombuffer(content, f"<{entry['type']}", entry["count"], entry["start"]).copy()
        if entry["step"] is not None:
            numbers = numbers.reshape(-1, len(entry["step"])) * np.array(entry["step"]) + entry["low"]
        arrays[entry["name"]] = numbers
    return arrays


def page_cloud(
    data: Mapping[str, Any], arrays: Mapping[str, np.ndarray], name: str, frame: int, bent: bool = True
) -> tuple[np.ndarray, Rotation, np.ndarray]:
    """Means [N,3], axes and normals [N,3] of a motion's frame by what a page holds; ``bent`` for pose correctives."""
    rank, joints = data["rank"], torch.from_numpy(arrays["joints"].reshape(-1, 3)).double()
    local = torch.from_numpy(Rotation.from_quat(arrays[f"quats {name}"].reshape(-1, len(joints), 4)[frame]).as_matrix())
    transforms = joint_transforms(local[None], joints, tuple(data["parents"]))[0].numpy()
    transforms[:, :3, 3] += arrays[f"transl {name}"].reshape(-1, 3)[frame]
    bends = arrays[f"bends {name}"].reshape(-1, rank)[frame] * bent
    rest = arrays["means"] + arrays["correctives"].reshape(-1, 3, rank) / 127 @ bends
    bones, weights = arrays["bones"].reshape(len(arrays["weights"]), -1), arrays["weights"]
    weights = weights / weights.sum(axis=1, keepdims=True)
    blended = np.einsum("nk,nkab->nab", weights, transforms[bones])
    turns = Rotation.from_matrix(transforms[:, :3, :3]).as_quat()[bones]
    side = np.where((turns * turns[:, :1]).sum(axis=2, keepdims=True) < 0, -1.0, 1.0)
    turn = Rotation.from_quat((weights[..., None] * side * turns).sum(axis=1))
    means = np.einsum("nab,nb->na", blended[:, :3, :3], rest) + blended[:, :3, 3] + turn.apply(arrays["offsets"])
    return means, turn * Rotation.from_quat(arrays["quats"]), turn.apply(arrays["normals"])


def our_picture(act: Performance, frame: int, camera: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Colours [H,W,3] over white and alpha [H,W] by our own renderer, of a camera as the page has it."""
    (x, y), focal, view = camera["middle"], camera["focal"], torch.eye(4)
    view[:3] = torch.tensor(camera["view"]).view(3, 4)
    K = torch.tensor([[focal, 0, x], [0, focal, y], [0, 0, 1.0]])
    with torch.no_grad():
        drawn = splat(act.posed(frame).cloud, K, tuple(camera["size"]), view, torch.ones(3))
    return drawn.rgb.clamp(0, 1).numpy(), drawn.alpha.numpy()


def page_picture(camera: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Colours [H,W,3] over white and alpha [H,W] of what ``page.still`` gives."""
    png = base64.b64decode(camera["picture"].split(",")[1])
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")) / 255.0
    alpha = pixels[..., 3]
    return pixels[..., :3] * alpha[..., None] + 1 - alpha[..., None], alpha


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatars", nargs="+", type=Path)
    parser.add_argument("--motion", nargs="*", type=Path, default=[])
    parser.add_argument("--folder", type=Path, help="for pages and pictures; default a temporary one")
    options = parser.parse_args()
    if lacking():
        sys.exit(f"error: this {lacking()}")
    torch.set_num_threads(1)
    folder = options.folder or Path(tempfile.mkdtemp())
    pages, lives = [], []
    for path in options.avatars:
        archive, name = load_archive(path), path.resolve().parent.name
        (folder / name).mkdir(parents=True, exist_ok=True)
        pages.append((name, *page_row(archive, options.motion, folder / name)))
        lives.append((name, *live_row(archive, path, options.motion, folder / name)))
    table(
        "| page of | Gaussians | written, s | MB | first picture, s | pictures/s, phone / 540 x 960 | pose and sort, ms |"
        " PSNR person, dB | IoU | off the avatar, mm: mean, 99 %, max | without correctives, mm |",
        pages,
    )
    table(
        "| live view of | started, s | first picture, s | posed and packed, 1/s, one core | with one browser, pictures/s |"
        " PSNR person, dB | IoU |",
        lives,
    )
    print(f"pictures: {folder}")


def table(head: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows as markdown."""
    print(f"{head}\n|{'---|' * (head.count('|') - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


def page_row(archive: AvatarArchive, motions: Sequence[Path], folder: Path) -> list[str]:
    """Figures of the page."""
    file, config = folder / "index.html", ViewerConfig()
    start = time.perf_counter()
    write_page(file, archive, config, motions)
    written = time.perf_counter() - start
    shown = [scene(archive, name, path, config) for name, path in sources(motions, config).items()]
    with browser() as tab:
        tab.size(*PHONE, phone=True)
        start = time.perf_counter()
        tab.open(file.resolve().as_uri())
        tab.wait(SHOWN)
        first = time.perf_counter() - start
        rates = [rate(tab)]
        (folder / "phone.png").write_bytes(tab.picture())
        tab.size(*SIZE)
        rates.append(rate(tab))
        work = tab.ask(
            "(() => { const start = performance.now(); for (let i = 0; i < 50; i++) { page.figure.take(page.pose);"
            " page.figure.sorted(page.camera.view) } return (performance.now() - start) / 50 })()"
        )
        likeness = [compared(tab, one, folder) for one in shown]
        complaints = tab.complaints()
    if complaints:
        print(f"the page says: {complaints}")
    likest = np.mean(likeness, axis=0)
    size = file.stat().st_size / 1e6
    return [
        f"{len(archive.avatar):,}", f"{written:.1f}", f"{size:.1f}", f"{first:.2f}", f"{rates[0]:.1f} / {rates[1]:.1f}",
        f"{work:.1f}", f"{likest[0]:.1f}", f"{likest[1]:.3f}", *(millimetres(archive, shown, bent) for bent in (True, False)),
    ]  # fmt: skip


def rate(tab: Tab) -> float:
    """Pictures per second while a motion plays."""
    tab.ask("page.play(true)")
    return tab.ask(
        "new Promise((done) => { const from = page.painted, start = performance.now(); setTimeout(() =>"
        " done((page.painted - from) / (performance.now() - start) * 1000), 4000) })"
    )


def compared(tab: Tab, one: Scene, folder: Path) -> tuple[float, float]:
    """PSNR on the person, dB, and IoU of the silhouettes, of a frame in the middle of a motion."""
    frame = len(one.act) // 2
    camera = tab.ask(f"page.still({one.name!r}, {frame})")
    return likeness(*page_picture(camera), one.act, frame, camera, folder / f"page_{one.name}.png")


def likeness(
    theirs: np.ndarray, covered: np.ndarray, act: Performance, frame: int, camera: Mapping[str, Any], file: Path
) -> tuple[float, float]:
    """PSNR and IoU of a picture [H,W,3] with its alpha [H,W] against our own; both go into a file."""
    ours, alpha = our_picture(act, frame, camera)
    rows = np.hstack([theirs, ours, np.abs(theirs - ours) * 4]).clip(0, 1)
    Image.fromarray((rows * 255).astype(np.uint8)).save(file)
    person = (alpha > 0.5) | (covered > 0.5)
    return psnr(theirs, ours, person), iou(covered > 0.5, alpha > 0.5)


def millimetres(archive: AvatarArchive, shown: Sequence[Scene], bent: bool) -> str:
    """How far the page's Gaussians are from the avatar's, over some frames of all motions."""
    data = page_data(archive.avatar, shown)
    arrays, misses = unpacked(data), []
    for one in shown:
        for frame in np.linspace(0, len(one.act) - 1, min(SAMPLES, len(one.act))).round().astype(int):
            with torch.no_grad():
                truth = one.act.posed(int(frame)).cloud.means.numpy()
            means, _, _ = page_cloud(data, arrays, one.name, int(frame), bent)
            misses.append(np.linalg.norm(means - truth, axis=1) * 1000)
    miss = np.concatenate(misses)
    return f"{miss.mean():.2f}, {np.percentile(miss, 99):.1f}, {miss.max():.1f}"


def live_row(archive: AvatarArchive, path: Path, motions: Sequence[Path], folder: Path) -> list[str]:
    """Figures of the live view."""
    act = scene(archive, *next(iter(sources(motions, ViewerConfig()).items())), ViewerConfig()).act
    start = time.perf_counter()
    with torch.no_grad():
        for number in range(100):
            packed(act.posed(number % len(act)).cloud, np.array([0.0, -1.0, -3.0]))
    posed = 100 / (time.perf_counter() - start)
    start = time.perf_counter()
    view = LiveView(archive, motions, results=path.parent, port=8790)
    started = time.perf_counter() - start
    with served(view), browser() as tab:
        tab.size(*WINDOW)
        first = first_picture(tab, view)
        sent, start = view.pictures, time.perf_counter()
        time.sleep(4)
        sending = (view.pictures - sent) / (time.perf_counter() - start)
        (folder / "live.png").write_bytes(tab.picture())
    likeness, overlap = live_likeness(archive, folder)
    return [f"{started:.1f}", f"{first:.1f}", f"{posed:.0f}", f"{sending:.0f}", f"{likeness:.1f}", f"{overlap:.3f}"]


def live_likeness(archive: AvatarArchive, folder: Path) -> tuple[float, float]:
    """PSNR on the person, dB, and IoU of the silhouettes, of what viser shows of a person who stands."""
    config = ViewerConfig(source_motion=False)
    view, act = LiveView(archive, config=config, port=8790), scene(archive, STANDING, None, config).act
    view.server.scene.remove_by_name(f"{ROOT}/ground")
    pelvis = act.pelvis()[0]
    eye = np.array([0.8, -1.2, -3.6])
    matrix = look_at(eye, np.array([0.0, pelvis[1], 0.0]), np.array([0.0, -1.0, 0.0]))
    wxyz = np.roll(Rotation.from_matrix(matrix[:3, :3].T).as_quat(), 1)
    with served(view), browser() as tab:
        tab.size(*SIZE)
        first_picture(tab, view)
        client = next(iter(view.server.get_clients().values()))
        client.camera.wxyz, client.camera.position = wxyz, eye  # whose colours are shown
        sent = view.pictures
        while view.pictures == sent:
            tab.ask("0")
        time.sleep(SETTLED_S)
        pixels = np.asarray(Image.open(io.BytesIO(tab.cut_out("canvas"))).convert("RGBA")) / 255.0
    covered = pixels[..., 3]
    matrix[:3, 3] -= matrix[:3, :3] @ (pelvis * [1.0, 0.0, 1.0])  # the person is kept in the middle
    height, width = covered.shape
    focal, middle = height / 2 / math.tan(FOV / 2), (width / 2, height / 2)
    camera = {"view": matrix[:3].ravel().tolist(), "focal": focal, "middle": middle, "size": (width, height)}
    return likeness(
        pixels[..., :3] * covered[..., None] + 1 - covered[..., None],
        covered,
        act,
        0,
        camera,
        folder / "live_likeness.png",
    )


@contextmanager
def served(view: LiveView) -> Iterator[None]:
    """The view at work in a thread of its own; at last it is stopped."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            view.run(0.2)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield
    finally:
        over.set()
        server.join()
        view.stop()


def first_picture(tab: Tab, view: LiveView) -> float:
    """Seconds until the person is seen."""
    start = time.perf_counter()
    tab.open(view.url)
    tab.wait("!!document.querySelector('canvas')")
    while not colourful(tab.picture()):
        pass
    return time.perf_counter() - start


def colourful(png: bytes) -> bool:
    """Whether more than the grey ground is in a picture of the window, beside controls and notices."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[200:, 200:560]
    return bool((np.ptp(pixels, axis=2) > 40).mean() > 0.01)


if __name__ == "__main__":
    main()
