"""Runs of the workflow in a folder of their own."""

import os
import subprocess
import sys

import yaml

from tests.support.paths import ROOT


def snakemake(folder, *arguments, config=None, repository=ROOT):
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(repository / "Snakefile"),
        "--directory",
        str(folder),
    ]
    configs = ["--configfile", str(config)] if config else []
    # of several checkouts, the jobs take the library of the one that is run
    environment = {**os.environ, "PYTHONPATH": str(repository / "scripts")}
    return subprocess.run([*command, *arguments, *configs], capture_output=True, text=True, env=environment)


def workplace(folder):
    (folder / "models").symlink_to(ROOT / "models")
    (folder / "data").mkdir()
    (folder / "data/videos").mkdir()
    (folder / "data/demo").symlink_to(ROOT / "data/demo")
    options = yaml.safe_load((ROOT / "tests/tiny.yaml").read_text())
    options["actors"]["tiny"]["avatar"]["steps"] = 30
    (folder / "tiny.yaml").write_text(yaml.safe_dump(options))
    return folder
