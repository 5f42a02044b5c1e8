"""Cut the actor out of every frame (rule silhouettes)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.gpus import use_gpus
from understudy.log import log_to
from understudy.silhouettes.segment import SilhouettesConfig, cut_silhouettes
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    use_gpus(snakemake.resources.get("gpu", 0))
    settings = dict(snakemake.params.settings)
    del settings["weights"], settings["files"]  # they are inputs
    cut_silhouettes(
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        keypoints=Keypoints.load(snakemake.input.keypoints),
        folder=Path(snakemake.output.alpha),
        config=SilhouettesConfig(**settings),
        weights=Path(snakemake.input.weights) if snakemake.input.weights else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
        sha256=snakemake.params.vouched,
    )


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
