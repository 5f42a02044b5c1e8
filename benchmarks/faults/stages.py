"""What happens when a stage is killed, stopped, or finds no memory, no disk or a damaged file: on the tiny workflow, for real.

python -m benchmarks.faults.stages [--folder finished tiny run] [--only kill stop memory disk damage rest]
    [--stages fitting avatar]

Prints a table: fault, stage, what is expected, what was seen. Without --folder the tiny demo is made first. The disk that is
full is a small tmpfs, for which root is needed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.tiny import (
    ACTOR,
    STAGES,
    Run,
    again,
    command,
    digest,
    digests,
    litter,
    restore,
    snakemake,
    workplace,
)
from benchmarks.support.runs import REPOSITORY

FEW = ("frames", "fitting", "avatar", "export")
"""Stages for what does not differ between them."""

DAMAGED = {
    "frames/000003.jpg": "keypoints", "frames.json": "keypoints", "keypoints.npz": "silhouettes", "alpha/000003.png": "fitting",
    "smpl.npz": "matting", "matte/000003.png": "parsing", "trimap/000003.png": "avatar", "parsing/000003.png": "canonical",
    "canonical.npz": "avatar", "avatar.tar": "turntable", "metrics.json": "report", "training.json": "report",
}  # fmt: skip
"""A file that one stage hands to the next, and a rule that reads it."""


def main() -> None:
    """Bring all faults about and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a folder in which the tiny demo is finished")
    parser.add_argument("--only", nargs="*", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--stages", nargs="*", default=list(STAGES), choices=list(STAGES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="understudy-faults-") as name:
        folder = Path(name, "work")
        if options.folder:
            shutil.copytree(options.folder, folder, symlinks=True)
        else:
            workplace(folder)
        made = snakemake(folder, *(f"results/{ACTOR}/{file}" for files in STAGES.values() for file in files))
        if made.status:
            sys.exit(made.output)
        print("| fault | stage | expected | seen |\n|---|---|---|---|", flush=True)
        good = Path(name, "good")
        shutil.copytree(folder, good, symlinks=True)
        for fault in options.only:
            for row in FAULTS[fault](folder, options.stages):
                print("| " + " | ".join(row) + " |", flush=True)
                restore(good, folder)


def killed(folder: Path, stages: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """SIGKILL of the stage while it writes, and of the whole run just before it is done."""
    expected = "nothing of it seems done; run again: the same bytes, nothing left over"
    for stage in stages:
        before = digests(folder, stage)
        for fault, when, what in (("SIGKILL", "writing", "the stage killed"), ("GROUP", "naming", "all killed")):
            if fault == "GROUP" and stage not in FEW:
                continue
            run = again(folder, stage, fault=fault, when=when)
            seen = [] if run.struck is not None else ["it came to no harm"]
            half = [name for name in STAGES[stage] if (folder / "results" / ACTOR / name).exists()]
            # of several files the first may be whole; Snakemake has marked them as not finished
            half = [name for name in half if digest(folder / "results" / ACTOR / name) != before[name]]
            seen += [f"{', '.join(half)} is there but is not whole"] if half else ["nothing seems done"]
            if fault == "GROUP":
                locked = snakemake(folder, f"results/{ACTOR}/{STAGES[stage][0]}")
                seen += ["locked, named" if "--unlock" in locked.output else "not locked"]
                snakemake(folder, "--unlock")
            rerun = snakemake(folder, *(f"results/{ACTOR}/{name}" for name in STAGES[stage]), "--until", stage)
            changed = [name for name, value in digests(folder, stage).items() if value != before[name]]
            left = litter(folder)
            seen += [f"again: status {rerun.status}", f"{', '.join(changed)} differ" if changed else "the same bytes"]
            seen += [f"left over: {', '.join(left)}"] if left else ["nothing left over"]
            yield what, stage, expected, "; ".join(seen)


def stopped(folder: Path, stages: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """SIGTERM and Ctrl-C of the stage while it writes."""
    for stage in stages:
        for name, status in (("SIGTERM", 143), ("SIGINT", 130)):
            if name == "SIGINT" and stage not in FEW:
                continue
            run = again(folder, stage, fault=name)
            log = "".join(path.read_text() for path in (folder / "logs" / stage).rglob("*.log"))
            seen = [f"ended after {run.struck:.1f} s" if run.struck is not None else "it came to no harm"]
            seen += ["one sentence" if f"was stopped by {name}" in log else "no sentence"]
            seen += ["traceback"] if "Traceback" in run.output + log else ["no traceback"]
            seen += [f"left over: {', '.join(litter(folder))}"] if litter(folder) else ["nothing left over"]
            yield name, stage, f"status {status} soon, a sentence, nothing left over", "; ".join(seen)


def starved(folder: Path, stages: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """No more memory than the stage has when it begins, and 48 MB."""
    for stage in stages:
        run = again(folder, stage, fault="MEMORY")
        sentence = re.search(r"error: (.*ran out of memory.*)", run.output)
        seen = "a sentence" if sentence else "it needs no more" if run.status == 0 else last_words(run)
        left = litter(folder)
        yield (
            "no memory",
            stage,
            "a sentence that names the stage",
            seen + (f"; left over: {', '.join(left)}" if left else ""),
        )


def filled(folder: Path, stages: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """A disk with 24 kB to spare under results."""
    if os.geteuid():
        yield "disk full", "all", "a sentence", "not tried: root is needed to mount a small disk"
        return
    for stage in stages:
        with small_disk(folder / "results", stage):
            run = again(folder, stage)
            left = litter(folder)
        said = re.search(r"error: .*(disk is full|No space left).*", run.output)
        seen = ["a sentence" if said else "it found room" if run.status == 0 else last_words(run)]
        seen += ["traceback"] if "Traceback" in run.output else []
        seen += [f"left over: {', '.join(left)}" if left else "nothing left over"]
        yield "disk full", stage, "a sentence, nothing left over", "; ".join(seen)


@contextmanager
def small_disk(place: Path, stage: str) -> Iterator[None]:
    """``place`` on a tmpfs that is all but full once the stage's own files are gone."""
    aside = place.with_name("aside")
    place.rename(aside)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(place)], check=True)
    try:
        shutil.copytree(aside, place, symlinks=True, dirs_exist_ok=True)
        for name in STAGES[stage]:
            path = place / ACTOR / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        used = shutil.disk_usage(place).used
        subprocess.run(["mount", "-o", f"remount,size={used + 24576}", str(place)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()
        aside.rename(place)


def damaged(folder: Path, stages: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Half of a file that one stage hands to another."""
    for name, stage in DAMAGED.items():
        if stage not in stages:
            continue
        path = folder / "results" / ACTOR / name
        times, data = path.stat(), path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        run = again(folder, stage)
        said = re.findall(r"^error: (.*)$", run.output, flags=re.MULTILINE)
        named = [line for line in said if f"results/{ACTOR}/{name}" in line]
        advice = (
            "with what to do" if any("snakemake" in line or "anew" in line for line in named) else "without what to do"
        )
        seen = (
            f"named, {advice}"
            if named
            else (said[0] if said else "it did not matter" if run.status == 0 else "a traceback")
        )
        yield f"half of {name}", stage, "named, with what to do", seen


def rest(folder: Path, stages: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Two runs at once, read-only folders, and clocks that are wrong."""
    keypoints = (f"results/{ACTOR}/keypoints.npz", "--forcerun", "keypoints", "--configfile", str(folder / "tiny.yaml"))
    first = subprocess.Popen(command(folder, *keypoints), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not list((folder / ".snakemake/locks").glob("*")) and time.monotonic() < until:
        time.sleep(0.05)
    second = again(folder, "keypoints")
    explained = "cannot be locked" in second.output and "--unlock" in second.output
    words = "the lock is explained" if explained else "no word of the lock"
    seen = f"second: status {second.status}, {words}; first: status {first.wait()}"
    yield "two runs in one folder", "any", "the second ends at once with a sentence, the first goes on", seen
    for place, stage in (("models", "fitting"), ("results", "fitting")):
        yield (
            f"read-only {place}",
            stage,
            "no matter" if place == "models" else "a sentence",
            read_only(folder, place, stage),
        )
    ahead = time.time() + 86400
    video = folder / "data/videos/tomorrow.mp4"
    shutil.copy(REPOSITORY / "data/demo/tiny.mp4", video)
    os.utime(video, (ahead, ahead))
    words = command(folder, "results/tomorrow/frames.json")
    runs = [subprocess.run(words, capture_output=True, text=True) for _ in range(2)]
    kept = "kept" if (folder / "results/tomorrow/frames.json").exists() else "not kept"
    warned = "a sentence says what to do" if "dated in the future" in runs[0].stderr else "not said"
    seen = f"status {runs[0].returncode}, {runs[1].returncode}; {kept}; {warned}"
    yield (
        "a video from tomorrow",
        "frames",
        "no run keeps its frames, and a sentence says what to do",
        seen,
    )
    video.unlink()


def read_only(folder: Path, place: str, stage: str) -> str:
    """What a stage says where a folder cannot be written."""
    if os.geteuid():
        return "not tried: root is needed to mount"
    target = folder / place
    where = target.resolve()
    subprocess.run(["mount", "--bind", str(where), str(where)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(where)], check=True)
        run = again(folder, stage)
    finally:
        subprocess.run(["umount", str(where)], check=True)
    said = re.findall(r"^.*(?:error: |[Rr]ead-only|Write-protected).*$", run.output, flags=re.MULTILINE)
    return f"status {run.status}" + (f": {said[0].strip()[:160]}" if run.status and said else "")


def last_words(run: Run) -> str:
    """How a stage ended that says no sentence."""
    lines = [
        line.strip() for line in run.output.splitlines() if re.search(r"Error|error:|Killed|Aborted|core dumped", line)
    ]
    return f"status {run.status}: " + (lines[0][:120] if lines else "no word")


FAULTS: dict[str, Callable[[Path, list[str]], Iterator[tuple[str, str, str, str]]]] = {
    "kill": killed, "stop": stopped, "memory": starved, "disk": filled, "damage": damaged, "rest": rest,
}  # fmt: skip

if __name__ == "__main__":
    main()
