"""Snakemake's benchmark files: what a job cost. Standard library only."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from understudy.errors import InputError
from understudy.files.regular import read_bytes

MOST_BYTES = 1 << 24
"""Of a file, which has a line for each run."""


@dataclass(frozen=True)
class Spent:
    """What one run of a job cost; NaN where it was too short to be sampled."""

    seconds: float
    """Wall clock."""
    cpu_seconds: float
    megabytes: float
    """Peak of the resident memory."""


def read_spent(path: Path) -> list[Spent]:
    """What a benchmark file (.tsv) says, one entry for each run of the job in it; whatever is no number is NaN."""
    lines = read_bytes(path, MOST_BYTES).decode(errors="replace").splitlines()
    try:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    except csv.Error:  # a field without end
        return []
    return [Spent(*(_number(row.get(key)) for key in ("s", "cpu_time", "max_rss"))) for row in rows]


def is_benchmark(path: Path) -> bool:
    """Whether a file is such a table, or empty."""
    try:
        first = read_bytes(path, MOST_BYTES).split(b"\n", 1)[0]
    except (OSError, InputError):
        return False
    return not first or first.startswith(b"s\t")


def _number(text: str | None) -> float:
    """Snakemake writes NA or - where it has none; no job takes three hundred years."""
    return float(text) if text and re.fullmatch(r"\d{1,10}(\.\d*)?", text, re.ASCII) else float("nan")
