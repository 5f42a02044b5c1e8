"""Choose and write the frames of a video (rule frames)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.backends.mediapipe import person_finder
from understudy.errors import InputError
from understudy.job import run_job
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    found, name = snakemake.input.video, snakemake.params.video
    if not found and "://" in name:
        raise InputError(f"{name}: there is nothing at this address.")
    config = FramesConfig(**snakemake.params.settings)
    extract_frames(
        source=Path(found or name),
        folder=Path(snakemake.output.frames),
        index=Path(snakemake.output.index),
        config=config,
        find_people=person_finder() if config.crop else None,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
