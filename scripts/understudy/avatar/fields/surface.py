"""The body's outer surface in a pose, as fields see it: to which of its places a point belongs, and where that is at rest.

Source for the warp: Geng et al., Learning Neural Volumetric Representations of Dynamic Humans in Minutes (CVPR 2023),
section 3.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from understudy.avatar.fields import numba_surface
from understudy.avatar.fields.anchors import spread_anchors, vertex_anchors
from understudy.body.joints import BIG_POSE
from understudy.body.lbs import joint_transforms, skin
from understudy.body.model import PARTS, BodyModel
from understudy.render import jit

NEAR = 4
"""Anchors that a place moves with."""
CELL = 0.0125
"""Side of the cells in which near anchors are looked for, m."""
SLACK = 0.02
"""A part counts where it is no more than this farther than the nearest one, m."""


class Surface:
    """Vertices and faces that can be seen, and anchors all over them, which belong to parts."""

    def __init__(
        self,
        body: BodyModel,
        betas: Tensor,
        parts: Sequence[Sequence[str]] = (),
        canonical: Mapping[str, Sequence[float]] = BIG_POSE,
        at_vertices: bool = False,
    ) -> None:
        """Of a body in the shape of ``betas`` [B].

        Args:
            body: Whose.
            betas: The shape in which the field is learned.
            parts: Names of the joints of each part; an anchor belongs to the joint that moves it most. None for one part.
            canonical: Turns of joints in the pose in which the field lives, as ``BodyModel.rotations_of`` takes them.
            at_vertices: Whether the anchors are just the vertices, in their order.
        """
        seen = body.parts != PARTS.index("inside")
        self.body, self.part_count = body, max(1, len(parts))
        self.vertices, faces = np.unique(body.faces[seen], return_inverse=True)
        self.faces = faces.reshape(-1, 3).astype(np.int32)
        self.face_parts = body.parts[seen]
        device = body.v_template.device
        self.uv = torch.from_numpy(body.vt[body.ft[seen]]).float().to(device)  # [F,3,2]
        self._index = torch.from_numpy(self.vertices).to(device)
        with torch.no_grad():
            rest, joints = body.shaped(betas.detach())
            self.rest = rest[self._index]
        find = vertex_anchors if at_vertices else spread_anchors
        # on the body's own template: learned codes hang on the anchors' numbers, which no rounding of a shape may change
        template = body.v_template[self._index].cpu().numpy().astype(np.float64).round(6)
        face, bary, self.rings = find(template, self.faces)
        self.template = np.einsum("ak,akc->ac", bary, template[self.faces[face]])  # [A,3] float64
        self.corners = torch.from_numpy(self.faces[face].astype(np.int64)).to(device)
        self.bary = torch.from_numpy(bary).float().to(device)
        self.weights = self.at_anchors(body.lbs_weights[self._index])  # [A,J]
        self.part = _part_of(self.weights, body, parts)
        with torch.no_grad():
            big = joint_transforms(body.rotations_of(canonical)[None].to(rest), joints, body.parents)[0]
            self.to_canonical = torch.einsum("aj,jbc->abc", self.weights, big)  # [A,4,4]
            anchors = self.at_anchors(self.rest)
            self.canonical = (self.to_canonical[:, :3, :3] @ anchors[..., None])[..., 0] + self.to_canonical[:, :3, 3]

    def at_anchors(self, values: Tensor) -> Tensor:
        """Values [A,...] at the anchors, from those [V,...] of the vertices."""
        return torch.einsum("ak,ak...->a...", self.bary, values[self.corners])

    def uv_at(self, closest: "ClosestPoints") -> Tensor:
        """Where [N,2] places on the surface are on the skin, u right and v up."""
        return (closest.bary[..., None] * self.uv[closest.face]).sum(dim=1)

    def posed(self, betas: Tensor, rotations: Tensor, transl: Tensor) -> "PosedSurface":
        """In a shape [B], a pose of rotations [J,3,3] and a translation [3] m; no gradient goes through it."""
        body = self.body
        with torch.no_grad():
            rest, joints = body.shaped(betas)
            rest = rest[self._index]
            if body.pose_offsets is not None:
                rest = rest + body.pose_offsets(rotations[None])[0, self._index]
            transforms = joint_transforms(rotations[None], joints, body.parents)
            transforms[..., :3, 3] += transl
            vertices = skin(rest, body.lbs_weights[self._index], transforms)[0]
            back = torch.linalg.inv(torch.einsum("aj,jbc->abc", self.weights, transforms[0]))
            # what another shape and the pose's correctives add to the learned shape is taken off again
            back[:, :3, 3] -= self.at_anchors(rest - self.rest)
            return PosedSurface(self, vertices, (self.to_canonical @ back)[:, :3].contiguous())


@dataclass(frozen=True)
class Places:
    """Where points in space belong on a posed surface: a row for each pair of a point and a part that is near it."""

    point: Tensor  # [R] int64
    """Which point; rows are sorted by part."""
    ends: tuple[int, ...]  # [P]
    """Where each part's rows end."""
    nearest: Tensor  # [R] int64
    """The nearest of the part's anchors."""
    canonical: Tensor  # [R,3] m
    """Where the point is in the big pose."""
    axes: Tensor  # [R,3,3]
    """What turns directions at the point into those of the big pose; not quite a rotation where weights are mixed."""
    distance: Tensor  # [R] m, to ``nearest``


@dataclass(frozen=True)
class ClosestPoints:
    """Places on a surface that are nearest to points in space."""

    face: Tensor  # [N] int64
    bary: Tensor  # [N,3]
    distance: Tensor  # [N] m, negative inside


@dataclass(frozen=True)
class PosedSurface:
    """A surface in a pose."""

    surface: Surface
    vertices: Tensor  # [V,3] m, world frame
    back: Tensor  # [A,3,4]
    """What takes each anchor from the world to the big pose."""

    @cached_property
    def anchors(self) -> Tensor:
        """The vertices [A,3] m that places move with."""
        return self.surface.at_anchors(self.vertices)

    def places(self, points: Tensor, reach: float, sigma: float) -> Places:
        """Where points [N,3] of the world belong; those farther than ``reach`` m from all anchors nowhere.

        A point goes back to the big pose with its part's four nearest anchors, by weights ``exp(-d^2 / (2 sigma^2))``.
        """
        index, squares = self.near(points, reach)
        part, point = (index[..., 0] >= 0).T.nonzero(as_tuple=True)
        ends = torch.bincount(part, minlength=self.surface.part_count).cumsum(0).tolist()
        index, squares = index[point, part], squares[point, part]
        if points.device.type == "cpu":
            canonical, axes = self._blend_on_cpu(points, point, index, squares, sigma)
        else:
            canonical, axes = self._blend(points, point, index, squares, sigma)
        return Places(point, tuple(ends), index[:, 0].long(), canonical, axes, squares[:, 0].sqrt())

    def near(self, points: Tensor, reach: float) -> tuple[Tensor, Tensor]:
        """The nearest anchors of each part [N,P,4] int32 and their squared distances, -1 and infinity where there are fewer.

        They are within ``reach`` m, and within ``SLACK`` of the nearest one's distance.
        """
        if points.device.type == "cpu":
            return self._near_on_cpu(points, reach)
        return self.near_by_distances(points, reach)

    def near_by_distances(self, points: Tensor, reach: float, chunk: int = 1 << 14) -> tuple[Tensor, Tensor]:
        """The same by all distances, on any device."""
        index, squares = [], []
        for some in points.split(chunk):
            rows = torch.cdist(some, self.anchors, compute_mode="donot_use_mm_for_euclid_dist")
            reach_of = (rows.amin(dim=1, keepdim=True) + SLACK).clamp_max(reach)
            each = [self._nearest_of(rows, part, reach_of) for part in range(self.surface.part_count)]
            index.append(torch.stack([one[0] for one in each], dim=1))
            squares.append(torch.stack([one[1] for one in each], dim=1))
        if not index:
            empty = points.new_zeros(0, self.surface.part_count, NEAR)
            return empty.int(), empty
        return torch.cat(index), torch.cat(squares)

    def closest(self, points: Tensor, nearest: Tensor) -> ClosestPoints:
        """The nearest places on the faces round the ``nearest`` anchors [N] of points [N,3]."""
        starts, ring = self.surface.rings
        face, bary = np.zeros(len(points), np.int32), np.zeros((len(points), 3), np.float32)
        distance = np.zeros(len(points), np.float32)
        with jit.threads(torch.get_num_threads()):
            numba_surface.nearest_on_rings(
                points.detach().cpu().contiguous().numpy(), nearest.cpu().contiguous().numpy(), self._arrays,
                self.surface.faces, starts, ring, face, bary, distance,
            )  # fmt: skip
        to = points.device
        return ClosestPoints(*(torch.from_numpy(part).to(to) for part in (face.astype(np.int64), bary, distance)))

    @cached_property
    def _arrays(self) -> np.ndarray:
        return self.vertices.cpu().contiguous().numpy()

    @cached_property
    def _cells(self) -> tuple[np.ndarray, ...]:
        """Vertices and parts in the order of a grid's cells, that order, and the grid."""
        vertices = self.anchors.cpu().contiguous().numpy()
        origin = vertices.min(axis=0) - 1e-4
        counts = np.maximum(((vertices.max(axis=0) + 1e-4 - origin) / CELL).astype(np.int64) + 1, 1)
        starts, order = numba_surface.sort_into_cells(vertices, origin, np.float32(CELL), counts)
        return vertices[order], self.surface.part.cpu().numpy()[order], order, starts, origin, counts

    def _near_on_cpu(self, points: Tensor, reach: float) -> tuple[Tensor, Tensor]:
        vertices, parts, order, starts, origin, counts = self._cells
        shape = (len(points), self.surface.part_count, NEAR)
        index, squares = torch.empty(shape, dtype=torch.int32), torch.empty(shape)
        with jit.threads(torch.get_num_threads()):
            numba_surface.nearest_by_part(
                points.detach().contiguous().numpy(), vertices, parts, order, starts, origin, np.float32(CELL), counts,
                np.float32(reach), np.float32(SLACK), index.numpy(), squares.numpy(),
            )  # fmt: skip
        return index, squares

    def _nearest_of(self, distances: Tensor, part: int, reach: Tensor) -> tuple[Tensor, Tensor]:
        members = (self.surface.part == part).nonzero()[:, 0]
        found, place = distances[:, members].topk(min(NEAR, len(members)), dim=1, largest=False)
        near = found < reach
        index = distances.new_full((len(distances), NEAR), -1, dtype=torch.int32)
        squares = distances.new_full((len(distances), NEAR), torch.inf)
        count = found.shape[1]
        index[:, :count] = torch.where(near, members[place], -1).int()
        squares[:, :count] = torch.where(near, found.square(), torch.inf)
        return index, squares

    def _blend_on_cpu(
        self, points: Tensor, point: Tensor, index: Tensor, squares: Tensor, sigma: float
    ) -> tuple[Tensor, Tensor]:
        canonical, axes = torch.empty(len(point), 3), torch.empty(len(point), 3, 3)
        with jit.threads(torch.get_num_threads()):
            numba_surface.blend_transforms(
                points.detach().contiguous().numpy(), point.numpy(), index.contiguous().numpy(),
                squares.contiguous().numpy(), self.back.numpy(), np.float32(sigma), canonical.numpy(), axes.numpy(),
            )  # fmt: skip
        return canonical, axes

    def _blend(
        self, points: Tensor, point: Tensor, index: Tensor, squares: Tensor, sigma: float
    ) -> tuple[Tensor, Tensor]:
        weights = ((squares[:, :1] - squares) / (2.0 * sigma**2)).exp()
        blended = (weights[..., None, None] * self.back[index.clamp_min(0).long()]).sum(dim=1)
        blended = blended / weights.sum(dim=1)[:, None, None]
        return (blended[..., :3] @ points[point][..., None])[..., 0] + blended[..., 3], blended[..., :3]


def _part_of(weights: Tensor, body: BodyModel, parts: Sequence[Sequence[str]]) -> Tensor:
    """Part [V] uint8 of each vertex; a joint that no part names goes with its parent."""
    of = np.zeros(len(body.joint_names), np.uint8)
    for joint, name in enumerate(body.joint_names):
        named = [number for number, names in enumerate(parts) if name in names]
        of[joint] = named[0] if named else of[max(0, body.parents[joint])]
    return torch.from_numpy(of[weights.argmax(dim=1).cpu().numpy()]).to(weights.device)
