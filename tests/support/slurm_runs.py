"""Three tiny videos and one that shows nobody, on a SLURM of one node, by the SLURM profile."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.support.one_node_slurm import one_node
from tests.support.paths import ROOT
from tests.support.videos import make_video, numbered

SNAKEMAKE = """
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
RemoteExecutor.next_seconds_between_status_checks = property(lambda executor: 1, lambda executor, value: None)
from snakemake.cli import main
main()
"""
"""Snakemake that asks after its jobs each second; the plugin's own pauses, made for busy clusters, grow by 10 s."""

ACTORS = ("anna", "bob", "cleo")
OPTIONS = {
    "frames": {"max_frames": 12, "max_size": 320},
    "fitting": {"backend": "regressor"},
    "canonical": {"texture_size": 128},
    "avatar": {"steps": 6, "align_steps": 0, "final_align_steps": 0},
    "gaussians": {"count": 1500},
    "evaluate": {"refine_steps": 0},
    "turntable": {"frames": 6, "width": 90, "height": 160},
    "export": {"texture_size": 128},
}
"""As little work as can be."""


@dataclass(frozen=True)
class Job:
    """What SLURM tells of a job: its own fields, and what it was for."""

    number: int
    what: str
    state: str
    minutes: int
    memory_mb: int
    cpus: int
    gpus: int
    partition: str
    seconds: int


@dataclass(frozen=True)
class Outcome:
    folder: Path
    status: int
    jobs: list[Job]

    def of(self, what: str) -> list[Job]:
        """Jobs for a rule and actor, or for a group, in the order in which they were submitted."""
        return [job for job in self.jobs if job.what.startswith(what)]


def read_job(line: str) -> Job:
    """A line of ``scontrol show job --details --oneliner``."""

    def field(pattern: str) -> str:
        found = re.search(pattern, line)
        return found[1] if found else ""

    return Job(
        number=int(field(r"JobId=(\d+)")),
        what=field(r"StdOut=\S*/slurm_logs/(?:group|rule)_(\S+)/\d+\.log"),
        state=field(r"JobState=(\S+)"),
        minutes=int(field(r"TimeLimit=(\d+):")) * 60 + int(field(r"TimeLimit=\d+:(\d+)")),
        memory_mb=int(field(r"MinMemoryNode=(\d+)M")),
        cpus=int(field(r"CPUs/Task=(\d+)")),
        gpus=int(field(r"TresPerJob=gres:gpu:(\d+)") or 0),
        partition=field(r"Partition=(\S+)"),
        seconds=sum(
            unit * int(part) for unit, part in zip((3600, 60, 1), field(r"RunTime=([\d:]+)").split(":"), strict=True)
        ),
    )


def cluster_profile() -> dict:
    """The profile as a lab would change it for this cluster; one video's training asks for less memory than it needs at first."""
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    profile["default-resources"]["slurm_partition"] = "main"
    profile["set-resources"]["avatar"]["slurm_partition"] = "gpu"
    profile["set-resources"]["avatar"]["mem_mb"] = "400 * attempt ** 2 if wildcards.actor == 'bob' else 1600"
    return profile | {
        "retries": 1,
        "latency-wait": 5,
        "slurm-status-command": "squeue",  # no accounting here
        "slurm-init-seconds-before-status-checks": 1,
        "slurm-keep-successful-logs": True,
    }


def run_videos(folder: Path, cluster: Path, wanted: str) -> Outcome:
    """Ask for one file of each of the four on a cluster of 24 pretended cores and three pretended GPUs.

    Args:
        folder: To work in; ``snakemake.log`` and ``jobs.txt``, as SLURM shows them, are written there.
        cluster: For the cluster's own files.
        wanted: Name of the file.
    """
    (folder / "models").symlink_to(ROOT / "models")
    (folder / "data/videos").mkdir(parents=True)
    for actor in ACTORS:
        (folder / f"data/videos/{actor}.mp4").symlink_to(ROOT / "data/demo/tiny.mp4")
    make_video(folder / "data/videos/empty_room.mp4", numbered(12))
    (folder / "tiny.yaml").write_text(yaml.safe_dump(OPTIONS))
    (folder / "profile").mkdir()
    (folder / "profile/config.yaml").write_text(yaml.safe_dump(cluster_profile()))
    targets = [f"results/{actor}/{wanted}" for actor in (*ACTORS, "empty_room")]
    command = [sys.executable, "-c", SNAKEMAKE, *targets, "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", "tiny.yaml", "--profile", "profile"]
    with one_node(cluster, cpus=24, memory_mb=60_000):
        with open(folder / "snakemake.log", "w") as log:
            status = subprocess.run(command, cwd=folder, stdout=log, stderr=log, timeout=1800).returncode
        shown = subprocess.run(["scontrol", "show", "job", "-d", "-o"], capture_output=True, text=True).stdout
    (folder / "jobs.txt").write_text(shown)
    return Outcome(folder, status, [read_job(line) for line in shown.splitlines()])
