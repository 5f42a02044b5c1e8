"""Find the actor's 2D keypoints in every frame (rule keypoints)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.formats.frames import Frames
from understudy.job import run_job, without
from understudy.keypoints.config import KeypointsConfig
from understudy.keypoints.detect import detect_keypoints

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    frames = Frames.load(snakemake.input.index, snakemake.input.frames)
    keypoints = detect_keypoints(
        frames=frames,
        config=KeypointsConfig(**without(snakemake.params.settings, "weights", "files")),
        weights=Path(snakemake.input.weights) if snakemake.input.weights else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
        sha256=snakemake.params.vouched,
        threads=snakemake.threads,
    )
    keypoints.save(snakemake.output.keypoints, recorded=True)


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
