"""A list of videos with their options: a TSV in place of many lines of configuration."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from understudy.errors import InputError
from understudy.files.regular import read_bytes

NO_VALUE = ""
"""A cell that leaves the option as the configuration has it."""
MOST_BYTES = 1 << 26
"""Of the file; a line takes some 100, so there is room for more videos than anybody has."""
LONGEST = 100_000
"""Characters of a line."""


def read_sheet(path: str | Path, schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Actors of a TSV, in the form of the configuration's ``actors``.

    The columns are ``name``, ``video`` and any option, as ``fitting.height_m`` or ``height_m`` where one stage alone
    has it; ``start`` and ``stop`` are those of ``frames``. Values are written as in JSON, text without quotes;
    an empty cell leaves the option as it is. Lines that begin with ``#`` are passed over.

    Args:
        path: The file, UTF-8.
        schema: JSON Schema of the configuration, which says what options there are.

    Raises:
        InputError: The file is missing or no such table, or a column or a name is wrong.
    """
    try:
        lines = read_bytes(path, MOST_BYTES).decode("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a readable TSV ({error}).") from None
    if any(len(line) > LONGEST or "\0" in line for line in lines):
        raise InputError(
            f"{path} is not a readable TSV: a line has more than {LONGEST} characters, or none that are text."
        )
    rows = csv.reader((line for line in lines if line.strip() and not line.startswith("#")), delimiter="\t")
    head = [cell.strip() for cell in next(rows, [])]
    if "name" not in head:
        raise InputError(f"{path} needs a first line with the columns' names, separated by tabs, one of them: name.")
    places = [_place(path, column, schema) for column in head]
    if len(set(places)) < len(places):
        raise InputError(f"{path}: two columns are the same option; the columns are {', '.join(head)}.")
    actors: dict[str, dict[str, Any]] = {}
    for cells in rows:
        if len(cells) > len(head):
            raise InputError(f"{path}: the line of {cells[0]} has {len(cells)} cells for {len(head)} columns.")
        name, actor = _actor(places, cells)
        if not name or name in (".", "..") or "/" in name:
            raise InputError(f"{path}: '{name}' cannot name an actor, whose results go into a folder of that name.")
        if name in actors:
            raise InputError(f"{path} lists {name} twice.")
        actors[name] = actor
    return actors


def add_sheet(config: Mapping[str, Any], actors: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The configuration's ``actors`` and those of a sheet as one; where both say something, the configuration wins."""
    together = {name: dict(actor) for name, actor in actors.items()}
    for name, own in config.get("actors", {}).items():
        listed = together.setdefault(name, {})
        for key, value in own.items():
            listed[key] = {**listed.get(key, {}), **value} if isinstance(value, Mapping) else value
    return together


def _place(path: str | Path, column: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a column's values go: ``(stage, option)``, or the column itself for the name and the video."""
    if column in ("name", "video"):
        return (column,)
    stages = {stage: options["properties"] for stage, options in schema["$defs"].items()}
    stage, _, option = column.rpartition(".")
    having = [stage] if stage else [name for name, options in stages.items() if option in options]
    if len(having) == 1 and option in stages.get(having[0], {}):
        return having[0], option
    if len(having) > 1:
        raise InputError(f"{path}: column {column} may be {' or '.join(f'{name}.{column}' for name in having)}.")
    raise InputError(f"{path}: column '{column}' is not an option of config.yaml; write name, video, or stage.option.")


def _actor(places: list[tuple[str, ...]], cells: list[str]) -> tuple[str, dict[str, Any]]:
    name = ""
    actor: dict[str, Any] = {}
    for place, cell in zip(places, (cell.strip() for cell in cells), strict=False):
        if place == ("name",):
            name = cell
        elif cell == NO_VALUE:
            continue
        elif place == ("video",):
            actor["video"] = cell
        else:
            actor.setdefault(place[0], {})[place[1]] = _value(cell)
    return name, actor


def _value(cell: str) -> Any:
    try:
        return json.loads(cell.lower() if cell.lower() in ("true", "false", "null") else cell)
    except (ValueError, RecursionError):
        return cell
