"""What every stage's process begins and ends with: its log, its share of the machine, its status."""

from collections.abc import Callable
from pathlib import Path

from understudy.gpus import use_gpus
from understudy.log import log_to
from understudy.threads import use_threads


def run_job(work: Callable[[], None], log: str | Path, stage: str, threads: int, gpus: int | None = None) -> None:
    """Do a stage's work; end the process with a sentence and a status other than 0 where it fails (``log_to``).

    Args:
        work: What is to be done.
        log: The log file.
        stage: Name of the stage, for messages.
        threads: That numeric libraries may use.
        gpus: Number of GPUs to see alone; None to leave them as they are, for programs that deal with them themselves.
    """
    with log_to(log, stage):
        use_threads(threads)
        if gpus is not None:
            use_gpus(gpus)
        work()
