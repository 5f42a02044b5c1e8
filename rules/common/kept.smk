"""What somebody else made in the place of an output is kept: Snakemake would remove it before a job, or after it failed."""

import shlex
from pathlib import Path

import snakemake.io
import snakemake.jobs

from understudy.commands import called
from understudy.errors import InputError
from understudy.files.atomic import remove_ours
from understudy.files.owned import check_apart, why_not_ours
from understudy.formats.benchmarks import is_benchmark


def keep_what_others_made():
    """End the run before it begins where it would replace what the workflow did not make, or what a job reads.

    With --keep-going it is a warning: a job that finds such a file ends by itself, and the others go on.
    """
    if workflow.touch:
        return
    going = workflow.execution_settings.keep_going
    for job in workflow.dag.needrun_jobs():
        there = [file for file in job.output if os.path.lexists(file)]
        try:
            check_apart(there, job.input if there else [])
        except InputError as error:
            stop(f"{error} It is the rule {job.rule.name} that would write it.")
        if job.benchmark and os.path.lexists(job.benchmark):
            benchmark = Path(job.benchmark)
            if (
                benchmark.is_symlink()
                or benchmark.parent.is_symlink()
                or not is_benchmark(benchmark)
            ):
                stop(
                    f"{benchmark} is a link or no table of Snakemake's, and the rule {job.rule.name} would write there;"
                    " move it away."
                )
        for file in there:
            why = why_not_ours(Path(file), by_size=True)
            if why:
                name = shlex.quote(str(file))
                sentence = (
                    f"the rule {job.rule.name} would replace {file}, which {why}; move it away to have it made, undo the"
                    f" change for which it is made anew ({called('snakemake')} -n {name} tells), or, where it is only"
                    f" older than what it is made of, touch {name}."
                )
                warn(sentence) if going else stop(sentence)


def keeping(remove):
    """Snakemake's way to remove a file, but for results: these go only if they are ours."""

    async def remove_result(file, *args, **options):
        if Path(file).parts[:1] != ("results",) or file.is_storage:
            await remove(file, *args, **options)
        elif os.path.lexists(file) and not remove_ours(file):
            warn(
                f"{file} was kept, since the workflow did not write it, or it was changed since."
            )

    return remove_result


async def leave_existing_output(job):
    """In place of what Snakemake does before a job: outputs stay, for the job replaces them when the new ones are whole."""
    for file in job.log:
        await file.remove()


def cleaning(cleanup):
    """Snakemake's way to clear up after a failed job, but where others made one of its outputs: all stay as they are.

    The job counts as unfinished then, so that it is planned again: its outputs may not be what the options ask for.
    """

    async def clean(job, skip_outputs):
        if any(
            os.path.lexists(file) and why_not_ours(Path(file)) for file in job.output
        ):
            job.dag.workflow.persistence.started(job)
        else:
            await cleanup(job, skip_outputs)

    return clean


# in every process, since a cluster's jobs remove their outputs themselves
snakemake.io._IOFile.remove = keeping(snakemake.io._IOFile.remove)
snakemake.jobs.Job.remove_existing_output = leave_existing_output
snakemake.jobs.Job.cleanup = cleaning(snakemake.jobs.Job.cleanup)
