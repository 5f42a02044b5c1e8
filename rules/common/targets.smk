"""What is made for every actor, and what is said of all of them in the end."""

from pathlib import Path

from understudy.batch.summary import write_summary
from understudy.errors import InputError
from understudy.stages import FILES


def everything(wildcards):
    """Input function: all files of all actors; a function, so that asking for one of them does not list all."""
    # named one by one, since Snakemake lets a finished target stand when something in between was deleted
    return [
        f"results/{actor}/{file}"
        for actor in ACTORS
        for file in (
            *FILES,
            *(f"renders/{motion}.mp4" for motion in motions_of(actor)),
            *(["baked.tar"] if is_baked(actor) else []),
        )
    ]


def summarize(at_work=False, failed=False):
    """Write results/summary.tsv and results/index.html; after a failure, say where to look."""
    try:
        count = write_summary(Path("results"), ACTORS, at_work, LEFT_OUT)
    except (OSError, InputError) as error:
        warn(f"No results/summary.tsv was written: {error}")
        return
    if failed:
        logger.error(
            f"{count} of {len(ACTORS) + len(LEFT_OUT)} videos failed; see results/summary.tsv and results/index.html for the reasons."
        )
    elif LEFT_OUT and not at_work:
        warn(
            f"{len(LEFT_OUT)} videos were left out because of their names; see results/summary.tsv for which and why."
        )
