"""Write the page that compares the methods of an actor (rule comparison)."""

from typing import TYPE_CHECKING

from understudy.comparison.config import ComparisonConfig
from understudy.comparison.measured import read_measured
from understudy.comparison.page import write_comparison
from understudy.job import run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    avatars = read_measured(snakemake.input.avatars, snakemake.input.body)
    config = ComparisonConfig(**snakemake.params.settings)
    write_comparison(snakemake.output.page, snakemake.wildcards.actor, avatars, config, snakemake.input.motions)


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
