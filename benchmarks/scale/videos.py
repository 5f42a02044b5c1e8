"""What the length of a video and the number of videos cost.

    python -m benchmarks.scale.videos [--video data/videos/actor.mp4] [--frames 100 300 1000 3000] [--plot docs/images/scale.png]
    python -m benchmarks.scale.videos --videos 8

The first makes videos of so many frames, the given one forwards and backwards, and prints CPU seconds and peak memory of every
stage for each; training has the same, few, steps for all. The second makes avatars of copies of the tiny demo, and prints
what all took against the sum of their stages.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np
import yaml
from matplotlib.figure import Figure

from benchmarks.support.runs import REPOSITORY, STEPS, Run, fresh_run
from understudy.formats.benchmarks import Spent
from understudy.video.write import write_video

TINY = REPOSITORY / "data/demo/tiny.mp4"
SIZE = 320
"""Longest side of the frames, px."""
SHORT = {"steps": 200, "gaussians": 5000}
"""A training that is short, since its length does not go by the video's."""
Costs = dict[int, dict[str, Spent]]
"""Of each stage by the number of frames."""


def main() -> None:
    """Measure one of both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=REPOSITORY / "data/videos/actor.mp4")
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 300, 1000, 3000])
    parser.add_argument("--plot", type=Path, help="PNG to write")
    parser.add_argument("--videos", type=int, help="measure so many videos instead")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument(
        "--folder", type=Path, help="working folder; default a new temporary one; what is there is kept"
    )
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="understudy-"))
    folder.mkdir(parents=True, exist_ok=True)
    if options.videos:
        print_throughput(options.videos, options.cores, folder)
        return
    costs = {count: length_costs(options.video, count, options.cores, folder) for count in options.frames}
    print_lengths(costs)
    if options.plot:
        plot_lengths(costs, options.plot)


def length_costs(video: Path, count: int, cores: int, folder: Path) -> dict[str, Spent]:
    """What each stage cost for a video of ``count`` frames."""
    actor = f"frames{count}"
    long = folder / f"{actor}.mp4"
    if not long.exists():
        write_video(long, islice(there_and_back(video), count), 30.0)
    config = write_config(
        folder / f"{actor}.yaml", {"frames": {"max_frames": count, "max_size": SIZE}, "avatar": SHORT}
    )
    return fresh_run({actor: long}, cores, folder, config=config).costs(actor)


def there_and_back(video: Path) -> Iterator[np.ndarray]:
    """Frames of a short video, forwards and backwards without end."""
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return cycle(frames + frames[-2:0:-1])


def write_config(path: Path, options: dict[str, object]) -> Path:
    """Write a configuration file."""
    path.write_text(yaml.safe_dump(options))
    return path


def print_lengths(costs: Costs) -> None:
    """A row for each stage: CPU seconds / MB by the number of frames, and milliseconds for each frame more."""
    print("| stage | " + " | ".join(f"{count} frames: CPU s / MB" for count in costs) + " | ms a frame more |")
    print("|---" * (len(costs) + 2) + "|")
    counts = list(costs)
    stages = [stage for stage in STEPS if all(stage in of_stage for of_stage in costs.values())]
    for stage in stages:
        row = [of_stage[stage] for of_stage in costs.values()]
        print(line(stage, counts, [cost.cpu_seconds for cost in row], [cost.megabytes for cost in row]))
    whole = [sum(of_stage[stage].cpu_seconds for stage in stages) for of_stage in costs.values()]
    peaks = [float(np.nanmax([of_stage[stage].megabytes for stage in stages])) for of_stage in costs.values()]
    print(line("all / the hungriest", counts, whole, peaks))


def line(name: str, counts: Sequence[int], seconds: Sequence[float], megabytes: Sequence[float]) -> str:
    """A row of the table; the slope is that of the line through all lengths."""
    cells = [f"{cpu:.1f} / {mb:.0f}" for cpu, mb in zip(seconds, megabytes, strict=True)]
    slope = np.polyfit(counts, seconds, 1)[0] * 1000 if len(counts) > 1 else float("nan")
    return f"| {name} | {' | '.join(cells)} | {slope:.1f} |"


def plot_lengths(costs: Costs, path: Path) -> None:
    """CPU time and peak memory of every stage against the number of frames."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    counts = np.array(list(costs))
    labels = {"cpu_seconds": "CPU seconds", "megabytes": "peak memory, MB"}
    for axes, (number, label) in zip(figure.subplots(1, 2), labels.items(), strict=True):
        for hue, stage in enumerate(STEPS):
            values = [getattr(of_stage[stage], number) if stage in of_stage else np.nan for of_stage in costs.values()]
            if np.isfinite(values).any():
                axes.plot(
                    counts,
                    values,
                    color=f"C{hue % 10}",
                    linestyle="-" if hue < 10 else "--",
                    marker="o",
                    markersize=3,
                    label=stage,
                )
        axes.set(xlabel="frames", ylabel=label, ylim=(0, None), xlim=(0, None))
        axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def print_throughput(count: int, cores: int, folder: Path) -> None:
    """What ``count`` tiny videos took, against one and against the sum of their stages."""
    names = [f"tiny{number}" for number in range(count)]
    options = next(iter(yaml.safe_load((REPOSITORY / "tests/tiny.yaml").read_text())["actors"].values()))
    del options["video"]
    print(
        "| videos | cores | wall clock, s | sum of the stages, s | jobs | wall clock x cores / sum |\n|---|---|---|---|---|---|"
    )
    for actors, used in ((names[:1], 1), (names, cores)):
        place = folder / f"{len(actors)}_on_{used}"
        place.mkdir(parents=True, exist_ok=True)
        config = write_config(place / "tiny.yaml", {"actors": dict.fromkeys(actors, options)})
        run = fresh_run(dict.fromkeys(actors, TINY), used, place, config=config)
        seconds = [cost.seconds for actor in actors for cost in run.costs(actor).values()]
        print(throughput_row(run, len(actors), used, seconds), flush=True)


def throughput_row(run: Run, count: int, cores: int, seconds: Sequence[float]) -> str:
    """A line of the table."""
    ratio = run.seconds * cores / sum(seconds)
    return f"| {count} | {cores} | {run.seconds:.0f} | {sum(seconds):.0f} | {len(seconds)} | {ratio:.2f} |"


if __name__ == "__main__":
    main()
