"""One table of all actors, for spreadsheets and as a page. Runs in Snakemake's own environment, which has Jinja2."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from understudy.batch.status import COLUMNS, TEXTS, UNFIT, ActorStatus, all_statuses
from understudy.files.atomic import atomic_write
from understudy.files.records import check_recorded
from understudy.stages import STAGES
from understudy.text import as_cell

ORDER = ("failed", "running", "partial", "waiting", "done")
"""Of the states on the page: what needs somebody comes first."""
DIGITS = {"psnr": 2, "ssim": 4, "seconds": 0, "peak_mb": 0}


def write_summary(
    results: str | Path,
    actors: list[str] | None = None,
    at_work: bool | None = None,
    unusable: Mapping[str, str] | None = None,
) -> int:
    """Write ``summary.tsv`` and ``index.html`` into the folder of results.

    Args:
        results: Folder with a folder for each actor; made where it is not there.
        actors: As for :func:`all_statuses`.
        at_work: Likewise.
        unusable: Likewise.

    Returns:
        Number of the actors of whom a stage failed, and of the videos that are none.

    Raises:
        OSError, InputError: The folder cannot be written, or holds files of these names that somebody else made.
    """
    results = Path(results)
    check_recorded(results / name for name in ("summary.tsv", "index.html"))
    rows = all_statuses(results, actors, at_work, unusable)
    results.mkdir(parents=True, exist_ok=True)
    with _whole_text(results / "summary.tsv") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(row, column) for column in COLUMNS] for row in rows)
    with _whole_text(results / "index.html") as file:
        file.write(_page(results, rows))
    return sum(row.state == "failed" for row in rows)


def shown(row: ActorStatus, column: str) -> str:
    """A value as text; empty where it is not known yet."""
    value = getattr(row, column)
    if value is None:
        return ""
    return f"{value:.{DIGITS[column]}f}" if column in DIGITS else str(value)


def _cell(row: ActorStatus, column: str) -> str:
    return as_cell(shown(row, column)) if column in TEXTS else shown(row, column)


def _page(results: Path, rows: list[ActorStatus]) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    states = Counter(row.state for row in rows)
    return environment.get_template("index.html.j2").render(
        rows=sorted(rows, key=lambda row: (ORDER.index(row.state), row.actor)),
        states=[(state, states[state]) for state in ORDER if states[state]],
        total=len(STAGES),
        shown=shown,
        picture=lambda row: "" if row.stage == UNFIT else _link(results, _picture(results / row.actor)),
        link=lambda row, file: "" if row.stage == UNFIT else _link(results, results / row.actor / file),
    )


def _picture(folder: Path) -> Path | None:
    """What to show of an actor: a held-out frame beside the avatar, else a frame of the video."""
    for pictures in (folder / "held_out", folder / "frames"):
        found = sorted(path for path in pictures.glob("[0-9]*.*") if path.suffix in (".png", ".jpg"))
        if found:
            return found[len(found) // 2]
    return None


def _link(results: Path, path: Path | None) -> str:
    """A relative address, empty where there is no such file."""
    return quote(str(path.relative_to(results))) if path is not None and path.exists() else ""


@contextmanager
def _whole_text(path: Path) -> Iterator[TextIO]:
    with atomic_write(path, recorded=True) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        yield file
