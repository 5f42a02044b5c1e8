"""Write the one-page report of an actor (rule report)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.body.files import load_body
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.metrics import read_history, read_metrics
from understudy.formats.smpl import BodyTrack
from understudy.job import run_job
from understudy.report.page import ReportInputs, write_report

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    inputs = ReportInputs(
        actor=snakemake.wildcards.actor,
        frames=Frames.load(snakemake.input.index, snakemake.input.frames),
        keypoints=Keypoints.load(snakemake.input.keypoints),
        alpha_folder=Path(snakemake.input.matte),
        parsing_folder=Path(snakemake.input.parsing),
        track=BodyTrack.load(snakemake.input.smpl),
        body=load_body(snakemake.input.body),
        canonical=Canonical.load(snakemake.input.canonical),
        history=read_history(snakemake.input.curves),
        metrics=read_metrics(snakemake.input.metrics),
        comparisons=Path(snakemake.input.comparisons),
        turntable=Path(snakemake.input.turntable),
        reenactment=Path(snakemake.input.reenactment),
        motions=tuple(map(Path, snakemake.input.motions)),
        viewer=Path(snakemake.input.viewer),
        files=tuple(map(Path, [snakemake.input.avatar, *snakemake.input.baked, *snakemake.input.exports])),
        benchmarks=Path(snakemake.output.report).parent / "benchmarks",
        height_given=snakemake.params.height_given,
    )
    write_report(snakemake.output.report, inputs)


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
