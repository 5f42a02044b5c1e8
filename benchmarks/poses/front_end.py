"""Seconds a frame of every stage before the training, of this checkout and, where one is given, of another.

python -m benchmarks.poses.front_end VIDEO [--beside CHECKOUT] [--cores 2]

Both run the same video on the same machine, one after the other, with no option but its name; each by its own
environment (CHECKOUT/.venv).
"""

import argparse
from pathlib import Path

from benchmarks.support.runs import REPOSITORY, fresh_run
from understudy.formats.frames import Frames
from understudy.stages import STAGES

FRONT_END = [stage.name for stage in STAGES[: [stage.name for stage in STAGES].index("avatar")]]
NAME = "person"


def main() -> None:
    """Run both, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--beside", type=Path, help="another checkout of the project, with its .venv")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    checkouts = [REPOSITORY] if options.beside is None else [options.beside.resolve(), REPOSITORY]
    rows, counts = [], []
    for checkout in checkouts:
        run = fresh_run({NAME: options.video}, options.cores, targets=("canonical.npz", "trimap"), checkout=checkout)
        rows.append({**{stage: cost.seconds for stage, cost in run.costs(NAME).items()}, "all": run.seconds})
        counts.append(len(Frames.load(run.results(NAME) / "frames.json")))
        print(f"{checkout}: {counts[-1]} frames, {run.seconds:.1f} s with Snakemake's own")
    print("| stage |" + "".join(f" {checkout.name}, s a frame |" for checkout in checkouts))
    print("|---|" + "---|" * len(checkouts))
    for stage in [*FRONT_END, "all"]:
        print(f"| {stage} |" + "".join(f" {row[stage] / count:.3f} |" for row, count in zip(rows, counts, strict=True)))


if __name__ == "__main__":
    main()
