"""A made-up person filmed by a made-up camera, drawn from a coloured mesh: frames, masks and the true poses."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.support.bodies import sausage_body
from understudy.body.joints import SMPL_JOINTS
from understudy.body.model import PARTS, BodyModel
from understudy.body.posed import posed_vertices
from understudy.formats.frames import Frames
from understudy.formats.masks import write_alpha
from understudy.formats.smpl import BodyTrack
from understudy.render.mesh import rasterize_mesh

PART_OF_JOINT = {
    "pelvis": "torso", "spine1": "torso", "spine2": "torso", "spine3": "torso", "neck": "neck", "head": "face",
    "collar": "torso", "shoulder": "arm", "elbow": "arm", "wrist": "hand", "hand": "hand",
    "hip": "leg", "knee": "leg", "ankle": "foot", "foot": "foot",
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """What a video of the made-up person would have led to."""

    frames: Frames
    alpha_folder: Path
    track: BodyTrack
    body: BodyModel
    colors: np.ndarray  # [V,3] in 0..255, of the body's vertices


def film(folder: Path, turns: list[float], colors_of=None, size: tuple[int, int] = (160, 220)) -> Scene:
    """Film the made-up person once per angle of ``turns`` (radians, 0 faces the camera, more turns to its left)."""
    body = person()
    width, height = size
    K = np.array([[220.0, 0.0, width / 2], [0.0, 220.0, height / 2], [0.0, 0.0, 1.0]])
    colors = (colors_of or stripes)(body.v_template.numpy())
    track = track_of(body, turns, K)
    frames = Frames(folder / "frames", 30.0, width, height, "made.mp4", "0" * 64, np.arange(len(turns)), K, "config")
    alpha_folder = folder / "alpha"
    frames.folder.mkdir(parents=True)
    alpha_folder.mkdir()
    for index in range(len(turns)):
        drawn = rasterize_mesh(posed_vertices(body, track, index), body.faces, K, size)
        image = np.einsum("hwk,hwkc->hwc", drawn.bary, colors[body.faces[drawn.face]])
        image = np.where(drawn.face[..., None] >= 0, image, [0, 200, 0])
        Image.fromarray(image.round().astype(np.uint8)).save(frames.path(index), quality=98, subsampling=0)
        write_alpha(alpha_folder, index, (drawn.face >= 0).astype(np.float32))
    return Scene(frames, alpha_folder, track, body, colors)


def track_of(body: BodyModel, turns: list[float], K: np.ndarray) -> BodyTrack:
    """The person in its rest pose, upright, 2.2 m away, turned by each angle."""
    upright = [_rotation_vector(turn) for turn in turns]
    count = len(turns)
    return BodyTrack(
        global_orient=np.array(upright, np.float32),
        body_pose=np.zeros((count, 3 * len(body.parents) - 3), np.float32),
        transl=np.tile(np.array([0.0, -0.1, 2.2], np.float32), (count, 1)),
        betas=np.zeros(body.num_betas, np.float32),
        K=K,
        body_model=(body.name, body.sha256),
        reprojection_px=np.zeros(count, np.float32),
        valid=np.ones(count, bool),
    )


def _rotation_vector(turn: float) -> np.ndarray:
    """Half a turn about x puts the body upright before a camera with y down; before it, ``turn`` about its own y."""
    half, own = np.array([0.0, 1.0, 0.0, 0.0]), np.array([np.cos(turn / 2), 0.0, np.sin(turn / 2), 0.0])
    w, x, y, z = (
        half[0] * own[0] - half[1:] @ own[1:],
        *(half[0] * own[1:] + own[0] * half[1:] + np.cross(half[1:], own[1:])),
    )
    axis, angle = np.array([x, y, z]), 2 * np.arctan2(np.linalg.norm([x, y, z]), w)
    return axis / np.linalg.norm(axis) * angle


def person() -> BodyModel:
    """The sausage body with an atlas in which every face has a place of its own, and with named parts."""
    body = sausage_body()
    joint = body.lbs_weights[torch.from_numpy(body.faces).long()].sum(dim=1).argmax(dim=1).numpy()
    count = len(body.faces)
    side = int(np.ceil(np.sqrt(count)))
    cell = np.stack(np.divmod(np.arange(count), side), axis=1)[:, None]
    triangle = np.array([[0.05, 0.05], [0.95, 0.05], [0.05, 0.95]])
    return replace(
        body,
        parts=np.array([PARTS.index(_part(SMPL_JOINTS[j])) for j in joint], np.uint8),
        vt=((cell + triangle) / side).reshape(-1, 2).astype(np.float32),
        ft=np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
    )


def stripes(vertices: np.ndarray) -> np.ndarray:
    """Soft colours [V,3] that differ everywhere."""
    return 127.0 + 100.0 * np.sin(vertices[:, [1, 0, 2]] * [6.0, 5.0, 9.0] + [0.0, 1.0, 2.0])


def _part(joint: str) -> str:
    side, _, name = joint.rpartition("_")
    part = PART_OF_JOINT[name]
    return f"{side}_{part}" if f"left_{part}" in PARTS else part
