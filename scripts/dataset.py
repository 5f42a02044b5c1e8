"""Write an actor's results as the data set of another program (rule dataset)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.layouts.recording import open_recording
from understudy.layouts.run import write_dataset
from understudy.log import log_to
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    folder = Path(snakemake.input.smpl).parent
    recording = open_recording(folder, snakemake.input.body, hold_out=snakemake.params.hold_out)
    write_dataset(recording, snakemake.output.dataset, snakemake.wildcards.layout)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
