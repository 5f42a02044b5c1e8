"""Write the avatar in the formats of other programs (rule export)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.export.run import ExportConfig, export_avatar
from understudy.log import log_to
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    # the motions are files, which the rule hands over
    config = ExportConfig(**{name: value for name, value in snakemake.params.settings.items() if name != "motions"})
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    export_avatar(archive, Path(snakemake.output.glb).parent, config, snakemake.input.motions)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
