"""Render the video and the avatar in its poses side by side (rule reenactment)."""

from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.gpus import use_gpus
from understudy.log import log_to
from understudy.rendering.backdrop import hex_colour
from understudy.rendering.reenact import render_reenactment
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    use_gpus(snakemake.resources.get("gpu", 0))
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    background = hex_colour(snakemake.params.settings["background"])
    render_reenactment(archive, snakemake.input.frames, snakemake.output.video, background=background)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
