"""Cut the actor out of every frame (rule silhouettes)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.log import log_to
from understudy.masks.silhouettes import SilhouettesConfig, cut_silhouettes
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    cut_silhouettes(
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        keypoints=Keypoints.load(snakemake.input.keypoints),
        folder=Path(snakemake.output.alpha),
        config=SilhouettesConfig(**snakemake.params.settings),
    )


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main()
