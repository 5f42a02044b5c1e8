"""Measures that need the pictures: masks against the body and over time, and sharpness. Frames are read one by one."""

import cv2
import numpy as np

from understudy.actor_folder import Result
from understudy.body.posed import posed_vertices
from understudy.formats.masks import read_alpha
from understudy.inspection.measure import Measure
from understudy.metrics.masks import inside
from understudy.progress import track as show_progress
from understudy.render.mesh import silhouette

LONG_SIDE = 640
"""Masks and bodies are compared at this many px."""
AROUND = 0.1
"""Seconds on either side with which a frame is compared."""


def picture_measures(result: Result) -> list[Measure]:
    """What masks and pictures tell, as far as they are there."""
    if result.masks is None:
        return []
    columns = {
        name: np.full(len(result.frames), np.nan) for name in ("area", "body", "outside", "uncovered", "sharpness")
    }
    for i in show_progress(range(len(result.frames)), "comparing body, masks and pictures"):
        for name, value in _look(result, i).items():
            columns[name][i] = value
    reach = max(2, round(AROUND * result.frames.fps))
    flicker = _flicker(columns["area"], reach)
    if np.isfinite(columns["body"]).any():  # a person in profile is small in mask and body alike
        flicker = np.fmin(flicker, _flicker(columns["area"] / np.maximum(columns["body"], 1e-6), reach))
    sharp = _middle(columns["sharpness"], 4 * reach)
    return [
        Measure("Body outside the mask", "% of the body", 6.0, 100 * columns["outside"], "mask"),
        Measure("Mask without body", "% of the mask", 20.0, 100 * columns["uncovered"], "mask"),
        Measure("Mask changes size", "% against its neighbours", 6.0, flicker, "change"),
        Measure(
            "Picture blurred", "sharpness over its neighbours'", 0.5, columns["sharpness"] / sharp, "frame", low=True
        ),
    ]


def _look(result: Result, i: int) -> dict[str, float]:
    """One frame's numbers."""
    assert result.masks is not None
    alpha, picture = read_alpha(result.masks, i), result.frames.read(i)
    mask = alpha >= 128
    found = {"area": float(mask.mean())}
    if mask.any():
        found["sharpness"] = _sharpness(picture, mask)
    if result.track is None or result.body is None or not mask.any():
        return found
    scale = min(1.0, LONG_SIDE / max(result.size))
    width, height = (max(1, round(side * scale)) for side in result.size)
    K = np.diag([width / result.size[0], height / result.size[1], 1.0]) @ result.track.K
    body = silhouette(posed_vertices(result.body, result.track, i), result.body.faces, K, (width, height))
    small = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA) >= 128
    if body.any():
        found |= {"body": float(body.mean())}
        found |= {"outside": float(1 - inside(body, small)), "uncovered": float(1 - inside(small, body))}
    return found


def _sharpness(picture: np.ndarray, mask: np.ndarray) -> float:
    """Variance of the Laplacian over the person, inside the outline (Pech-Pacheco et al., ICPR 2000)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    grey = cv2.cvtColor(np.ascontiguousarray(picture[window]), cv2.COLOR_RGB2GRAY)
    inner = cv2.erode(mask[window].astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inner]
    return float(edges.var()) if edges.size else float("nan")


def _flicker(areas: np.ndarray, reach: int) -> np.ndarray:
    """How far (%) areas [T], in any unit, are from anything between the medians before and after; a steady change is none."""
    flicker = np.full(len(areas), np.nan)
    if len(areas) < 3:
        return flicker
    reach = min(reach, (len(areas) - 1) // 2)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(areas, reach), axis=1)
    before, now, after = medians[: -reach - 1], areas[reach:-reach], medians[reach + 1 :]
    low, high = np.minimum(before, after), np.maximum(before, after)
    away = np.maximum(now - high, low - now).clip(min=0)
    flicker[reach:-reach] = 100 * away / np.maximum((low + high) / 2, 1e-6)
    return flicker


def _middle(values: np.ndarray, reach: int) -> np.ndarray:
    """Median over ``reach`` frames on either side [T], fewer at the ends; NaN where nothing is known."""
    padded = np.pad(values, reach, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    middle = np.full(len(values), np.nan)
    known = np.isfinite(windows).any(axis=1)
    middle[known] = np.nanmedian(windows[known], axis=1)
    return middle
