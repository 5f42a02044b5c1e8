"""What each step of the workflow cost: Snakemake's benchmark files."""

import math
from dataclasses import dataclass
from pathlib import Path

from understudy.formats.benchmarks import read_spent
from understudy.stages import BAKING, STAGES

STEPS = {stage.name: stage.title for stage in (*STAGES, BAKING) if stage.name != "report"} | {"motion": "motion"}
"""What the rules do, in the order in which they are told."""


@dataclass(frozen=True)
class Cost:
    """One step's cost."""

    rule: str
    what: str
    seconds: float
    megabytes: float
    """Peak of the resident memory; NaN where the step was too short to be measured."""


def read_costs(folder: str | Path) -> list[Cost]:
    """Costs of the steps whose ``{rule}.tsv`` or ``{rule}/{name}.tsv`` are in a folder, in the order of ``STEPS``."""
    folder = Path(folder)
    order = list(STEPS)
    costs = []
    for path in folder.rglob("*.tsv"):
        rule, *names = path.relative_to(folder).with_suffix("").parts
        spent = read_spent(path) if rule in STEPS else []
        if spent and math.isfinite(spent[-1].seconds):
            costs.append(Cost(rule, ": ".join([STEPS[rule], *names]), spent[-1].seconds, spent[-1].megabytes))
    return sorted(costs, key=lambda cost: (order.index(cost.rule), cost.what))


def duration(seconds: float) -> str:
    """Seconds in words, two units at most: ``4 s``, ``3 min 25 s``, ``1 h 4 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole else "under 1 s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def size(megabytes: float) -> str:
    """Megabytes in words, two digits: ``320 kB``, ``280 MB``, ``1.1 GB``."""
    if not math.isfinite(megabytes):
        return "?"
    unit, factor = ("GB", 1e-3) if megabytes >= 1000 else ("MB", 1.0) if megabytes >= 1 else ("kB", 1e3)
    return f"{float(f'{factor * megabytes:.2g}'):g} {unit}"
