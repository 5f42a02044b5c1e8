"""Several methods of one actor in the workflow: what is planned, that nothing is trained twice, and a real run."""

import json
import re

import pytest

from tests.support import workflow_runs
from tests.support.two_methods import checkout
from tests.support.workflow_runs import snakemake

PAGE = "results/tiny/comparison.html"
EVALUATE = "evaluate={reconstruction: 0, refine_steps: 1}"


def workplace(folder):
    """A folder in which two methods of the tiny demo are to be compared."""
    options = workflow_runs.workplace(folder) / "tiny.yaml"
    options.write_text(options.read_text() + "comparison: {methods: [gaussians, mesh]}\n")
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A checkout that has the methods gaussians and mesh."""
    return checkout(tmp_path_factory.mktemp("methods") / "checkout")


@pytest.fixture
def planned(repository, tmp_path):
    """What a dry run would do, by its target and options."""
    folder = workplace(tmp_path)

    def plan(target, **options):
        given = [f"{name}={json.dumps(value)}" for name, value in options.items()]
        arguments = ("--dry-run", target, *(["--config", *given] if given else []))
        run = snakemake(folder, *arguments, config=folder / "tiny.yaml", repository=repository)
        assert run.returncode == 0, run.stderr
        return jobs_of(run)

    return plan


def jobs_of(run):
    """What the jobs of a dry run do, but for those before training."""
    said = re.findall(r"^Job \d+: tiny: (.*)$", run.stdout + run.stderr, flags=re.M)
    return sorted(one for one in said if re.search("avatar|measuring|comparing", one))


def test_the_page_trains_and_measures_each_method_once(planned):
    assert planned(PAGE) == [
        "comparing methods", "measuring mesh on held-out frames", "measuring on held-out frames",
        "training the avatar", "training the avatar by mesh",
    ]  # fmt: skip


def test_where_another_method_is_the_actors_the_gaussians_are_trained_once_too(planned):
    assert planned(PAGE, avatar={"method": "mesh"}) == [
        "comparing methods", "measuring gaussians on held-out frames", "measuring on held-out frames",
        "training the avatar", "training the avatar by gaussians",
    ]  # fmt: skip


def test_another_method_needs_the_gaussian_avatar_for_its_poses_alone(planned):
    mesh = "results/tiny/methods/mesh/avatar.tar"
    assert planned(mesh) == ["training the avatar", "training the avatar by mesh"]
    assert planned(mesh, avatar={"poses": "fit"}) == ["training the avatar by mesh"]
    own = {"method": "mesh", "poses": "fit"}
    assert planned("results/tiny/avatar.tar", avatar=own) == ["training the avatar"]
    assert planned(PAGE, comparison={"methods": ["mesh"]}, avatar=own) == [
        "comparing methods", "measuring on held-out frames", "training the avatar",
    ]  # fmt: skip


def test_the_actors_own_avatar_is_made_under_no_second_name(repository, tmp_path):
    folder = workplace(tmp_path)
    for target in ("avatar.tar", "metrics.json"):
        name = f"results/tiny/methods/gaussians/{target}"
        run = snakemake(folder, "--dry-run", name, config=folder / "tiny.yaml", repository=repository)
        assert run.returncode != 0
        assert "error: gaussians is avatar.method of tiny, so its avatar is results/tiny/avatar.tar" in run.stderr


def test_a_method_that_there_is_not_is_refused(repository, tmp_path):
    folder = workplace(tmp_path)
    given = ("--dry-run", PAGE, "--config", "comparison={methods: [spells]}")
    run = snakemake(folder, *given, config=folder / "tiny.yaml", repository=repository)
    assert run.returncode != 0 and "comparison.methods.0: 'spells' should be one of gaussians, " in run.stderr


@pytest.fixture(scope="module")
def finished(repository, tmp_path_factory):
    """A folder in which both methods of the tiny demo are compared."""
    folder = workplace(tmp_path_factory.mktemp("compared"))
    given = ("--cores", "2", PAGE, "--config", EVALUATE)
    run = snakemake(folder, *given, config=folder / "tiny.yaml", repository=repository)
    assert run.returncode == 0, run.stderr
    return folder


def test_one_command_makes_the_page_of_all_methods(finished):
    told = json.loads((finished / PAGE).with_suffix(".json").read_text())
    gaussians, mesh = told["avatars"]
    assert (gaussians["name"], mesh["name"]) == ("gaussians", "mesh")
    assert mesh["poses"] == "of the Gaussian avatar, held" and mesh["mm_from_poses_of_first"] < 0.01
    assert gaussians["poses"] == "of the fit, aligned by its own training"
    assert gaussians["training_steps"] == mesh["training_steps"] == 30  # the user's own, before the mesh's default
    assert (finished / "results/tiny/methods/mesh/training.json").exists()
    assert (finished / "results/tiny/benchmarks/avatar/mesh.tsv").exists()


def test_an_option_of_one_method_trains_that_one_alone_again(finished, repository):
    same = ("--dry-run", PAGE, "--config", EVALUATE)
    again = snakemake(finished, *same, config=finished / "tiny.yaml", repository=repository)
    assert "Nothing to be done" in again.stdout + again.stderr
    changed = snakemake(finished, *same, "mesh={lr_texture: 0.2}", config=finished / "tiny.yaml", repository=repository)
    assert jobs_of(changed) == [
        "comparing methods", "measuring mesh on held-out frames", "training the avatar by mesh",
    ]  # fmt: skip
