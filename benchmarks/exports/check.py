"""Exports of an avatar, opened by other programs.

python -m benchmarks.exports.check AVATAR.tar [--motion WALK.bvh] [--frame 40] [--folder FOLDER]

Prints a table: file, program that opened it, what was checked. Programs that are not there are left out with a sentence: Blender
and Chromium are taken from the PATH; Khronos' glTF validator, PlayCanvas' splat-transform and three.js are fetched from npm where
node is there. Silhouettes are those of our own picture of the Gaussians (alpha of one half) against what the other program
shows of the mesh. Look at FOLDER/views_*.png too: in each row our pictures above, the other program's below.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import trimesh
from PIL import Image
from scipy.spatial.transform import Rotation

from benchmarks.exports.programs import blender_version, in_blender, in_three, npm_packages
from understudy.avatar.archive import AvatarArchive, load_archive
from understudy.body.shape_edit import shaped_body
from understudy.export.config import ExportConfig
from understudy.export.cubes import cubes_mesh
from understudy.export.run import export_avatar
from understudy.export.splats import posed_splats
from understudy.export.stance import frame_pose, lift_to_sole, recorded, still
from understudy.export.surface import Surface, avatar_surface
from understudy.export.vrm import vrm_bones
from understudy.metrics.masks import iou
from understudy.motion.clip import Clip
from understudy.motion.read import SOURCE_MOTION, read_motion
from understudy.render.camera import Camera, look_at
from understudy.render.cloud import splat
from understudy.render.mesh import rasterize_mesh, silhouette, vertex_normals

SIZE = (600, 800)
VIEWS = 6
VALIDATE = """const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1]))).then(r => console.log(JSON.stringify(r.issues)));"""
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Pose:
    """One frame of a clip that pictures are taken of."""

    name: str
    motion: str | None
    clip: Clip
    frame: int


def main() -> None:
    """Export, check and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatar", type=Path)
    parser.add_argument("--motion", type=Path, help="a walk, for avatar.glb; default the video's own motion")
    parser.add_argument("--frame", type=int, default=40, help="frame of that motion, at 30 a second")
    parser.add_argument("--folder", type=Path, help="folder for the files; default a new temporary one")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="exports_"))
    archive, config = load_archive(options.avatar), ExportConfig()
    files = export_avatar(archive, folder, config, [options.motion] if options.motion else [])
    rows = [*validated(folder), *opened(folder), *splats_opened(folder)]
    rows += silhouette_rows(folder, archive, config, options.motion, options.frame)
    print("| file | opened by | checked |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print("\n" + ", ".join(f"{file.name} {file.stat().st_size / 1e6:.2f} MB" for file in files) + f"; in {folder}")


def validated(folder: Path) -> Iterator[Row]:
    """Khronos' validator on the GLB."""
    place = npm_packages()
    if place is None:
        yield "avatar.glb", "Khronos glTF validator", "left out: it needs node and npm"
        return
    for name in ("avatar.glb", "avatar.vrm", "splats.glb"):
        command = ["node", "-e", VALIDATE, str((folder / name).resolve())]
        issues = json.loads(subprocess.run(command, cwd=place, capture_output=True, text=True, check=True).stdout)
        kinds = ("Errors", "Warnings", "Infos", "Hints")
        counts = ", ".join(f"{issues[f'num{kind}']} {kind.lower()}" for kind in kinds)
        said = sorted({message["code"] for message in issues["messages"]})
        yield name, "Khronos glTF validator", counts + (f" ({', '.join(said)})" if said else "")


def opened(folder: Path) -> Iterator[Row]:
    """trimesh on all meshes and clouds."""
    for name in ("avatar.glb", "mesh.obj", "mesh.ply", "avatar.ply", "splats.glb"):
        scene = trimesh.load(folder / name, force="scene")
        (geometry,) = scene.geometry.values()
        low, high = scene.bounds
        size = f"{high[1] - low[1]:.2f} m tall, lowest point {low[1]:.3f} m"
        if isinstance(geometry, trimesh.PointCloud):
            yield name, "trimesh", f"{len(geometry.vertices)} points, {size}{' (y down)' * name.endswith('.ply')}"
        else:
            merged = trimesh.Trimesh(geometry.vertices, geometry.faces)
            merged.merge_vertices(merge_tex=True, merge_norm=True)
            yield name, "trimesh", f"{len(geometry.faces)} triangles, watertight: {merged.is_watertight}, {size}"


def splats_opened(folder: Path) -> Iterator[Row]:
    """splat-transform on both files of Gaussians: it turns the .spz into a .ply, which must be ours."""
    place = npm_packages()
    if place is None:
        yield "avatar.ply, avatar.spz", "PlayCanvas splat-transform", "left out: it needs node and npm"
        return
    for name in ("avatar.ply", "avatar.spz"):
        again = folder / f"again_{Path(name).suffix[1:]}.ply"
        command = [place / "node_modules/.bin/splat-transform", "-w", folder / name, again]
        subprocess.run([str(part) for part in command], capture_output=True, check=True)
        ours, theirs = gaussians_of(folder / "avatar.ply"), gaussians_of(again)
        # .spz is y up by its description; some versions turn it over as they make a .ply of it and some do not
        turned = name == "avatar.spz" and theirs["means"][:, 1].mean() > 0
        axes = np.array([1.0, -1.0, -1.0]) if turned else np.ones(3)
        far = np.abs(ours["means"] - axes * theirs["means"]).max() * 1000
        shape = np.abs(ours["axes"] - theirs["axes"]).max() * 1000
        opacity, color = (np.abs(ours[key] - theirs[key]).max() for key in ("opacity", "color"))
        checked = (
            f"all {len(theirs['means'])} as in avatar.ply: within {far:.3f} mm, {shape:.2f} mm of standard deviation,"
            f" {opacity:.3f} of opacity, {color:.3f} of colour{'; y up' * bool(turned)}"
        )
        yield name, "PlayCanvas splat-transform", checked


def gaussians_of(path: Path) -> dict[str, np.ndarray]:
    """What a .ply of Gaussians means, whichever of equal quaternions it has."""
    rows = trimesh.load(path).metadata["_ply_raw"]["vertex"]["data"]

    def columns(name: str, count: int) -> np.ndarray:
        return np.stack([rows[f"{name}_{number}"] for number in range(count)], axis=1).astype(np.float64)

    turns = Rotation.from_quat(np.roll(columns("rot", 4), -1, axis=1)).as_matrix()
    covariance = turns @ (np.exp(columns("scale", 3))[..., None] ** 2 * turns.transpose(0, 2, 1))
    return {
        "means": np.stack([rows[axis] for axis in "xyz"], axis=1).astype(np.float64),
        "axes": np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0)),
        "opacity": 1 / (1 + np.exp(-rows["opacity"].astype(np.float64))),
        "color": 0.5 + 0.28209479177387814 * columns("f_dc", 3),
    }


def silhouette_rows(
    folder: Path, archive: AvatarArchive, config: ExportConfig, motion: Path | None, frame: int
) -> Iterator[Row]:
    """Other programs' pictures of the GLB at rest and in the motion, and of the OBJ, against our own."""
    surface = avatar_surface(archive.avatar)
    poses = [Pose("rest", None, still(archive, surface, "t"), 0)]
    if motion is None:
        name, clip = SOURCE_MOTION, recorded(archive, surface)
    else:
        body = shaped_body(archive.avatar.body, archive.avatar.betas)
        name, clip = motion.stem, lift_to_sole(read_motion(motion, body), surface)
    clip = clip.resampled(min(clip.fps, config.fps))
    moments = (min(frame, len(clip) - 1), min(frame + 10, len(clip) - 1))
    poses += [Pose(f"{name}, frame {moment}", name, clip, moment) for moment in moments]
    standing = [Pose("A-pose", None, still(archive, surface, "a"), 0)]
    blender = blender_version()
    if blender is None:
        yield "avatar.glb, mesh.obj", "Blender", "left out: there is no blender on the PATH"
    else:
        for name, shown in (("avatar.glb", poses), ("mesh.obj", standing)):
            yield from compared(name, f"Blender {blender}", in_blender, folder, archive, surface, shown)
    yield from compared("avatar.glb", "three.js in Chromium", in_three, folder, archive, surface, poses)
    yield from compared("avatar.vrm", "three-vrm in Chromium", in_three, folder, archive, surface, poses)
    yield from surfaces_compared(archive, surface, [*standing, poses[-1]])
    yield from relief_compared(folder, archive, surface, poses[0])


def surfaces_compared(archive: AvatarArchive, surface: Surface, poses: list[Pose]) -> Iterator[Row]:
    """Both surfaces that mesh.ply can have against our own pictures of the Gaussians."""
    for pose in poses:
        placed = frame_pose(pose.clip, pose.frame)
        with torch.no_grad():
            cloud = archive.avatar.gaussians(*placed)
        points, cubes = surface.posed(*placed), cubes_mesh(posed_splats(archive.avatar, *placed))
        overlaps = []
        for camera in round_about(points):
            alpha = our_picture(cloud, camera)[1] > 0.5
            meshes = ((points, surface.body.faces), (cubes.vertices, cubes.faces))
            covered = [silhouette(camera.to_camera(vertices), faces, camera.K, SIZE) for vertices, faces in meshes]
            overlaps.append([iou(mesh, alpha) for mesh in covered])
        (body, cube), (worst_body, worst_cube) = np.mean(overlaps, axis=0), np.min(overlaps, axis=0)
        closed = trimesh.Trimesh(cubes.vertices, cubes.faces, process=False).is_watertight
        yield (
            "mesh.ply", "our rasterizer",
            f"{pose.name}: silhouettes' IoU of the body's mesh {body:.3f}, least {worst_body:.3f}; of marching cubes {cube:.3f},"
            f" least {worst_cube:.3f}, {len(cubes.faces)} triangles, watertight: {closed}",
        )  # fmt: skip


def relief_compared(folder: Path, archive: AvatarArchive, surface: Surface, pose: Pose) -> Iterator[Row]:
    """Normals that three.js shows, without and with the normal map, against those of marching cubes."""
    placed = frame_pose(pose.clip, pose.frame)
    cubes = cubes_mesh(posed_splats(archive.avatar, *placed))
    cameras = round_about(surface.posed(*placed))
    base = [{"motion": None, "frame": 0, "K": c.K.tolist(), "view": c.view.tolist(), "size": SIZE} for c in cameras]
    kinds = ("plain", "relief")
    files = in_three(
        folder / "avatar.glb", 30.0, [{**shot, "normals": kind} for kind in kinds for shot in base], folder
    )
    if files is None:
        return
    angles = []
    for number, file in enumerate(files):
        camera, theirs = cameras[number % VIEWS], np.asarray(Image.open(file).convert("RGBA")).astype(float)
        points = camera.to_camera(cubes.vertices)
        render = rasterize_mesh(points, cubes.faces, camera.K, SIZE)
        fine = render.interpolate(vertex_normals(points, cubes.faces), cubes.faces) * [1.0, -1.0, -1.0]
        both = (render.face >= 0) & (theirs[..., 3] == 255)
        angles.append(np.median(degrees_between(theirs[both, :3] / 127.5 - 1.0, fine[both])))
        file.unlink()
    plain, bumpy = np.mean(angles[:VIEWS]), np.mean(angles[VIEWS:])
    said = f"{pose.name}: normals {plain:.1f} degrees from those of marching cubes (median), with the normal map {bumpy:.1f}"
    yield "avatar.glb", "three.js in Chromium", said


def round_about(points: np.ndarray) -> list[Camera]:
    """Cameras round a person."""
    middle, up = (points.min(axis=0) + points.max(axis=0)) / 2, np.eye(3)[1]
    K = np.array([[1500.0, 0.0, SIZE[0] / 2], [0.0, 1500.0, SIZE[1] / 2], [0.0, 0.0, 1.0]])
    ways = [np.array([np.sin(angle), 0.0, np.cos(angle)]) for angle in 2 * np.pi * np.arange(VIEWS) / VIEWS]
    return [Camera(K, *SIZE, look_at(middle + 4.0 * way, middle, up)) for way in ways]


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles [N] between vectors [N,3]."""
    cosine = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def compared(
    name: str,
    program: str,
    take: Callable[..., list[Path] | None],
    folder: Path,
    archive: AvatarArchive,
    surface: Surface,
    poses: list[Pose],
) -> Iterator[Row]:
    """IoU of the silhouettes in each pose; the pictures of all views go into the folder."""
    shots: list[dict[str, Any]] = []
    ours: list[tuple[np.ndarray, np.ndarray]] = []
    for pose in poses:
        rotations, transl = frame_pose(pose.clip, pose.frame)
        with torch.no_grad():
            cloud = archive.avatar.gaussians(rotations, transl)
        for camera in round_about(surface.posed(rotations, transl)):
            ours.append(our_picture(cloud, camera))
            seen = {"K": camera.K.tolist(), "view": camera.view.tolist(), "size": SIZE}
            shots.append({"motion": pose.motion, "frame": pose.frame, "bones": bones_of(pose, surface), **seen})
    files = take(folder / name, poses[-1].clip.fps, shots, folder)
    if files is None:
        yield name, program, "left out: it needs chromium, node and npm"
        return
    overlaps, columns = [], []
    for file, (color, alpha) in zip(files, ours, strict=True):
        theirs = np.asarray(Image.open(file).convert("RGBA"))
        covered = theirs[..., 3] >= 128
        overlaps.append(iou(covered, alpha > 0.5))
        columns.append(np.vstack([color, np.where(covered[..., None], theirs[..., :3], 255)]))
        file.unlink()
    rows = [np.hstack(columns[start : start + VIEWS]) for start in range(0, len(columns), VIEWS)]
    sheet = folder / f"views_{name.replace('.', '_')}_{program.split()[0].lower()}.png"
    Image.fromarray(np.vstack(rows)[::2, ::2].astype(np.uint8)).save(sheet)
    for number, pose in enumerate(poses):
        values = overlaps[number * VIEWS : (number + 1) * VIEWS]
        worst = f"least {np.min(values):.3f} of {VIEWS} views"
        yield name, program, f"{pose.name}: silhouettes' IoU {np.mean(values):.3f}, {worst}"


def bones_of(pose: Pose, surface: Surface) -> dict[str, dict[str, list[float]]]:
    """A pose by VRM's names: rotations x y z w, and how far the hips are from where they rest, m."""
    rotations, transl = frame_pose(pose.clip, pose.frame)
    quats = Rotation.from_matrix(rotations.numpy()).as_quat()
    names, joints = vrm_bones(surface.body.joint_names), zip(surface.body.joint_names, quats, strict=True)
    bones = {names[joint]: {"rotation": quat.tolist()} for joint, quat in joints if joint in names}
    # the file's rest stands on the ground above the origin
    rest = surface.joints[0] * [0.0, 1.0, 0.0] - [0.0, float(surface.vertices[:, 1].min()), 0.0]
    bones["hips"]["position"] = (surface.joints[0] + transl.numpy() - rest).tolist()
    return bones


def our_picture(cloud: Any, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Colours [H,W,3] uint8 over white, and alpha [H,W]."""
    K, view = (torch.as_tensor(part, dtype=torch.float32) for part in (camera.K, camera.view))
    with torch.no_grad():
        render = splat(cloud, K, camera.size, view, torch.ones(3))
    return (render.rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy(), render.alpha.numpy()


if __name__ == "__main__":
    main()
