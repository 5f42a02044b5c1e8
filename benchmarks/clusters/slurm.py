"""Three tiny videos and one that shows nobody through the SLURM profile, on a SLURM of one node that is started for it.

python -m benchmarks.clusters.slurm FOLDER [--wanted report.html]

It needs root, the packages slurmctld, slurmd, slurm-client and munge, and requirements-slurm.txt. Prints a table of the jobs;
FOLDER/work/snakemake.log and FOLDER/work/jobs.txt hold all that Snakemake and SLURM said.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.support.one_node_slurm import why_not
from tests.support.slurm_runs import run_videos


def main() -> None:
    """Run the videos and print what SLURM did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wanted", default="report.html")
    arguments = parser.parse_args()
    if (reason := why_not()) is not None:
        sys.exit(f"error: no SLURM can be started here: {reason}.")
    places = [arguments.folder.resolve() / name for name in ("work", "cluster")]
    for place in places:
        place.mkdir(parents=True)
    began = time.monotonic()
    outcome = run_videos(*places, arguments.wanted)
    print("| job | what | partition | state | seconds | memory asked, MB | time asked, min | cores | GPUs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for job in outcome.jobs:
        print(
            f"| {job.number} | {job.what} | {job.partition} | {job.state} | {job.seconds} | {job.memory_mb} | {job.minutes}"
            f" | {job.cpus} | {job.gpus} |"
        )
    print(f"\nSnakemake ended with status {outcome.status} after {time.monotonic() - began:.0f} s.")
    print((outcome.folder / "results/summary.tsv").read_text())


if __name__ == "__main__":
    main()
