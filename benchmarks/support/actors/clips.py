"""An actor's clip and its truth, as files."""

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.support.actors.actor import Actor, Shot
from benchmarks.support.actors.drawing import OVERSAMPLING, Surface, draw_frame, draw_room
from benchmarks.support.actors.figures import Figure, make_figure
from benchmarks.support.actors.moves import MOVES
from benchmarks.support.actors.rig import Motion, bone_transforms, grounded, spread
from benchmarks.support.actors.rooms import make_room
from data.demo.person import Body, build_body
from data.demo.t_pose import rest_in_t_pose, smpl_joints
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.files.arrays import read_npz, write_npz
from understudy.files.atomic import atomic_folder
from understudy.motion.retarget import bvh_clip
from understudy.private import user_cache
from understudy.progress import track
from understudy.render.camera import Camera, look_at
from understudy.video.write import write_video

VERSION = 1
"""Of everything that changes pictures or truth; a clip of another version is made again."""
MASK_STEP = 4
"""Every so many frames a mask is in the truth."""
VERTEX_STEP = 10
"""Every so many frames the body without clothes is in the truth."""
MARGIN = 0.03
"""Least distance of the person from the picture's edge, of its side."""
ARCHIVE = "cmu_bvh.tar.xz"


def recipe(actor: Actor) -> str:
    """What a clip was made from, as a hash."""
    return hashlib.sha256(f"{VERSION} {actor}".encode()).hexdigest()[:16]


def is_made(actor: Actor, folder: Path) -> bool:
    """Whether clip and truth are there and of this version."""
    truth = truth_folder(folder, actor.name) / "truth.npz"
    return (
        truth.exists() and video_path(folder, actor.name).exists() and str(read_npz(truth)["recipe"]) == recipe(actor)
    )


def video_path(folder: Path, name: str) -> Path:
    """Where an actor's clip is."""
    return folder / "data/videos" / f"{name}.mp4"


def truth_folder(folder: Path, name: str) -> Path:
    """Where an actor's truth is."""
    return folder / "truth" / name


def find_motion(name: str, motions: Path) -> Path | None:
    """A BVH file in the folder, or in the archive ``cmu_bvh.tar.xz`` there; None where there is none."""
    if (motions / name).exists():
        return motions / name
    if not (motions / ARCHIVE).exists():
        return None
    out = Path(user_cache() or tempfile.mkdtemp(), "motions", name)
    if not out.exists():
        with tarfile.open(motions / ARCHIVE) as archive:
            member = next((m for m in archive if m.isfile() and Path(m.name).name == name), None)
            content = archive.extractfile(member) if member else None
            if content is None:
                return None
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(content.read())
    return out


def make_clip(actor: Actor, folder: Path, motion_file: Path | None, model: BodyModel) -> None:
    """Write an actor's clip and truth.

    Args:
        actor: Who.
        folder: Gets ``data/videos/NAME.mp4`` and ``truth/NAME/``.
        motion_file: The BVH file of a recorded motion.
        model: The body that recorded motions are first put on.
    """
    body = body_of_stature(actor)
    figure = make_figure(body, actor.look, actor.seed)
    motion = _motion(actor, body, figure, motion_file, model)
    transforms = bone_transforms(body, motion)
    cameras = place_cameras(actor, np.stack([_skin(figure.vertices[::7], figure.weights[::7], t) for t in transforms]))
    room = make_room(actor.room, actor.back, actor.seed)
    surface = Surface(figure.vertices, figure.faces, figure.uv, figure.texture)
    shares: dict[int, np.ndarray] = {}

    def pictures() -> Iterator[np.ndarray]:
        plate = draw_room(room.surface, room.light, cameras[0], OVERSAMPLING + 1)
        feet = [body.names.index(b) for b in ("foot.L", "foot.R", "toe2-1.L", "toe2-1.R")]
        for t in track(range(len(motion)), f"drawing {actor.name}"):
            if actor.shot.wobble:
                plate = draw_room(room.surface, room.light, cameras[t])
            posed = replace(surface, vertices=_skin(figure.vertices, figure.weights, transforms[t]))
            heads = _heads(body, transforms[t])[feet] - [0, 0, 0.06]
            picture, share = draw_frame(plate, posed, heads, room.light, cameras[t], 1.2, t)
            if t % MASK_STEP == 0:
                shares[t] = share
            yield picture

    write_video(video_path(folder, actor.name), pictures(), actor.fps, crf=20)
    with atomic_folder(truth_folder(folder, actor.name), "truth") as temporary:
        (temporary / "masks").mkdir(parents=True)
        for t, share in shares.items():
            mask = (share >= 0.5).astype(np.uint8) * 255
            cv2.imwrite(str(temporary / "masks" / f"{t:06d}.png"), mask, [cv2.IMWRITE_PNG_BILEVEL, 1])
        write_npz(temporary / "truth.npz", _truth(actor, body, transforms, cameras))


def body_of_stature(actor: Actor) -> Body:
    """The actor's body: Anny's height phenotype is searched until the stature is met to a millimetre."""
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        body = build_body({**actor.phenotype, "height": middle})
        excess = np.ptp(body.vertices[:, 2]) - actor.stature
        if abs(excess) < 1e-3:
            break
        low, high = (low, middle) if excess > 0 else (middle, high)
    return body


def _motion(actor: Actor, body: Body, figure: Figure, motion_file: Path | None, model: BodyModel) -> Motion:
    if actor.recorded:
        if motion_file is None:
            raise InputError(f"{actor.motion} is missing; give the folder that holds it.")
        clip = bvh_clip(motion_file, model).resampled(actor.fps)
        start = round(actor.start * actor.fps)
        motion = spread(body, clip.part(start, start + actor.frames), model)
    else:
        motion = MOVES[actor.motion](body, actor.frames, actor.fps)
    angle = np.radians(actor.turn)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    turns = motion.turns.copy()
    turns[:, 0] = turn @ turns[:, 0]
    motion = Motion(turns, motion.root @ turn.T, motion.fps)
    soles, weights = figure.vertices[figure.soles], figure.weights[figure.soles]
    lowest = np.array([_skin(soles, weights, t)[:, 2].min() for t in bone_transforms(body, motion)])
    motion = grounded(motion, lowest, actor.airborne)
    middle = (motion.root.min(axis=0) + motion.root.max(axis=0)) / 2
    return Motion(motion.turns, motion.root - middle * [1, 1, 0], motion.fps)


def place_cameras(actor: Actor, points: np.ndarray) -> list[Camera]:
    """One camera a frame, from -y: as near as the shot wants it and the motion's points [T,N,3] stay in the picture."""
    shot = actor.shot
    width, height = shot.size
    focal = shot.focal_35 / np.hypot(36, 24) * np.hypot(width, height)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    target = (low + high) / 2 * [1, 0, 1]
    size = np.array([width, height])
    edge = MARGIN * (1 + shot.wobble) * size
    distance = max(focal * actor.stature / (shot.share * height), 0.8) - low[1] - 0.3
    while True:
        for _ in range(3):
            # aim at the middle of what the motion covers in the picture
            view = look_at(np.array([0.0, -distance, shot.height]), target, np.array([0, 0, 1.0]))
            pixels = Camera(K, width, height, view).project(points)
            first, last = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
            aside = ((first + last - size) / 2) / focal * distance
            target += np.array([aside[0], 0.0, -aside[1]])
        if (first > edge).all() and (last < size - edge).all():
            break
        distance += 0.04
    return [Camera(K, width, height, shake @ view) for shake in _hand(shot, len(points), actor.fps, actor.seed)]


def _hand(shot: Shot, frames: int, fps: float, seed: int) -> np.ndarray:
    """Small rigid motions [T,4,4] of a camera held in a hand: slow waves, about half a degree and a centimetre."""
    rng = np.random.default_rng(1000 + seed)
    time = np.arange(frames)[:, None] / fps
    waves = sum(
        rng.uniform(0.4, 1.0, 6) / f * np.sin(2 * np.pi * f * time + rng.uniform(0, 2 * np.pi, 6))
        for f in (0.4, 0.9, 1.7, 3.1)
    )
    waves = shot.wobble * waves * [0.004, 0.004, 0.003, 0.007, 0.007, 0.007]
    shakes = np.tile(np.eye(4), (frames, 1, 1))
    shakes[:, :3, :3] += np.cross(np.eye(3)[None], waves[:, None, :3])
    u, _, vt = np.linalg.svd(shakes[:, :3, :3])
    shakes[:, :3, :3] = u @ vt
    shakes[:, :3, 3] = waves[:, 3:]
    return shakes


def _skin(vertices: np.ndarray, weights: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Linear blend skinning [V,3] by transforms [B,4,4]."""
    blended = (weights.astype(np.float32) @ transforms[:, :3].reshape(-1, 12).astype(np.float32)).reshape(-1, 3, 4)
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]


def _heads(body: Body, transforms: np.ndarray) -> np.ndarray:
    """Bone heads [...,B,3] in a pose."""
    return np.einsum("...bij,bj->...bi", transforms[..., :3, :3], body.heads) + transforms[..., :3, 3]


def _truth(actor: Actor, body: Body, transforms: np.ndarray, cameras: list[Camera]) -> dict[str, np.ndarray]:
    heads = smpl_joints(body, _heads(body, transforms))
    views = np.stack([camera.view for camera in cameras])
    joints = np.einsum("tij,tnj->tni", views[:, :3, :3], heads) + views[:, None, :3, 3]
    homogeneous = joints @ cameras[0].K.T
    some = np.arange(0, len(transforms), VERTEX_STEP)
    vertices = np.stack([cameras[t].to_camera(_skin(body.vertices, body.weights, transforms[t])) for t in some])
    return {
        "recipe": np.array(recipe(actor)),
        "fps": np.float64(actor.fps),
        "size": np.array(actor.shot.size),
        "K": cameras[0].K,
        "views": views,
        "joints": joints.astype(np.float32),
        "keypoints2d": (homogeneous[..., :2] / homogeneous[..., 2:]).astype(np.float32),
        "height_m": np.float64(np.ptp(body.vertices[:, 2])),
        "rest_vertices": rest_in_t_pose(body).astype(np.float32),
        "up": views[:, :3, 2].astype(np.float32),
        "vertex_frames": some,
        "vertices": vertices.astype(np.float32),
        "mask_frames": np.arange(0, len(transforms), MASK_STEP),
    }
