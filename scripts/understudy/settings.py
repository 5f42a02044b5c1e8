"""The configuration: checked against its schema, and merged with an actor's own options."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

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
    _check_values(config, name)
    unseen = next((text for text in _texts(config) if printable(text) != text), None)
    if unseen is not None:
        raise InputError(f"{name}: {one_line(unseen)[:LONGEST]} holds characters that cannot be shown; write it anew.")
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        told = f"{name}, {_sentence(error)}"
        raise InputError(told if len(told) < LONGEST else f"{told[:LONGEST]} ...")


def _check_values(config: Mapping[str, Any], name: str) -> None:
    """Refuse more values than ``MOST_VALUES``, which YAML's references make of a few lines, and numbers that are none."""
    waiting: list[tuple[str, Any]] = [("", config)]
    count = 0
    while waiting:
        where, value = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise InputError(f"{name} has more than {MOST_VALUES} values, by references to references; write them out.")
        if isinstance(value, Mapping):
            waiting.extend((str(key), each) for key, each in value.items())
        elif isinstance(value, (list, tuple)):
            waiting.extend((where, each) for each in value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name}, {where}: {value} is no number that an option can have.")


def _texts(value: Any) -> Iterator[str]:
    """All words of a configuration, names of options included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


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
