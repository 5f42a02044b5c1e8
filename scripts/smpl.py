"""Fit the body to keypoints and silhouettes (rule smpl)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.fitting.fit import FitConfig, fit_body
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.log import log_to
from understudy.threads import use_threads

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    use_threads(snakemake.threads)
    settings = dict(snakemake.params.settings)
    del settings["regressor"], settings["files"]  # they are inputs
    track = fit_body(
        keypoints=Keypoints.load(snakemake.input.keypoints),
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        alpha_folder=Path(snakemake.input.alpha),
        body=load_body(snakemake.input.body, snakemake.params.body.get("model", "auto")),
        config=FitConfig(**settings),
        regressor=Path(snakemake.input.regressor) if snakemake.input.regressor else None,
        files=Path(snakemake.input.files) if snakemake.input.files else None,
    )
    track.save(snakemake.output.smpl)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.rule):
        main()
