"""Makes the demo actor: data/videos/actor.mp4, data/demo/tiny.mp4 and data/demo/truth/.

Run from the repository root, in an environment with anny 0.6.2, numpy, scipy, opencv and av, with Blender on the PATH:

    python data/demo/make_demo.py --work /tmp/demo --out .

A stopped run goes on where it was. On two cores it takes about half an hour.
Three steps, each its own function: `export` (Anny body, clothes, poses -> arrays), `render` (Blender), `finish` (video, truth).
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
from pathlib import Path

import cv2
import numpy as np
from paint import paint
from person import FRAMES, SMPL_BONES, Body, bone_transforms, build_body, pose_at, posed_heads, relaxed_pose, skin
from wardrobe import dress

logger = logging.getLogger("make_demo")
HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, FPS = 540, 960, 24
FOCAL = 680.0
SAMPLES = 12
VIEW_FRAMES = (0, 14, 28, 42, 72, 90)
"""Frames that are also rendered from the two further views."""
VERTEX_FRAMES = (0, 12, 24, 36, 48, 60, 72, 84, 95)
"""Frames whose unclothed body is in the truth."""


def look_at(eye: tuple[float, float, float], target: tuple[float, float, float]) -> np.ndarray:
    """OpenCV view matrix [4,4] (world to camera) of a level camera at eye."""
    z = np.subtract(target, eye)
    z = z / np.linalg.norm(z)
    x = np.cross(z, [0, 0, 1.0])
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = rotation, -rotation @ np.asarray(eye, float)
    return view


def cameras() -> dict[str, dict[str, object]]:
    """The clip's camera, a phone held at 1.6 m, and two more round the actor."""

    def at(degrees: float, distance: float, height: float, focal: float) -> dict[str, object]:
        angle = np.radians(degrees)
        eye = (-distance * np.sin(angle), -distance * np.cos(angle), height)
        return {"focal": focal, "view": look_at(eye, (0, 0, 0.87)).tolist()}

    return {"main": at(0, 1.62, 0.98, FOCAL), "left": at(60, 1.70, 1.10, 660.0), "behind": at(150, 1.66, 0.90, 640.0)}


def intrinsics(focal: float) -> np.ndarray:
    """K [3,3]; pixel centres at +0.5, so that the middle of the picture is (W/2, H/2)."""
    return np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]])


def project(points: np.ndarray, camera: dict[str, object]) -> np.ndarray:
    """Pixels [...,2] of world points [...,3]."""
    view = np.array(camera["view"])
    x = (points @ view[:3, :3].T + view[:3, 3]) @ intrinsics(float(camera["focal"])).T  # type: ignore[arg-type]
    return x[..., :2] / x[..., 2:]


def export(work: Path) -> None:
    """Body, clothes, textures and all poses as arrays under work/."""
    body = build_body()
    pieces = dress(body)
    base = relaxed_pose(body)
    joints, naked = np.zeros((FRAMES, 24, 3)), np.zeros((FRAMES, len(body.vertices), 3), np.float32)
    moved = {p.name: np.zeros((FRAMES, len(p.vertices), 3), np.float32) for p in pieces}
    pick = [body.names.index(b) for b in SMPL_BONES]
    for t in range(FRAMES):
        pose, yaw = pose_at(t, base)
        transforms = bone_transforms(body, pose, yaw)
        shoes = [skin(p.vertices, p.weights, transforms) for p in pieces if p.name.startswith("shoe")]
        transforms[:, 2, 3] -= min(s[:, 2].min() for s in shoes)
        transforms[:, :3, 3] -= _anchor(body, transforms)
        joints[t] = posed_heads(body, transforms)[pick]
        naked[t] = skin(body.vertices, body.weights, transforms)
        for p in pieces:
            moved[p.name][t] = skin(p.vertices, p.weights, transforms)
    for p in pieces:
        moved[p.name].tofile(work / f"{p.name}.verts")
        p.faces.astype(np.int32).tofile(work / f"{p.name}.faces")
        p.uv.astype(np.float32).tofile(work / f"{p.name}.uv")
        color, height = paint(body, p)
        cv2.imwrite(str(work / f"{p.name}.png"), color[..., ::-1])
        cv2.imwrite(str(work / f"{p.name}_height.png"), height)
    (work / "pieces.json").write_text(json.dumps([{"name": p.name, "vertices": len(p.vertices)} for p in pieces]))
    np.savez(
        work / "body.npz",
        joints=joints,
        vertices=naked,
        faces=body.faces,
        height_m=np.ptp(body.vertices[:, 2]),
        bounds=np.array([[m[t].reshape(-1, 3) for m in moved.values()][0].min(0) for t in range(FRAMES)]),
    )


def _anchor(body: Body, transforms: np.ndarray) -> np.ndarray:
    """What to take off so that the actor turns about the middle of both feet, and stays there: [3]."""
    heads = posed_heads(body, transforms)
    feet = (heads[body.names.index("foot.L")] + heads[body.names.index("foot.R")]) / 2
    return 0.7 * feet * [1, 1, 0]


def borders(work: Path, camera: dict[str, object], frame: int) -> list[int]:
    """Pixels (x0, y0, x1, y1) of the actor's box, with a margin."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for info in json.loads((work / "pieces.json").read_text()):
        size = info["vertices"] * 3
        points = np.fromfile(work / f"{info['name']}.verts", np.float32, size, offset=frame * size * 4).reshape(-1, 3)
        pixels = project(points.astype(np.float64), camera)
        low, high = np.minimum(low, pixels.min(0)), np.maximum(high, pixels.max(0))
    low, high = np.floor(low - 4), np.ceil(high + 4)
    return [int(max(low[0], 0)), int(max(low[1], 0)), int(min(high[0], WIDTH)), int(min(high[1], HEIGHT))]


def render(work: Path, frames: list[int], camera: str, threads: int, samples: int = SAMPLES) -> None:
    """Render the empty room and frames from a camera into work/CAMERA/ with Blender."""
    folder = work / camera
    folder.mkdir(exist_ok=True)
    views = cameras()
    tasks = [{"frame": None, "camera": camera, "border": None, "out": str(folder / "plate")}]
    for t in frames:
        tasks.append({"frame": t, "camera": camera, "border": borders(work, views[camera], t), "out": str(folder / f"{t:04d}")})
    job = {"folder": str(work), "width": WIDTH, "height": HEIGHT, "samples": samples, "threads": threads}
    (work / f"{camera}.json").write_text(json.dumps({**job, "cameras": views, "tasks": tasks}))
    command = ["blender", "-b", "-P", str(HERE / "scene_blender.py"), "--", str(work / f"{camera}.json")]
    with (work / f"{camera}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)


def composite(folder: Path, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """The finished picture [H,W,3] uint8 RGB and the actor's share of each pixel [H,W] 0..1.

    The actor's light (picture / surface colour) is smoothed, the texture is not; the shadow on the room is smoothed
    and laid over the empty room, so that the background has no noise but the little film grain added at the end.
    """
    actor = cv2.imread(str(folder / f"{frame:04d}.png"), cv2.IMREAD_UNCHANGED).astype(np.float32) / 65535
    albedo = cv2.imread(str(folder / f"{frame:04d}_albedo.png"), cv2.IMREAD_UNCHANGED).astype(np.float32) / 65535
    share = actor[..., 3:]
    color = to_linear(actor[..., :3]) * share
    light = (color + 0.004) / (albedo + 0.004)
    known = (share > 0.5).astype(np.float32)
    around = cv2.GaussianBlur(light * known, (0, 0), 4) / np.maximum(cv2.GaussianBlur(known, (0, 0), 4)[..., None], 1e-3)
    light = np.log(np.where(known > 0, light, np.maximum(around, 1e-3)).clip(1e-3, 20))
    for _ in range(2):
        light = cv2.bilateralFilter(light, 9, 0.30, 2.0)
    smooth = np.where(known > 0, np.exp(light) * (albedo + 0.004) - 0.004, color).clip(0)
    plate = to_linear(cv2.imread(str(folder / "plate.png"), cv2.IMREAD_UNCHANGED)[..., :3].astype(np.float32) / 65535)
    plate = cv2.bilateralFilter(plate, 5, 0.03, 1.2)
    room = to_linear(cv2.imread(str(folder / f"{frame:04d}_room.png"), cv2.IMREAD_UNCHANGED)[..., :3].astype(np.float32) / 65535)
    small = cv2.resize(plate, (room.shape[1], room.shape[0]), interpolation=cv2.INTER_AREA)
    shade = np.log(((room + 0.01) / (small + 0.01)).mean(-1).clip(0.05, 2))
    for _ in range(2):
        shade = cv2.bilateralFilter(shade, 7, 0.25, 2.0)
    shade = cv2.GaussianBlur(cv2.resize(np.exp(shade), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), (0, 0), 1.5)
    picture = to_srgb(smooth + (1 - share) * plate * shade.clip(0, 1.05)[..., None])
    grain = np.random.default_rng(frame).normal(0, 0.6, (HEIGHT, WIDTH, 1))
    return np.clip(picture[..., ::-1] * 255 + grain + 0.5, 0, 255).astype(np.uint8), share[..., 0]


def to_linear(x: np.ndarray) -> np.ndarray:
    """sRGB to linear light, both 0..1."""
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(x: np.ndarray) -> np.ndarray:
    """Linear light to sRGB, both 0..1."""
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
