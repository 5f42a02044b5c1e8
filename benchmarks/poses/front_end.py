"""Seconds a frame of every stage before the training, of this checkout and, where one is given, of another.

python -m benchmarks.poses.front_end VIDEO [--beside CHECKOUT] [--cores 2]

Both run the same video on the same machine, one after the other, with no option but its name; each by its own
environment (CHECKOUT/.venv).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.support.runs import REPOSITORY, STEPS
from understudy.formats.benchmarks import read_spent
from understudy.formats.frames import Frames
from understudy.stages import STAGES

FRONT_END = [stage.name for stage in STAGES[: [stage.name for stage in STAGES].index("avatar")]]
NAME = "person"


def main() -> None:
    """Run both, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--beside", type=Path, help="another checkout of the project, with its .venv")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    checkouts = [REPOSITORY] if options.beside is None else [options.beside.resolve(), REPOSITORY]
    rows, counts = [], []
    for checkout in checkouts:
        spent, frames = run(checkout, options.video.resolve(), options.cores)
        rows.append(spent)
        counts.append(frames)
        print(f"{checkout}: {frames} frames, {spent['all']:.1f} s with Snakemake's own")
    print("| stage |" + "".join(f" {checkout.name}, s a frame |" for checkout in checkouts))
    print("|---|" + "---|" * len(checkouts))
    for stage in [*FRONT_END, "all"]:
        print(f"| {stage} |" + "".join(f" {row[stage] / count:.3f} |" for row, count in zip(rows, counts, strict=True)))


def run(checkout: Path, video: Path, cores: int) -> tuple[dict[str, float], int]:
    """Seconds of every stage of a checkout before the training, and the number of frames."""
    own = checkout / ".venv/bin/python"
    python = sys.executable if checkout == REPOSITORY or not own.exists() else str(own)
    with tempfile.TemporaryDirectory(prefix="front-end-") as temporary:
        folder = Path(temporary)
        (folder / "data/videos").mkdir(parents=True)
        (folder / "data/videos" / f"{NAME}{video.suffix}").symlink_to(video)
        (folder / "models").symlink_to(checkout / "models")
        command = [python, "-m", "snakemake", "--snakefile", str(checkout / "Snakefile"), "--cores", str(cores)]
        paths = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        started = time.monotonic()
        subprocess.run(
            [*command, "--directory", str(folder), f"results/{NAME}/canonical.npz", f"results/{NAME}/trimap"],
            check=True, env=paths, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = {"all": time.monotonic() - started}
        results = folder / "results" / NAME
        for stage in (step for step in STEPS if step in FRONT_END):
            seconds[stage] = read_spent(results / "benchmarks" / f"{stage}.tsv")[-1].seconds
        return seconds, len(Frames.load(results / "frames.json"))


if __name__ == "__main__":
    main()
