"""Label the actor's parts and clothes in every frame (rule parsing)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack
from understudy.gpus import use_gpus
from understudy.log import log_to
from understudy.parsing.label import ParsingConfig, label_parts
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    use_gpus(snakemake.resources.get("gpu", 0))
    settings = dict(snakemake.params.settings)
    del settings["weights"], settings["files"]  # they are inputs
    label_parts(
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        alpha_folder=Path(snakemake.input.matte),
        track=BodyTrack.load(snakemake.input.smpl),
        body=load_body(snakemake.input.body),
        folder=Path(snakemake.output.parsing),
        config=ParsingConfig(**settings),
        weights=Path(snakemake.input.weights) if snakemake.input.weights else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
    )


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
