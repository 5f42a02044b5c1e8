"""Prepare the canonical body: its texture and normals (rule canonical)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.smpl import BodyTrack
from understudy.job import run_job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    frames = Frames.load(snakemake.input.index, snakemake.input.frames)
    canonical = prepare_canonical(
        frames=frames,
        alpha_folder=Path(snakemake.input.matte),
        track=BodyTrack.load(snakemake.input.smpl),
        body=load_body(snakemake.input.body),
        config=CanonicalConfig(**snakemake.params.settings),
        held_out=held_out_frames(len(frames), snakemake.params.hold_out),
        parsing_folder=Path(snakemake.input.parsing),
        threads=snakemake.threads,
    )
    canonical.save(snakemake.output.canonical, recorded=True)


if __name__ == "__main__":
    # frames, not the work on one, run side by side
    run_job(main, snakemake.log[0], snakemake.rule, 1, snakemake.output)
