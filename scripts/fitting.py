"""Fit the body to keypoints and silhouettes (rule fitting)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.fitting.config import FittingConfig
from understudy.fitting.fit import fit_body
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.job import run_job, without

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    track = fit_body(
        keypoints=Keypoints.load(snakemake.input.keypoints),
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        alpha_folder=Path(snakemake.input.alpha),
        body=load_body(snakemake.input.body, snakemake.params.body.get("model", "auto")),
        config=FittingConfig(**without(snakemake.params.settings, "regressor", "files")),
        regressor=Path(snakemake.input.regressor) if snakemake.input.regressor else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
    )
    track.save(snakemake.output.smpl, recorded=True)


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
