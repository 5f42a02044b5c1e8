"""Measure the avatar on frames that its training never saw (rule evaluate)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive
from understudy.avatar.config import EvaluateConfig
from understudy.avatar.evaluate import evaluate_avatar
from understudy.files.arrays import write_json
from understudy.formats.frames import Frames
from understudy.job import run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    metrics = evaluate_avatar(
        archive=load_archive(snakemake.input.avatar, snakemake.input.body),
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        alpha_folder=Path(snakemake.input.matte),
        trimap_folder=Path(snakemake.input.trimap),
        config=EvaluateConfig(**snakemake.params.settings),
        pictures=Path(snakemake.output.comparisons),
        parsing_folder=Path(snakemake.input.parsing),
    )
    write_json(snakemake.output.metrics, metrics, recorded=True)


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
