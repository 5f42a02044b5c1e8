"""Render the avatar in a motion (rule motion)."""

from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.job import run_job
from understudy.rendering.backdrop import hex_colour
from understudy.rendering.config import PathConfig, ShowConfig
from understudy.rendering.render import render_motion

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

AZIMUTH, ELEVATION = 30.0, 8.0
"""Degrees; steps, swinging arms and the ground show better a little from the side and from above."""


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    look = snakemake.params.settings
    config = ShowConfig(
        size=(look["width"], look["height"]),
        fps=look["fps"],
        background=hex_colour(look["background"]),
        shadow=True,
        path=PathConfig("still", azimuth=AZIMUTH, elevation=ELEVATION, follow=True),
    )
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    render_motion(archive, snakemake.output.video, config, snakemake.input.motion)


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
