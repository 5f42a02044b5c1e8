"""Write config.yaml and its schema from the classes of options: ``python tools/write_config.py``.

``understudy.sections`` lists these classes; what is said of an option is said once, at its field.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import yaml

from understudy.avatar.config import MethodConfig
from understudy.options import Bounds, Choices, Length, OfMethod, Option, Pattern, alternatives, options_of, parts_of
from understudy.sections import SECTIONS, ActorFiles, BatchFiles, Section

ROOT = Path(__file__).resolve().parent.parent
INTRO = """# Every option, with its default. Options of one actor go under `actors` at the end.
# Change them here, or in a file of your own that comes on top: snakemake TARGETS --configfile mine.yaml
"""
HEADER = "# Written by `python tools/write_config.py` from the classes that scripts/understudy/sections.py lists.\n"
ACTORS = """
# actors: options of single videos on top of all above
# actors:
#   anna:
#     video: /data/clips/anna take 3.mov  # {video}
#     frames: {{start: 2.0, stop: 14.0}}
#     fitting: {{height_m: 1.71}}
actors: {{}}
"""
FOLDER_NAME = r"^(?!\.{1,2}$)[^/]+$"
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
"""JSON Schema's names of Python's types."""


def main() -> None:
    """Write what is out of step, or only say what is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where a file is out of step")
    check = parser.parse_args().check
    files = generate_files()
    stale = [name for name, text in files.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text]
    if check and stale:
        sys.exit(f"error: {', '.join(stale)}: not what the options' classes say; run `python tools/write_config.py`.")
    for name in stale:
        (ROOT / name).write_text(files[name])


def generate_files() -> dict[str, str]:
    """The text of every file that is written, by its path from the checkout's root."""
    return {"config.yaml": as_config(), "schemas/config.schema.yaml": as_schema()}


def as_config() -> str:
    """All options with their defaults, each explained."""
    sections = (
        f"\n# {section.name}: {section.title}\n{section.name}:\n"
        + "".join(f"  {as_line(option)}" for option in all_options(section))
        for section in SECTIONS
    )
    batch = "".join(f"\n{as_line(option)}" for option in options_of(BatchFiles))
    actors = ACTORS.format(**{option.name: option.sentence for option in options_of(ActorFiles)})
    return INTRO + HEADER + "".join(sections) + batch + actors


def as_schema() -> str:
    """JSON Schema of the configuration."""
    sections = {section.name: {"$ref": f"#/$defs/{section.name}"} for section in SECTIONS}
    actors = {
        "description": "Options of single videos.",
        "type": "object",
        "propertyNames": {"type": "string", "pattern": FOLDER_NAME},
        "additionalProperties": closed(properties_of(options_of(ActorFiles)) | sections),
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.yaml of Understudy",
        **closed(sections | properties_of(options_of(BatchFiles)) | {"actors": actors}),
        "$defs": {section.name: closed(properties_of(all_options(section))) for section in SECTIONS},
    }
    return HEADER + yaml.dump(schema, Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=120)


def all_options(section: Section) -> Iterator[Option]:
    """The options of a section, in order."""
    for group in section.groups:
        yield from options_of(group)


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    """Schema of an object that has these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def properties_of(options: Iterable[Option]) -> dict[str, Any]:
    """Schema of each option by its name."""
    return {option.name: {"description": in_yaml(option.sentence), **schema_of(option.kind)} for option in options}


def schema_of(kind: Any) -> dict[str, Any]:
    """Schema of a type with its limits."""
    base, limits = parts_of(kind)
    kinds = [each for each in alternatives(base) if each is not NoneType]
    schema = _schema_of_one(kinds[0]) if len(kinds) == 1 else {"type": [TYPES[each] for each in kinds]}
    for limit in limits:
        schema |= keywords(limit)
    if "enum" in schema:
        schema.pop("type", None)
        schema.pop("minLength", None)
    return nullable(schema) if len(kinds) < len(alternatives(base)) or is_of_method(kind) else schema


def _schema_of_one(kind: Any) -> dict[str, Any]:
    """Schema of a type that is no union."""
    if parts_of(kind)[1]:
        return schema_of(kind)
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        first, *others = map(schema_of, (each for each in get_args(kind) if each is not Ellipsis))
        if Ellipsis in get_args(kind):
            return {"type": "array", "items": first}
        count = len(others) + 1
        items = {"items": first} if all(other == first for other in others) else {"prefixItems": [first, *others]}
        return {"type": "array", **items, "minItems": count, "maxItems": count}
    return {"type": TYPES[kind]} | ({"minLength": 1} if kind is str else {})


def keywords(limit: Any) -> dict[str, Any]:
    """JSON Schema's words for a limit."""
    match limit:
        case Bounds(least, most, above, below, but):
            lowest = {"exclusiveMinimum" if above else "minimum": as_int(least)}
            highest = {} if most is None else {"exclusiveMaximum" if below else "maximum": as_int(most)}
            return lowest | highest | ({} if but is None else {"not": {"const": as_int(but)}})
        case Choices(names):
            return {"enum": list(names)}
        case Pattern(expression):
            return {"pattern": expression}
        case Length(least, most):
            return {"minItems": least} | ({} if most is None else {"maxItems": most})
        case OfMethod():
            return {}
    raise TypeError(f"{limit!r} is not a limit that the schema knows")


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what may be null too."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*types, "null"]}


def as_line(option: Option) -> str:
    """An option with its default, its sentence, and the names that it takes where the sentence does not say them all."""
    names = [name for limit in parts_of(option.kind)[1] if isinstance(limit, Choices) for name in limit.names]
    unsaid = f" One of {', '.join(names)}." if any(name not in option.sentence for name in names[1:]) else ""
    if is_of_method(option.kind):
        return f"{option.name}: null  # {in_yaml(option.sentence)} {of_methods(option)}\n"
    return f"{option.name}: {as_yaml(option.default)}  # {in_yaml(option.sentence)}{unsaid}\n"


def is_of_method(kind: Any) -> bool:
    """Whether a method of avatars may have its own default."""
    return any(isinstance(limit, OfMethod) for limit in parts_of(kind)[1])


def of_methods(option: Option) -> str:
    """What null stands for."""
    methods = [section for section in SECTIONS if issubclass(section.groups[0], MethodConfig)]
    own = [(section.name, section.groups[0].training) for section in methods]
    others = "".join(
        f"; {as_yaml(training[option.name])} for {name}" for name, training in own if option.name in training
    )
    return f"null for the method's own: {as_yaml(option.default)}{others}."


def in_yaml(sentence: str) -> str:
    """A docstring's sentence in the words of a YAML file."""
    return re.sub(r"\bNone\b", "null", sentence).replace("``", "`")


def as_yaml(value: Any) -> str:
    """A value on one line."""
    plain = json.loads(json.dumps(value))  # lists for tuples
    return yaml.safe_dump(plain, default_flow_style=True, width=sys.maxsize).removesuffix("...\n").strip()


def as_int(number: float) -> float:
    """A number without a point where it needs none."""
    return int(number) if number == int(number) else number


class _NoAliases(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


if __name__ == "__main__":
    main()
