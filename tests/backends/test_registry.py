"""Backends by name: what each needs is told before anything runs, and only the chosen one is imported."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.support.conda_runs import snakemake as snakemake_with_conda
from tests.support.paths import ROOT
from understudy.backends import registry as backends
from understudy.backends.registry import BACKENDS, Backend, check_packages, open_backend
from understudy.batch.code import code_digest
from understudy.errors import InputError
from understudy.weights.check import trust

SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())["$defs"]


@pytest.mark.parametrize("stage", BACKENDS)
def test_schema_and_table_have_the_same_names_and_every_module_what_is_named(stage):
    assert set(SCHEMA[stage]["properties"]["backend"]["enum"]) == set(BACKENDS[stage])
    for name, backend in BACKENDS[stage].items():
        path = ROOT / "scripts/understudy" / f"{backend.module.replace('.', '/')}.py"
        assert re.search(rf"^(class|def) {backend.attribute}\b", path.read_text(), flags=re.M), name
        assert backend.env is None or (ROOT / "envs" / f"{backend.env}.yaml").is_file(), name


def test_every_backend_has_a_row_in_the_documentation():
    text = (ROOT / "docs/backends.md").read_text()
    for stage, table in BACKENDS.items():
        section = text.split(f"\n## {stage.capitalize()}", 1)[1].split("\n## ", 1)[0]
        for name in table:
            assert re.search(rf"^\| `{name}`", section, flags=re.M), f"{stage}.{name}"


@pytest.fixture
def other(monkeypatch):
    """Put a backend called other into the table."""

    def put(**options):
        made = Backend(**{"module": "nothing.there", "attribute": "Pose", **options})
        monkeypatch.setitem(backends.KEYPOINTS, "other", made)

    return put


def test_an_unknown_backend_is_refused():
    with pytest.raises(InputError, match=r"keypoints\.backend is 'guess', which is none of mediapipe, .*openpose"):
        open_backend("keypoints", "guess")


def test_a_missing_package_is_named_with_the_way_to_get_it(other, monkeypatch):
    other(packages=("numpy", "no_such_package"), env="other")
    with pytest.raises(
        InputError, match="'other' needs the package no_such_package, which is not installed here: "
    ) as error:
        check_packages("keypoints", "other")
    assert "pip install -e '.[other]'" in str(error.value) and "envs/other.yaml" in str(error.value)
    monkeypatch.setitem(backends.INSTALL, "no_such_package", "build it from source")
    with pytest.raises(InputError, match="build it from source"):
        check_packages("keypoints", "other")


def _installed(package):
    from importlib.util import find_spec

    return find_spec(package) is not None


def test_missing_weights_and_files_are_named(other, tmp_path):
    other(weights="net")
    with pytest.raises(InputError, match=r"needs its weights in a file that keypoints\.weights names"):
        open_backend("keypoints", "other")
    with pytest.raises(InputError, match=r"gone\.pth, which is not there; `understudy models get net`"):
        open_backend("keypoints", "other", tmp_path / "gone.pth")
    other(reads=True)
    with pytest.raises(InputError, match=r"name their folder in keypoints\.files"):
        open_backend("keypoints", "other")
    with pytest.raises(InputError, match=r"keypoints\.files: there is no file or folder .*gone"):
        open_backend("keypoints", "other", files=tmp_path / "gone")


def test_a_fault_of_our_own_is_not_taken_for_a_missing_package(other):
    other()
    with pytest.raises(ModuleNotFoundError, match=r"understudy\.nothing"):
        open_backend("keypoints", "other")


def test_what_a_program_in_place_of_its_results_lacks_is_named_by_a_dry_run(tmp_path):
    program = tmp_path / "EasyMocap"
    for name in (backends.EASYMOCAP, "data/models/yolov4.weights"):
        (program / name).parent.mkdir(parents=True)
        (program / name).touch()
    options = {"keypoints": {"backend": "easymocap", "files": "EasyMocap"}}
    status, error = plan(tmp_path, options)
    assert status and "EasyMocap is the program easymocap, but lacks data/models/pose_hrnet_w48_384x288.pth;" in error
    (program / "data/models/pose_hrnet_w48_384x288.pth").touch()
    status, error = plan(tmp_path, options)
    assert status == 0, error


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("operator torchvision::nms does not exist", InputError, "of the same build as torch"),
        ("ours", RuntimeError, "ours"),
    ],
)
def test_a_torchvision_of_another_build_is_named(other, monkeypatch, said, kind, words):
    def fails():
        raise RuntimeError(said)

    other(module="backends.mediapipe", attribute="fails")
    monkeypatch.setattr("understudy.backends.mediapipe.fails", fails, raising=False)
    with pytest.raises(kind, match=words):
        open_backend("keypoints", "other")


def test_a_stage_depends_on_the_code_of_its_chosen_backend_alone(tmp_path):
    files = {"script.py": "from understudy.a import x\n", "understudy/__init__.py": "", "understudy/a.py": "x = 1\n"}
    files |= {"understudy/one.py": "y = 1\n", "understudy/two.py": "y = 2\n"}
    (tmp_path / "understudy").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    script = tmp_path / "script.py"
    assert len({code_digest(script), *(code_digest(script, [f"understudy.{name}"]) for name in ("one", "two"))}) == 3


def plan(folder, options, *arguments):
    """Exit status and error line of a dry run for an actor's keypoints, silhouettes and parsing."""
    (folder / "data/videos").mkdir(parents=True, exist_ok=True)
    (folder / "data/videos/anna.mp4").touch()
    (folder / "options.yaml").write_text(yaml.safe_dump(options))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    targets = ["results/anna/parsing", "--dry-run", "--configfile", str(folder / "options.yaml")]
    run = subprocess.run([*command, *targets, *arguments], capture_output=True, text=True)
    errors = [line for line in run.stderr.splitlines() if line.startswith("error:")]
    return run.returncode, errors[0] if errors else run.stderr


def test_a_dry_run_says_what_a_backend_lacks_and_is_content_when_it_is_there(tmp_path):
    options = {"actors": {"anna": {"silhouettes": {"backend": "rvm"}}}}
    status, error = plan(tmp_path, options)
    assert (
        status
        and "models/rvm_mobilenetv3_fp32.torchscript" in error
        and "understudy models get rvm_mobilenetv3" in error
    )
    (tmp_path / "models").mkdir()
    (tmp_path / "models/rvm_mobilenetv3_fp32.torchscript").touch()
    (tmp_path / "masks").mkdir()
    options["actors"]["anna"]["parsing"] = {"backend": "files", "files": "masks"}
    status, error = plan(tmp_path, options)
    assert (
        status
        and "is a program, and there is no trusted checksum for it" in error
        and "understudy models trust" in error
    )
    trust(tmp_path / "models/rvm_mobilenetv3_fp32.torchscript", tmp_path / "models")
    status, error = plan(tmp_path, options)
    assert status == 0, error


def test_a_dry_run_asks_for_packages_only_where_jobs_would_run_here(tmp_path, monkeypatch):
    if _installed("ultralytics"):
        pytest.skip("ultralytics is installed here")
    (tmp_path / "net.pt").touch()
    options = {"keypoints": {"backend": "ultralytics", "weights": "net.pt"}}
    status, error = plan(tmp_path, options)
    assert status and "needs the package ultralytics" in error and "envs/ultralytics.yaml" in error
    # apptainer is not asked for in a dry run: jobs of an image have what the image has
    status, error = plan(tmp_path, options, "--sdm", "apptainer")
    assert status == 0, error


def test_every_actors_backend_has_its_own_environment(tmp_path, conda):
    (tmp_path / "net.pt").touch()
    actors = {name: {"video": "clip.mp4"} for name in ("anna", "bob")}
    (tmp_path / "clip.mp4").touch()
    actors["bob"]["keypoints"] = {"backend": "ultralytics", "weights": "net.pt"}
    (tmp_path / "options.yaml").write_text(yaml.safe_dump({"actors": actors}))
    targets = [f"results/{actor}/keypoints.npz" for actor in actors]
    where = ["--snakefile", str(ROOT / "Snakefile"), "--sdm", "conda", "--configfile", str(tmp_path / "options.yaml")]
    listed = snakemake_with_conda(tmp_path, conda, *targets, *where, "--list-conda-envs")
    assert listed.returncode == 0, listed.stderr
    assert set(re.findall(r"envs/(\w+)\.yaml", listed.stdout)) == {"frames", "keypoints", "ultralytics"}
