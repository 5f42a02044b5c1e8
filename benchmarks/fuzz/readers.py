"""Damaged and malicious files for every reader: only InputError may come out, soon and without much memory.

python -m benchmarks.fuzz.readers [--seconds 600] [--only BVH] [--engine mutation|atheris] [--keep folder]

Each reader runs in a process of its own on valid files with things wrong (``mutation.py``), seeded. A finding is any other
error, a crash, more than SECONDS of time or MEGABYTES of memory; its files are kept, and a table of all readers is printed.
The engine atheris (pip install atheris) is guided by coverage, for readers of one file.
"""

import argparse
import json
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

SECONDS = 10
MEGABYTES = 1500
READERS = 2
"""That run at the same time."""


def main() -> int:
    """Run all readers and print the table; the status is the number of findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="of all readers together")
    parser.add_argument("--only", nargs="*", help="names of readers")
    parser.add_argument("--engine", choices=("mutation", "atheris"), default="mutation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for findings; default a new one")
    options = parser.parse_args()
    with instrumented(options.engine):
        from benchmarks.fuzz.targets import TARGETS
    wanted = [name for name, target in TARGETS.items() if target.raw or options.engine == "mutation"]
    wanted = [name for name in wanted if not options.only or name in options.only]
    each, waiting, running, rows = options.seconds * READERS / len(wanted), wanted[::-1], {}, {}
    options.keep = options.keep or Path(tempfile.mkdtemp(prefix="understudy-findings-"))
    options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        while waiting or running:
            while waiting and len(running) < READERS:
                name = waiting.pop()
                running[name] = Reader(name, each, options, Path(scratch, str(len(waiting))))
            for name, reader in list(running.items()):
                if reader.ended():
                    rows[name] = reader.row()
                    del running[name]
            time.sleep(0.2)
    print("| reader | executions | refused | read | findings |\n|---|---|---|---|---|")
    total = [sum(row[column] for row in rows.values()) for column in range(4)]
    for name, row in [*((name, rows[name]) for name in wanted), ("all", total)]:
        print(f"| {name} | " + " | ".join(map(str, row)) + " |")
    if any(options.keep.iterdir()):
        print(f"findings are in {options.keep}")
    else:
        options.keep.rmdir()
    return total[3]


class Reader:
    """The process of one reader, begun again after each crash."""

    def __init__(self, name: str, seconds: float, options: argparse.Namespace, scratch: Path) -> None:
        self.name, self.options, self.scratch = name, options, scratch
        self.counts, self.found, self.seed = [0, 0, 0], set[str](), options.seed
        self.until = time.monotonic() + seconds
        self._begin()

    def ended(self) -> bool:
        """Whether its time is over; a reader that hangs is killed, one that crashed begins anew."""
        state = self.scratch / "state.json"
        silent = time.time() - (state if state.exists() else self.scratch).stat().st_mtime > 6 * SECONDS
        if self.process.is_alive() and not silent:
            return False
        self.process.kill()
        self.process.join()
        status = self.process.exitcode
        if state.exists():
            content = json.loads(state.read_text())
            self.counts = [a + b for a, b in zip(self.counts, content["counts"], strict=True)]
            self.found |= set(content["found"])
        if status == 0 and not silent:
            return True
        words = (self.scratch / "errors.txt").read_text()[-2000:] if (self.scratch / "errors.txt").exists() else ""
        what = "it hangs" if silent else f"ended with status {status}\n{words}"
        self.found.add(what.splitlines()[0])
        keep(self.scratch / "files", self.options.keep, self.name, what)
        if time.monotonic() > self.until:
            return True
        self.seed += 1000
        self._begin()
        return False

    def row(self) -> list[int]:
        """Executions, refusals, files that were read, findings."""
        return [*self.counts, len(self.found)]

    def _begin(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        work = Work(self.name, max(1.0, self.until - time.monotonic()), self.seed, self.scratch, self.options)
        # of this process, which has loaded everything
        self.process = multiprocessing.get_context("fork").Process(target=read_on, args=(work,))
        self.process.start()


@dataclass(frozen=True)
class Work:
    """What one process does."""

    name: str
    seconds: float
    seed: int
    scratch: Path
    options: argparse.Namespace


class TooSlow(BaseException):
    """A reader takes longer than SECONDS."""


class Trial:
    """One reader in this process."""

    def __init__(self, work: Work) -> None:
        from benchmarks.fuzz.targets import TARGETS

        self.name, self.keep, self.scratch = work.name, work.options.keep, work.scratch
        self.target = TARGETS[work.name]
        origin = self.scratch / "origin"
        origin.mkdir()
        self.target.make(origin)
        self.valid = {path.relative_to(origin): path.read_bytes() for path in origin.rglob("*") if path.is_file()}
        self.counts, self.found = [0, 0, 0], dict[str, str]()
        self.target.read(origin)  # that is what valid means
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = held + (2 * MEGABYTES << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.signal(signal.SIGALRM, self._too_slow)

    def run(self, files: dict[Path, bytes]) -> None:
        """Let the reader read these files, and count what comes of it."""
        from understudy.errors import InputError

        folder = self.scratch / "files"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        self.counts[0] += 1
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        signal.alarm(SECONDS)
        try:
            self.target.read(folder)
            self.counts[2] += 1
        except InputError:
            self.counts[1] += 1
        except (Exception, TooSlow) as error:
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "understudy" in frame.filename]
            place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
            self.note(f"{type(error).__name__} at {place}", traceback.format_exc())
        finally:
            signal.alarm(0)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > MEGABYTES << 10:
            self.note("much memory", "")
        (self.scratch / "state.new").write_text(json.dumps({"counts": self.counts, "found": list(self.found)}))
        os.replace(self.scratch / "state.new", self.scratch / "state.json")

    def note(self, what: str, details: str) -> None:
        """Keep the files of a new finding."""
        if what not in self.found:
            self.found[what] = details
            keep(self.scratch / "files", self.keep, self.name, f"{what}\n{details}")

    def _too_slow(self, number: int, frame: Any) -> None:
        raise TooSlow


def keep(files: Path, folder: Path, name: str, what: str) -> None:
    """Copy a finding's files, and say what it is."""
    place = folder / f"{name.replace(' ', '_').replace(',', '')}-{len(list(folder.iterdir())):03d}"
    place.mkdir()
    if files.is_dir():
        shutil.copytree(files, place, dirs_exist_ok=True)
    (place / "finding.txt").write_text(what)


def read_on(work: Work) -> None:
    """Mutate and read until the time is over."""
    os.dup2(os.open(work.scratch / "errors.txt", os.O_WRONLY | os.O_CREAT, 0o644), 2)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if work.options.engine == "atheris":
        read_guided(work)
        return
    from benchmarks.fuzz.mutation import mutated

    trial, random, until = Trial(work), Random(f"{work.seed} {work.name}"), time.monotonic() + work.seconds
    names = sorted(trial.valid)
    while time.monotonic() < until:
        chosen = random.choice(names)
        trial.run({**trial.valid, chosen: mutated(trial.valid[chosen], random)})


def read_guided(work: Work) -> None:
    """As ``read_on``, led by atheris to bytes that reach new lines."""
    import atheris

    trial = Trial(work)
    [name] = trial.valid
    corpus = work.scratch / "corpus"
    corpus.mkdir()
    (corpus / "valid").write_bytes(trial.valid[name])
    arguments = [
        f"-max_total_time={max(1, int(work.seconds))}",
        "-timeout=60",
        "-rss_limit_mb=0",
        f"-seed={work.seed + 1}",
    ]
    longest = f"-max_len={4 * len(trial.valid[name])}"
    atheris.Setup([sys.argv[0], *arguments, longest, str(corpus)], lambda data: trial.run({name: data}))
    atheris.Fuzz()


def instrumented(engine: str) -> AbstractContextManager[Any]:
    """What is imported within tells the engine atheris which of its lines are reached."""
    if engine != "atheris":
        return nullcontext()
    import atheris

    return atheris.instrument_imports(include=["understudy", "tarfile", "pickle", "zipfile"])


if __name__ == "__main__":
    sys.exit(min(main(), 100))
