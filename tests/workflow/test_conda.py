"""Snakemake's way through environments, with a stand-in for conda, and what it hides when an environment lacks a package."""

import subprocess

from tests.support.conda_runs import snakemake
from tests.support.environments import imports_of, pins_of
from tests.support.paths import ROOT


def activated(folder):
    """The one environment that was asked for."""
    [environment] = set((folder / "activated").read_text().splitlines())
    return folder / environment


def test_a_step_runs_in_the_environment_made_of_its_file(tmp_path, conda):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/demo").symlink_to(ROOT / "data/demo")
    arguments = ["results/tiny/frames.json", "--snakefile", str(ROOT / "Snakefile"), "--sdm", "conda"]
    run = snakemake(tmp_path, conda, *arguments, "--configfile", str(ROOT / "tests/tiny.yaml"))
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "results/tiny/frames.json").exists()
    environment = activated(tmp_path)
    packages = {path.name for path in environment.glob("lib/python*/site-packages/*")}
    assert {"av", "cv2", "numpy"} <= packages and not {"snakemake", "torch"} & packages


def test_an_import_that_an_environment_lacks_is_seen_though_snakemake_would_lend_it(tmp_path, conda):
    """The step borrows PyYAML from Snakemake's own packages; only the look at its imports tells."""
    (tmp_path / "understudy").mkdir()
    (tmp_path / "understudy/__init__.py").touch()
    (tmp_path / "understudy/work.py").write_text("def work():\n    import yaml\n    return yaml.__name__\n")
    (tmp_path / "step.py").write_text(
        "from pathlib import Path\nfrom understudy.work import work\nPath(snakemake.output[0]).write_text(work())\n"
    )
    env = ROOT / "envs/frames.yaml"
    rule = f'rule:\n    output: "out"\n    conda: "{env}"\n    script: "step.py"\n'
    (tmp_path / "Snakefile").write_text(rule)
    run = snakemake(tmp_path, conda, "--sdm", "conda")
    assert run.returncode == 0, run.stderr
    alone = activated(tmp_path) / "bin/python"
    assert subprocess.run([alone, "-c", "import yaml"], capture_output=True).returncode != 0
    assert imports_of(tmp_path / "step.py") - set(pins_of("envs/frames.yaml")) == {"yaml"}
