"""Avatars from results of other programs, made of our own: do they come out as those of our own stages?

    python -m benchmarks.backends.given [--video data/videos/actor.mp4] [--steps 300]

Makes an avatar as always; then one from its BODY_25 keypoints written as OpenPose's json, and one from its masks and labels
given as files; and prints what of them is the same, to the byte, and how like the video each avatar is.
"""

import argparse
import json
import tarfile
import tempfile
from pathlib import Path

import yaml

from benchmarks.support.runs import REPOSITORY, fresh_run
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25

OWN, POINTS, MASKS = "own", "from_openpose", "from_files"


def main() -> None:
    """Run three times and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=REPOSITORY / "data/videos/actor.mp4")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="working folder; default a new temporary one")
    options = parser.parse_args()
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="understudy-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "results" / OWN
    given = {
        OWN: {},
        POINTS: {"keypoints": {"backend": "openpose", "files": str(folder / "openpose")}},
        MASKS: {
            "silhouettes": {"backend": "files", "files": str(own / "alpha")},
            "parsing": {"backend": "files", "files": str(own / "parsing")},
        },
    }
    config = folder / "given.yaml"
    config.write_text(yaml.safe_dump({"avatar": {"steps": options.steps, "gaussians": 10_000}, "actors": given}))
    print(
        "| avatar | the same bytes as our own | held out: PSNR / SSIM, person's box | pose refined |\n|---|---|---|---|"
    )
    for actor in given:
        if actor == POINTS:
            write_openpose(Keypoints.load(own / "keypoints.npz"), folder / "openpose")
        fresh_run({actor: options.video}, options.cores, folder, ("metrics.json",), config)
        print(row(own, folder / "results" / actor), flush=True)


def write_openpose(keypoints: Keypoints, folder: Path) -> None:
    """One json for each frame, as OpenPose writes them: pixel centres whole, six digits."""
    folder.mkdir(exist_ok=True)
    columns = [keypoints.names.index(name) for name in BODY_25]
    for frame, points in enumerate(keypoints.keypoints[:, columns].astype(float)):
        seen = points[:, 2:] > 0
        points = (points - [0.5, 0.5, 0.0]) * seen
        people = [{"pose_keypoints_2d": [float(f"{value:.6g}") for value in points.ravel()]}] if seen.any() else []
        (folder / f"{frame:06d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


def row(own: Path, results: Path) -> str:
    """A line of the table."""
    same = [
        stage
        for stage in ("alpha", "smpl.npz", "matte", "parsing", "avatar.tar")
        if equal(own / stage, results / stage)
    ]
    metrics = json.loads((results / "metrics.json").read_text())
    cells = []
    for kind in ("without_pose_refinement", "with_pose_refinement"):
        psnr, ssim = (metrics[kind][f"{name}_person_box_on_white"]["mean"] for name in ("psnr", "ssim"))
        cells.append(f"{psnr:.2f} dB / {ssim:.4f}")
    return f"| {results.name} | {', '.join(same) or 'none'} | {' | '.join(cells)} |"


def equal(one: Path, other: Path) -> bool:
    """Whether two files, folders of pictures or avatars hold the same bytes."""
    if one.suffix == ".tar":  # all but the seconds that training took
        return weights(one) == weights(other)
    if one.is_file():
        return one.read_bytes() == other.read_bytes()
    names = sorted(path.name for path in one.glob("*.png"))
    return names == sorted(path.name for path in other.glob("*.png")) and all(equal(one / n, other / n) for n in names)


def weights(avatar: Path) -> bytes:
    """What an avatar has learned."""
    with tarfile.open(avatar) as archive:
        member = archive.extractfile("weights.safetensors")
        return b"" if member is None else member.read()


if __name__ == "__main__":
    main()
