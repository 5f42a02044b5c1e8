"""What planning and telling of many videos costs: dry runs, the digests of the code, status and summary, on empty stand-ins.

python -m benchmarks.scale.planning [--videos 1000]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.support.runs import REPOSITORY
from understudy.batch.code import code_digest
from understudy.batch.status import all_statuses
from understudy.batch.summary import write_summary
from understudy.stages import STAGES


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=1000)
    count = parser.parse_args().videos
    print("| what | wall clock, s | CPU, s | peak MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data/videos").mkdir(parents=True)
        (folder / "models").symlink_to(REPOSITORY / "models")
        actors = [f"actor{number:05d}" for number in range(count)]
        for actor in actors:
            (folder / "data/videos" / f"{actor}.mp4").touch()
        workflow(f"`snakemake -n -q` of {count} videos", folder, "--quiet")
        workflow(f"`snakemake -n` of {count} videos, every job printed", folder)
        workflow(
            f"`snakemake -n` of one report among {count} videos", folder, f"results/{actors[count // 2]}/report.html"
        )
        library("digests of the code of all scripts, part of each of these", digests)
        finish(folder, actors)
        library(f"`understudy status` of {count} finished videos", lambda: all_statuses(folder / "results"))
        library(f"summary.tsv and index.html of {count} finished videos", lambda: write_summary(folder / "results"))


def workflow(what: str, folder: Path, *arguments: str) -> None:
    """Plan in a new process and print a line of the table."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", *arguments, "--snakefile", str(REPOSITORY / "Snakefile")]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"error: {' '.join(command)} failed")
    seconds = time.monotonic() - started
    print(f"| {what} | {seconds:.1f} | {used.ru_utime + used.ru_stime:.1f} | {used.ru_maxrss / 1024:.0f} |", flush=True)


def library(what: str, call: Callable[[], object]) -> None:
    """Call here and print a line of the table."""
    started, used = time.monotonic(), time.process_time()
    call()
    print(f"| {what} | {time.monotonic() - started:.2f} | {time.process_time() - used:.2f} | |", flush=True)


def digests() -> None:
    """What a Snakefile works out when all rules are asked for."""
    for script in sorted((REPOSITORY / "scripts").glob("*.py")):
        code_digest(script)


def finish(folder: Path, actors: list[str]) -> None:
    """All files that the summary looks at, of all actors."""
    scores = {f"{name}_person_box_on_white": {"mean": 1.0, "per_frame": [1.0] * 40} for name in ("psnr", "ssim")}
    contents = {
        "frames.json": json.dumps({"source_frames": list(range(300))}),
        "metrics.json": json.dumps({"with_pose_refinement": scores}),
        "held_out/000004.png": "",
    }
    contents |= {f"benchmarks/{stage.name}.tsv": "s\tmax_rss\n1.0\t100.0\n" for stage in STAGES}
    for actor in actors:
        for file in (*contents, *(file for stage in STAGES for file in stage.files)):
            path = folder / "results" / actor / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(contents.get(file, ""))


if __name__ == "__main__":
    main()
