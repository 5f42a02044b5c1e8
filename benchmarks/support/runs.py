"""Fresh runs of the workflow in a folder of their own, and what they cost."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from understudy.formats.benchmarks import Spent, read_spent
from understudy.stages import STAGES

REPOSITORY = Path(__file__).resolve().parents[2]

STEPS = (*(stage.name for stage in STAGES), "motion/walk")


@dataclass(frozen=True)
class Run:
    """One finished run of the workflow."""

    folder: Path
    """Working folder; ``results/`` is in it."""
    seconds: float
    """Wall clock of the Snakemake call."""

    def results(self, actor: str) -> Path:
        """Folder of an actor's files."""
        return self.folder / "results" / actor

    def costs(self, actor: str) -> dict[str, Spent]:
        """What each stage cost."""
        costs = {}
        for stage in STEPS:
            path = self.results(actor) / "benchmarks" / f"{stage}.tsv"
            if path.exists():
                costs[stage] = read_spent(path)[-1]
        return costs


def fresh_run(
    videos: Mapping[str, Path],
    cores: int,
    folder: Path | None = None,
    targets: tuple[str, ...] = ("avatar.tar", "report.html"),
    config: Path | None = None,
    checkout: Path = REPOSITORY,
) -> Run:
    """Run the chain on ``videos`` (actor: file), by default with no option but their names.

    Args:
        videos: Files, by the actor's name.
        cores: What Snakemake may use.
        folder: Working folder; default a new temporary one. What is already there is used again.
        targets: Files of every actor that are wanted; by default the whole chain's.
        config: Configuration file on top of the project's own.
        checkout: The project; another than this one runs in its own environment (``.venv``).
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="understudy-"))
    (folder / "data/videos").mkdir(parents=True, exist_ok=True)
    _link(folder / "models", checkout / "models")
    for actor, video in videos.items():
        _link(folder / "data/videos" / f"{actor}{video.suffix}", video.resolve())
    wanted = [f"results/{actor}/{name}" for actor in videos for name in targets]
    python = sys.executable if checkout == REPOSITORY else str(checkout / ".venv/bin/python")
    command = [python, "-m", "snakemake", "--snakefile", str(checkout / "Snakefile"), "--cores", str(cores)]
    more = [] if config is None else ["--configfile", str(config.resolve())]
    started = time.monotonic()
    subprocess.run([*command, "--directory", str(folder), *wanted, *more], check=True)
    return Run(folder, time.monotonic() - started)


def _link(link: Path, target: Path) -> None:
    if not link.exists():
        link.symlink_to(target)
