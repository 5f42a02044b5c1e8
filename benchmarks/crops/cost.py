"""What the frames of a 4K clip cost: time and memory, cropped and whole.

    python -m benchmarks.crops.cost --seconds 20

The clip is the wide one of ``landscape``, enlarged to 3840x2160 and played again and again.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.crops.landscape import DEMO, compose
from understudy.backends.mediapipe import person_finder
from understudy.video.clip import VideoFile
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.write import write_video

PERSON_PX = 760.0
"""Height of the person in the demo."""
RATE = 30.0


def make_clip(folder: Path, seconds: float) -> Path:
    """The clip."""
    wide, path = folder / "wide.mp4", folder / "wide_4k.mp4"
    compose(DEMO, wide, PERSON_PX)
    pictures = [picture.pixels for _, picture in VideoFile(wide).read(np.arange(0, 96, 4), 4096)]
    count = round(seconds * RATE)
    again = (pictures[index // 4 % len(pictures)] for index in range(count))
    large = (cv2.resize(picture, (3840, 2160), interpolation=cv2.INTER_CUBIC) for picture in again)
    write_video(path, large, RATE, crf=20)
    return path


def measure(clip: Path, crop: bool) -> None:
    """Extract the frames in this process, and print what it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        frames = extract_frames(
            clip, Path(folder) / "frames", Path(folder) / "frames.json", FramesConfig(crop=crop),
            person_finder() if crop else None, threads=2,
        )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.monotonic() - began
    size = f"{frames.width}x{frames.height}"
    print(f"| {'cropped' if crop else 'whole'} | {len(frames)} of {size} px | {seconds:.1f} s | {peak:.0f} MB |")


def main() -> None:
    """Make the clip, and measure each way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--measure", choices=("cropped", "whole"), help=argparse.SUPPRESS)
    parser.add_argument("--clip", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.clip, given.measure == "cropped")
        return
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder), given.seconds)
        for way in ("whole", "cropped"):
            command = [sys.executable, "-m", "benchmarks.crops.cost", "--measure", way, "--clip", str(clip)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
