"""The configuration: checked against its schema, and merged with an actor's own options."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from understudy.errors import InputError

MOST_VALUES = 1_000_000
LONGEST = 1000
"""Letters of a sentence: it holds what the user wrote, which may be long."""


def check_settings(config: Mapping[str, Any], schema: Mapping[str, Any], name: str = "config.yaml") -> None:
    """Refuse unknown options, wrong types and impossible values.

    Raises:
        InputError: One sentence that names the option, what is wrong and what is allowed.
    """
    if _is_endless(config):
        raise InputError(f"{name} has more than {MOST_VALUES} values, by references to references; write them out.")
    endless = next(
        (path for path, value in _values(config) if isinstance(value, float) and not math.isfinite(value)), None
    )
    if endless is not None:
        raise InputError(f"{name}, {'.'.join(map(str, endless))[:LONGEST]}: it is no finite number.")
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        told = f"{name}, {_sentence(error)}"
        raise InputError(told if len(told) < LONGEST else f"{told[:LONGEST]} ...")


def _is_endless(config: Mapping[str, Any]) -> bool:
    """Whether it has more values than ``MOST_VALUES``; YAML's references make that many of a few lines."""
    waiting: list[Any] = [config]
    count = 0
    while waiting and count <= MOST_VALUES:
        value = waiting.pop()
        count += 1
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
    return count > MOST_VALUES


def _values(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Where each plain value is, and the value."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _values(inner, (*path, key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _values(inner, (*path, number))
    else:
        yield path, value


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
