"""Write the avatar in the formats of other programs (rule export)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.export.config import ExportConfig
from understudy.export.run import export_avatar
from understudy.job import run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    config = ExportConfig(**snakemake.params.settings)
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    export_avatar(archive, Path(snakemake.output.glb).parent, config, snakemake.input.motions)


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
