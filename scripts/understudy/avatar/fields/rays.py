"""Where the rays of a picture run: their directions, and the shell round the body in which there is something to see."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from understudy.avatar.fields.surface import PosedSurface
from understudy.render.camera import Camera
from understudy.render.mesh import NEAR, MeshRender, rasterize_mesh, vertex_normals

LEAST_SIDE, MOST_SHRINK = 128, 4
"""Side, px, and factor to which pictures are shrunk where the shell is looked for: limbs must not be lost."""


@dataclass(frozen=True)
class ShellShape:
    """How thick the shell is, m."""

    outside: float
    """How far out of the body it reaches."""
    inside: float
    """How far behind the body's surface a ray is followed."""
    longest: float
    """How long a ray's way in front of that surface is at most."""


@dataclass(frozen=True)
class Shell:
    """Where the rays through a picture's pixels run in the shell, in depth along the camera's z, m.

    A ray that leaves it and meets it again, as beside an arm before the chest, leaves out what is between.
    """

    near: Tensor  # [H,W], infinity where they miss it
    leave: Tensor  # [H,W]
    back: Tensor  # [H,W], as ``leave`` where there is nothing to leave out
    far: Tensor  # [H,W]
    face: Tensor  # [H,W] int64
    """Face of the grown body that is met first, -1 where none is."""

    @classmethod
    def of(cls, posed: PosedSurface, camera: Camera, shape: ShellShape) -> "Shell":
        """Round a posed surface; of a large picture found on a smaller one, and a pixel wider than it is there."""
        width, height = camera.size
        shrink = max(1, min(MOST_SHRINK, min(camera.size) // LEAST_SIDE))
        if shrink > 1:
            whole = camera.crop(0, 0, -(-width // shrink) * shrink, -(-height // shrink) * shrink)
            camera = whole.scaled(1.0 / shrink)
        first, leave, last, skin = _layers(posed, camera, shape.outside)
        front = first.depth
        if shrink > 1:
            front, leave = _spread(front, np.minimum), _spread(leave, np.maximum)
            last, skin = _spread(last, np.maximum), _spread(skin, np.maximum)
        with np.errstate(invalid="ignore"):
            hit = np.isfinite(skin)
            far = np.where(hit, np.minimum(skin + shape.inside, np.maximum(last, skin)), last)
            far = np.maximum(far, front + 1e-3)
            leave = np.clip(leave, front, far)
            back = np.clip(np.where(hit, skin, last) - shape.longest, leave, far)
        depths = [np.where(np.isfinite(front), part, np.inf).astype(np.float32) for part in (front, leave, back, far)]
        parts = [np.repeat(np.repeat(part, shrink, 0), shrink, 1)[:height, :width] for part in (*depths, first.face)]
        device = posed.vertices.device
        *arrays, face = (torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in parts)
        return cls(arrays[0], arrays[1], arrays[2], arrays[3], face.long())


@dataclass(frozen=True)
class Rays:
    """Rays through pixels of a picture that meet the shell."""

    origin: Tensor  # [3] or [R,3] m, world frame
    directions: Tensor  # [R,3], world frame, as long as the way on which the depth grows by one
    near: Tensor  # [R] m, depth
    leave: Tensor  # [R]
    back: Tensor  # [R]
    far: Tensor  # [R]

    @classmethod
    def through(cls, pixels: Tensor, camera: Camera, shell: Shell) -> tuple["Rays", Tensor]:
        """Those through pixels [P,2] int64 (column, row), and which of the pixels they are [R]."""
        near = shell.near[pixels[:, 1], pixels[:, 0]]
        hit = torch.isfinite(near).nonzero()[:, 0]
        pixels = pixels[hit]
        origin, directions = lines_of_sight(pixels, camera)
        ways = [part[pixels[:, 1], pixels[:, 0]] for part in (shell.near, shell.leave, shell.back, shell.far)]
        return cls(origin, directions, *ways), hit

    def __len__(self) -> int:
        return len(self.near)

    def some(self, which: Tensor) -> "Rays":
        """Those that ``which`` [N] names."""
        ways = (self.near, self.leave, self.back, self.far)
        return Rays(self.origin.expand(len(self), 3)[which], self.directions[which], *(part[which] for part in ways))

    @property
    def way(self) -> Tensor:
        """How much depth [R] m is in the shell."""
        return self.leave - self.near + self.far - self.back

    def points(self, depths: Tensor) -> Tensor:
        """Places [R,S,3] m of depths [R,S] m."""
        return self.origin.expand(len(self), 3)[:, None] + depths[..., None] * self.directions[:, None]

    def stratified(self, count: int, jitter: Tensor | None = None) -> Tensor:
        """Depths [R,count], one in each of as many equal parts: its middle, or where ``jitter`` [R,count] 0..1 says."""
        at = torch.arange(count, device=self.near.device) + (0.5 if jitter is None else jitter)
        return self.depths(self.way[:, None] * at / count)

    def depths(self, inside: Tensor) -> Tensor:
        """Depths [R,S] m at which rays have been so far [R,S], m of depth, in the shell."""
        depths = self.near[:, None] + inside
        return depths + torch.where(depths > self.leave[:, None], (self.back - self.leave)[:, None], 0.0)

    def inside(self, depths: Tensor) -> Tensor:
        """How far [R,S], m of depth, rays have been in the shell at depths [R,S] m of places in it: what ``depths`` undoes."""
        left_out = torch.where(depths > self.leave[:, None], (self.back - self.leave)[:, None], 0.0)
        return depths - left_out - self.near[:, None]

    def steps(self, depths: Tensor) -> Tensor:
        """How much depth [R,S] m in the shell is nearer to each of depths [R,S] m, in order, than to the others."""
        inside = self.inside(depths)
        borders = 0.5 * (inside[:, 1:] + inside[:, :-1])
        borders = torch.cat([torch.zeros_like(self.way)[:, None], borders, self.way[:, None]], dim=1)
        return borders.diff(dim=1).clamp_min(0.0)


def lines_of_sight(pixels: Tensor, camera: Camera) -> tuple[Tensor, Tensor]:
    """Where a camera stands [3] m, and directions [P,3] to the centres of pixels [P,2] (column, row), world frame.

    These are as long as the way on which the depth grows by one.
    """
    inverse, axes, origin = (
        torch.from_numpy(part.astype(np.float32)).to(pixels.device)
        for part in (np.linalg.inv(camera.K), camera.view[:3, :3], camera.centre)
    )
    centres = functional.pad(pixels.float() + 0.5, (0, 1), value=1.0)
    return origin, centres @ inverse.T @ axes


def importance_sampled(places: Tensor, weights: Tensor, count: int, jitter: Tensor | None = None) -> Tensor:
    """Further places [R,count] along rays, more of them where weights [R,S] of places [R,S] are large; in order.

    Source: Mildenhall et al., NeRF (ECCV 2020), section 5.2.

    Args:
        places: In order, without gaps (``Rays.inside``).
        weights: How much of the pixel is seen at each.
        count: How many.
        jitter: Places [R,count] 0..1 within equal parts of the whole weight; their middles by default.
    """
    middles = 0.5 * (places[:, 1:] + places[:, :-1])
    inner = weights[:, 1:-1] + 1e-5
    sums = torch.cat([torch.zeros_like(inner[:, :1]), (inner / inner.sum(dim=1, keepdim=True)).cumsum(dim=1)], dim=1)
    at = (torch.arange(count, device=places.device) + (0.5 if jitter is None else jitter)) / count
    at = at.expand(len(places), count).contiguous()
    upper = torch.searchsorted(sums.contiguous(), at, right=True).clamp(1, sums.shape[1] - 1)
    low, high = sums.gather(1, upper - 1), sums.gather(1, upper)
    start, end = middles.gather(1, upper - 1), middles.gather(1, upper)
    return start + (end - start) * ((at - low) / (high - low).clamp_min(1e-9)).clamp(0.0, 1.0)


def _layers(
    posed: PosedSurface, camera: Camera, outside: float
) -> tuple[MeshRender, np.ndarray, np.ndarray, np.ndarray]:
    """A body grown by ``outside`` m, the depths [H,W] at which rays leave it first and last, and meet the body itself."""
    body = camera.to_camera(posed.vertices.cpu().numpy().astype(np.float64))
    faces = posed.surface.faces
    grown = body + outside * vertex_normals(body, faces)
    front = rasterize_mesh(grown, faces, camera.K, camera.size)
    leave = rasterize_mesh(grown, faces[:, ::-1], camera.K, camera.size, cull=True).depth
    skin = rasterize_mesh(body, faces, camera.K, camera.size).depth
    return front, leave, _farthest(grown, faces, camera), skin


def _farthest(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """Greatest depth [H,W] of a mesh of vertices [V,3] in the camera's frame; infinity where there is none."""
    # the mesh by the same pixels with 1 / z turned over, so that the farthest is the nearest
    inverse = 1.0 / np.maximum(vertices[:, 2], NEAR)
    total = inverse.max() + inverse.min()
    mirrored = vertices * (inverse / (total - inverse))[:, None]
    depth = rasterize_mesh(mirrored, faces, camera.K, camera.size).depth
    return np.where(np.isfinite(depth), 1.0 / (total - 1.0 / np.where(np.isfinite(depth), depth, 1.0)), np.inf)


def _spread(depth: np.ndarray, choose: np.ufunc) -> np.ndarray:
    """The least or the greatest depth [H,W] of each pixel and its eight neighbours; infinity where none has any."""
    empty = np.inf if choose is np.minimum else -np.inf
    padded = np.pad(np.where(np.isfinite(depth), depth, empty), 1, constant_values=empty)
    height, width = depth.shape
    windows = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    spread = choose.reduce(windows)
    return np.where(np.isfinite(spread), spread, np.inf)
