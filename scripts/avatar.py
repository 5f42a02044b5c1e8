"""Train the avatar and pack it (rule avatar)."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.avatar.archive import load_archive, save_avatar
from understudy.avatar.config import AvatarConfig
from understudy.avatar.registry import find_method
from understudy.avatar.start import refined_poses
from understudy.avatar.training.train import train_avatar
from understudy.body.files import load_body
from understudy.files.arrays import write_json
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.smpl import BodyTrack
from understudy.job import run_job
from understudy.rendering.turntable import portrait

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    frames = Frames.load(snakemake.input.index, snakemake.input.frames)
    canonical = Canonical.load(snakemake.input.canonical)
    config = AvatarConfig(**snakemake.params.settings)
    options = find_method(config.method).config(**snakemake.params.options)
    checkpoint = Path(snakemake.params.checkpoint)
    track = BodyTrack.load(snakemake.input.smpl)
    if snakemake.input.poses:
        refined = load_archive(snakemake.input.poses, snakemake.input.body)
        track = refined_poses(refined, frames, track, config.hold_out)
    training = train_avatar(
        frames=frames,
        alpha_folder=Path(snakemake.input.matte),
        trimap_folder=Path(snakemake.input.trimap),
        track=track,
        canonical=canonical,
        body=load_body(snakemake.input.body),
        config=config,
        checkpoint=checkpoint,
        options=options,
    )
    save_avatar(snakemake.output.avatar, training, canonical, frames, preview=portrait(training.avatar))
    write_json(snakemake.output.curves, training.history, recorded=True)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run_job(
        main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output, snakemake.resources.get("gpu", 0)
    )
