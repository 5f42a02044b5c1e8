"""Cut the actor out of every frame (rule silhouettes)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.job import run_job, without
from understudy.silhouettes.config import SilhouettesConfig
from understudy.silhouettes.segment import cut_silhouettes

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    cut_silhouettes(
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        keypoints=Keypoints.load(snakemake.input.keypoints),
        folder=Path(snakemake.output.alpha),
        config=SilhouettesConfig(**without(snakemake.params.settings, "weights", "files")),
        weights=Path(snakemake.input.weights) if snakemake.input.weights else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
        sha256=snakemake.params.vouched,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
