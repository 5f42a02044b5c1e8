"""What runs again after a change: the stages that read the option or import the code, and what follows; no other."""

import ast
import csv
import io
import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.support.paths import ROOT
from understudy.avatar.registry import METHODS
from understudy.batch.code import code_digest, reached_modules

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
BASE = {"motion": {"motions": ["walk.bvh"]}}
"""What is configured when everything is made."""
LAYOUT = "ntc"

METHOD = {"avatar_of_method", "evaluate_method", "comparison"}
"""Of a method that is not ``avatar.method``."""
AVATAR = {"avatar", "evaluate", "turntable", "reenactment", "motion", "export", "viewer", "report"} | METHOD
MATTING = {"matting", "parsing", "canonical", "dataset"} | AVATAR
FITTING = {"fitting"} | MATTING
RERUN = {
    "frames": {"frames", "keypoints", "silhouettes"} | FITTING,
    "keypoints": {"keypoints", "silhouettes"} | FITTING,
    "silhouettes": {"silhouettes"} | FITTING,
    "body": FITTING,
    "fitting": FITTING,
    "matting": MATTING,
    "parsing": {"parsing", "canonical", "dataset"} | AVATAR,
    "canonical": {"canonical", "dataset"} | AVATAR,
    "avatar": AVATAR,
    "gaussians": AVATAR,  # others take their poses
    "baking": set(),  # avatars of Gaussians are not baked
    "evaluate": {"evaluate", "report", "evaluate_method", "comparison"},
    "turntable": {"turntable", "reenactment", "motion", "report"},
    "motion": {"motion", "report"},  # the new one; those there are stay
    "export": {"export", "report"},
    "viewer": {"viewer", "report"},
    "comparison": {"comparison"},
    "avatar.method": AVATAR | {"baking"},  # the others have no Gaussians
    "avatar.poses": METHOD,  # gaussians start from the fit
    "avatar.hold_out": {"canonical", "dataset"} | AVATAR,  # the texture learns from the same frames
}
"""Rules that run again when an option of a stage changes, or one option that differs from its stage."""
RERUN |= {name: METHOD for name in METHODS if name != CONFIG["avatar"]["method"]}

OTHER = {
    "frames.K": [500.0, 500.0, 64.0, 64.0],
    "frames.distortion": [0.1, 0.0, 0.0, 0.0, 0.0],
    "body.path": "other_body.npz",
    "fitting.regressor": "other_regressor.safetensors",
    "fitting.focal_range": [0.7, 1.5],
    "avatar.levels": [[2, 1.0]],
    "avatar.align_steps": 3,
    "turntable.background": [0.0, 0.0, 0.0],
    "motion.motions": ["walk.bvh", "run.bvh"],
    "export.motions": ["run.bvh"],
    "keypoints.backend": "openpose",
    "silhouettes.backend": "files",
    "parsing.backend": "files",
    "parsing.scales": [1.0, 1.5],
    "export.pose": "t",
    "viewer.motions": ["run.bvh"],
    "comparison.methods": ["gaussians"],
    "comparison.motions": ["run.bvh"],
}
"""Values for options whose type alone does not say another one."""

SNAKEMAKE = """
from snakemake.executors.touch import Executor
from snakemake.cli import main
Executor.SLEEPING_TIME = 0
main()
"""
"""Snakemake, without the pause at each file that it touches."""


def all_options():
    return [f"{stage}.{option}" for stage, content in SCHEMA["$defs"].items() for option in content["properties"]]


def other_value(option):
    """A valid value that is not the default, or None where there is no other."""
    stage, name = option.split(".")
    definition, now = SCHEMA["$defs"][stage]["properties"][name], CONFIG[stage][name]
    number = now if isinstance(now, (int, float)) else 1
    candidates = [OTHER.get(option), *definition.get("enum", ()), *(number + step for step in (1, 8, -1, 0.01, 0.5))]
    candidates += [number * 0.9, not now, "other"]
    for value in candidates:
        if value is not None and value != now and Draft202012Validator(definition).is_valid(value):
            return value
    return None


OPTIONS = {option: value for option in all_options() if (value := other_value(option)) is not None}


def snakemake(repository, folder, *arguments, config=None):
    command = [sys.executable, "-c", SNAKEMAKE, *arguments, "--snakefile", str(repository / "Snakefile")]
    configs = ["--configfile", str(config)] if config else []
    run = subprocess.run([*command, "--cores", "500", *configs], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def summary(repository, folder, actors, config=None):
    """(actor, file, rule, whether it would be made) of all files of all actors."""
    table = snakemake(repository, folder, *targets(actors), "--summary", config=config)
    for row in csv.DictReader(io.StringIO(table), delimiter="\t"):
        _, actor, file = row["output_file"].split("/", 2)
        yield actor, file, row["rule"], row["plan"] != "no update"


def targets(actors):
    beyond = (f"datasets/{LAYOUT}", "comparison.html")
    return ["all", *(f"results/{actor}/{file}" for actor in actors for file in beyond)]


def pending(repository, folder, actors, config=None):
    """Actor to the rules that would run."""
    rules = {actor: set() for actor in actors}
    for actor, _, rule, planned in summary(repository, folder, actors, config):
        if planned:
            rules[actor].add(rule)
    return rules


def workplace(folder, repository, actors):
    """A folder where everything of all actors is made, by files without content."""
    for place in ("data/videos", "models"):
        (folder / place).mkdir(parents=True)
    for file in ("other_body.npz", "other_regressor.safetensors", "walk.bvh", "run.bvh"):
        (folder / file).touch()
    (folder / "base.yaml").write_text(json.dumps(BASE))
    for actor in actors:
        (folder / "data/videos" / f"{actor}.mp4").touch()
    files = sorted({file for _, file, *_ in summary(repository, folder, actors[:1], folder / "base.yaml")})
    for actor in actors:
        for file in files:
            path = folder / "results" / actor / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if path.suffix else path.mkdir(exist_ok=True)
    snakemake(repository, folder, *targets(actors), "--touch", "--forceall", config=folder / "base.yaml")
    return folder


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Option to the rules that would run if it alone changed: each option is that of an actor of its own, in two calls."""
    actors = [*OPTIONS, "unchanged"]
    folder = workplace(tmp_path_factory.mktemp("options"), ROOT, actors)
    own = {option: {option.split(".")[0]: {option.split(".")[1]: value}} for option, value in OPTIONS.items()}
    for option, value in OPTIONS.items():
        if value in ("openpose", "files"):
            own[option][option.split(".")[0]]["files"] = "models"
    (folder / "changed.yaml").write_text(json.dumps({**BASE, "actors": own}))
    return pending(ROOT, folder, actors, folder / "changed.yaml")


def test_all_options_are_tried():
    assert set(all_options()) == set(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_a_changed_option_reruns_the_stages_that_read_it_and_no_other(planned, option):
    assert planned[option] == RERUN.get(option, RERUN[option.split(".")[0]])


def test_without_a_change_nothing_runs_again(planned):
    assert planned["unchanged"] == set()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the workflow with everything of one actor made."""
    repository = tmp_path_factory.mktemp("copy")
    for name in ("Snakefile", "config.yaml"):
        shutil.copy2(ROOT / name, repository)
    for name in ("rules", "schemas", "scripts", "envs", "models", "profiles", "report", "data/motions"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__"))
    return repository, workplace(tmp_path_factory.mktemp("code"), repository, ["anna"])


@pytest.mark.parametrize(
    ("module", "change", "rules"),
    [
        ("matting/band.py", "\nADDED = 1\n", MATTING),  # imported by matting/matting.py, which the script imports
        ("avatar/gaussians/regularizers.py", "\nADDED = 1\n", AVATAR),  # of a method, which the registry names
        ("report/page.html.j2", "\n<p>\n", {"report", "comparison"}),  # which have one style, beside it
        ("comparison/comparison.html.j2", "\n<p>\n", {"comparison"}),
        ("importers/run.py", "\nADDED = 1\n", set()),  # of no rule
        ("matting/band.py", '\n# A comment.\n"""A text."""\n', set()),
    ],
)
def test_a_change_in_the_library_reruns_the_stages_that_import_it(copy, module, change, rules):
    repository, folder = copy
    path = repository / "scripts/understudy" / module
    before = path.read_text()
    path.write_text(before + change)
    try:
        assert pending(repository, folder, ["anna"], folder / "base.yaml")["anna"] == rules
    finally:
        path.write_text(before)


def test_what_is_made_of_gaussians_is_made_of_baked_ones_where_the_method_has_none(copy, tmp_path):
    """As if the method of all actors had none."""
    repository, folder = copy
    path = repository / "scripts/understudy/avatar/registry.py"
    before = path.read_text()
    (tmp_path / "baking.yaml").write_text(json.dumps({**BASE, "actors": {"anna": {"baking": {"steps": 7}}}}))
    path.write_text(
        before.replace('WITH_GAUSSIANS = frozenset({"gaussians", "neural_actor"})', "WITH_GAUSSIANS = frozenset()")
    )
    try:
        (folder / "results/anna/baked.tar").touch()
        snakemake(repository, folder, *targets(["anna"]), "--touch", "--forceall", config=folder / "base.yaml")
        table = snakemake(repository, folder, "all", "--detailed-summary", config=folder / "base.yaml")
        rows = csv.DictReader(io.StringIO(table), delimiter="\t")
        inputs = {row["rule"]: row["input-file(s)"].split(",") for row in rows}
        changed = pending(repository, folder, ["anna"], tmp_path / "baking.yaml")["anna"]
    finally:
        path.write_text(before)
        (folder / "results/anna/baked.tar").unlink(missing_ok=True)
        snakemake(repository, folder, *targets(["anna"]), "--touch", "--forceall", config=folder / "base.yaml")
    assert changed == {"baking", "export", "viewer", "report"}
    baked, avatar = ("results/anna/baked.tar", "results/anna/avatar.tar")
    assert avatar in inputs["baking"]
    for rule in ("export", "viewer"):
        assert baked in inputs[rule] and avatar not in inputs[rule]
    assert baked in inputs["report"] and avatar in inputs["report"]
    assert avatar in inputs["turntable"] and baked not in inputs["turntable"]


def test_touching_accepts_a_change_of_the_library(copy):
    repository, folder = copy
    path = repository / "scripts/understudy/matting/band.py"
    before = path.read_text()
    path.write_text(before + "\nADDED = 2\n")
    snakemake(repository, folder, *targets(["anna"]), "--touch", config=folder / "base.yaml")
    again = pending(repository, folder, ["anna"], folder / "base.yaml")
    path.write_text(before)
    assert again == {"anna": set()}


def test_every_rule_hands_over_the_digest_of_its_own_script():
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            script = re.search(r'script:\s*"\.\./scripts/([^"]+)"', block)[1]
            assert re.findall(r'code_of\("(.*?)"', block) == [script]


@pytest.fixture
def library(tmp_path):
    """A script over a small library."""
    files = {
        "script.py": "from understudy.a import work\n",
        "understudy/__init__.py": "",
        "understudy/a.py": '"""Text."""\ndef work():\n    from understudy.b.c import more\n    return more\n',
        "understudy/b/__init__.py": "",
        "understudy/b/c.py": "NAMES = ('understudy.d', 'table.npz')\n",
        "understudy/b/table.npz": "1",
        "understudy/d.py": "x = 1\n",
        "understudy/e.py": "x = 1\n",
        "understudy/table.npz": "1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(script):
    """The digest as a new process would have it."""
    from understudy.batch import code

    for function in (code._files_of, code._module, code._data, code._data_digest):
        function.cache_clear()
    return code_digest(script)


def test_imports_are_followed_also_in_functions_and_by_name(library):
    names = [str(path.relative_to(library / "understudy")) for path in reached_modules(library / "script.py")]
    assert names == ["__init__.py", "a.py", "b/__init__.py", "b/c.py", "d.py"]


@pytest.mark.parametrize(
    ("file", "text", "counts"),
    [
        ("script.py", "from understudy.a import work\nwork()\n", True),
        ("understudy/d.py", "x = 2\n", True),
        ("understudy/b/__init__.py", "x = 2\n", True),
        ("understudy/b/table.npz", "2", True),
        ("understudy/d.py", '"""Text."""\n\nx  =  1  # why\n', False),
        ("understudy/e.py", "x = 2\n", False),
        ("understudy/table.npz", "2", False),
        ("understudy/b/.table.npz.swp", "2", False),
    ],
)
def test_what_a_step_runs_changes_its_digest_and_nothing_else(library, file, text, counts):
    before = digest(library / "script.py")
    (library / file).write_text(text)
    assert (digest(library / "script.py") != before) == counts


def test_digest_does_not_depend_on_where_the_repository_lies(library, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "deeper"
    shutil.copytree(library, moved)
    assert digest(moved / "script.py") == digest(library / "script.py")


def test_the_library_has_no_relative_imports_which_would_be_overlooked():
    for path in (ROOT / "scripts/understudy").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
