"""Make Gaussians that look like an avatar of another method (rule baking)."""

from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive, save_archive
from understudy.avatar.baking.bake import bake_gaussians
from understudy.avatar.baking.config import BakingConfig
from understudy.job import run_job
from understudy.rendering.turntable import portrait

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    config = BakingConfig(**snakemake.params.settings)
    baked = bake_gaussians(load_archive(snakemake.input.avatar, snakemake.input.body), config)
    save_archive(snakemake.output.baked, baked, portrait(baked.avatar))


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
