"""What a landscape clip loses against a portrait one: the demo's actor at 40 % of the height of 1920x1080.

    python -m benchmarks.crops.landscape --folder /tmp/crops

The demo is made smaller and put into a wide picture, whose sides go on with its margins. It is run as it is, in cropped
frames of the wide clip, and in whole frames of it at 960 px. All know their camera.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import yaml

from benchmarks.support.runs import REPOSITORY, fresh_run
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.video.clip import VideoFile
from understudy.video.write import write_video

DEMO = REPOSITORY / "data/videos/actor.mp4"
FOCAL = 680.0
"""Of the demo, px."""
SIZE = (1920, 1080)
PERSON = 0.4
"""Height of the person in the wide picture."""
CENTRE = (0.62, 0.55)
"""Where the demo's middle comes to lie."""


def compose(video: Path, output: Path, person_px: float) -> list[float]:
    """Write the wide clip, whose person is ``PERSON`` of its height; fx, fy, cx, cy of its camera."""
    reader = VideoFile(video)
    scale = PERSON * SIZE[1] / person_px
    width, height = (round(side * scale) for side in next(iter(reader.read([0], 4096)))[1].size)
    left, top = round(CENTRE[0] * SIZE[0] - width / 2), round(CENTRE[1] * SIZE[1] - height / 2)
    small = (
        cv2.resize(picture.pixels, (width, height), interpolation=cv2.INTER_AREA)
        for _, picture in reader.read(np.arange(len(reader.times)), 4096)
    )
    rate = 1.0 / float(np.median(np.diff(reader.times)))
    write_video(output, (widened(picture, left, top) for picture in small), rate, crf=12)
    return [FOCAL * scale, FOCAL * scale, left + width / 2, top + height / 2]


def widened(picture: np.ndarray, left: int, top: int) -> np.ndarray:
    """A picture [h,w,3] in one of ``SIZE``, whose sides go on, softer and softer, with its margins."""
    height, width = picture.shape[:2]
    right, bottom = SIZE[0] - left - width, SIZE[1] - top - height
    wide = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(wide, (0, 0), 6)
    soft[top : top + height, left : left + width] = picture
    return soft


def height_of(folder: Path) -> float:
    """Median height of the person in the frames of a run, px."""
    boxes = Keypoints.load(folder / "keypoints.npz").bbox
    return float(np.median(boxes[:, 3] - boxes[:, 1]))


def main() -> None:
    """Run all three and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the runs go; what is there is used again")
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)

    def run(name: str, video: Path, frames: dict[str, object]) -> Path:
        config = given.folder / f"{name}.yaml"
        config.write_text(yaml.safe_dump({"frames": frames}))
        done = fresh_run({name: video}, given.cores, given.folder / name, ("avatar.tar", "metrics.json"), config)
        return done.results(name)

    portrait = run("portrait", DEMO, {"focal_px": FOCAL})
    wide = given.folder / "wide.mp4"
    K = compose(DEMO, wide, height_of(portrait))
    rows = {
        "portrait, 540x960": portrait,
        "landscape, cropped": run("cropped", wide, {"K": K}),
        "landscape, whole at 960 px": run("whole", wide, {"K": K, "crop": False}),
    }
    print("| clip | frames, px | person, px | held out, dB in the box | pose aligned | training frames |")
    print("|---|---|---|---|---|---|")
    for name, folder in rows.items():
        frames = Frames.load(folder / "frames.json")
        metrics = json.loads((folder / "metrics.json").read_text())
        figures = [
            f"{metrics[key]['psnr_person_box_on_white']['mean']:.2f}"
            for key in ("without_pose_refinement", "with_pose_refinement", "reconstruction")
        ]
        print(f"| {name} | {frames.width}x{frames.height} | {height_of(folder):.0f} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
