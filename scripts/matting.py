"""Refine the actor's silhouettes by the fitted body and the colours of the whole video (rule matting)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.job import run_job
from understudy.matting.config import MattingConfig
from understudy.matting.refine import refine_mattes

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    refine_mattes(
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        alpha_folder=Path(snakemake.input.alpha),
        keypoints=Keypoints.load(snakemake.input.keypoints),
        track=BodyTrack.load(snakemake.input.smpl),
        body=load_body(snakemake.input.body),
        matte_folder=Path(snakemake.output.matte),
        trimap_folder=Path(snakemake.output.trimap),
        config=MattingConfig(**snakemake.params.settings),
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    # frames, not the work on one, run side by side
    run_job(main, snakemake.log[0], snakemake.rule, 1, snakemake.output)
