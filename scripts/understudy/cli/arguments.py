"""Verbs from a command line: a class of options in a verb becomes the verb's own arguments."""

import contextlib
import io
import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, StructConstructorSpec, StructFieldSpec

from understudy.errors import InputError
from understudy.options import Option, Options, options_of, without_limits
from understudy.streams import tell
from understudy.text import printable

RULES = ConstructorRegistry()


class Refused(Exception):
    """A sentence about a value that an option does not take; tyro would put an ``InputError``, a ``ValueError``, in a box."""


def read_arguments(verbs: Mapping[str, type], description: str) -> Any:
    """The verb of the command line; what is wrong with it is shown as text, for arguments may be names of files.

    Args:
        verbs: Dataclasses by name.
        description: What the help says first.

    Raises:
        InputError: An option has a value that it does not take.
    """
    steering = any(printable(argument) != argument for argument in sys.argv)
    said = io.StringIO()
    try:
        with RULES, contextlib.redirect_stderr(said) if steering else contextlib.nullcontext():
            return tyro.extras.subcommand_cli_from_dict(dict(verbs), prog="understudy", description=description)
    except Refused as refused:
        raise InputError(str(refused)) from None
    finally:
        tell(printable(said.getvalue()))


@RULES.struct_rule
def take_options(info: Any) -> StructConstructorSpec | None:
    """Rule of tyro's: arguments of a class of options are its fields, each explained by its sentence."""
    if not (isinstance(info.type, type) and issubclass(info.type, Options)):
        return None
    fields = (
        StructFieldSpec(
            name=option.name,
            type=_argument(option),
            default=getattr(info.default, option.name, option.default),
            helptext=option.sentence.replace("``", ""),
        )
        for option in options_of(info.type)
    )
    return StructConstructorSpec(instantiate=partial(_made, info.type), fields=tuple(fields))


def _made(group: type[Options], **values: Any) -> Options:
    try:
        return group(**values)
    except InputError as error:
        raise Refused(error) from None


def _argument(option: Option) -> Any:
    """The type of an option, as tyro is to read it."""
    kind = without_limits(option.kind)
    if kind in (tuple[int, int], tuple[int, int] | None):
        return Annotated[kind, _SIZE]
    return Annotated[kind, _CHOICE] if kind == bool | None else kind


def _read_size(words: list[str]) -> tuple[int, int]:
    parts = words[0].lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise Refused(f"{words[0][:80]} is not a size; give width and height in px, such as 540x960.")
    return int(parts[0]), int(parts[1])


_SIZE = PrimitiveConstructorSpec(
    nargs=1,
    metavar="WIDTHxHEIGHT",
    instance_from_str=_read_size,
    is_instance=lambda value: value is None or isinstance(value, tuple),
    str_from_instance=lambda size: ["None" if size is None else "x".join(map(str, size))],
)
"""Width and height in one word."""
_WORDS = {"yes": True, "no": False}
_CHOICE = PrimitiveConstructorSpec(
    nargs=1,
    metavar="{yes,no}",
    choices=tuple(_WORDS),
    instance_from_str=lambda words: _WORDS[words[0]],
    is_instance=lambda value: value is None or isinstance(value, bool),
    str_from_instance=lambda value: ["None" if value is None else "yes" if value else "no"],
)
"""Yes, no, or neither."""
