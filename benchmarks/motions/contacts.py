"""How well motions of other rigs sit on the body: feet that slide, soles under the ground, hands inside the body.

    python -m benchmarks.motions.contacts /path/to/*.bvh
    python -m benchmarks.motions.contacts /path/to/*.bvh --avatar results/anna/avatar.tar --pictures FOLDER

With an avatar the motions are put on its body, and pictures show it from the front and from its left.

A stance is where an ankle or a toe of the rig, scaled to the body's legs, is slower than 0.15 m/s and near its lowest for
0.1 s at least. Its slide is the largest distance between two places of the body's own joint during it, over the ground.
Depths are of capsules round the trunk and thighs, with the body's radii for both the body and the rig.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from understudy.avatar.archive import load_archive
from understudy.body.files import load_body
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.body.shape_edit import shaped_body
from understudy.motion.clip import Clip
from understudy.motion.read import read_motion
from understudy.motion.rigs import Rig, read_rig
from understudy.motion.stances import find_stances
from understudy.rendering.config import PathConfig
from understudy.rendering.paths import camera_path
from understudy.rendering.performance import Performance, in_world_frame
from understudy.rendering.pictures import render_performance

FPS = 30.0
MOMENTS, SIZE = 8, (240, 320)
"""Pictures of a motion, and px of each."""
CAPSULES = (("pelvis", "neck", 0.09), ("left_hip", "left_knee", 0.06), ("right_hip", "right_knee", 0.06))
"""Ends and radius (m): well inside the flesh, so that a hand on a hip is none."""


def posed(body: BodyModel, clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Joints [T,24,3] and the height [T] of the lowest vertex, m."""
    joints, low = [], []
    for start in range(0, len(clip), 64):
        part = clip.part(start, start + 64)
        values = (torch.from_numpy(value) for value in (part.global_orient, part.body_pose, part.transl))
        with torch.no_grad():
            out = body(torch.zeros(body.num_betas), *values)
        joints.append(out.joints.numpy())
        low.append(out.vertices[..., 1].amin(dim=1).numpy())
    return np.concatenate(joints), np.concatenate(low)


def extent(places: np.ndarray) -> float:
    """Largest distance [m] over the ground between two of some places [n,3]."""
    flat = places[:, [0, 2]]
    return float(np.linalg.norm(flat[:, None] - flat[None], axis=-1).max())


def slides(joints: dict[str, np.ndarray], rig: Rig, scale: float) -> np.ndarray:
    """Extents [n,2] of all stances, m: of the body's joint and of the rig's, scaled."""
    found = []
    for side in ("left", "right"):
        for name in ("ankle", "foot"):
            key = f"{side}_{name}"
            if key not in rig.points:
                continue
            source = rig.points[key] * scale
            for start, stop in find_stances(source, rig.fps):
                found.append((extent(joints[key][start:stop]), extent(source[start:stop])))
    return np.array(found).reshape(-1, 2)


def depth(points: dict[str, np.ndarray]) -> float:
    """How deep (m) the worst wrist, hand or elbow is in the trunk or a thigh over all frames."""
    worst = 0.0
    for name in ("left_wrist", "right_wrist", "left_elbow", "right_elbow"):
        for start, stop, radius in CAPSULES:
            if start not in points or stop not in points:
                continue
            axis = points[stop] - points[start]
            share = ((points[name] - points[start]) * axis).sum(-1) / (axis * axis).sum(-1)
            nearest = points[start] + axis * share.clip(0, 1)[:, None]
            worst = max(worst, float((radius - np.linalg.norm(points[name] - nearest, axis=-1)).max()))
    return worst


def save_pictures(act: Performance, path: Path) -> None:
    """Two rows, from the front and from the person's left, of moments spread over an act."""
    moments = np.linspace(0, len(act) - 1, MOMENTS).round().astype(int)
    shown = act.part(moments)
    rows = []
    for azimuth in (0.0, 90.0):
        cameras = camera_path(shown, MOMENTS, 1.0, SIZE, PathConfig("still", azimuth=azimuth, follow=True))
        pictures = [
            picture.rgb + 1 - picture.alpha[..., None] for picture in render_performance(shown, cameras, shadow=True)
        ]
        rows.append(np.concatenate(pictures, axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.concatenate(rows) * 255).clip(0, 255).round().astype(np.uint8)).save(path)


def main() -> None:
    """Measure all files and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--body", type=Path, default=Path("models/understudy_body.npz"))
    parser.add_argument("--avatar", type=Path, help="avatar.tar; its body in place of --body")
    parser.add_argument("--pictures", type=Path, help="folder for a PNG of each motion; needs --avatar")
    arguments = parser.parse_args()
    if arguments.pictures and not arguments.avatar:
        parser.error("--pictures needs --avatar")
    avatar = load_archive(arguments.avatar).avatar if arguments.avatar else None
    body = shaped_body(avatar.body, avatar.betas) if avatar else load_body(arguments.body)
    heads = (
        "file",
        "frames",
        "stances",
        "slide median",
        "worst",
        "rig's worst",
        "under ground",
        "float",
        "depth",
        "rig's",
    )
    print(" | ".join(heads))
    everything = []
    for path in arguments.files:
        clip, rig = read_motion(path, body), read_rig(path)
        rig = rig.part(len(rig) - len(clip), len(rig))
        joints, low = posed(body, clip)
        named = {name: joints[:, index] for index, name in enumerate(SMPL_JOINTS)}
        if arguments.pictures:
            save_pictures(in_world_frame(avatar, clip), arguments.pictures / f"{path.stem}.png")
        scale = rig.scale_to({name: named[name][0] for name in SMPL_JOINTS})
        found = slides(named, rig, scale) * 100
        everything.append(found)
        if len(found) == 0:
            print(f"{path.stem} | {len(clip)} | 0")
            continue
        source = {name: places * scale for name, places in rig.points.items()}
        cells = (
            path.stem, f"{len(clip)}", f"{len(found)}", f"{np.median(found[:, 0]):.1f} cm", f"{found[:, 0].max():.1f} cm",
            f"{found[:, 1].max():.1f} cm", f"{-low.min() * 100:.1f} cm", f"{np.percentile(low, 95) * 100:.1f} cm",
            f"{depth(named) * 100:.1f} cm", f"{depth(source) * 100:.1f} cm",
        )  # fmt: skip
        print(" | ".join(cells))
    whole = np.concatenate(everything)
    if len(whole):
        good, rigs = (whole <= 3.0).mean(axis=0) * 100
        print(f"{len(whole)} stances: {good:.1f} % slide no more than 3 cm ({rigs:.1f} % of the rigs')")


if __name__ == "__main__":
    main()
