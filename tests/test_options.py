"""What a class of options says of each, and which values it refuses."""

from dataclasses import MISSING, dataclass, field
from typing import Annotated, Literal

import pytest

from understudy.errors import InputError
from understudy.options import Bounds, Choices, Length, Options, Pattern, options_of

NAMES = ["a", "b"]


@dataclass(frozen=True)
class Inner(Options):
    """Options of a part."""

    depth: Annotated[int, Bounds(0, 3)] = 1
    """How deep."""


@dataclass(frozen=True)
class Some(Options):
    """Options of a test."""

    needed: str
    """What has no default."""
    share: Annotated[float, Bounds(0, 1)] = 0.5
    """A part
    of ``it``."""
    rate: Annotated[float, Bounds(0, above=True)] | None = None
    """Of something."""
    loop: Annotated[float, Bounds(0, 3600, above=True, below=True, unit="s")] = 1.0
    """Of a motion."""
    every: Annotated[int, Bounds(0, but=1)] = 8
    """Which frames."""
    kind: Literal["x", "y"] = "x"
    """Of two."""
    backend: Annotated[str, Choices(NAMES)] = "a"
    """Of a table."""
    pose: Annotated[str | int, Pattern("^(t|[0-9]+)$", "t or a number"), Bounds(0)] = "t"
    """A word or a number."""
    size: tuple[Annotated[int, Bounds(2, 9, unit="px")], int] | None = None
    """Of two sides."""
    levels: Annotated[tuple[tuple[Literal[1, 2], float], ...], Length(1, 2)] = ((1, 0.5),)
    """Pairs."""
    inner: Inner = field(default_factory=Inner)
    """A part."""


def test_an_option_is_a_field_with_the_sentence_under_it():
    options = {option.name: option for option in options_of(Some)}
    assert list(options)[:3] == ["needed", "share", "rate"]
    assert options["needed"].default is MISSING and options["share"].default == 0.5
    assert options["share"].sentence == "A part of ``it``."
    assert options["inner"].default == Inner() and options["inner"].sentence == "A part."


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"share": 1.5}, "share is 1.5; it must be 0 to 1."),
        ({"share": float("nan")}, "share is nan; it must be 0 to 1."),
        ({"rate": 0.0}, "rate is 0; it must be more than 0."),
        ({"rate": float("inf")}, "rate is inf; it must be more than 0."),
        ({"loop": 3600.0}, "loop is 3600; it must be more than 0 and less than 3600 s."),
        ({"every": 1}, "every is 1; it must be 0 or more, but not 1."),
        ({"every": -(10**30)}, f"every is {-(10**30)}; it must be 0 or more, but not 1."),
        ({"kind": "z"}, "kind is z; it must be one of x, y."),
        ({"backend": "c" * 99}, f"backend is {'c' * 40}; it must be one of a, b."),
        ({"pose": "sitting"}, "pose is sitting; it must be t or a number."),
        ({"pose": -1}, "pose is -1; it must be 0 or more."),
        ({"size": (1, 1)}, "size is 1, 1; each must be 2 to 9 px."),
        ({"size": (5, 5, 5)}, "size is 5, 5, 5; it must be 2 values."),
        ({"levels": ()}, "levels is empty; it must be 1 to 2 values."),
        ({"levels": ((3, 1.0),)}, "levels is 3, 1; each must be one of 1, 2."),
    ],
)
def test_what_an_option_does_not_take_is_refused_in_a_sentence(wrong, message):
    with pytest.raises(InputError) as refused:
        Some("", **wrong)
    assert str(refused.value) == message


def test_what_an_option_takes_is_kept():
    taken = {"rate": None, "loop": 3599.0, "every": 0, "pose": 7, "size": [2, 9], "levels": ((1, 0.5), (2, 0.5))}
    made = Some("", **taken)
    assert {name: getattr(made, name) for name in taken} == taken
    NAMES.append("c")  # a table may grow after its classes were made
    assert Some("", backend="c").backend == "c"


def test_a_limit_of_a_part_is_the_parts_own():
    with pytest.raises(InputError, match="depth is 4; it must be 0 to 3"):
        Inner(4)
