"""Write the page that plays the avatar in any browser (rule viewer)."""

from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.job import run_job
from understudy.viewer.config import ViewerConfig
from understudy.viewer.page import write_page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    config = ViewerConfig(**snakemake.params.settings)
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    write_page(snakemake.output.page, archive, config, snakemake.input.motions, snakemake.wildcards.actor)


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
