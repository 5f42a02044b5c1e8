"""Render the avatar on a turntable (rule turntable)."""

from typing import TYPE_CHECKING

from understudy.avatar.archive import load_avatar
from understudy.job import run_job
from understudy.progress import track
from understudy.rendering.config import TurntableConfig
from understudy.rendering.turntable import turntable_pictures
from understudy.video.write import write_video

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Read the rule's files, call the library, write the rule's files."""
    config = TurntableConfig(**snakemake.params.settings)
    avatar = load_avatar(snakemake.input.avatar, snakemake.input.body)
    pictures = track(turntable_pictures(avatar, config), "rendering the turntable", config.frames)
    write_video(snakemake.output.turntable, pictures, config.fps)


if __name__ == "__main__":
    run_job(main, snakemake.log[0], snakemake.rule, snakemake.threads, snakemake.output)
