"""Seconds and memory of every stage on the demo, from its video to the report.

python -m benchmarks.demo.costs [--cores 2] [--video data/videos/actor.mp4]
"""

import argparse
from pathlib import Path

from benchmarks.support.runs import REPOSITORY, fresh_run


def main() -> None:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--video", type=Path, default=REPOSITORY / "data/videos/actor.mp4")
    parser.add_argument("--folder", type=Path, help="working folder; default a new temporary one")
    options = parser.parse_args()
    run = fresh_run({"actor": options.video}, options.cores, options.folder)
    print("| stage | seconds | peak MB |\n|---|---|---|")
    costs = run.costs("actor")
    for stage, cost in costs.items():
        print(f"| {stage} | {cost.seconds:.1f} | {cost.megabytes:.0f} |")
    print(f"| whole run, wall clock | {run.seconds:.1f} | {max(cost.megabytes for cost in costs.values()):.0f} |")
    print(f"\nfiles in {run.results('actor')}")


if __name__ == "__main__":
    main()
