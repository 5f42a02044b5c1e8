"""Jobs at the same time on one machine: each sees its own GPU. The GPUs are pretended: names in CUDA_VISIBLE_DEVICES."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from tests.support.paths import ROOT, SCRIPTS
from understudy.gpus import visible_gpus

GPUS = ["test-a", "test-b"]

WORKFLOW = """
rule all:
    input: expand("{i}.json", i=range(5))

rule work:
    output: "{i}.json"
    resources: gpu=1
    script: "work.py"
"""
SCRIPT = """
import json, os, time
from pathlib import Path
from understudy.gpus import use_gpus

use_gpus(snakemake.resources.get("gpu", 0))
began = time.time()
time.sleep(0.5)
Path(snakemake.output[0]).write_text(json.dumps([os.environ["CUDA_VISIBLE_DEVICES"], began, time.time()]))
"""


def environment(gpus):
    return {**os.environ, "PYTHONPATH": str(SCRIPTS), "CUDA_VISIBLE_DEVICES": ",".join(gpus)}


def workflow(folder, *arguments):
    (folder / "Snakefile").write_text(WORKFLOW)
    (folder / "work.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "snakemake", "--cores", "4", "--profile", str(ROOT / "profiles/gpu"), *arguments]
    run = subprocess.run(command, cwd=folder, env=environment(GPUS), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [json.loads(path.read_text()) for path in folder.glob("*.json")]


def at_once(times):
    """Most of them at any moment."""
    return max(sum(began <= moment < ended for _, began, ended in times) for _, moment, _ in times)


def test_jobs_at_the_same_time_have_different_gpus(tmp_path):
    """Also where Snakemake may run more jobs at once than there are GPUs."""
    times = workflow(tmp_path, "--resources", "gpu=6")
    assert len(times) == 5 and {gpu for gpu, *_ in times} == set(GPUS) and at_once(times) == 2
    for name in GPUS:
        assert at_once([line for line in times if line[0] == name]) == 1


def test_the_gpu_profile_as_it_is_runs_one_gpu_job_at_a_time(tmp_path):
    assert at_once(workflow(tmp_path, "0.json", "1.json")) == 1


def python(code, gpus, **options):
    text = f"import os\nfrom understudy.gpus import use_gpus\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", text], env=environment(gpus), stdout=subprocess.PIPE, text=True, **options
    )


def told(process):
    return process.communicate(timeout=20)[0].strip()


SHOW = "print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True)\n"


@pytest.mark.parametrize(
    ("gpus", "count", "seen"),
    [(GPUS, 0, ""), (GPUS, 1, "test-a"), (GPUS, 2, "test-a,test-b"), (["7"], 1, "7"), (["7"], 2, "7"), ([], 1, "")],
)
def test_a_job_sees_as_many_gpus_as_it_asked_for(gpus, count, seen):
    assert told(python(f"use_gpus({count})\n{SHOW}", gpus)) == seen


def test_a_gpu_is_free_again_when_its_job_is_killed_and_awaited_until_then():
    three = [*GPUS, "test-c"]
    holder = python(f"use_gpus(2)\n{SHOW}input()", three, stdin=subprocess.PIPE)
    assert holder.stdout.readline().strip() == "test-a,test-b"
    assert told(python(f"use_gpus(1)\n{SHOW}", three)) == "test-c"  # what is left
    waiting = python(f"use_gpus(2)\n{SHOW}", three)
    time.sleep(1.0)
    assert waiting.poll() is None
    assert told(python(f"use_gpus(1)\n{SHOW}", three)) == "test-c"  # one that waits for two keeps none
    holder.kill()
    assert told(waiting) == "test-a,test-b"
    holder.wait()


@pytest.mark.parametrize(
    ("value", "names"), [("", []), ("-1", []), ("0, 3", ["0", "3"]), ("GPU-1a,MIG-2", ["GPU-1a", "MIG-2"])]
)
def test_gpus_that_may_be_used_are_those_that_the_environment_names(monkeypatch, value, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert visible_gpus() == names


def test_scripts_of_rules_with_a_gpu_take_it_before_they_work():
    found = set()
    for path in (ROOT / "rules").glob("*.smk"):
        for block in re.split(r"^rule ", path.read_text(), flags=re.M)[1:]:
            script = (SCRIPTS / re.search(r'script:\s*"\.\./scripts/([^"]+)"', block)[1]).read_text()
            takes = 'snakemake.resources.get("gpu", 0)' in script
            assert takes == bool(re.search(r"^ {8}gpu=", block, flags=re.M)), block[:20]
            found |= {block[: block.index(":")]} if takes else set()
    assert found == {
        "keypoints", "silhouettes", "parsing", "avatar", "baking", "evaluate", "reenactment", "motion", "comparison",
    }  # fmt: skip


def test_where_the_environment_names_none_the_driver_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'GPU 0: NVIDIA A (UUID: GPU-1)'\necho '  MIG 1g (UUID: MIG-1)'\necho 'GPU 1: NVIDIA B'\n"
    )
    program.chmod(0o755)
    assert visible_gpus() == ["0", "1"]
    program.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    assert visible_gpus() == []
    program.unlink()
    assert visible_gpus() == []


@pytest.mark.parametrize(("gpus", "seen"), [(None, "7"), (0, ""), (1, "7")])
def test_a_job_sees_the_gpus_that_its_rule_asks_for(tmp_path, gpus, seen):
    code = (
        "import os, sys\nfrom understudy.job import run_job\n"
        f"run_job(lambda: print(os.environ['CUDA_VISIBLE_DEVICES']), sys.argv[1], 'avatar', 1, (), {gpus})"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "7", "PYTHONPATH": str(SCRIPTS)}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.log")], capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0 and run.stdout.strip() == seen, run.stderr
