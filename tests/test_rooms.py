"""The library's rooms: each imports only those below it, and says what belongs in it."""

import ast

import pytest

from tests.support.paths import LIBRARY

GROUND = {
    "commands",
    "errors",
    "evenly",
    "gpus",
    "log",
    "options",
    "private",
    "progress",
    "settings",
    "stages",
    "streams",
    "text",
    "threads",
}
"""Single modules that every room may import; they import one another and nothing else."""
BELOW = {
    "files": "",
    "render": "",
    "formats": "files",
    "weights": "files",
    "batch": "files formats video",
    "body": "files formats",
    "video": "files formats",
    "metrics": "files render",
    "importers": "body files formats video",
    "motion": "body files importers video",
    "backends": "body files formats importers video weights",
    "job": "files",
    "actor_folder": "body files formats",
    "keypoints": "backends formats",
    "silhouettes": "backends files formats",
    "fitting": "backends body files formats metrics motion",
    "matting": "body files formats metrics render silhouettes",
    "parsing": "backends body files formats matting render silhouettes",
    "textures": "body render",
    "canonical": "body formats textures",
    "avatar": "body files formats metrics render textures",
    "rendering": "avatar body files formats importers motion render video",
    "export": "avatar body files motion render textures",
    "layouts": "actor_folder body canonical files formats importers render textures",
    "inspection": "actor_folder avatar body files fitting formats metrics render",
    "report": "actor_folder body files formats inspection metrics render video",
    "comparison": "avatar body files formats inspection motion render rendering report",
    "viewer": "avatar body files formats motion render rendering",
    "sections": "avatar body canonical comparison export fitting keypoints matting parsing rendering silhouettes video viewer",
    "methods": "avatar sections",
    "cli": "avatar batch body comparison export files importers inspection layouts rendering report video viewer weights",
}
"""Room to the rooms that it may import."""
STAGES = {"keypoints", "silhouettes", "fitting", "canonical", "avatar"}
"""Stages that meet in files alone."""
BUILT_ON = {"neural_actor": "gaussians"}
"""Method of avatars to the one that it is built on, and may import."""
ROOMS = sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists())


def room_of(path):
    first = path.relative_to(LIBRARY).parts[0]
    return first.removesuffix(".py")


def imported(path):
    """Modules of the library, by their full names, and other packages that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "understudy":
            yield from (f"understudy.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by dots"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", sorted({room_of(path) for path in LIBRARY.rglob("*.py")} - {"__init__"}))
def test_a_room_imports_only_those_below_it(room):
    assert room in BELOW or room in GROUND, f"{room} is not in the table"
    allowed = GROUND | {room} | set(BELOW.get(room, "").split())
    for path in [LIBRARY / f"{room}.py"] if room not in ROOMS else (LIBRARY / room).rglob("*.py"):
        for module in imported(path):
            first, *rest = module.split(".")
            assert first != "snakemake", f"{path} knows of Snakemake"
            assert first != "understudy" or rest[0] in allowed, f"{path} reaches up into {module}"


def test_no_room_is_above_itself():
    seen = set()
    for room, below in BELOW.items():  # the table is in an order in which each stands on those before it
        assert set(below.split()) <= seen | {"video", "formats"}, room
        seen.add(room)
    assert "batch" not in " ".join(BELOW[room] for room in ("video", "formats", "files"))


def test_the_table_names_no_arrow_that_nobody_uses():
    used = {room: {module.split(".")[1] for path in (LIBRARY / room).rglob("*.py") for module in imported(path)
                   if module.startswith("understudy.")} for room in ROOMS}  # fmt: skip
    for room in ROOMS:
        assert used[room] - GROUND - {room} == set(BELOW[room].split()), room


def test_stages_meet_in_files_alone():
    for stage in STAGES:
        assert not STAGES & set(BELOW[stage].split()), stage


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_belongs_in_it_and_what_does_not(room):
    text = ast.get_docstring(ast.parse((LIBRARY / room / "__init__.py").read_text())) or ""
    assert "Contract:" in text and 6 <= len(text.splitlines()) <= 20, room


def test_no_method_of_avatars_is_known_outside_its_folder():
    """But to the table of sections, which has its options; the registry names it in a string."""
    methods = {path.parent.name for path in (LIBRARY / "avatar").glob("*/method.py")}
    assert methods
    for path in LIBRARY.rglob("*.py"):
        for method in methods - {path.parent.name, BUILT_ON.get(path.parent.name)}:
            found = [name for name in imported(path) if name.startswith(f"understudy.avatar.{method}")]
            assert not found or path == LIBRARY / "sections.py", f"{path} imports {found}"
