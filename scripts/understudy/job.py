"""What every stage's process begins and ends with: its log, its share of the machine, its status."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from understudy.files.owned import check_ours
from understudy.gpus import use_gpus
from understudy.log import log_to
from understudy.threads import use_threads


def run_job(
    work: Callable[[], None],
    log: str | Path,
    stage: str,
    threads: int,
    outputs: Iterable[str] = (),
    gpus: int | None = None,
) -> None:
    """Do a stage's work; end the process with a sentence and a status other than 0 where it fails (``log_to``).

    Args:
        work: What is to be done.
        log: The log file.
        stage: Name of the stage, for messages.
        threads: That numeric libraries may use.
        outputs: Files and folders that it will write; what somebody else made in their place ends it at once.
        gpus: Number of GPUs to see alone; None to leave them as they are, for programs that deal with them themselves.
    """
    with log_to(log, stage):
        use_threads(threads)
        if gpus is not None:
            use_gpus(gpus)
        for output in map(Path, outputs):
            check_ours(output)
        work()


def without(settings: Mapping[str, Any], *inputs: str) -> dict[str, Any]:
    """A stage's options but for those that name files, which the rule hands over as inputs."""
    return {name: value for name, value in settings.items() if name not in inputs}
