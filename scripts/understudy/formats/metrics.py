"""``metrics.json`` and ``training.json``: how alike an avatar is, and how its training went."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from understudy.files.arrays import again, read_json, reading
from understudy.files.tables import Numbers, check_table
from understudy.formats.limits import MOST_FRAMES, MOST_PIXELS

POSES = ("without_pose_refinement", "with_pose_refinement", "reconstruction")
"""Parts of ``metrics.json`` with figures."""
FIGURES = {
    "mean": Numbers((), np.float64, -1000.0, 1000.0),
    "per_frame": Numbers(("N",), np.float64, -1000.0, 1000.0, unknown=True),
}
"""Of a figure: decibels, or shares of one."""
SCORED_PARTS = ("head", "torso", "arms", "hands", "legs", "feet")
"""What is scored by itself, in ``parts``."""
PART_FIGURES = {
    "mean": Numbers((), np.float64, -1000.0, 1000.0, unknown=True),
    "per_frame": Numbers(("N",), np.float64, -1000.0, 1000.0, unknown=True),
    "pixels": Numbers(("N",), np.int64, 0, MOST_PIXELS),
}
"""Of a part: decibels, unknown where it is not seen, and its number of pixels."""
FRAMES = {
    "held_out_frames": Numbers(("H",), np.int64, 0, MOST_FRAMES),
    "reconstruction_frames": Numbers(("R",), np.int64, 0, MOST_FRAMES),
}
CURVES = {
    "step": Numbers(("n",), np.float64, 0, 1e9),
    "loss": Numbers(("n",), np.float64, -1e9, 1e9),
    "psnr": Numbers(("n",), np.float64, -1000.0, 1000.0),
}
"""Of ``training.json``, as far as they are shown."""
LENGTHS = {"N": (0, MOST_FRAMES), "H": (0, MOST_FRAMES), "R": (0, MOST_FRAMES), "n": (0, 1 << 24)}


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read ``metrics.json``.

    Raises:
        InputError: The file is missing or damaged, or tells of impossible figures or frames.
    """
    metrics = read_json(path)
    with reading(path, "a metrics.json", again(path)):
        _check_table(metrics, FRAMES)
        frames = {name: metrics.get("held_out_frames", []) for name in POSES}
        frames["reconstruction"] = metrics.get("reconstruction_frames", [])
        for name in POSES:
            for key, figure in metrics.get(name, {}).items():
                with _named(f"{name}.{key}"):
                    _check_figure(figure, len(frames[name]), FIGURES)
            for part, figure in metrics.get("parts", {}).get(name, {}).items():
                with _named(f"parts.{name}.{part}"):
                    _check_figure(figure, len(frames[name]), PART_FIGURES)
    return dict(metrics)


def read_history(path: str | Path) -> dict[str, Any]:
    """Read ``training.json``.

    Raises:
        InputError: The file is missing or damaged, or lacks a curve.
    """
    curves = read_json(path)
    with reading(path, "a training.json", again(path)):
        missing = [key for key in CURVES if key not in curves]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        _check_table(curves, CURVES)
    return dict(curves)


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say what it is that is wrong."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _check_figure(figure: Mapping[str, Any], frames: int, table: Mapping[str, Numbers]) -> None:
    missing = [key for key in table if key not in figure]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    values = {key: [np.nan if value is None else value for value in figure[key]] for key in table if key != "mean"}
    for given in values.values():
        if len(given) != frames:
            raise ValueError(f"there are values of {len(given)} frames, and {frames} frames")
    mean = np.nan if figure["mean"] is None else figure["mean"]
    _check_table({"mean": mean, **values}, table)


def _check_table(values: Mapping[str, Any], table: Mapping[str, Numbers]) -> None:
    """As ``check_table``, of lists; an empty one has no numbers that could be of a wrong kind."""
    check_table({key: np.asarray(values[key]) for key in table if np.size(values.get(key, ()))}, table, LENGTHS)
