"""The figures of ``metrics.json``, rounded to what means something, and what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.formats.metrics import SCORED_PARTS

POSES = {
    "without_pose_refinement": "new frames",
    "with_pose_refinement": "pose aligned",
    "reconstruction": "learned frames",
}
"""Columns, by their keys."""
HEADLINE = "psnr_person_box_on_white"


@dataclass(frozen=True)
class Figure:
    """A row of the table: one figure in all columns."""

    name: str
    key: str
    digits: int
    """After the point; the mean over a dozen frames is no better known."""
    meaning: str


FIGURES = (
    Figure(
        "PSNR, person's box (dB)", HEADLINE, 1,
        "How far colours are off in the box round the person, on a white background. 20 dB are a tenth of the full brightness, "
        "30 dB a thirtieth (root mean square). Higher is better.",
    ),
    Figure(
        "PSNR, whole picture (dB)", "psnr_full_frame_on_white", 1,
        "The same over the whole picture: the white background counts as right, so it is higher the smaller the person is.",
    ),
    Figure(
        "SSIM, person's box", "ssim_person_box_on_white", 2,
        "Whether edges and patterns agree, 1 where all do.",
    ),
    Figure("SSIM, whole picture", "ssim_full_frame_on_white", 2, "The same over the whole picture."),
    Figure(
        "Silhouette (IoU)", "alpha_iou", 3,
        "Area that the avatar's and the video's silhouette share, over the area of both together; 1 where they are the same.",
    ),
    Figure(
        "LPIPS, person's box", "lpips_person_box_on_white", 2,
        "How different a network that knows photographs finds the two, 0 where they are the same. Lower is better.",
    ),
    Figure("LPIPS, whole picture", "lpips_full_frame_on_white", 2, "The same over the whole picture."),
)  # fmt: skip


def held_out_mean(metrics: Mapping[str, Any], poses: str, key: str = HEADLINE) -> float | None:
    """Mean of a figure in one of the ``POSES``; None where it was not measured."""
    value = metrics.get(poses, {}).get(key, {}).get("mean")
    return None if value is None else float(value)


def likeness(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The table: names of its columns, and rows of a name, a meaning and a cell for each column."""
    columns = [poses for poses in POSES if held_out_mean(metrics, poses) is not None]
    rows = []
    for figure in FIGURES:
        values = [held_out_mean(metrics, poses, figure.key) for poses in columns]
        if any(value is not None for value in values):
            texts = ["" if value is None else f"{value:.{figure.digits}f}" for value in values]
            rows.append({"name": figure.name, "meaning": figure.meaning, "cells": texts})
    return {"columns": [POSES[poses] for poses in columns], "rows": rows}


def parts_table(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """PSNR of parts of the body: names of the table's columns, and rows of a name and a cell for each column.

    Parts that no frame shows have no row; the last column is the mean number of pixels that a part has in a frame.
    """
    found = metrics.get("parts", {})
    columns = [poses for poses in POSES if poses in found]
    rows = []
    for part in SCORED_PARTS:
        figures = [found[poses].get(part, {}) for poses in columns]
        if any(figure.get("mean") is not None for figure in figures):
            texts = ["" if figure.get("mean") is None else f"{figure['mean']:.1f}" for figure in figures]
            pixels = [count for figure in figures for count in figure.get("pixels", ())]
            rows.append({"name": part, "cells": [*texts, f"{np.mean(pixels):.0f}"]})
    return {"columns": [*(POSES[poses] for poses in columns), "pixels"] if rows else [], "rows": rows}


def in_a_sentence(metrics: Mapping[str, Any]) -> str | None:
    """How alike the avatar is on held-out frames; None where there are none."""
    fitted = held_out_mean(metrics, "without_pose_refinement")
    if fitted is None:
        return None
    refined = held_out_mean(metrics, "with_pose_refinement")
    count, values = len(metrics["held_out_frames"]), metrics["without_pose_refinement"][HEADLINE]["per_frame"]
    values = [value for value in values if value is not None]
    aligned = "" if refined is None else f", {_share_off(refined)} once the pose is aligned with the picture"
    span = f" ({min(values):.0f} to {max(values):.0f} dB)" if len(values) > 1 else ""
    return (
        f"In {count} frames that training never saw{span}, colours round the person are off by about {_share_off(fitted)} of the "
        f"full brightness{aligned}."
    )


def _share_off(psnr: float) -> str:
    """Root mean square error in percent that a PSNR says."""
    return f"{100 * 10 ** (-psnr / 20):.2g}\u00a0%"
