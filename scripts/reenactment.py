"""Render the video and the avatar in its poses side by side (rule reenactment)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.formats.frames import Frames
from understudy.job import run_job
from understudy.rendering.backdrop import hex_colour
from understudy.rendering.footage import footage_of
from understudy.rendering.reenactment import render_reenactment

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    archive = load_archive(snakemake.input.avatar, snakemake.input.body)
    background = hex_colour(snakemake.params.settings["background"])
    frames = Frames.load(snakemake.input.index, snakemake.input.frames)
    video = Path(snakemake.params.video)
    # one that is gone, at an address or distorted by its lens is shown as the frames show it
    is_there = frames.crop is not None and not snakemake.params.distorted and video.exists()
    seen = footage_of(frames, video) if is_there else frames.folder
    render_reenactment(archive, seen, snakemake.output.video, background=background)


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
