"""Calls of the tiny workflow with faults, and what its files are afterwards."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.support.runs import REPOSITORY
from understudy import stages

ACTOR = "tiny"
_BESIDES = {
    "frames": ("frames",),
    "avatar": ("training.json",),
    "evaluate": ("held_out",),
    "motion": ("renders/walk.mp4",),
    "export": tuple(f"exports/{name}" for name in ("avatar.vrm", "avatar.ply", "avatar.spz", "mesh.obj")),
    "dataset": ("datasets/easymocap",),
}
_FILES = {stage.name: stage.files for stage in stages.STAGES}
STAGES = {name: _FILES.get(name, ()) + _BESIDES.get(name, ()) for name in _FILES | _BESIDES}
"""Rule and what it writes."""


@dataclass
class Run:
    """What became of one call of Snakemake."""

    status: int
    output: str
    seconds: float
    struck: float | None
    """Seconds from the fault to the end."""


def workplace(folder: Path) -> None:
    """An empty place for the tiny demo."""
    (folder / "data/videos").mkdir(parents=True)
    for name in ("models", "data/demo", "data/motions"):
        (folder / name).symlink_to(REPOSITORY / name)
    options = yaml.safe_load((REPOSITORY / "tests/tiny.yaml").read_text())
    options["actors"][ACTOR]["avatar"]["steps"] = 30
    (folder / "tiny.yaml").write_text(yaml.safe_dump(options))


def restore(good: Path, folder: Path) -> None:
    """The finished files again, with their times."""
    for name in ("results", ".snakemake", "logs"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(good / name, folder / name, symlinks=True)


def snakemake(folder: Path, *arguments: str, fault: str = "", when: str = "writing", limit: float = 400.0) -> Run:
    """Call the workflow, with a fault that comes over its stages (``hook/``)."""
    note = folder / "fault.note"
    note.unlink(missing_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if fault:
        environment |= {"UNDERSTUDY_FAULT": fault, "UNDERSTUDY_FAULT_WHEN": when, "UNDERSTUDY_FAULT_NOTE": str(note)}
        environment["PYTHONPATH"] = str(Path(__file__).parent / "hook")
    started = time.time()
    with open(folder / "output.txt", "w") as output:
        words = command(folder, *arguments, "--configfile", str(folder / "tiny.yaml"))
        process = subprocess.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        try:
            status = process.wait(limit)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    ended = time.time()
    struck = ended - float(note.read_text()) if note.exists() and note.read_text() else None
    return Run(status, (folder / "output.txt").read_text(), ended - started, struck)


def command(folder: Path, *arguments: str) -> list[str]:
    """A call of Snakemake in a folder."""
    words = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--cores",
        "2",
        "--nocolor",
    ]
    return [*words, "--directory", str(folder), *arguments]


def again(folder: Path, stage: str, **more: str) -> Run:
    """Make a stage's files once more."""
    files = [f"results/{ACTOR}/{name}" for name in STAGES[stage]]
    return snakemake(folder, *files, "--forcerun", stage, "--until", stage, **more)  # type: ignore[arg-type]


def litter(folder: Path) -> list[str]:
    """Unfinished files in the results."""
    place = folder / "results" / ACTOR
    return sorted(str(path.relative_to(place)) for path in place.rglob(".*") if path.name != ".snakemake_timestamp")


def digests(folder: Path, stage: str) -> dict[str, str]:
    """Digests of what a stage writes."""
    return {name: digest(folder / "results" / ACTOR / name) for name in STAGES[stage]}


def digest(path: Path) -> str:
    """Of a file or a folder; times that a training or a page tells are left out."""
    if path.is_dir():
        parts = [f"{part.name} {digest(part)}" for part in sorted(path.rglob("*")) if part.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if not path.exists():
        return "none"
    if path.suffix == ".tar":  # of what was trained the sizes: numbers agree to six digits, see training.json
        with tarfile.open(path) as archive:
            parts = [f"{info.name} {info.size if info.name.startswith('weights') else ''}" for info in archive]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if path.name == "training.json":
        return f"{sum(json.loads(path.read_text())['psnr'][-10:]) / 10:.2f} dB"
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        if isinstance(content, dict):
            content = {key: value for key, value in content.items() if "second" not in key}
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()
    data = path.read_bytes()
    if path.name == "report.html":  # costs, and pictures of curves
        data = re.sub(rb"[\d.]+ ?(s|min|h|MB|GB|kB)\b|style=\"[^\"]*\"", b"", data)
    return hashlib.sha256(data).hexdigest()
