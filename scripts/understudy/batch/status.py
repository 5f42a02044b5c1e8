"""The state of every actor, read from the files and logs that the stages leave. Standard library only."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from understudy.errors import InputError
from understudy.files.regular import read_bytes, regular_file
from understudy.formats.benchmarks import read_spent
from understudy.stages import STAGES, Stage, stages_of
from understudy.text import from_cell, one_line
from understudy.video.sources import unfit_name

UNFIT = "name"
"""In place of a stage, of a video that cannot be an actor for its name."""
LOG_TAIL = 65536
"""Bytes at the end of a log in which its last message stands."""
MOST_JSON = 1 << 26
"""Bytes of a stage's JSON."""
MOST_SUMMARY = 1 << 26
"""Bytes of the summary, a line for each actor."""
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ (\w+) [\w.]+: ")
LARGEST_FIGURE = 1e6
"""Figures of a ``metrics.json`` are decibels and shares of one."""
SILENT = "ended without a message: stopped by hand, killed, or out of memory; see {log}"


@dataclass(frozen=True)
class ActorStatus:
    """A line of the summary."""

    actor: str
    state: str
    """failed, running, done, partial (some stages done, none failed) or waiting."""
    stage: str
    """The stage that failed, or those that run; ``name`` where the video's name is what is wrong."""
    error: str
    """What the failed stage said, one sentence."""
    done: int
    """Number of the stages done, of those that every actor goes through."""
    frames: int | None
    """Frames of the video that are used."""
    psnr: float | None
    """dB on held-out frames, in the person's box, poses aligned."""
    ssim: float | None
    """Likewise."""
    seconds: float | None
    """Of all stages done."""
    peak_mb: float | None
    """Memory of the hungriest stage."""


COLUMNS = tuple(field.name for field in fields(ActorStatus))
TEXTS = ("actor", "state", "stage", "error")
"""Columns that are no numbers."""


def actor_status(results: Path, actor: str, at_work: bool) -> ActorStatus:
    """The state of one actor.

    A stage failed if it could begin, began (its log is newer than what it reads) and wrote nothing.

    Args:
        results: Folder with a folder for each actor; ``logs/`` lies beside it.
        actor: Name.
        at_work: Whether the workflow runs, so that a stage without results and error is running rather than dead.
    """
    folder, logs = results / actor, results.parent / "logs"
    failed, running, done = [], [], 0
    for stage, log in stages_of(actor, logs):
        if _is_done(folder, stage):
            done += stage in STAGES
        elif _began(folder, stage, log):
            error = _last_error(log)
            if error or not at_work:
                failed.append((stage.name, error or SILENT.format(log=log)))
            else:
                running.append(stage.name)
    if failed:
        state, (where, error) = "failed", failed[0]
    elif running:
        state, where, error = "running", ", ".join(running), ""
    else:
        state, where, error = ("done" if done == len(STAGES) else "partial" if done else "waiting"), "", ""
    return ActorStatus(actor, state, where, error, done, _frames(folder), *_likeness(folder), *_cost(folder))


def all_statuses(
    results: str | Path,
    actors: list[str] | None = None,
    at_work: bool | None = None,
    unusable: Mapping[str, str] | None = None,
) -> list[ActorStatus]:
    """The state of all actors, by name, and before them the videos that are none for their names.

    Args:
        results: Folder with a folder for each actor.
        actors: Names, also of those that have no folder yet; default those of the last run's summary.
        at_work: Whether the workflow runs; default whether Snakemake has locked the folder.
        unusable: Video to a sentence about it, as ``video.sources.unusable_videos`` gives them; default likewise those
            of the last run.
    """
    results = Path(results)
    names, before = _listed(results) if actors is None else (set(actors), {})
    names |= {path.parent.name for path in results.glob("*/frames.json") if unfit_name(path.parent.name) is None}
    if at_work is None:
        at_work = any((results.parent / ".snakemake/locks").glob("*.lock"))
    left_out = [
        ActorStatus(one_line(name), "failed", UNFIT, one_line(why), 0, None, None, None, None, None)
        for name, why in sorted((before if unusable is None else unusable).items())
    ]
    return left_out + [_readable_status(results, actor, at_work) for actor in sorted(names)]


def _readable_status(results: Path, actor: str, at_work: bool) -> ActorStatus:
    """The state of one actor, failed where its files cannot be read, as another user's."""
    try:
        return actor_status(results, actor, at_work)
    except OSError as error:
        why = f"{error.filename} cannot be read: {error.strerror}"
    except InputError as error:
        why = str(error)
    return ActorStatus(actor, "failed", "", one_line(why), 0, None, None, None, None, None)


def _listed(results: Path) -> tuple[set[str], dict[str, str]]:
    """The actors of the last run's summary, and its videos that were left out with why."""
    try:
        table = io.StringIO(read_bytes(results / "summary.tsv", MOST_SUMMARY).decode(), newline="")
        rows = [{key: from_cell(row.get(key) or "") for key in TEXTS} for row in csv.DictReader(table, delimiter="\t")]
    except (OSError, InputError, UnicodeDecodeError, csv.Error):
        return set(), {}
    left_out = {row["actor"]: row["error"] for row in rows if row["stage"] == UNFIT}
    return {row["actor"] for row in rows if row["stage"] != UNFIT and unfit_name(row["actor"]) is None}, left_out


def _is_done(folder: Path, stage: Stage) -> bool:
    return all((folder / file).exists() for file in stage.files)


def _began(folder: Path, stage: Stage, log: Path) -> bool:
    """Whether a log is of an attempt with the files that are there now."""
    try:
        began = log.stat().st_mtime
        return all((folder / file).stat().st_mtime <= began for file in stage.needs)
    except FileNotFoundError:
        return False


def _last_error(log: Path) -> str:
    """The last thing that a log says, if that is an error: its sentence, or the last line of a traceback."""
    with regular_file(log) as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL))
        lines = file.read().decode(errors="replace").split("\n")
    messages = [(i, found[1]) for i, line in enumerate(lines) if (found := LOG_LINE.match(line))]
    if not messages or messages[-1][1] not in ("ERROR", "CRITICAL"):
        return ""
    last = [line for line in lines[messages[-1][0] :] if line.strip()]
    sentence = LOG_LINE.sub("", last[0]) if len(last) == 1 else last[-1]
    return one_line(" ".join(sentence.removeprefix("error: ").split()))


def _frames(folder: Path) -> int | None:
    index = _json(folder / "frames.json")
    kept = index.get("source_frames")
    return len(kept) if isinstance(kept, list) else None


def _likeness(folder: Path) -> tuple[float | None, float | None]:
    """PSNR and SSIM on held-out frames, with poses aligned where that was measured."""
    metrics = _json(folder / "metrics.json")
    part = metrics.get("with_pose_refinement") or metrics.get("without_pose_refinement") or {}
    names = (f"{name}_person_box_on_white" for name in ("psnr", "ssim"))
    psnr, ssim = (_figure(_at(_at(part, name), "mean")) for name in names)
    return psnr, ssim


def _figure(value: Any) -> float | None:
    """A number that can be shown; None for all else."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST_FIGURE
    return float(value) if known else None


def _at(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _cost(folder: Path) -> tuple[float | None, float | None]:
    """Seconds of all stages, and the most memory that one took, MB."""
    spent = [one for path in (folder / "benchmarks").glob("**/*.tsv") for one in read_spent(path)]
    seconds = [one.seconds for one in spent if math.isfinite(one.seconds)]
    peaks = [one.megabytes for one in spent if math.isfinite(one.megabytes)]
    return (sum(seconds) if seconds else None), (max(peaks) if peaks else None)


def _json(path: Path) -> dict:
    """A JSON object, empty where there is none yet."""
    try:
        value = json.loads(read_bytes(path, MOST_JSON))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
