"""What somebody else made in the place of an output is kept: Snakemake removes outputs before a job, and after one that failed."""

import shlex
from pathlib import Path

import snakemake.io

from understudy.commands import called
from understudy.errors import InputError
from understudy.files.owned import check_apart, is_recorded, strange_files


def keep_what_others_made():
    """End the run before it begins where it would replace what the workflow did not make, or what a job reads."""
    if workflow.touch:
        return
    for job in workflow.dag.needrun_jobs():
        there = [file for file in job.output if os.path.lexists(file)]
        try:
            check_apart(there, job.input if there else [])
        except InputError as error:
            stop(f"{error} It is the rule {job.rule.name} that would write it.")
        strange = [str(file) for file in there if made_by_others(file, by_size=True)]
        if strange:
            name = shlex.quote(strange[0])
            stop(
                f"the rule {job.rule.name} would replace {strange[0]}, which the workflow did not write or which"
                " was changed since; move it away to have it made, undo the change for which it is made anew"
                f" ({called('snakemake')} -n {name} tells), or, where it is only older than what it is made of, touch {name}."
            )


def made_by_others(file, by_size=False):
    """Whether an output that is there is not as a job wrote it; no job writes a link."""
    path = Path(file)
    if path.is_symlink():
        return True
    if path.is_dir():
        return bool(strange_files(path, by_size))
    return not is_recorded(path, by_size)


def keeping(remove):
    """Snakemake's way to remove a file, but for results that others made while the workflow ran: the job ends at them."""

    async def remove_ours(file, *args, **options):
        result = Path(file).parts[:1] == ("results",)
        if result and os.path.lexists(file) and made_by_others(file):
            warn(
                f"{file} was kept, since the workflow did not write it, or it was changed since."
            )
        else:
            await remove(file, *args, **options)

    return remove_ours


# in every process, since a cluster's jobs remove their outputs themselves
snakemake.io._IOFile.remove = keeping(snakemake.io._IOFile.remove)
