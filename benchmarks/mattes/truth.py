"""How near silhouettes come to exact masks, before and after the stage matting.

python -m benchmarks.mattes.truth RESULTS=MASKS [RESULTS=MASKS ...] [--threads 2]
python -m benchmarks.mattes.truth --fit RESULTS=MASKS [...]

RESULTS is an actor's folder with frames, alpha, keypoints.npz and smpl.npz; MASKS has exact masks 000000.png, ... of some
or all of its frames, person above 0. Mattes are made anew in a temporary folder. --fit instead prints weights for
``understudy.matting.matting.WEIGHTS``, by logistic regression on these pictures; each pair given counts the same.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.support.runs import REPOSITORY
from understudy.body.files import load_body
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import UNKNOWN, read_alpha, read_trimap
from understudy.formats.smpl import BodyTrack
from understudy.matting.appearance import learn_appearance
from understudy.matting.config import MattingConfig
from understudy.matting.looks import look_at
from understudy.matting.matting import evidence, sure_pixels
from understudy.matting.refine import refine_mattes
from understudy.metrics.masks import iou
from understudy.threads import use_threads

PIXELS = 30000
"""Of each pair, for --fit."""
RIDGE = 1e-4


def main() -> None:
    """Measure or fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="RESULTS=MASKS")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    use_threads(1)
    pairs = [tuple(map(Path, pair.split("=", 1))) for pair in options.pairs]
    if options.fit:
        print(np.array2string(fitted_weights(pairs, options.threads), precision=2, suppress_small=True, separator=", "))
        return
    print(
        "| actor | IoU coarse | IoU matte | border px coarse | matte | IoU where sure | unknown, of the person | s a frame |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for results, masks in pairs:
        print(row(results, masks, options.threads), flush=True)


def row(results: Path, masks: Path, threads: int) -> str:
    """One line of the table."""
    frames, keypoints, track, body = load(results)
    with tempfile.TemporaryDirectory() as folder:
        matte, trimap = Path(folder, "matte"), Path(folder, "trimap")
        started = time.monotonic()
        refine_mattes(frames, results / "alpha", keypoints, track, body, matte, trimap, MattingConfig(), threads)
        seconds = (time.monotonic() - started) / len(frames)
        figures = []
        for frame, true in truths(masks):
            coarse, fine = read_alpha(results / "alpha", frame) > 127, read_alpha(matte, frame) > 127
            sure = read_trimap(trimap, frame) != UNKNOWN
            figures.append(
                (
                    iou(coarse, true),
                    iou(fine, true),
                    border_error(coarse, true),
                    border_error(fine, true),
                    iou(fine & sure, true & sure),
                    np.count_nonzero(~sure) / max(1, np.count_nonzero(true)),
                )
            )
    a, b, c, d, e, f = np.mean(figures, axis=0)
    return f"| {results.name} | {a:.4f} | {b:.4f} | {c:.2f} | {d:.2f} | {e:.4f} | {100 * f:.1f} % | {seconds:.2f} |"


def border_error(mask: np.ndarray, true: np.ndarray) -> float:
    """Mean distance of a mask's outline from the true one, px; NaN where there is none."""
    drawn, exact = outline(mask), outline(true)
    if not drawn.any() or not exact.any():
        return float("nan")
    return float(cv2.distanceTransform((~exact).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[drawn].mean())


def outline(mask: np.ndarray) -> np.ndarray:
    """The outermost pixels of a mask [H,W] bool."""
    return mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def fitted_weights(pairs: list[tuple[Path, ...]], threads: int) -> np.ndarray:
    """Weights [FEATURES] of the evidence."""
    samples = [sampled(results, masks, threads) for results, masks in pairs]
    features, label = (np.concatenate(parts) for parts in zip(*samples, strict=True))
    weights = np.zeros(features.shape[1])
    for _ in range(15):  # Newton's method on a convex function
        share = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (share - label) / len(label) + RIDGE * weights
        bend = (features * (share * (1 - share))[:, None]).T @ features / len(label) + RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(bend, slope)
    return weights


def sampled(results: Path, masks: Path, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Evidence [N,FEATURES] and truth [N] of ``PIXELS`` undecided pixels of an actor."""
    random = np.random.default_rng(0)
    frames, _, track, body = load(results)
    appearance = learn_appearance(frames, results / "alpha", track, body, MattingConfig().sample_frames, threads)
    parts = []
    for frame, true in truths(masks):
        look = look_at(frames, results / "alpha", track, body, frame)
        if look is not None:
            surely = sure_pixels(look)
            band = np.argwhere(surely == 0).astype(np.int32)
            parts.append((evidence(look, appearance, surely, band), true[look.window][tuple(band.T)]))
    features, label = (np.concatenate(part) for part in zip(*parts, strict=True))
    chosen = random.choice(len(label), PIXELS)
    return features[chosen].astype(np.float64), label[chosen]


def truths(masks: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Frame and exact mask [H,W] bool, one by one."""
    for path in sorted(masks.glob("*.png")):
        yield int(path.stem), np.array(Image.open(path)) > 0


def load(results: Path):  # noqa: ANN201
    """Frames, keypoints, track and body of an actor."""
    return (
        Frames.load(results / "frames.json"),
        Keypoints.load(results / "keypoints.npz"),
        BodyTrack.load(results / "smpl.npz"),
        load_body(REPOSITORY / "models/understudy_body.npz"),
    )


if __name__ == "__main__":
    main()
