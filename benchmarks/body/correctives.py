"""What the free body's pose correctives do: ``python -m benchmarks.body.correctives FOLDER_OF_BVH_FILES [--picture FILE.png]``.

Distances of the posed body, with and without correctives, from Anny's own rig in the same poses (what they were learned from):
recorded poses of clips that were kept out of learning, poses drawn from the joints' natural ranges, and single joints swept over
theirs; then the cross-section that each keeps at a joint at the end of its sweep. Needs the package anny.
"""

import argparse
import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

from benchmarks.support.runs import REPOSITORY
from understudy.body.building.natural_poses import arm_turn, natural_poses
from understudy.body.files import load_body
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.motion.retarget import bvh_clip
from understudy.render.mesh import rasterize_mesh, shade, vertex_normals

KEPT_OUT = ("002_01", "002_05", "005_02", "005_06", "005_13", "005_19", "006_10")
HANGING = {"left_shoulder": arm_turn(15, 0), "right_shoulder": arm_turn(15, 0) * [1, -1, -1]}
SEEN = (
    ("arms up to the side", "shoulder", (0.0, 0.42, 0.0), 1.2, 0.0),
    ("arm up in front", "front", (0.1, 0.42, 0.1), 0.9, 50.0),
    ("elbow bent", "elbow", (0.3, 0.2, 0.05), 0.45, -60.0),
    ("wrist turned", "wrist", (0.6, 0.42, 0.0), 0.4, 0.0),
    ("knee bent", "knee", (0.1, -0.45, -0.05), 0.7, -70.0),
    ("deep squat", "squat", (0.0, -0.2, 0.1), 1.3, 60.0),
)
"""Rows of the picture: caption, sweep, what is looked at, height that is shown, m, and from where, degrees."""


Posed = Callable[[np.ndarray], np.ndarray]
"""Vertices [V,3] of a pose [3(J-1)]."""


def main() -> None:
    """Print the figures and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("motions", type=Path, help="folder of BVH files")
    parser.add_argument("--body", type=Path, default=REPOSITORY / "models/understudy_body.npz")
    parser.add_argument("--plain", type=Path, help="body to compare with; default the same without correctives")
    parser.add_argument("--picture", type=Path, help="PNG to draw")
    arguments = parser.parse_args()
    if importlib.util.find_spec("anny") is None:
        raise SystemExit("error: this benchmark needs the package anny: pip install -e '.[building]'.")
    from understudy.body.building.anny_rig import AnnyRig
    from understudy.body.building.anny_samples import AnnyBodyConfig, sample_anny

    body = load_body(arguments.body)
    plain = load_body(arguments.plain) if arguments.plain else replace(body, posedirs=None)
    rig = AnnyRig.of(sample_anny(AnnyBodyConfig()), body)
    sets = {"recorded, kept out": recorded_poses(arguments.motions, body, 150), "natural ranges": natural_poses(150, 9)}
    sweeps = single_joints()
    sets |= {f"sweep: {name}": poses for name, poses in sweeps.items()}
    print("| poses | plain: mean, 95th, 99.5th % mm | corrected | mesh volume, litres: plain | corrected | Anny |")
    print("|---|---|---|---|---|---|")
    for name, poses in sets.items():
        true = np.stack([rig.posed(pose) for pose in poses])
        meshes = [posed(model, poses) for model in (plain, body)]
        errors = [1000 * np.linalg.norm(mesh - true, axis=-1) for mesh in meshes]
        told = [
            f"{error.mean():.2f}, {np.percentile(error, 95):.1f}, {np.percentile(error, 99.5):.1f}" for error in errors
        ]
        litres = [f"{1000 * np.mean([volume(mesh, body.faces) for mesh in kind]):.1f}" for kind in (*meshes, true)]
        print(f"| {name} | {told[0]} | {told[1]} | {' | '.join(litres)} |", flush=True)
    print("\n| joint, at the end of its sweep | cross-section there, % of the rest pose's: plain | corrected | Anny |")
    print("|---|---|---|---|")
    for name, joint in (("shoulder", "shoulder"), ("front", "shoulder"), ("elbow", "elbow"), ("wrist", "wrist"),
                        ("knee", "knee"), ("squat", "hip")):  # fmt: skip
        loop = Section(body, f"left_{joint}")
        end = sweeps[name][-1]
        kept = [100 * loop.area(mesh) / loop.area(posed(plain, 0 * end[None])[0])
                for mesh in (posed(plain, end[None])[0], posed(body, end[None])[0], rig.posed(end))]  # fmt: skip
        print(f"| {joint} ({name}) | {' | '.join(f'{share:.0f}' for share in kept)} |")
    if arguments.picture:
        rows = [(text, sweeps[name][-1], *view) for text, name, *view in SEEN]
        draw(arguments.picture, rows, plain, body, rig.posed)


def recorded_poses(motions: Path, body: BodyModel, count: int) -> np.ndarray:
    """Poses [count,3(J-1)] of the clips that were kept out of learning."""
    files = [path for path in sorted(motions.rglob("*.bvh")) if path.stem in KEPT_OUT]
    if not files:
        raise SystemExit(f"error: none of {', '.join(KEPT_OUT)} is in {motions}.")
    poses = np.concatenate([bvh_clip(path, body).resampled(6.0).body_pose for path in files])
    return poses[np.random.default_rng(1).permutation(len(poses))[:count]]


def single_joints() -> dict[str, np.ndarray]:
    """Sweeps [S,3(J-1)] of single joints over their natural range, arms hanging where they are not meant."""

    def sweep(limits: tuple[float, float], **joints: tuple[float, float, float]) -> np.ndarray:
        return np.stack([_pose({name: np.radians(share * np.array(turn)) for name, turn in joints.items()})
                         for share in np.linspace(*limits, 12)])  # fmt: skip

    def arms(aside: float) -> np.ndarray:
        lifts = np.linspace(10, 170, 12)
        turns = [arm_turn(lift, aside) for lift in lifts]
        return np.stack([_pose({"left_shoulder": turn, "right_shoulder": turn * [1, -1, -1]}) for turn in turns])

    bent = {"hip": (-115.0, 0.0, 0.0), "knee": (130.0, 0.0, 0.0), "ankle": (-25.0, 0.0, 0.0)}
    squat = {f"{side}_{joint}": turn for side in ("left", "right") for joint, turn in bent.items()}
    return {
        "shoulder": arms(0.0),
        "front": arms(85.0),
        "elbow": sweep((0.0, 1.0), left_elbow=(0.0, -145.0, 0.0), left_shoulder=(0.0, 0.0, -45.0)),
        "wrist": sweep((-1.0, 1.0), left_wrist=(90.0, 0.0, 0.0), left_shoulder=(0.0, 0.0, 0.0)),
        "knee": sweep((0.0, 1.0), left_knee=(140.0, 0.0, 0.0)),
        "hip": sweep((-0.25, 1.0), left_hip=(-115.0, 0.0, 0.0)),
        "neck": sweep((-1.0, 1.0), neck=(0.0, 35.0, 0.0), head=(0.0, 35.0, 0.0)),
        "squat": sweep((0.0, 1.0), **squat),
    }


def _pose(joints: dict[str, np.ndarray]) -> np.ndarray:
    pose = np.zeros((len(SMPL_JOINTS), 3))
    for name, turn in {**HANGING, **joints}.items():
        pose[SMPL_JOINTS.index(name)] = turn
    return pose[1:].ravel()


def posed(body: BodyModel, poses: np.ndarray) -> np.ndarray:
    """Vertices [N,V,3] of the mean body in poses [N,3(J-1)]."""
    still = torch.zeros(len(poses), 3)
    with torch.no_grad():
        return body(torch.zeros(1), still, torch.from_numpy(poses.astype(np.float32)), still).vertices.numpy()


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed mesh, m^3."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.einsum("fc,fc->", a, np.cross(b, c)) / 6)


class Section:
    """The loop around a joint where the skin belongs half to one side, half to the other."""

    def __init__(self, body: BodyModel, joint: str) -> None:
        below = [SMPL_JOINTS.index(joint)]
        for index, parent in enumerate(body.parents):
            if parent in below:
                below.append(index)
        share = body.lbs_weights[:, below].sum(dim=1).numpy()
        self.edges, self.places = [], []
        for corner in range(3):
            # a triangle's lone corner, with the other two in order: the loop crosses the two edges from it
            lone, second, third = (body.faces[:, (corner + k) % 3] for k in range(3))
            for sign in (1, -1):
                over = [sign * (share[index] - 0.5) > 0 for index in (lone, second, third)]
                cut = over[0] & ~over[1] & ~over[2]
                for other in (second, third) if sign > 0 else (third, second):
                    self.edges.append(np.stack([lone[cut], other[cut]], axis=1))
                    self.places.append((0.5 - share[lone[cut]]) / (share[other[cut]] - share[lone[cut]]))

    def area(self, vertices: np.ndarray) -> float:
        """Length of the loop's vector area, m^2: the area where it is flat."""
        points = [vertices[edge[:, 0]] * (1 - place[:, None]) + vertices[edge[:, 1]] * place[:, None]
                  for edge, place in zip(self.edges, self.places, strict=True)]  # fmt: skip
        starts, ends = np.concatenate(points[0::2]), np.concatenate(points[1::2])
        middle = starts.mean(axis=0)
        return float(np.linalg.norm(np.cross(starts - middle, ends - middle).sum(axis=0)) / 2)


def draw(path: Path, rows: list[tuple], plain: BodyModel, body: BodyModel, anny: Posed) -> None:
    """Plain, corrected and Anny side by side, a row for each pose."""
    pictures = []
    for caption, pose, centre, height, yaw in rows:
        meshes = (posed(plain, pose[None])[0], posed(body, pose[None])[0], anny(pose))
        views = [_view(mesh, body.faces, centre, height, yaw) for mesh in meshes]
        picture = Image.fromarray(np.concatenate(views, axis=1))
        ImageDraw.Draw(picture).text((4, 2), caption, fill=(0, 0, 0))
        pictures.append(np.asarray(picture))
    half = len(pictures) // 2
    sheet = np.concatenate([np.concatenate(part) for part in (pictures[:half], pictures[half:])], axis=1)
    head = Image.new("RGB", (sheet.shape[1], 14), (255, 255, 255))
    for index, text in enumerate(("plain skinning", "with correctives", "Anny's rig") * 2):
        ImageDraw.Draw(head).text((index * sheet.shape[1] // 6 + 4, 1), text, fill=(0, 0, 0))
    Image.fromarray(np.concatenate([np.asarray(head), sheet])).quantize(48).save(path, optimize=True)


def _view(
    mesh: np.ndarray, faces: np.ndarray, centre: tuple[float, float, float], height: float, yaw: float
) -> np.ndarray:
    turn = Rotation.from_euler("y", yaw, degrees=True).as_matrix()
    local = (mesh - centre) @ turn.T * [1.0, -1.0, -1.0] + [0.0, 0.0, 8.0]
    size, focal = (220, 250), 250 / height * 8.0
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    render = rasterize_mesh(local, faces, K, size)
    return shade(render, faces, vertex_normals(local, faces))


if __name__ == "__main__":
    main()
