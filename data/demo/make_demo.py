"""Makes the demo actor: data/videos/actor.mp4, data/demo/tiny.mp4 and data/demo/truth/.

Run from the repository root, in the environment of the pipeline plus anny (the extra building), with Blender 3.4 or newer on
the PATH:

    python -m data.demo.make_demo --work /tmp/demo

A stopped run goes on where it was. On two cores it takes about 15 minutes (the first build of Anny 3 more).
Three steps, each its own function: `export` (Anny body, clothes, poses -> arrays), `render` (Blender),
`finish` (video, truth).
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
from pathlib import Path

import cv2
import numpy as np

from data.demo.paint import paint
from data.demo.person import FRAMES, Body, bone_transforms, build_body, pose_at, posed_heads, relaxed_pose, skin
from data.demo.pictures import composite
from data.demo.t_pose import rest_in_t_pose, smpl_joints
from data.demo.wardrobe import dress
from understudy.video.write import write_video

logger = logging.getLogger("make_demo")
HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, FPS = 540, 960, 24
FOCAL = 680.0
SAMPLES = 20
VIEW_FRAMES = (0, 14, 28, 42, 72, 90)
"""Frames that are also rendered from the two further views."""
VERTEX_FRAMES = (0, 14, 28, 42, 56, 72, 90)
"""Frames whose unclothed body is in the truth."""
MARKERS = 400
"""Number of vertices that the truth follows through all frames."""
MASK_STEP = 8
"""Every so many frames of the clip a mask is in the truth."""
TINY_STEP, TINY_SCALE = 4, 3
"""The small clip has every so many frames of the clip, and is so many times smaller."""


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
    for t in range(FRAMES):
        pose, yaw = pose_at(t, base)
        transforms = bone_transforms(body, pose, yaw)
        shoes = [skin(p.vertices, p.weights, transforms) for p in pieces if p.name.startswith("shoe")]
        transforms[:, 2, 3] -= min(s[:, 2].min() for s in shoes)
        transforms[:, :3, 3] -= _anchor(body, transforms)
        joints[t] = smpl_joints(body, posed_heads(body, transforms)[None])[0]
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
        rest_vertices=rest_in_t_pose(body),
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
        tasks.append(
            {"frame": t, "camera": camera, "border": borders(work, views[camera], t), "out": str(folder / f"{t:04d}")}
        )
    job = {"folder": str(work), "width": WIDTH, "height": HEIGHT, "samples": samples, "threads": threads}
    (work / f"{camera}.json").write_text(json.dumps({**job, "cameras": views, "tasks": tasks}))
    command = ["blender", "-b", "-P", str(HERE / "scene_blender.py"), "--", str(work / f"{camera}.json")]
    with (work / f"{camera}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)


def finish(work: Path, out: Path) -> None:
    """Put the pictures together: out/data/videos/actor.mp4, out/data/demo/tiny.mp4 and out/data/demo/truth/."""
    truth = out / "data" / "demo" / "truth"
    for folder in (out / "data" / "videos", truth / "masks", truth / "alpha", truth / "views"):
        folder.mkdir(parents=True, exist_ok=True)

    def picture(t: int) -> np.ndarray:
        return composite(work / "main", t)[0]

    def tiny(t: int) -> np.ndarray:
        size = (WIDTH // TINY_SCALE, HEIGHT // TINY_SCALE)
        return cv2.resize(picture(t), size, interpolation=cv2.INTER_AREA)

    write_video(out / "data" / "videos" / "actor.mp4", map(picture, range(FRAMES)), FPS, crf=19)
    tiny_frames = range(0, FRAMES, TINY_STEP)
    write_video(out / "data" / "demo" / "tiny.mp4", map(tiny, tiny_frames), FPS / TINY_STEP, crf=23)
    for t in range(FRAMES):
        write_share(truth / "alpha" / f"{t:06d}.png", composite(work / "main", t)[1])
    for t in range(0, FRAMES, MASK_STEP):
        write_mask(truth / "masks" / f"{t:06d}.png", composite(work / "main", t)[1])
    for name in ("left", "behind"):
        for t in VIEW_FRAMES:
            rgb, share = composite(work / name, t)
            quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
            cv2.imwrite(str(truth / "views" / f"{name}_{t:06d}.jpg"), rgb[..., ::-1], quality)
            write_share(truth / "views" / f"{name}_{t:06d}.png", share)
    write_truth(work, truth / "truth.npz", np.array(tiny_frames))


def write_mask(path: Path, share: np.ndarray) -> None:
    """A 1-bit PNG: white where at least half of the pixel is the actor (body, clothes and hair)."""
    cv2.imwrite(str(path), (share >= 0.5).astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])


def write_share(path: Path, share: np.ndarray) -> None:
    """Write an 8-bit PNG: the actor's share of each pixel (body, clothes and hair)."""
    cv2.imwrite(str(path), (255 * share).round().astype(np.uint8))


def spread_vertices(vertices: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    """Indices [count] of vertices that lie far from each other: each next one is the farthest from those before."""
    used = np.unique(faces)
    points, chosen = vertices[used], [0]
    distance = np.full(len(points), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(distance.argmax()))
    return np.sort(used[chosen])


def write_truth(work: Path, path: Path, tiny_frames: np.ndarray) -> None:
    """The numbers of the truth, in the frame of the clip's camera (README.md lists the keys)."""
    views = cameras()
    main = np.array(views["main"]["view"])
    body = np.load(work / "body.npz")

    def in_camera(points: np.ndarray) -> np.ndarray:
        return (points @ main[:3, :3].T + main[:3, 3]).astype(np.float32)

    others = ("left", "behind")
    markers = spread_vertices(body["rest_vertices"], body["faces"], MARKERS)
    np.savez_compressed(
        path,
        fps=np.float64(FPS),
        size=np.array([WIDTH, HEIGHT]),
        K=intrinsics(FOCAL),
        view=np.eye(4),
        joints=in_camera(body["joints"]),
        keypoints2d=project(body["joints"], views["main"]).astype(np.float32),
        height_m=body["height_m"],
        rest_vertices=body["rest_vertices"].astype(np.float32),
        up=main[:3, :3] @ [0, 0, 1.0],
        floor_point=in_camera(np.zeros((1, 3)))[0],
        vertex_frames=np.array(VERTEX_FRAMES),
        vertices=in_camera(body["vertices"][list(VERTEX_FRAMES)]),
        faces=body["faces"].astype(np.int32),
        marker_vertices=markers,
        markers=in_camera(body["vertices"][:, markers]),
        mask_frames=np.arange(0, FRAMES, MASK_STEP),
        view_names=np.array(others),
        view_frames=np.array(VIEW_FRAMES),
        view_K=np.stack([intrinsics(float(views[n]["focal"])) for n in others]),  # type: ignore[arg-type]
        view_views=np.stack([np.array(views[n]["view"]) @ np.linalg.inv(main) for n in others]),
        tiny_frames=tiny_frames,
        tiny_scale=np.float64(1 / TINY_SCALE),
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, required=True, help="folder for arrays and rendered frames (400 MB)")
    parser.add_argument("--out", type=Path, default=HERE.parents[1], help="repository root to write into")
    parser.add_argument("--threads", type=int, default=2, help="threads of Blender")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "body.npz").exists():
        logger.info("building the actor")
        export(work)
    for camera, frames in (("main", range(FRAMES)), ("left", VIEW_FRAMES), ("behind", VIEW_FRAMES)):
        logger.info("rendering view %s; progress in %s", camera, work / f"{camera}.log")
        render(work, list(frames), camera, options.threads)
    logger.info("writing videos and truth")
    finish(work, options.out.resolve())


if __name__ == "__main__":
    main()
