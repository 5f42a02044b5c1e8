"""A short video of a made-up person whose truth is known, for tests of the avatar."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.support.bodies import sausage_body
from understudy.avatar.gaussians.model import GaussianAvatar
from understudy.avatar.gaussians.sampling import sample_surface
from understudy.body.model import BodyModel
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames
from understudy.formats.masks import write_alpha
from understudy.formats.smpl import BodyTrack
from understudy.render.camera import Camera

WIDTH, HEIGHT = 90, 160


@dataclass(frozen=True)
class Scene:
    """A video with its masks, its true poses and the avatar that it was rendered from."""

    frames: Frames
    alpha: Path
    track: BodyTrack
    canonical: Canonical
    body: BodyModel
    truth: GaussianAvatar
    camera: Camera


def plaid(points: np.ndarray) -> np.ndarray:
    """Colours [N,3] that vary over the body."""
    return 0.5 + 0.4 * np.sin(points * [9.0, 7.0, 11.0] + [0.0, 1.0, 2.0])


def truth_avatar(body: BodyModel, count: int = 3000, seed: int = 5) -> GaussianAvatar:
    """A body covered with a plaid of Gaussians."""
    vertices = body.v_template.numpy()
    anchors = sample_surface(vertices, body.faces, body.parts, count, seed)
    points = (vertices[body.faces[anchors.face]] * anchors.bary[..., None]).sum(axis=1)
    return GaussianAvatar(body, anchors, np.zeros(body.num_betas, np.float32), plaid(points)).requires_grad_(False)


def plain_canonical(body: BodyModel, value: int = 128) -> Canonical:
    """The body's mesh with a texture of one grey, seen everywhere."""
    return Canonical(
        rest_vertices=body.v_template.numpy(), faces=body.faces, vt=body.vt, ft=body.ft,
        texture=np.full((16, 16, 3), value, np.uint8), texture_seen=np.full((16, 16), 255, np.uint8),
        normal=np.full((16, 16, 3), 128, np.uint8),
    )  # fmt: skip


def turning_track(length: int, body: BodyModel, K: np.ndarray) -> BodyTrack:
    """A person 3 m away who turns by 60 degrees and swings the arms."""
    time = np.linspace(-1.0, 1.0, length)
    upright = torch.tensor([torch.pi, 0.0, 0.0])
    import roma

    turns = torch.from_numpy(np.stack([0 * time, 0.5 * time, 0 * time], axis=1).astype(np.float32))
    orient = roma.rotvec_composition([upright.expand(length, 3), turns]).numpy()
    pose = np.zeros((length, len(body.parents), 3), np.float32)
    pose[:, body.joint("left_shoulder"), 2] = -0.9 + 0.3 * time
    pose[:, body.joint("right_shoulder"), 2] = 0.9 + 0.3 * time
    return BodyTrack(
        global_orient=orient, body_pose=pose[:, 1:].reshape(length, -1),
        transl=np.tile(np.float32([0.0, 0.15, 3.0]), (length, 1)),
        betas=np.zeros(body.num_betas, np.float32), K=K, body_model=(body.name, body.sha256),
        reprojection_px=np.zeros(length, np.float32), valid=np.ones(length, bool),
    )  # fmt: skip


def make_scene(
    folder: Path,
    length: int = 12,
    background: float = 0.2,
    light: float = 0.0,
    body: BodyModel | None = None,
    truth: GaussianAvatar | None = None,
) -> Scene:
    """Render the video of ``truth``, by default the plaid, into ``folder``, ``light`` of it from the picture's right."""
    body = sausage_body() if body is None else body
    K = np.array([[200.0, 0.0, WIDTH / 2], [0.0, 200.0, HEIGHT / 2], [0.0, 0.0, 1.0]])
    camera = Camera(K, WIDTH, HEIGHT)
    track, truth = turning_track(length, body, K), truth_avatar(body) if truth is None else truth
    truth.light[0] = light
    (folder / "frames").mkdir(parents=True)
    (folder / "alpha").mkdir()
    for frame in range(length):
        render = render_frame(truth, track, frame, camera, background)
        pixels = (render.rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(folder / "frames" / f"{frame:06d}.jpg", quality=97, subsampling=0)
        write_alpha(folder / "alpha", frame, render.alpha.numpy())
    frames = Frames(
        folder=folder / "frames", fps=25.0, width=WIDTH, height=HEIGHT, source="made_up.mp4", source_sha256="1" * 64,
        source_frames=np.arange(length), K=K, K_source="config",
    )  # fmt: skip
    return Scene(frames, folder / "alpha", track, plain_canonical(body), body, truth, camera)


def render_frame(avatar: GaussianAvatar, track: BodyTrack, frame: int, camera: Camera, background: float = 1.0):
    """The avatar in the pose of one frame of a track."""
    pose = (torch.from_numpy(values[frame]) for values in (track.global_orient, track.body_pose, track.transl))
    with torch.no_grad():
        return avatar.render(*pose, camera=camera, background=torch.full((3,), background))
