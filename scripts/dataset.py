"""Write an actor's results as the data set of another program (rule dataset)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.job import run_job
from understudy.layouts.recording import open_recording
from understudy.layouts.run import write_dataset

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    folder = Path(snakemake.input.smpl).parent
    recording = open_recording(folder, snakemake.input.body, hold_out=snakemake.params.hold_out)
    write_dataset(recording, snakemake.output.dataset, snakemake.wildcards.layout)


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
