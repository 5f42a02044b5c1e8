"""docs/api.md, which is written from the docstrings of what ``import understudy`` offers."""

import ast
import re
import sys
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from tests.support.paths import ROOT
from tools import write_api
from understudy.options import Bounds, Options
from understudy.rendering.config import PathConfig

Side = Annotated[int, Bounds(2, 9, unit="px")]
PUBLIC = write_api.read_public()
MADE_UP = '''
Poses = Clip | BodyTrack


@dataclass(frozen=True)
class Shown:
    """What is shown.

    It loops. It is ``one`` page.
    """

    size: tuple[int, int] | None = None
    """Width and height, px;
    None for all."""
    path: PathConfig = field(default_factory=PathConfig)
    K: np.ndarray = field(default_factory=lambda: np.eye(3))  # [3,3] px

    @property
    def sides(self) -> int:
        """Half of 2 * 4."""

    @classmethod
    def load(cls, path: str) -> "Shown":
        """Read it.

        Raises:
            InputError: It is not there.
        """

    def _hidden(self) -> None:
        """Private."""


def render_motion(
    points: np.ndarray,  # [N,3] m
    poses: Poses,
    layer: Literal['color', 'depth'] = 'color',
    motion: Mapping[str, Sequence[str | Path]] | None = None,
) -> int:
    """Draw :func:`render_performance`'s picture; see docs/rendering.md.

    Args:
        poses: Where they
            are.
        layer: What is drawn.

    Returns:
        How many.
    """
'''


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    (tmp_path / "show.py").write_text(MADE_UP)
    monkeypatch.setattr(write_api, "LIBRARY", tmp_path)
    return write_api.read_source("show.py")


def test_the_page_is_what_the_docstrings_say():
    assert (ROOT / write_api.PAGE).read_text() == write_api.generate_page(PUBLIC), "run: python tools/write_api.py"


def test_check_tells_a_page_that_is_out_of_step_and_writes_nothing(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    page = tmp_path / write_api.PAGE
    page.write_text("of yesterday\n")
    monkeypatch.setattr(write_api, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["write_api.py", "--check"])
    with pytest.raises(
        SystemExit, match=r"docs/api.md is not what the docstrings say; run `python tools/write_api.py`"
    ):
        write_api.main()
    assert page.read_text() == "of yesterday\n"
    monkeypatch.setattr(sys, "argv", ["write_api.py"])
    write_api.main()
    monkeypatch.setattr(sys, "argv", ["write_api.py", "--check"])
    write_api.main()
    assert page.read_text() == (ROOT / write_api.PAGE).read_text()


def test_a_name_in_no_group_and_a_group_of_no_name_are_refused():
    with pytest.raises(ValueError, match="offers new_name; add it to a group"):
        write_api.generate_page({**PUBLIC, "new_name": "motion.read"})
    with pytest.raises(ValueError, match="does not offer Clip; take it out"):
        write_api.generate_page({name: module for name, module in PUBLIC.items() if name != "Clip"})


def test_a_function_shows_types_shapes_defaults_and_what_is_said_of_each(made_up):
    assert list(write_api.describe("render_motion", made_up)) == [
        "### render_motion",
        "```python\nrender_motion(\n    points: np.ndarray,\n    poses: Clip | BodyTrack,\n"
        '    layer: Literal["color", "depth"] = "color",\n'
        "    motion: Mapping[str, Sequence[str | Path]] | None = None,\n) -> int\n```",
        "Draw [`render_performance`](#render_performance)'s picture; see [rendering.md](rendering.md).",
        "- `points`: [N,3] m\n- `poses`: Where they are.\n- `layer`: What is drawn.\n- Returns: How many.",
        "In [show.py](../scripts/understudy/show.py).",
    ]


def test_a_class_shows_its_fields_in_a_table_and_its_methods_in_a_list(made_up):
    blocks = [block for block in write_api.describe("Shown", made_up) if block]
    assert blocks == [
        "### Shown",
        "What is shown.\n\nIt loops.\nIt is `one` page.",
        "| field | type | default | |\n|---|---|---|---|\n"
        r"| `size` | `tuple[int, int] \| None` | `None` | Width and height, px; None for all. |"
        "\n| `path` | [`PathConfig`](#pathconfig) | `PathConfig()` |  |"
        "\n| `K` | `np.ndarray` [3,3] px | `np.eye(3)` |  |",
        "Methods and properties:",
        "- `sides: int`: Half of 2 \\* 4.\n"
        "- `Shown.load(path: str) -> Shown`: Read it.\n"
        "  - Raises [`InputError`](#inputerror): It is not there.",
        "In [show.py](../scripts/understudy/show.py).",
    ]


@dataclass(frozen=True)
class MadeUpOptions(Options):
    """Options of nothing."""

    sides: tuple[Side, Side] | None = None
    """Width and height."""
    layer: Literal["color", "depth"] = "color"
    """What is
    drawn."""
    path: PathConfig = field(default_factory=PathConfig)
    """Where it is."""


def test_options_show_what_they_may_be():
    assert write_api.options_in(MadeUpOptions) == [
        write_api.Field("sides", "tuple[int, int] | None", "None", "2 to 9 px", "Width and height."),
        write_api.Field("layer", 'Literal["color", "depth"]', '"color"', "", "What is drawn."),
        write_api.Field("path", "PathConfig", "PathConfig()", "", "Where it is."),
    ]
    lines = (ROOT / write_api.PAGE).read_text().splitlines()
    assert any(line.startswith("| `count` | `int` 100 to 1000000 | `20000` |") for line in lines)


def test_links_of_the_page_lead_somewhere():
    text = (ROOT / write_api.PAGE).read_text()
    places = {write_api.as_anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}
    links = set(re.findall(r"\]\(([^)]*)\)", text))
    assert len(links) > len(PUBLIC)
    for link in links:
        assert link[1:] in places if link.startswith("#") else (ROOT / "docs" / link).exists(), link


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_whoever_explains_a_parameter_explains_all_and_no_other(name):
    node = write_api.find(name, write_api.read_source(f"{PUBLIC[name].replace('.', '/')}.py"))
    assert ast.get_docstring(node)
    for function in [node] if isinstance(node, ast.FunctionDef) else write_api.methods_of(node):
        arguments = function.args
        assert not (arguments.posonlyargs or arguments.vararg or arguments.kwonlyargs or arguments.kwarg)
        said = write_api.read_docstring(function).arguments
        assert not said or set(said) == {each.arg for each in arguments.args} - {"self", "cls"}, function.name
