"""The figures of several avatars: one row each, the best of every column marked."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from understudy.comparison.measured import MeasuredAvatar, number, poses_apart, poses_of
from understudy.formats.metrics import POSES, SCORED_PARTS
from understudy.report.costs import duration, size
from understudy.report.figures import FIGURES, held_out_mean
from understudy.text import as_cell

SHOWN = {"without_pose_refinement": "given", "with_pose_refinement": "aligned"}
"""Poses of the tables' columns."""
LESS_IS_BETTER = ("lpips_person_box_on_white", "lpips_full_frame_on_white")

Row = dict[str, Any]
"""Name of a figure to its value; None where it was not measured."""


def rows_of(avatars: Sequence[MeasuredAvatar], seconds: Sequence[float]) -> list[Row]:
    """All figures of each avatar, flat, by the names that ``metrics.json`` has for them.

    Args:
        avatars: The avatars.
        seconds: That a picture of each takes.
    """
    return [_row(one, avatars, spent) for one, spent in zip(avatars, seconds, strict=True)]


def _row(one: MeasuredAvatar, avatars: Sequence[MeasuredAvatar], seconds: float) -> Row:
    training = one.archive.info["training"]
    row: Row = {
        "name": one.name,
        "method": one.archive.avatar.method,
        "poses": poses_of(one, avatars),
        "mm_from_poses_of_first": round(poses_apart(one.archive, avatars[0].archive), 3),
        "training_steps": number(training.get("steps")),
        "training_seconds": number(training.get("seconds")),
        "seconds_a_picture": round(seconds, 4),
        "megabytes": round(one.megabytes, 3),
    }
    for poses in POSES:
        for figure in FIGURES:
            row[f"{poses}.{figure.key}"] = held_out_mean(one.metrics, poses, figure.key)
        for part in SCORED_PARTS:
            row[f"parts.{poses}.{part}"] = one.metrics.get("parts", {}).get(poses, {}).get(part, {}).get("mean")
    return row


def as_tsv(rows: Sequence[Row]) -> str:
    """Rows as a table of tabs, the first line names; a figure that was not measured is empty."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(as_cell(value) if isinstance(value, str) else value for value in row.values())
    return text.getvalue()


def likeness_table(rows: Sequence[Row]) -> dict[str, Any]:
    """What of whole pictures was measured of any avatar: groups of columns, and a row of cells for each avatar."""
    figures = [(figure.name, f"{{poses}}.{figure.key}", figure.digits, figure.key) for figure in FIGURES]
    return _table(rows, figures)


def parts_table(rows: Sequence[Row]) -> dict[str, Any]:
    """The same of parts of the body; without groups where nothing was measured by parts."""
    return _table(rows, [(part, f"parts.{{poses}}.{part}", 1, part) for part in SCORED_PARTS])


def costs_table(rows: Sequence[Row]) -> dict[str, Any]:
    """What each avatar cost, and whose its poses are."""
    columns: list[tuple[str, str, Callable[[float], str]]] = [
        ("training", "training_seconds", duration),
        ("one picture", "seconds_a_picture", in_seconds),
        ("avatar.tar", "megabytes", size),
    ]
    cells = [_marked([row[key] for row in rows], words, less=True) for _, key, words in columns]
    return {
        "columns": [name for name, _, _ in columns],
        "rows": [
            {"name": row["name"], "steps": row["training_steps"], "poses": row["poses"],
             "apart": f"{row['mm_from_poses_of_first']:.1f}", "cells": own}
            for row, own in zip(rows, zip(*cells, strict=True), strict=True)
        ],
    }  # fmt: skip


def in_seconds(seconds: float) -> str:
    """Seconds in words, two digits: ``25 ms``, ``1.6 s``."""
    unit, factor = ("s", 1.0) if seconds >= 1 else ("ms", 1e3)
    return f"{float(f'{factor * seconds:.2g}'):g} {unit}"


def _table(rows: Sequence[Row], figures: Sequence[tuple[str, str, int, str]]) -> dict[str, Any]:
    """Groups of columns, one for each figure that any avatar has, in given and in aligned poses."""
    groups, cells = [], []
    for name, key, digits, what in figures:
        keys = [key.format(poses=poses) for poses in SHOWN]
        there = [(kind, title) for kind, title in zip(keys, SHOWN.values(), strict=True) if _known(rows, kind)]
        if there:
            groups.append({"name": name, "columns": [title for _, title in there]})
        words = f"{{:.{digits}f}}".format
        cells += [_marked([row[kind] for row in rows], words, what in LESS_IS_BETTER) for kind, _ in there]
    own = zip(*cells, strict=True) if cells else [()] * len(rows)
    return {
        "groups": groups,
        "rows": [{"name": row["name"], "cells": each} for row, each in zip(rows, own, strict=True)],
    }


def _known(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(row[key] is not None for row in rows)


def _marked(values: Sequence[float | None], words: Callable[[float], str], less: bool) -> list[dict[str, Any]]:
    """Cells of a column: their text, and whether none is better as far as the text tells."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    best = words((min if less else max)(known)) if len(known) > 1 else None
    texts = ["" if value is None else words(value) for value in values]
    return [{"text": text, "best": text == best and text != ""} for text in texts]
