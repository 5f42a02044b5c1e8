"""Write the page that plays the avatar in any browser (rule viewer)."""

from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.log import log_to
from understudy.threads import use_threads
from understudy.viewer.acts import ViewConfig
from understudy.viewer.page import write_page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    # the motions are files, which the rule hands over
    config = ViewConfig(**{name: value for name, value in snakemake.params.settings.items() if name != "motions"})
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    write_page(snakemake.output.page, archive, config, snakemake.input.motions, snakemake.wildcards.actor)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
