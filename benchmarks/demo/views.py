"""The demo actor's avatar in the views that its video does not show: 60 degrees to the left, and 150 degrees round."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import roma
import torch
from PIL import Image

from benchmarks.demo.lighting import Lit, with_one_light
from benchmarks.support.runs import REPOSITORY
from benchmarks.support.truth import Truth, posed_joints
from understudy.avatar.archive import AvatarArchive
from understudy.body.model import BodyModel
from understudy.formats.smpl import BodyTrack
from understudy.metrics.image import psnr, ssim
from understudy.metrics.masks import iou
from understudy.render.camera import Camera
from understudy.render.mesh import rasterize_mesh, vertex_normals

VIEWS = REPOSITORY / "data/demo/truth/views"
MARGIN = 0.05
"""Round the person's box, of its height."""


@dataclass(frozen=True)
class View:
    """One picture from another side."""

    name: str
    lit: Lit
    """The avatar on white, the truth on white, and the normals of the body where both show it."""
    alpha: np.ndarray  # [H,W] of the avatar
    mask: np.ndarray  # [H,W] bool


def view_rows(archive: AvatarArchive, body: BodyModel, truth: Truth, pictures: Path | None) -> list[tuple[str, str]]:
    """PSNR and SSIM in the unseen views, as they are and after one light is fitted to all of them."""
    views = list(shown_views(archive, body, truth))
    relit = with_one_light([view.lit for view in views])
    rows = []
    for name in dict.fromkeys(view.name for view in views):
        own = [(view, lit) for view, lit in zip(views, relit, strict=True) if view.name == name]
        scores, lit_scores, overlaps = [], [], []
        for view, lit in own:
            box = person_box(view.mask)
            true, rgb = view.lit.truth[box], view.lit.render[box]
            scores.append((psnr(rgb, true), ssim(rgb, true)))
            lit_scores.append((psnr(lit[box], true), ssim(lit[box], true)))
            overlaps.append(iou(view.alpha > 0.5, view.mask))
        (decibels, similarity), (lit_decibels, lit_similarity) = (
            np.mean(each, axis=0) for each in (scores, lit_scores)
        )
        text = f"{decibels:.2f} dB / {similarity:.4f} / {np.mean(overlaps):.3f}"
        rows.append((f"unseen view '{name}': PSNR / SSIM, person's box on white / mask IoU", text))
        rows.append((f"unseen view '{name}', one light fitted", f"{lit_decibels:.2f} dB / {lit_similarity:.4f}"))
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            sheet = np.concatenate([np.concatenate([v.lit.truth, v.lit.render, lit]) for v, lit in own], axis=1)
            Image.fromarray((255 * sheet).round().astype(np.uint8)).save(pictures / f"view_{name}.png")
    return rows


def shown_views(archive: AvatarArchive, body: BodyModel, truth: Truth) -> Iterator[View]:
    """Truth and render, after one similarity for the whole clip, found from the joints."""
    poses = archive.poses
    joints, true = posed_joints(body, poses), truth["joints"]
    R, t, s = roma.rigid_points_registration(
        torch.from_numpy(joints.reshape(-1, 3)).double(),
        torch.from_numpy(true.reshape(-1, 3)).double(),
        compute_scaling=True,
    )
    for name, K, to_view in zip(truth["view_names"].tolist(), truth["view_K"], truth["view_views"], strict=True):
        # a similarity before a projection is a rigid motion: sizes and distances shrink together
        placed = np.eye(4)
        placed[:3, :3] = to_view[:3, :3] @ R.numpy()
        placed[:3, 3] = (to_view[:3, :3] @ t.numpy() + to_view[:3, 3]) / float(s)
        for frame in truth["view_frames"].tolist():
            stem = VIEWS / f"{name}_{frame:06d}"
            photo = np.array(Image.open(stem.with_suffix(".jpg")).convert("RGB")) / 255.0
            share = np.array(Image.open(stem.with_suffix(".png")))[..., None] / 255.0
            camera = Camera(K=K, view=placed, width=photo.shape[1], height=photo.shape[0])
            rgb, alpha = render_frame(archive, frame, camera)
            normals = body_normals(body, poses, frame, camera)
            normals[(share[..., 0] < 0.9) | (alpha < 0.9)] = 0.0
            on_white = (photo * share + 1.0 - share).astype(np.float32)
            yield View(name, Lit(rgb.clip(0, 1), on_white, normals), alpha, share[..., 0] > 0.5)


def render_frame(archive: AvatarArchive, frame: int, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Colours on white [H,W,3] and alpha [H,W] of the avatar in a frame's refined pose."""
    parts = (torch.from_numpy(part) for part in pose_of(archive.poses, frame))
    with torch.no_grad():
        render = archive.avatar.render(*parts, camera=camera, background=torch.ones(3))
    return render.rgb.numpy(), render.alpha.numpy()


def body_normals(body: BodyModel, poses: BodyTrack, frame: int, camera: Camera) -> np.ndarray:
    """Normals [H,W,3] of the posed body in the world, zeros beside it."""
    parts = (torch.from_numpy(part[None]) for part in pose_of(poses, frame))
    with torch.no_grad():
        vertices = body(torch.from_numpy(poses.betas), *parts).vertices[0].numpy()
    seen = vertices @ camera.view[:3, :3].T + camera.view[:3, 3]
    render = rasterize_mesh(seen.astype(np.float32), body.faces, camera.K, camera.size)
    return render.interpolate(vertex_normals(vertices, body.faces), body.faces)


def pose_of(poses: BodyTrack, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters of one frame."""
    return poses.global_orient[frame], poses.body_pose[frame], poses.transl[frame]


def person_box(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of a mask's box with a margin."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    margin = round(MARGIN * (rows[-1] - rows[0]))
    return (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
    )
