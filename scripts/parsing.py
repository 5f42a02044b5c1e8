"""Label the actor's parts and clothes in every frame (rule parsing)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack
from understudy.job import run_job, without
from understudy.parsing.config import ParsingConfig
from understudy.parsing.label import label_parts

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    label_parts(
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        alpha_folder=Path(snakemake.input.matte),
        track=BodyTrack.load(snakemake.input.smpl),
        body=load_body(snakemake.input.body),
        folder=Path(snakemake.output.parsing),
        config=ParsingConfig(**without(snakemake.params.settings, "weights", "files")),
        weights=Path(snakemake.input.weights) if snakemake.input.weights else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    # from the body, frames run side by side; a network has all threads for one
    from_body = snakemake.params.settings["backend"] == "body"
    run_job(
        main,
        snakemake.log[0],
        snakemake.rule,
        1 if from_body else snakemake.threads,
        snakemake.output,
        snakemake.resources.get("gpu", 0),
    )
