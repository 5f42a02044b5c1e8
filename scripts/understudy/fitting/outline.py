"""Silhouettes as evidence: their outlines, and how the body's surface lies to them."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from understudy.body.lbs import joint_transforms
from understudy.body.model import PARTS, BodyModel
from understudy.body.rig import PointRig
from understudy.fitting.motion import Motion, project
from understudy.fitting.terms import geman_mcclure
from understudy.formats.masks import read_alpha
from understudy.progress import track

logger = logging.getLogger(__name__)

CONTOUR_POINTS = 160
MASK_HEIGHT = 256
"""px; masks are cut to the person and reduced to this height."""

SURFACE_STEP = 0.045
"""m; one vertex is kept in each cube of this side."""

OUTLINE_SIGMA = 0.012
"""Standard deviation of an outline, as a share of the person's height."""

OUTLINE_WEIGHT = 0.15
"""Of each outline point: neighbours say nearly the same."""

ROBUSTNESS = 3.0
_CHUNK = 8


@dataclass(frozen=True)
class Outlines:
    """Outlines of ``S`` frames, ``C`` points each."""

    frames: Tensor  # [S] int64
    points: Tensor  # [S,C,2] px
    normals: Tensor  # [S,C,2], unit, outward
    weights: Tensor  # [S,C], 0 where the picture's border cuts the person
    size: tuple[int, int]
    """Width and height of the picture, px."""


@dataclass(frozen=True)
class Surface:
    """A thinned surface of the body."""

    rig: PointRig
    normals: Tensor  # [V,3] of the template

    @property
    def count(self) -> int:
        """Number of its vertices."""
        return len(self.normals)


@dataclass(frozen=True)
class Matches:
    """Which points of outline and surface belong together."""

    vertex: Tensor  # [S,C] int64, vertex of the body's own outline nearest to each outline point
    close: Tensor  # [S,C] float, 1 where such a vertex was found
    outline: Tensor  # [S,V] int64, outline point nearest to each vertex
    known: Tensor  # [S,V] float, 1 where that outline point is one and the vertex in the picture


def read_outlines(folder: Path, frames: Iterable[int]) -> Outlines | None:
    """Outlines of the silhouettes of ``frames``, one mask in memory at a time; None if none shows anybody."""
    found, size = [], (0, 0)
    for frame in track(list(frames), "reading silhouettes"):
        alpha = read_alpha(folder, frame)
        size = (alpha.shape[1], alpha.shape[0])
        outline = outline_of(alpha)
        if outline is not None:
            found.append((frame, outline))
    if not found:
        return None
    points = torch.from_numpy(np.stack([outline for _, outline in found])).float()
    edge = torch.tensor(size) * 0.01 + 1.0
    inside = ((points[..., :2] > edge) & (points[..., :2] < torch.tensor(size) - edge)).all(dim=-1)
    frames_found = torch.tensor([frame for frame, _ in found])
    return Outlines(frames_found, points[..., :2], points[..., 2:], inside.float(), size)


def outline_of(alpha: np.ndarray, count: int = CONTOUR_POINTS) -> np.ndarray | None:
    """``count`` points of the outline of a mask uint8 [H,W] with outward normals: [count,4] px, None if it is empty.

    Holes count as outline as well. The points lie where the softened mask crosses one half.
    """
    rows, columns = np.flatnonzero((alpha > 127).any(axis=1)), np.flatnonzero((alpha > 127).any(axis=0))
    if len(rows) < 8 or len(columns) < 4:
        return None
    top, left = max(rows[0] - 8, 0), max(columns[0] - 8, 0)
    crop = alpha[top : rows[-1] + 9, left : columns[-1] + 9]
    scale = min(1.0, MASK_HEIGHT / crop.shape[0])
    width, height = max(round(crop.shape[1] * scale), 8), max(round(crop.shape[0] * scale), 8)
    small = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    soft = cv2.GaussianBlur(cv2.copyMakeBorder(small, 4, 4, 4, 4, cv2.BORDER_CONSTANT), (0, 0), 1.5)
    pieces, _ = cv2.findContours((soft > 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    pixels = np.concatenate([piece[:, 0] for piece in pieces if len(piece) >= 12] or [np.zeros((0, 2), int)])
    if len(pixels) < 20:
        return None
    pixels = pixels[np.linspace(0, len(pixels), count, endpoint=False).astype(int)]
    x, y = pixels.T
    slope = np.stack([cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.125)])
    slope = slope[:, y, x].T
    steepness = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-3)
    normals = -slope / steepness
    shift = np.clip((soft[y, x][:, None] - 0.5) / steepness, -1.5, 1.5) * normals
    places = (pixels + 0.5 + shift - 4) * [crop.shape[1] / width, crop.shape[0] / height] + [left, top]
    return np.concatenate([places, normals], axis=1)


def thin_surface(body: BodyModel) -> Surface:
    """A surface of several hundred vertices of ``body``, evenly spread, without the mouth's inside."""
    faces = body.faces
    outside = np.unique(faces[body.parts != PARTS.index("inside")])
    vertices = body.v_template.numpy()
    _, first = np.unique(np.floor(vertices[outside] / SURFACE_STEP).astype(int), axis=0, return_index=True)
    used = torch.from_numpy(np.sort(outside[first]).astype(np.int64))
    corners = body.v_template[torch.from_numpy(faces.astype(np.int64))]
    flat = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.zeros_like(body.v_template)
    for corner in range(3):
        normals.index_add_(0, torch.from_numpy(faces[:, corner].astype(np.int64)), flat)
    rig = PointRig.of(body, used[:, None], torch.ones(len(used), 1))
    return Surface(rig, torch.nn.functional.normalize(normals[used], dim=-1))


def match(outlines: Outlines, surface: Surface, motion: Motion, K: Tensor) -> Matches:
    """Nearest partners for the present ``motion``.

    A point of the outline looks for vertices whose projected normal points its way, so that an arm's outline is never
    held against the torso's inside.
    """
    parts = []
    with torch.no_grad():
        for start in range(0, len(outlines.frames), _CHUNK):
            now = slice(start, start + _CHUNK)
            pixels, normals = _project_surface(surface, motion.at(outlines.frames[now]), K)
            parts.append(_match(outlines, now, pixels, normals))
    return Matches(*(torch.cat(values) for values in zip(*parts, strict=True)))


def outline_energy(
    outlines: Outlines, matches: Matches, surface: Surface, motion: Motion, K: Tensor, size_px: Tensor, slack: float
) -> Tensor:
    """Body inside the mask, and the mask explained by the body but for clothes.

    Args:
        outlines: Of ``S`` frames.
        matches: From ``match``.
        surface: The thinned body.
        motion: Over all frames.
        K: Camera [3,3].
        size_px: Height of the person in every frame [T].
        slack: How far clothes may stand off, as a share of the height.
    """
    pixels = project(motion.at(outlines.frames).points(surface.rig)[0], motion.camera(K))
    unit = size_px[outlines.frames, None]
    partner = torch.gather(pixels, 1, matches.vertex[..., None].expand(-1, -1, 2))
    gap = ((outlines.points - partner) * outlines.normals).sum(dim=-1) / unit
    gap = torch.relu(gap - slack) - torch.relu(-gap)
    explained = geman_mcclure((gap / OUTLINE_SIGMA).square(), ROBUSTNESS) * outlines.weights * matches.close
    border = torch.gather(outlines.points, 1, matches.outline[..., None].expand(-1, -1, 2))
    outward = torch.gather(outlines.normals, 1, matches.outline[..., None].expand(-1, -1, 2))
    beyond = torch.relu(((pixels - border) * outward).sum(dim=-1)) / unit
    outside = geman_mcclure((beyond / OUTLINE_SIGMA).square(), ROBUSTNESS) * matches.known
    points_a_vertex = outlines.points.shape[1] / surface.count
    return OUTLINE_WEIGHT * (explained.sum() + 2.0 * points_a_vertex * outside.sum())


def _project_surface(surface: Surface, motion: Motion, K: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels [S,V,2] and the picture's part [S,V,2] of the unit normals, as seen along each vertex's own ray."""
    rotations = motion.joint_rotations()
    vertices, joints = surface.rig.posed(motion.betas, rotations, motion.transl)
    turn = joint_transforms(rotations, joints[0], surface.rig.parents)[..., :3, :3]  # turns do not depend on places
    blended = torch.einsum("vj,tjab->tvab", surface.rig.weights, turn)
    normals = torch.nn.functional.normalize(torch.einsum("tvab,vb->tva", blended, surface.normals), dim=-1)
    rays = torch.nn.functional.normalize(vertices, dim=-1)
    across = normals - (normals * rays).sum(dim=-1, keepdim=True) * rays
    return project(vertices, motion.camera(K)), across[..., :2]


def _match(outlines: Outlines, now: slice, pixels: Tensor, normals: Tensor) -> tuple[Tensor, ...]:
    points, outward = outlines.points[now], outlines.normals[now]
    distance = torch.cdist(points, pixels)
    extent = (points.amax(dim=1) - points.amin(dim=1)).amax(dim=-1)[:, None, None]
    disagreement = 1.0 - outward @ normals.mT  # 0 for a vertex on the body's outline that faces the same way
    cost = distance / extent + 0.15 * disagreement
    best, vertex = cost.min(dim=2)
    close = (best < 0.2).float()
    nearest = distance.min(dim=1).indices
    weight = torch.gather(outlines.weights[now], 1, nearest)
    in_picture = ((pixels > 0) & (pixels < torch.tensor(outlines.size))).all(dim=-1)
    return vertex, close, nearest, weight * in_picture
