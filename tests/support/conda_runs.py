"""Runs of Snakemake with a stand-in for conda."""

import os
import subprocess
import sys

from tests.support.paths import ROOT

ACTIVATE = 'echo "$1" >> "{log}"; export CONDA_PREFIX="$1"; export PATH="$1/bin:$PATH"\n'


def stand_in(tmp_path):
    """A folder of programs with the stand-in, which writes down the environments that steps ask for."""
    programs = tmp_path / "conda/bin"
    programs.mkdir(parents=True)
    program = programs / "conda"
    program.write_text(f"#!{sys.executable}\n" + (ROOT / "tests/support/conda_standin.py").read_text())
    program.chmod(0o755)
    (programs / "activate").write_text(ACTIVATE.format(log=tmp_path / "activated"))
    return programs


def snakemake(folder, programs, *arguments):
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
