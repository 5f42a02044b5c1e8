"""How right part and clothing labels are, and how steady, by the body's parts alone and with the clothes' colours.

python -m benchmarks.parsing.truth RESULTS[=LABELS] [RESULTS[=LABELS] ...]
python -m benchmarks.parsing.truth --make FOLDER [--motions DIR]

RESULTS is an actor's folder with frames, smpl.npz and silhouettes (matte, or else alpha). LABELS has exact labels 000000.png, ...
of some or all of its frames: CIHP-20 palette pictures, or pictures in the colours of LIP (octopus). --make writes them for
the demo actor and the synthetic people in FOLDER (``benchmarks.poses.truth`` makes those), as truth/NAME/labels; it needs the
package anny.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.support.actors.cast import CAST
from benchmarks.support.actors.clips import find_motion, is_made
from benchmarks.support.truth import load_free_body
from understudy.body.model import BodyModel
from understudy.body.posed import posed_vertices
from understudy.formats.frames import Frames
from understudy.formats.masks import CIHP, mask_path, read_alpha, read_parsing
from understudy.formats.smpl import BodyTrack
from understudy.parsing.config import ParsingConfig
from understudy.parsing.label import label_parts
from understudy.render.mesh import rasterize_mesh
from understudy.threads import use_threads

LIP_COLOURS = {
    "hair": (255, 0, 0), "upper_clothes": (255, 85, 0), "pants": (0, 85, 85), "torso_skin": (85, 51, 0),
    "face": (0, 0, 255), "left_arm": (51, 170, 221), "right_arm": (0, 255, 255), "left_shoe": (255, 255, 0),
    "right_shoe": (255, 170, 0),
}  # fmt: skip
"""Of pictures of labels, as far as the octopus views use them."""


def main() -> None:
    """Measure, or make labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", metavar="RESULTS[=LABELS]")
    parser.add_argument("--make", type=Path, metavar="FOLDER")
    parser.add_argument("--motions", type=Path, default=Path("data/motions"), help="folder of BVH files")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.make:
        make(options.make, options.motions)
    use_threads(options.threads)
    body = load_free_body()
    if options.pairs:
        print(
            "| actor | labels | right, % of pixels | mean IoU | flips, % | every truth frame | exact labels' | s a frame |"
        )
        print("|---" * 8 + "|")
    for pair in options.pairs:
        results, _, labels = pair.partition("=")
        for name, config in (("parts", ParsingConfig(clothing=False)), ("clothes", ParsingConfig())):
            print(row(Path(results), Path(labels) if labels else None, body, name, config), flush=True)


def make(folder: Path, motions: Path) -> None:
    """Write the labels of the demo actor and of all synthetic people in a folder."""
    from benchmarks.parsing.labels import make_demo_labels, make_labels

    make_demo_labels(folder / "truth/actor/labels")
    for actor in CAST:
        if is_made(actor, folder):
            make_labels(actor, folder, find_motion(actor.motion, motions) if actor.recorded else None, load_free_body())


def row(results: Path, truth: Path | None, body: BodyModel, name: str, config: ParsingConfig) -> str:
    """One line of the table."""
    frames = Frames.load(results / "frames.json", results / "frames")
    track = BodyTrack.load(results / "smpl.npz")
    silhouettes = results / ("matte" if (results / "matte").is_dir() else "alpha")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "parsing")
        started = time.monotonic()
        label_parts(frames, silhouettes, track, body, folder, config)
        seconds = (time.monotonic() - started) / len(frames)
        known = [frame for frame in range(len(frames)) if truth and mask_path(truth, frame).exists()]
        right = overlap = apart = exact = np.nan
        if truth:
            right, overlap = agreement(folder, truth, silhouettes, known)
            apart, exact = (flip_share(labels, known, track, body) for labels in (folder, truth))
        flips = flip_share(folder, list(range(len(frames))), track, body)
    cells = [f"{100 * right:.1f}", f"{overlap:.3f}"]
    cells += [f"{100 * flips:.2f}", f"{100 * apart:.2f}", f"{100 * exact:.2f}", f"{seconds:.3f}"]
    return f"| {results.name} | {name} | " + " | ".join("-" if c == "nan" else c for c in cells) + " |"


def agreement(folder: Path, truth: Path, silhouettes: Path, known: list[int]) -> tuple[float, float]:
    """Share of pixels of the person (in mask and truth) with the right label, and IoU there, mean over the true labels."""
    table = np.zeros((len(CIHP), len(CIHP)), np.int64)
    for frame in known:
        true = read_truth(truth, frame)
        person = (true > 0) & (read_alpha(silhouettes, frame) >= 128)
        pairs = true[person].astype(np.int64) * len(CIHP) + read_parsing(folder, frame)[person]
        table += np.bincount(pairs, minlength=table.size).reshape(table.shape)
    shared = table.diagonal()
    there = table.sum(axis=1) > 0
    iou = shared[there] / (table.sum(axis=0) + table.sum(axis=1) - shared)[there]
    return float(shared.sum() / table.sum()), float(iou.mean())


def read_truth(folder: Path, frame: int) -> np.ndarray:
    """Exact labels [H,W] uint8."""
    with Image.open(mask_path(folder, frame)) as image:
        if image.mode == "P":
            return read_parsing(folder, frame)
        colours = np.array(image.convert("RGB"), np.int32)
    names = list(LIP_COLOURS)
    apart = np.stack([np.abs(colours - LIP_COLOURS[name]).sum(axis=-1) for name in names])
    index = np.array([CIHP.index(name) for name in names], np.uint8)[apart.argmin(axis=0)]
    return np.where(apart.min(axis=0) < 12, index, 0).astype(np.uint8)


def flip_share(folder: Path, frames: list[int], track: BodyTrack, body: BodyModel) -> float:
    """Share of the body's surface seen in two successive ones of ``frames`` whose label differs between them.

    The fitted body does not follow clothes exactly, so that exact labels flip too.
    """
    corners = body.v_template.numpy()[body.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    weight = np.bincount(body.faces.ravel(), np.repeat(area, 3), minlength=len(body.v_template))
    flips = seen = 0.0
    before = None
    for frame in frames:
        vertices, labels = posed_vertices(body, track, frame), read_truth(folder, frame)
        height, width = labels.shape
        depth = rasterize_mesh(vertices, body.faces, track.K, (width, height)).depth
        pixels = (vertices @ track.K.T)[:, :2] / vertices[:, 2:]
        inside = (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
        column, row = np.where(inside[:, None], pixels, 0).astype(np.int64).T
        label = np.where(inside & (np.abs(vertices[:, 2] - depth[row, column]) < 0.01), labels[row, column], 0)
        if before is not None:
            both = (label > 0) & (before > 0)
            seen += weight[both].sum()
            flips += weight[both & (label != before)].sum()
        before = label
    return flips / max(seen, 1e-9)


if __name__ == "__main__":
    main()
