"""Options: what a user can choose, each a field of a dataclass: type, limits, default, and one sentence under it.

These classes are the one source; config.yaml, its schema and the command line are made of them. They stand in a room's
``config.py``, which loads no library, so that help is there at once.
"""

import ast
import inspect
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import reduce
from itertools import pairwise
from operator import or_
from textwrap import dedent
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from understudy.errors import InputError

MOST_SHOWN = 20
"""Values of a list that a message shows."""
LONGEST = 40
"""Characters of a value that a message shows."""


@dataclass(frozen=True)
class Bounds:
    """Numbers that an option takes; None has no limit."""

    least: float
    most: float | None = None
    above: bool = False
    """It must be more than ``least``."""
    below: bool = False
    """It must be less than ``most``."""
    but: float | None = None
    """One number between them that it does not take."""
    unit: str = ""

    def refuses(self, value: Any) -> bool:
        """Whether a value is a number that the option does not take; no other value is looked at."""
        if not isinstance(value, (int, float)):
            return False
        enough = value > self.least if self.above else value >= self.least
        most = math.inf if self.most is None else self.most
        little = value < most if self.below or self.most is None else value <= most
        return not (enough and little) or value == self.but

    def __str__(self) -> str:
        low, high = (f"{limit:.10g}" for limit in (self.least, self.most or 0))
        if self.most is None:
            words = f"more than {low}" if self.above else f"{low} or more"
        elif self.above or self.below:
            words = f"{'more than' if self.above else 'at least'} {low} and {'less than' if self.below else 'at most'} {high}"
        else:
            words = f"{low} to {high}"
        return f"{words} {self.unit}".strip() + (f", but not {self.but:g}" if self.but is not None else "")


@dataclass(frozen=True, eq=False)
class Choices:
    """Names that an option takes, of a table that is kept elsewhere; others are written as ``Literal``."""

    names: Collection[str]

    def refuses(self, value: Any) -> bool:
        """Whether a value is none of them."""
        return value not in self.names

    def __str__(self) -> str:
        return f"one of {', '.join(self.names)}"


@dataclass(frozen=True)
class Pattern:
    """Words that an option takes, as a regular expression; numbers are not looked at."""

    expression: str
    words: str
    """What they are, for people."""

    def refuses(self, value: Any) -> bool:
        """Whether a value is a word of another kind."""
        return isinstance(value, str) and re.search(self.expression, value) is None

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Length:
    """How many values an option that is a list takes."""

    least: int
    most: int | None = None

    def refuses(self, value: Any) -> bool:
        """Whether a list is shorter or longer."""
        return not self.least <= len(value) <= (len(value) if self.most is None else self.most)

    def __str__(self) -> str:
        return f"{Bounds(self.least, self.most)} values"


@dataclass(frozen=True)
class OfMethod:
    """Of an option for which a method of avatars may have its own default: in config.yaml it is null until the user chooses."""

    def refuses(self, value: Any) -> bool:
        """Whether a value is not taken; all are."""
        return False

    def __str__(self) -> str:
        return "a method may have its own default"


Share = Annotated[float, Bounds(0, 1)]
"""A part of a whole."""


@dataclass(frozen=True)
class Options:
    """Base of all classes of options, which are frozen dataclasses: their values keep their limits.

    Raises:
        InputError: One does not.
    """

    def __post_init__(self) -> None:
        for name, kind in kinds_of(type(self)).items():
            value = getattr(self, name)
            wanted = refusal(kind, value)
            if wanted is not None:
                raise InputError(f"{name} is {_shown(value)}; {wanted}.")


@dataclass(frozen=True)
class Option:
    """One field of a class of options."""

    name: str
    kind: Any
    """Its type, ``Annotated`` by its limits."""
    default: Any
    """``dataclasses.MISSING`` where the user has to choose."""
    sentence: str
    """What it is, on one line."""


def options_of(group: type[Options]) -> list[Option]:
    """The fields of a class of options, in order."""
    kinds, sentences = kinds_of(group), _sentences(group)
    return [
        Option(
            field.name,
            kinds[field.name],
            field.default if field.default_factory is MISSING else field.default_factory(),
            sentences[field.name],
        )
        for field in fields(group)
    ]


def kinds_of(group: type[Options]) -> dict[str, Any]:
    """Name of each field of a class of options to its type, with its limits."""
    hints = get_type_hints(group, include_extras=True)
    return {field.name: hints[field.name] for field in fields(group)}


def parts_of(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its limits, and these."""
    if get_origin(kind) is Annotated:
        base, *limits = get_args(kind)
        return base, tuple(limits)
    return kind, ()


def without_limits(kind: Any) -> Any:
    """A type without its limits and those of its parts."""
    base, _ = parts_of(kind)
    parts = tuple(each if each is Ellipsis else without_limits(each) for each in get_args(base))
    if get_origin(base) in (Union, UnionType):
        return reduce(or_, parts)
    return GenericAlias(tuple, parts) if get_origin(base) is tuple else base


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The types of a union; of any other type that alone."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def refusal(kind: Any, value: Any, what: str = "it") -> str | None:
    """What a value must be, in words, as "it must be 0 to 1"; None where it is what its type's limits allow."""
    base, limits = parts_of(kind)
    others = [each for each in alternatives(base) if each is not NoneType]
    if value is None and len(others) < len(alternatives(base)):
        return None
    broken = next((limit for limit in limits if limit.refuses(value)), None)
    if broken is not None:
        return f"{what} must be {broken}"
    if get_origin(base) is Literal and value not in get_args(base):
        return f"{what} must be one of {', '.join(map(str, get_args(base)))}"
    if get_origin(base) is tuple:
        return _refusal_of_list(get_args(base), value)
    return refusal(others[0], value, what) if others != [base] and len(others) == 1 else None


def _refusal_of_list(kinds: Sequence[Any], values: Sequence[Any]) -> str | None:
    """As ``refusal``, of a tuple's types and values."""
    each = [kinds[0]] * len(values) if kinds[-1] is Ellipsis else kinds
    if len(each) != len(values):
        return f"it must be {len(each)} values"
    refused = (refusal(kind, value, "each") for kind, value in zip(each, values, strict=True))
    return next((wanted for wanted in refused if wanted is not None), None)


def _shown(value: Any) -> str:
    """A value that is refused, short enough for a sentence."""
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_shown, value[:MOST_SHOWN])) or "empty"
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:LONGEST]


def _sentences(group: type) -> dict[str, str]:
    """Name of each field, its bases' too, to the text under it in the source, on one line."""
    found: dict[str, str] = {}
    for place in reversed([each for each in group.__mro__ if issubclass(each, Options)]):
        (tree,) = ast.parse(dedent(inspect.getsource(place))).body
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                found[ast.unparse(field.target)] = " ".join(ast.literal_eval(text.value).split())
    return found
