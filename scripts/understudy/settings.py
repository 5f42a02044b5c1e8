"""The configuration: checked against its schema, and merged with an actor's own options."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from understudy.errors import InputError
from understudy.text import one_line, printable

MOST_VALUES = 1_000_000
LONGEST = 1000
"""Letters of a sentence: it holds what the user wrote, which may be long."""


def check_settings(config: Mapping[str, Any], schema: Mapping[str, Any], name: str = "config.yaml") -> None:
    """Refuse unknown options, wrong types and impossible values.

    Raises:
        InputError: One sentence that names the option, what is wrong and what is allowed.
    """
    values = list(islice(_values(config), MOST_VALUES + 1))
    if len(values) > MOST_VALUES:
        raise InputError(f"{name} has more than {MOST_VALUES} values, by references to references; write them out.")
    # neither is more or less than any limit
    endless = next((place for place, value in values if isinstance(value, float) and not math.isfinite(value)), None)
    if endless is not None:
        raise InputError(f"{name}, {_path(endless)[:LONGEST]}: it is not a finite number.")
    words = (word for place, value in values for word in (value, *place[:1]) if isinstance(word, str))
    unseen = next((word for word in words if printable(word) != word), None)
    if unseen is not None:
        raise InputError(f"{name}: {one_line(unseen)[:LONGEST]} holds characters that cannot be shown; write it again.")
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        told = f"{name}, {_sentence(error)}"
        raise InputError(told if len(told) < LONGEST else f"{told[:LONGEST]} ...")


def read_scalars(given: Any) -> Any:
    """What ``--config`` gives, with texts that YAML takes for numbers, true, false or null as such.

    Snakemake hands on everything within braces as text.
    """
    if isinstance(given, Mapping):
        return {key: read_scalars(value) for key, value in given.items()}
    if isinstance(given, list):
        return [read_scalars(value) for value in given]
    if not isinstance(given, str):
        return given
    try:
        read = yaml.safe_load(given)
    except yaml.YAMLError:
        return given
    return read if read is None or isinstance(read, (bool, int, float)) else given


def _values(config: Any) -> Iterator[tuple[Any, Any]]:
    """Each value, list and mapping of a configuration, and its place: its key and the place of what has it."""
    waiting: list[tuple[Any, Any]] = [((), config)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, Mapping):
            waiting.extend(((key, place), inner) for key, inner in value.items())
        elif isinstance(value, (list, tuple)):
            waiting.extend(((number, place), inner) for number, inner in enumerate(value))


def _path(place: Any) -> str:
    """A place in words, such as avatar.steps."""
    keys: list[str] = []
    while place:
        keys.append(str(place[0]))
        place = place[1]
    return ".".join(reversed(keys))


def actor_settings(config: Mapping[str, Any], stage: str, actor: str) -> dict[str, Any]:
    """Options of ``stage`` for ``actor``: the general ones with the actor's own on top."""
    own = config.get("actors", {}).get(actor, {}).get(stage, {})
    return {**config.get(stage, {}), **own}


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(map(str, error.instance)) - set(known))
        alike = sorted({near for name in unknown for near in get_close_matches(str(name), known)})
        hint = f"do you mean {' or '.join(alike)}" if alike else f"known here: {', '.join(known)}"
        return f"{where}: unknown option {', '.join(map(str, unknown))}; {hint}."
    if "propertyNames" in error.absolute_schema_path:
        return f"{where}: {error.instance!r} cannot be a name; it names a folder, and a number needs quotes."
    if error.validator == "type":
        allowed = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return f"{where}: {error.instance!r} should be of type {' or '.join(allowed)}."
    if error.validator == "enum":
        return f"{where}: {error.instance!r} should be one of {', '.join(map(str, error.validator_value))}."
    return f"{where}: {error.message}."
