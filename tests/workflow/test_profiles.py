"""Profiles name rules and options that are there; resources grow with each attempt; rules ask for GPUs where they use them."""

import re
import subprocess
import sys
from importlib.metadata import requires, version
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement

from tests.support.paths import ROOT
from understudy.backends.registry import find_backend
from understudy.settings import actor_settings

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/config.yaml"))
SLURM = find_spec("snakemake_executor_plugin_slurm") is not None
PREPARE = {"frames", "keypoints", "silhouettes", "fitting", "matting", "parsing", "canonical"}
SHOW = {"baking", "evaluate", "turntable", "reenactment", "motion", "viewer", "export", "report"}


def profile(name):
    return yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())


def rule_blocks():
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            yield block[: block.index(":")], block


def groups(name):
    """Group to its rules."""
    pairs = [line.split("=") for line in profile(name).get("groups", [])]
    return {group: {rule for rule, other in pairs if other == group} for _, group in pairs}


def snakemake(folder, *arguments):
    (folder / "models").symlink_to(ROOT / "models")
    (folder / "data").mkdir()
    (folder / "data/demo").symlink_to(ROOT / "data/demo")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--dry-run"]
    config = str(ROOT / "tests/tiny.yaml")
    run = subprocess.run([*command, *arguments, "--configfile", config], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_these_profiles_are_there():
    assert set(PROFILES) == {"default", "gpu", "slurm", "kubernetes"}


def test_only_what_holds_everywhere_is_in_the_default_profile():
    """It is merged with every other one, and a limit of GPUs here would hold for a whole cluster."""
    assert profile("default") == {"keep-going": True, "rerun-incomplete": True}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_name_rules_that_are_there(name):
    known = {rule for rule, _ in rule_blocks()}
    assert set().union(*groups(name).values()) <= known
    assert set(profile(name).get("set-resources", {})) <= known


def test_short_stages_are_grouped_before_and_after_training():
    assert groups("slurm") == {"prepare": PREPARE, "show": SHOW}
    assert {rule for rule, _ in rule_blocks()} == PREPARE | SHOW | {"avatar", "dataset", "comparison"}


def test_no_job_of_the_slurm_profile_but_training_and_comparing_holds_a_gpu():
    with_gpu = {rule for rule, block in rule_blocks() if re.search(r"^ {8}gpu=", block, flags=re.M)}
    none = {rule for rule, values in profile("slurm")["set-resources"].items() if values.get("gpu") == 0}
    assert with_gpu - none == {"avatar", "comparison"}


@pytest.mark.parametrize(("rule", "block"), list(rule_blocks()))
def test_every_rule_asks_for_memory_and_time_that_grow(rule, block):
    assert re.search(r'mem_mb=(scaled_mem\(\d+\)|backend_mem\("\w+"\)),', block)
    assert re.search(r'runtime=(scaled_time\(\d+\)|backend_time\("\w+"\)),', block)


def function_of_rules(name, **names):
    """A function of rules/common/, which is Python but cannot be imported."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules/common").iterdir())) + "end"
    exec(re.search(rf"^def {name}\(.*?(?=^\S)", text, flags=re.M | re.S)[0], names)
    return names[name]


@pytest.mark.parametrize(
    ("options", "count"), [({}, 1), ({"gpus": 3}, 3), ({"device": "cuda"}, 1), ({"device": "cpu", "gpus": 3}, 0)]
)
def test_stages_ask_for_the_gpus_that_they_use(options, count):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["actors"] = {
        "anna": {"avatar": options, "evaluate": {key: options[key] for key in options if key == "device"}}
    }
    gpus = function_of_rules("gpus", config=config, actor_settings=actor_settings)
    assert gpus("avatar")(SimpleNamespace(actor="anna")) == count
    assert gpus("evaluate")(SimpleNamespace(actor="anna")) == min(count, 1)
    assert gpus("avatar")(SimpleNamespace(actor="bob")) == 1


def test_stages_ask_for_what_the_actors_backend_needs():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["actors"] = {"anna": {"silhouettes": {"backend": "sam"}}}
    names = {"find_backend": find_backend, "actor_settings": actor_settings, "config": config}
    names["backend_of"] = function_of_rules("backend_of", **names)
    mem, minutes, gpu = (
        function_of_rules(f"backend_{what}", **names)("silhouettes") for what in ("mem", "time", "gpus")
    )
    anna, bob = (SimpleNamespace(actor=name) for name in ("anna", "bob"))
    assert [mem(bob, 1), mem(bob, 2), minutes(bob, 1), minutes(bob, 2), gpu(bob)] == [2000, 4000, 30, 60, 0]
    assert [mem(anna, 1), mem(anna, 2), minutes(anna, 1), minutes(anna, 2), gpu(anna)] == [5000, 10000, 120, 240, 1]


@pytest.mark.skipif(not SLURM, reason="requirements-slurm.txt is not installed")
def test_a_video_is_three_jobs_of_the_slurm_profile(tmp_path):
    plan = snakemake(tmp_path, "results/tiny/report.html", "--profile", str(ROOT / "profiles/slurm"))
    assert sorted(re.findall(r"Group job (\w+)", plan)) == ["prepare", "show"]
    assert len(re.findall(r"training the avatar", plan)) == 1


@pytest.mark.skipif(not SLURM, reason="requirements-slurm.txt is not installed")
def test_the_plugin_for_slurm_can_live_with_the_pins():
    lines = [
        *(ROOT / "requirements.txt").read_text().splitlines(),
        *(ROOT / "requirements-slurm.txt").read_text().splitlines(),
    ]
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    added = [line.split("==")[0] for line in lines if line.startswith(("pandas", "snakemake-executor"))]
    assert len(added) == 3
    for package in added:
        assert version(package) == pins[package]
        for requirement in map(Requirement, requires(package) or []):
            if requirement.name in pins and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                assert requirement.specifier.contains(pins[requirement.name]), f"{package} wants {requirement}"
