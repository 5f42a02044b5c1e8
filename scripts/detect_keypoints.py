"""Find the actor's 2D keypoints in every frame (rule keypoints)."""

from typing import TYPE_CHECKING

from understudy.formats.frames import Frames
from understudy.keypoints.detect import KeypointsConfig, detect_keypoints
from understudy.log import log_to
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    frames = Frames.load(snakemake.input.index, snakemake.input.frames)
    keypoints = detect_keypoints(frames, KeypointsConfig(**snakemake.params.settings))
    keypoints.save(snakemake.output.keypoints)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main()
