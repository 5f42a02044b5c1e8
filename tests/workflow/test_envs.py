"""Every step's environment has what its script imports: Snakemake would hide a gap by lending its own packages."""

import ast
import re

import pytest
import yaml

from tests.support.environments import DISTRIBUTION, imports_of, pins_of
from tests.support.paths import LIBRARY, ROOT, SCRIPTS
from understudy.backends.registry import BACKENDS, find_backend
from understudy.batch.code import reached_modules

POST_DEPLOYED = {"detectron2", "densepose"}
"""Built from source after their environment: pip cannot name them beside the torch that their build needs."""
EASYMOCAP = {"easymocap"}
"""Runs as a program of its own, in its own environment."""
BACKEND_RULES = {
    "keypoints": "keypoints.py",
    "silhouettes": "silhouettes.py",
    "parsing": "parsing.py",
    "fitting": "fitting.py",
}
BACKENDS_OF_STAGES = [(stage, name) for stage, table in BACKENDS.items() for name in table]


def rules():
    """(rule, env file, script) of every rule."""
    found = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            name = block[: block.index(":")]
            env = re.search(r'conda:\s*"\.\./(envs/[^"]+)"', block)
            chosen = re.search(r'conda:\s*env_of\("(\w+)"\)', block)
            script = re.search(r'script:\s*"\.\./(scripts/[^"]+)"', block)
            file = default_env_of(chosen[1]) if chosen else env and env[1]
            found.append((name, file, script and script[1]))
    return found


def env_of(stage, name):
    """The env file of a stage's backend."""
    return f"envs/{find_backend(stage, name).env or stage}.yaml"


def default_env_of(stage):
    """The env file of a stage's own backend, the first of its table."""
    return env_of(stage, next(iter(BACKENDS[stage])))


ENVS = sorted({env for _, env, _ in rules()} | {env_of(*each) for each in BACKENDS_OF_STAGES})


@pytest.mark.parametrize("rule, env, script", [r for r in rules()])
def test_every_rule_has_an_environment_and_a_script(rule, env, script):
    assert env and (ROOT / env).is_file(), rule
    assert script and (ROOT / script).is_file(), rule
    assert len((ROOT / script).read_text().splitlines()) < 60


@pytest.mark.parametrize("rule, env, script", [r for r in rules()])
def test_environment_covers_what_the_script_imports(rule, env, script):
    needed = {DISTRIBUTION.get(name, name) for name in imports_of(ROOT / script)}
    assert needed <= set(pins_of(env)), f"{env} lacks {sorted(needed - set(pins_of(env)))}"


@pytest.mark.parametrize("stage, name", BACKENDS_OF_STAGES)
def test_environment_of_a_backend_covers_what_it_imports(stage, name):
    script = SCRIPTS / BACKEND_RULES[stage]
    module = f"understudy.{find_backend(stage, name).module}"
    assert set(script.parent.glob(f"{module.replace('.', '/')}.py")) <= set(reached_modules(script, [module]))
    needed = {DISTRIBUTION.get(each, each) for each in imports_of(script, module) - POST_DEPLOYED - EASYMOCAP}
    lacking = needed - set(pins_of(env_of(stage, name)))
    assert not lacking, f"{env_of(stage, name)} lacks {sorted(lacking)}"


@pytest.mark.parametrize("stage", BACKENDS)
def test_a_stage_without_the_backend_does_not_need_what_the_backend_needs(stage):
    assert not imports_of(SCRIPTS / BACKEND_RULES[stage]) & {
        package for backend in BACKENDS[stage].values() for package in backend.packages if package != "torch"
    }


def test_what_is_built_from_source_is_built_after_its_environment():
    for stage, name in BACKENDS_OF_STAGES:
        if set(find_backend(stage, name).packages) & POST_DEPLOYED:
            script = (ROOT / env_of(stage, name)).with_suffix(".post-deploy.sh").read_text()
            assert all(package in script.lower() for package in POST_DEPLOYED)
            assert len(re.findall(r"\.git@[0-9a-f]{40}\b", script)) == script.count(".git") == 1


def test_there_is_no_environment_that_nothing_uses():
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "envs").glob("*.yaml")} == set(ENVS)


@pytest.mark.parametrize("env", ENVS)
def test_conda_brings_python_and_pip_from_conda_forge_alone(env):
    content = yaml.safe_load((ROOT / env).read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    given = [entry for entry in content["dependencies"] if isinstance(entry, str)]
    assert len(given) == 2 and re.fullmatch(r"python=[\d.]+ pip=[\d.]+", " ".join(given))


@pytest.mark.parametrize("env", sorted({env for _, env, _ in rules()}))
def test_what_a_rule_needs_by_default_is_in_the_one_venv(env):
    required = (ROOT / "requirements.txt").read_text().splitlines()
    assert {f"{name}=={version}" for name, version in pins_of(env).items()} <= set(required)


def test_package_root_imports_no_library():
    tree = ast.parse((LIBRARY / "__init__.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [alias.name for node in imports for alias in node.names] == ["os", "import_module"]
